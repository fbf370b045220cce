#include "dsl/suggest.h"

/* Longer words are not compared: nobody mistypes one of them by two letters only. */
#define SUGGEST_MAX_BYTES 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: the three newest rows of the table. */
unsigned suggest_distance(struct slice a, struct slice b)
{
    unsigned rows[3][SUGGEST_MAX_BYTES + 1];
    size_t longer = a.len > b.len ? a.len : b.len;
    size_t shorter = a.len > b.len ? b.len : a.len;
    if (longer > SUGGEST_MAX_BYTES || longer - shorter > SUGGEST_MAX_DISTANCE) {
        return SUGGEST_MAX_DISTANCE + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *up = rows[(i - 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned change = a.ptr[i - 1] != b.ptr[j - 1];
            row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + change);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1]) {
                unsigned swap = rows[(i - 2) % 3][j - 2] + 1;
                row[j] = swap < row[j] ? swap : row[j];
            }
        }
    }
    unsigned d = rows[a.len % 3][b.len];
    return d <= SUGGEST_MAX_DISTANCE ? d : SUGGEST_MAX_DISTANCE + 1;
}

struct suggest suggest_for(struct slice word)
{
    return (struct suggest){.word = word, .distance = SUGGEST_MAX_DISTANCE + 1};
}

void suggest_try(struct suggest *s, struct slice candidate)
{
    unsigned d = suggest_distance(s->word, candidate);
    /* At least half of the word must be right: `l` is no mistyped `as`. */
    if (d < s->distance && d <= SUGGEST_MAX_DISTANCE && d * 2 <= s->word.len) {
        s->best = candidate;
        s->distance = d;
    }
}
