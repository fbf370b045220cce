#include "lib/replay_pairs.h"

#include <stdlib.h>

#include "base/xalloc.h"

uint32_t pair_common(const struct pair_side *was, const struct replay_alert *a,
                     const struct pair_side *is, const struct replay_alert *b)
{
    const uint64_t *x = &was->alerts->pool[a->events], *y = &is->alerts->pool[b->events];
    uint32_t n = 0, i = 0, k = 0;
    while (i < a->n_events && k < b->n_events) {
        if (x[i] == y[k]) {
            n++;
            i++;
            k++;
        } else if (x[i] < y[k]) {
            i++;
        } else {
            k++;
        }
    }
    return n;
}

static void pair(struct pair_side *was, size_t i, struct pair_side *is, size_t k)
{
    was->with[i] = k;
    is->with[k] = i;
}

static int order(const struct replay_alert *a, const struct replay_alert *b)
{
    if (a->detected.ns != b->detected.ns) {
        return a->detected.ns < b->detected.ns ? -1 : 1;
    }
    return a->evidence < b->evidence ? -1 : a->evidence > b->evidence;
}

static void pair_same(struct pair_side *was, struct pair_side *is)
{
    size_t i = 0, k = 0;
    while (i < was->n && k < is->n) {
        int c = order(was->items[i], is->items[k]);
        if (c == 0) {
            pair(was, i, is, k);
        }
        i += c <= 0;
        k += c >= 0;
    }
}

/* ---- by events in common -------------------------------------------------------------------- */

/* An event of an alert that is not paired yet. */
struct mention {
    uint64_t event;
    size_t alert;
};

struct index {
    struct mention *items; /* by event, then alert */
    size_t n;
    uint32_t *shared; /* per alert, of the one that is looked for; 0 between two */
    size_t *touched;
};

static int compare_mentions(const void *a, const void *b)
{
    const struct mention *x = a, *y = b;
    if (x->event != y->event) {
        return x->event < y->event ? -1 : 1;
    }
    return x->alert < y->alert ? -1 : x->alert > y->alert;
}

static void index_make(struct index *ix, const struct pair_side *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        n += s->with[i] == PAIR_NONE ? s->items[i]->n_events : 0;
    }
    *ix = (struct index){.items = xcalloc(n + 1, sizeof(*ix->items)),
                         .shared = xcalloc(s->n + 1, sizeof(*ix->shared)),
                         .touched = xcalloc(s->n + 1, sizeof(*ix->touched))};
    for (size_t i = 0; i < s->n; i++) {
        const struct replay_alert *a = s->items[i];
        for (uint32_t k = 0; s->with[i] == PAIR_NONE && k < a->n_events; k++) {
            ix->items[ix->n++] = (struct mention){s->alerts->pool[a->events + k], i};
        }
    }
    if (ix->n > 1) {
        qsort(ix->items, ix->n, sizeof(*ix->items), compare_mentions);
    }
}

static void index_release(struct index *ix)
{
    free(ix->items);
    free(ix->shared);
    free(ix->touched);
}

static size_t first_mention(const struct index *ix, uint64_t event)
{
    size_t low = 0, high = ix->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ix->items[mid].event < event) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static uint64_t apart(const struct replay_alert *a, const struct replay_alert *b)
{
    int64_t ns = etime_diff(a->detected, b->detected).ns;
    return ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
}

/* How many events each candidate has in common with the alert, in ix->shared. */
static size_t count_shared(struct index *ix, const struct pair_side *was,
                           const struct replay_alert *a, const struct pair_side *is, bool same_time)
{
    size_t n = 0;
    for (uint32_t e = 0; e < a->n_events; e++) {
        uint64_t event = was->alerts->pool[a->events + e];
        uint32_t looked = 0;
        for (size_t i = first_mention(ix, event); i < ix->n && ix->items[i].event == event; i++) {
            size_t k = ix->items[i].alert;
            bool fits = is->with[k] == PAIR_NONE &&
                        (!same_time || is->items[k]->detected.ns == a->detected.ns);
            if (fits && looked++ < PAIR_CANDIDATES) {
                if (ix->shared[k]++ == 0) {
                    ix->touched[n++] = k;
                }
            }
        }
    }
    return n;
}

static size_t find_nearest(struct index *ix, const struct pair_side *was,
                           const struct replay_alert *a, const struct pair_side *is, bool same_time)
{
    size_t n = count_shared(ix, was, a, is, same_time), best = PAIR_NONE;
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = ix->touched[i];
        uint32_t shared = ix->shared[k];
        ix->shared[k] = 0;
        bool better = best == PAIR_NONE || shared > most;
        if (!better && shared == most) {
            uint64_t x = apart(is->items[k], a), y = apart(is->items[best], a);
            better = x != y ? x < y : k < best;
        }
        if (better) {
            best = k;
            most = shared;
        }
    }
    return best;
}

void pair_alerts(struct pair_side *was, struct pair_side *is)
{
    struct index ix;
    for (size_t i = 0; i < was->n; i++) {
        was->with[i] = PAIR_NONE;
    }
    for (size_t i = 0; i < is->n; i++) {
        is->with[i] = PAIR_NONE;
    }
    pair_same(was, is);
    index_make(&ix, is);
    for (int pass = 0; pass < 2 && ix.n > 0; pass++) {
        for (size_t i = 0; i < was->n; i++) {
            size_t k = was->with[i] != PAIR_NONE
                           ? PAIR_NONE
                           : find_nearest(&ix, was, was->items[i], is, pass == 0);
            if (k != PAIR_NONE) {
                pair(was, i, is, k);
            }
        }
    }
    index_release(&ix);
}
