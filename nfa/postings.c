#include "nfa/postings.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct postings *postings_new(uint64_t first_serial)
{
    struct postings *p = xcalloc(1, sizeof(*p));
    p->next = first_serial;
    p->bytes = sizeof(*p);
    return p;
}

void postings_free(struct postings *p)
{
    for (size_t t = 0; p && t < POSTINGS_TESTS; t++) {
        free(p->lists[t].serials);
    }
    free(p);
}

static void forget_before(struct posting_list *l, uint64_t first)
{
    while (l->lo < l->n && l->serials[l->lo] < first) {
        l->lo++;
    }
    if (l->lo > 64 && l->lo > l->n / 2) {
        memmove(l->serials, l->serials + l->lo, (l->n - l->lo) * sizeof(*l->serials));
        l->n -= l->lo;
        l->lo = 0;
    }
}

void postings_add(struct postings *p, uint64_t first, uint64_t serial, uint64_t tests)
{
    for (; tests; tests &= tests - 1) {
        struct posting_list *l = &p->lists[__builtin_ctzll(tests)];
        size_t cap = l->cap;
        if (l->n == cap) {
            forget_before(l, first);
        }
        VEC_PUSH(l->serials, l->n, l->cap) = serial;
        p->bytes += (l->cap - cap) * sizeof(*l->serials);
    }
    p->next = serial + 1;
}

void postings_drop_last(struct postings *p, uint64_t serial, uint64_t tests)
{
    if (serial + 1 != p->next) {
        return; /* not entered yet */
    }
    for (; tests; tests &= tests - 1) {
        p->lists[__builtin_ctzll(tests)].n--;
    }
    p->next = serial;
}

size_t postings_seek(struct posting_list *l, uint64_t first, uint64_t serial)
{
    forget_before(l, first);
    size_t lo = l->lo, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->serials[mid] < serial) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}
