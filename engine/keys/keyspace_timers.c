/* The timers of a keyspace: per stage a heap of entries by (time, key hash). They outlast evicted
 * records. */
#include "engine/keys/keyspace_parts.h"

int keyspace_timer_cmp(const struct heap_node *x, const struct heap_node *y)
{
    const struct key_entry *a = HEAP_ENTRY(x, const struct key_entry, timer);
    const struct key_entry *b = HEAP_ENTRY(y, const struct key_entry, timer);
    if (a->next_time.ns != b->next_time.ns) {
        return a->next_time.ns < b->next_time.ns ? -1 : 1;
    }
    return hash128_cmp(a->hash, b->hash);
}

void keyspace_set_timer(struct keyspace *ks, struct key_entry *e, struct etime t)
{
    struct heap *h = &ks->timers[e->stage];
    if (e->next_time.ns == t.ns) {
        return;
    }
    e->next_time = t;
    if (t.ns == INT64_MAX) {
        heap_remove(h, &e->timer);
    } else if (heap_has(&e->timer)) {
        heap_update(h, &e->timer);
    } else {
        heap_push(h, &e->timer);
    }
}

static struct key_entry *first_timer(const struct keyspace *ks, uint32_t stage)
{
    struct heap_node *node = heap_peek(&ks->timers[stage]);
    return node == NULL ? NULL : HEAP_ENTRY(node, struct key_entry, timer);
}

struct etime keyspace_next_time(const struct keyspace *ks, uint32_t stage)
{
    const struct key_entry *e = first_timer(ks, stage);
    return e == NULL ? ETIME_MAX : e->next_time;
}

/* The record of an entry, which the store has when memory has not. */
static enum err record_of(struct keyspace *ks, const struct key_entry *e, struct key_record **ret,
                          struct error *err)
{
    *ret = e->rec;
    if (e->rec != NULL) {
        return ERR_OK;
    }
    keyspace_evict(ks);
    FYKE_TRY(keyspace_load(ks, e->hash, ret, err));
    return *ret != NULL ? ERR_OK
                        : error_set(err, ERR_CORRUPT, "a record with a timer is missing in the "
                                    "state");
}

enum err keyspace_due(struct keyspace *ks, uint32_t stage, struct etime before,
                      struct key_record **ret, struct error *err)
{
    const struct key_entry *e = first_timer(ks, stage);
    *ret = NULL;
    return e == NULL || !etime_lt(e->next_time, before) ? ERR_OK : record_of(ks, e, ret, err);
}

enum err keyspace_timed(struct keyspace *ks, struct hash128 hash, struct key_record **ret,
                        struct error *err)
{
    const struct key_entry *e = keyspace_entry(ks, hash);
    *ret = NULL;
    return e == NULL ? ERR_OK : record_of(ks, e, ret, err);
}

static void walk_from(const struct heap *h, size_t i, const struct etime *before,
                      keyspace_timer_fn fn, void *ctx)
{
    if (i >= h->n) {
        return;
    }
    const struct key_entry *e = HEAP_ENTRY(h->nodes[i], const struct key_entry, timer);
    if (!etime_lt(e->next_time, *before)) {
        return; /* nor is anything below it earlier */
    }
    fn(ctx, e->next_time, e->hash);
    walk_from(h, 2 * i + 1, before, fn, ctx);
    walk_from(h, 2 * i + 2, before, fn, ctx);
}

void keyspace_timers(const struct keyspace *ks, uint32_t stage, const struct etime *before,
                     keyspace_timer_fn fn, void *ctx)
{
    walk_from(&ks->timers[stage], 0, before, fn, ctx);
}
