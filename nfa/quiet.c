/* `quiet for D per …`: alerts at times ≤ T + D after an alert at T are held back and counted; at
 * T + D a record tells how many, and the next alert repeats the number (language.md section 2). */
#include <string.h>

#include "nfa/instance.h"

static struct quiet_entry *find(struct instance *in, struct slice per)
{
    struct quiet_list *l = in->quiet;
    for (uint32_t i = 0; l != NULL && i < l->n; i++) {
        if (slice_eq(l->items[i].per, per)) {
            return &l->items[i];
        }
    }
    return NULL;
}

static struct etime end_of(const struct instance *in, const struct quiet_entry *q)
{
    return etime_add(q->last_at, in->rule->quiet.length);
}

/* Kept in order of their canonical bytes, so that the order of quiet_ended records and the stored
 * bytes do not depend on history. */
void quiet_put(struct instance *in, struct quiet_entry entry)
{
    char *copy = pool_alloc(in->pool, entry.per.len + 1);
    if (entry.per.len) {
        memcpy(copy, entry.per.ptr, entry.per.len);
    }
    entry.per.ptr = copy;
    if (in->quiet == NULL) {
        in->quiet = pool_zalloc(in->pool, sizeof(*in->quiet));
    }
    struct quiet_list *l = in->quiet;
    l->items = pool_grow(in->pool, l->items, &l->cap, l->n + 1, sizeof(*l->items));
    uint32_t i = l->n++;
    for (; i > 0 && slice_cmp(l->items[i - 1].per, entry.per) > 0; i--) {
        l->items[i] = l->items[i - 1];
    }
    l->items[i] = entry;
}

static void drop(struct instance *in, uint32_t i)
{
    struct quiet_list *l = in->quiet;
    struct slice per = l->items[i].per;
    pool_free(in->pool, (void *)(uintptr_t)per.ptr, per.len + 1);
    memmove(l->items + i, l->items + i + 1, (l->n - i - 1) * sizeof(*l->items));
    l->n--;
}

void quiet_release(struct instance *in)
{
    struct quiet_list *l = in->quiet;
    if (l == NULL) {
        return;
    }
    while (l->n > 0) {
        drop(in, l->n - 1);
    }
    pool_free(in->pool, l->items, l->cap * sizeof(*l->items));
    pool_free(in->pool, l, sizeof(*l));
    in->quiet = NULL;
}

uint64_t quiet_bytes(const struct instance *in)
{
    return in->quiet != NULL ? sizeof(*in->quiet) + in->quiet->cap * sizeof(struct quiet_entry) : 0;
}

bool quiet_allows(struct instance *in, struct slice per, struct etime at, uint64_t *suppressed)
{
    *suppressed = 0;
    if (!in->rule->quiet.present) {
        return true;
    }
    struct quiet_entry *q = find(in, per);
    if (!q) {
        quiet_put(in, (struct quiet_entry){.per = per, .last_at = at});
        return true;
    }
    if (!q->ended && at.ns <= end_of(in, q).ns) {
        q->held++;
        return false;
    }
    *suppressed = q->held;
    q->last_at = at;
    q->held = 0;
    q->ended = false;
    return true;
}

/* The key stands for the group, so there is one entry. */
bool instance_ask_quiet(struct instance *in, struct etime at, uint64_t *ret_suppressed,
                        const struct nfa_call *call)
{
    in->told = false;
    bool allowed = quiet_allows(in, SLICE_LIT(""), at, ret_suppressed);
    nfa_scratch_counters(call->scratch)->suppressed += !allowed;
    return allowed;
}

struct etime quiet_next(const struct instance *in)
{
    struct etime next = ETIME_MAX;
    const struct quiet_list *l = in->quiet;
    for (uint32_t i = 0; l != NULL && i < l->n; i++) {
        struct etime end = end_of(in, &l->items[i]);
        if (!l->items[i].ended && etime_lt(end, next)) {
            next = end;
        }
    }
    return next;
}

/* What an old version held back has been told; if nothing is open it speaks no more. */
bool quiet_forget_told(struct instance *in)
{
    bool changed = false;
    if (retained_count(&in->events) > 0) {
        return false;
    }
    for (uint32_t i = quiet_count(in); i-- > 0;) {
        if (in->quiet->items[i].ended) {
            drop(in, i);
            changed = true;
        }
    }
    return changed;
}

bool quiet_end(struct instance *in, struct etime t, const struct nfa_call *call)
{
    bool changed = false;
    for (uint32_t i = 0; i < quiet_count(in);) {
        struct quiet_entry *q = &in->quiet->items[i];
        if (q->ended || end_of(in, q).ns > t.ns) {
            i++;
            continue;
        }
        changed = true;
        if (q->held == 0) {
            drop(in, i);
            continue;
        }
        q->ended = true;
        instance_tell(in, MATCH_QUIET_ENDED, end_of(in, q), q->held, call);
        i++;
    }
    return changed;
}
