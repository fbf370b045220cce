#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "lib/replay.h"

#define DIGIT_BITS 8
#define DIGITS (64 / DIGIT_BITS)
#define DIGIT_VALUES (1u << DIGIT_BITS)

/* Ascending as unsigned numbers just as the lengths are, negative ones too. */
static uint64_t digit_of(int64_t length, unsigned digit)
{
    uint64_t bits = (uint64_t)length ^ UINT64_C(1) << 63;
    return bits >> digit * DIGIT_BITS & (DIGIT_VALUES - 1);
}

/* By one digit; those that are equal in it stay in their order. */
static void sort_by_digit(const int64_t *from, size_t n, unsigned digit, const size_t *count, int64_t *to)
{
    size_t next[DIGIT_VALUES], sum = 0;
    for (unsigned v = 0; v < DIGIT_VALUES; v++) {
        next[v] = sum;
        sum += count[v];
    }
    for (size_t i = 0; i < n; i++) {
        to[next[digit_of(from[i], digit)]++] = from[i];
    }
}

void replay_lengths_sort(struct replay_lengths *l)
{
    size_t count[DIGITS][DIGIT_VALUES] = {0};
    if (l->n < 2) {
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        for (unsigned digit = 0; digit < DIGITS; digit++) {
            count[digit][digit_of(l->ns[i], digit)]++;
        }
    }
    int64_t *from = l->ns, *to = xmalloc(l->n * sizeof(*to));
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        if (count[digit][digit_of(from[0], digit)] == l->n) {
            continue; /* all have the same */
        }
        sort_by_digit(from, l->n, digit, count[digit], to);
        int64_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != l->ns) {
        memcpy(l->ns, from, l->n * sizeof(*from));
        to = from;
    }
    free(to);
}

int64_t replay_percentile(const struct replay_lengths *l, unsigned percent)
{
    if (l->n == 0) {
        return 0;
    }
    size_t rank = (l->n * percent + 99) / 100; /* nearest rank */
    return l->ns[rank > 0 ? rank - 1 : 0];
}
