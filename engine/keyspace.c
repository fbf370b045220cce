#include "engine/keyspace.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/key.h"

/* Everything in memory: a chained hash table over the records' hashes, and what a checkpoint needs
 * to know about changes. */
struct keyspace {
    struct keyspace_options options;
    struct pool pool;
    struct key_record **buckets;
    size_t n_buckets; /* power of two */
    size_t n_records;
    struct heap *timers; /* per clock group */
    struct hash128 *dropped;
    size_t n_dropped, cap_dropped;
    uint64_t n_instances;
};

static int timer_cmp(const struct heap_node *x, const struct heap_node *y)
{
    const struct key_record *a = HEAP_ENTRY(x, const struct key_record, timer);
    const struct key_record *b = HEAP_ENTRY(y, const struct key_record, timer);
    if (a->next_time.ns != b->next_time.ns) {
        return a->next_time.ns < b->next_time.ns ? -1 : 1;
    }
    return hash128_cmp(a->hash, b->hash);
}

struct keyspace *keyspace_new(const struct keyspace_options *o)
{
    struct keyspace *ks = xcalloc(1, sizeof(*ks));
    ks->options = *o;
    pool_init(&ks->pool);
    ks->n_buckets = 64;
    ks->buckets = xcalloc(ks->n_buckets, sizeof(*ks->buckets));
    ks->timers = xcalloc(o->rs->n_clock_groups ? o->rs->n_clock_groups : 1, sizeof(*ks->timers));
    for (uint32_t i = 0; i < o->rs->n_clock_groups; i++) {
        heap_init(&ks->timers[i], timer_cmp);
    }
    return ks;
}

static void record_free(struct keyspace *ks, struct key_record *rec)
{
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        instance_free(rec->slots[i].instance);
    }
    ks->n_instances -= rec->n_slots;
    pool_free(&ks->pool, rec->slots, rec->cap_slots * sizeof(*rec->slots));
    pool_free(&ks->pool, rec, rec->bytes);
}

void keyspace_free(struct keyspace *ks)
{
    if (ks == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ks->options.rs->n_clock_groups; i++) {
        heap_release(&ks->timers[i]);
    }
    for (size_t i = 0; i < ks->n_buckets; i++) {
        for (struct key_record *rec = ks->buckets[i], *next; rec != NULL; rec = next) {
            next = rec->chain;
            record_free(ks, rec);
        }
    }
    free(ks->timers);
    free(ks->buckets);
    free(ks->dropped);
    pool_release(&ks->pool);
    free(ks);
}

struct pool *keyspace_pool(struct keyspace *ks)
{
    return &ks->pool;
}

/* ---- records ------------------------------------------------------------------------------ */

static struct key_record **bucket_of(const struct keyspace *ks, struct hash128 hash)
{
    return &ks->buckets[hash.lo & (ks->n_buckets - 1)];
}

static void table_grow(struct keyspace *ks)
{
    struct key_record **old = ks->buckets;
    size_t n_old = ks->n_buckets;
    ks->n_buckets = n_old * 2;
    ks->buckets = xcalloc(ks->n_buckets, sizeof(*ks->buckets));
    for (size_t i = 0; i < n_old; i++) {
        for (struct key_record *rec = old[i], *next; rec != NULL; rec = next) {
            next = rec->chain;
            struct key_record **b = bucket_of(ks, rec->hash);
            rec->chain = *b;
            *b = rec;
        }
    }
    free(old);
}

static struct key_record *table_find(const struct keyspace *ks, const struct key_ref *ref)
{
    struct key_record *rec = *bucket_of(ks, ref->hash);
    while (rec != NULL &&
           !(hash128_eq(rec->hash, ref->hash) && slice_eq(rec->canonical, ref->canonical))) {
        rec = rec->chain;
    }
    return rec;
}

static size_t text_bytes(const struct key_ref *ref)
{
    size_t n = 0;
    for (uint32_t i = 0; i < ref->n_values; i++) {
        assert(ref->values[i].kind != VAL_LIST); /* no key is a list */
        n += ref->values[i].kind == VAL_STRING ? ref->values[i].len : 0;
    }
    return n;
}

/* One block: the record, its values, their text, the canonical bytes. */
static struct key_record *record_new(struct keyspace *ks, const struct key_ref *ref)
{
    size_t values_bytes = ref->n_values * sizeof(struct value);
    size_t bytes = sizeof(struct key_record) + values_bytes + text_bytes(ref) + ref->canonical.len;
    struct key_record *rec = pool_zalloc(&ks->pool, bytes);
    struct value *values = (struct value *)(void *)(rec + 1);
    char *at = (char *)rec + sizeof(*rec) + values_bytes;
    for (uint32_t i = 0; i < ref->n_values; i++) {
        values[i] = ref->values[i];
        if (values[i].kind == VAL_STRING && values[i].len > 0) {
            memcpy(at, values[i].u.str, values[i].len);
            values[i].u.str = at;
            at += values[i].len;
        }
    }
    if (ref->canonical.len > 0) {
        memcpy(at, ref->canonical.ptr, ref->canonical.len);
    }
    rec->hash = ref->hash;
    rec->key_group = ref->key_group;
    rec->clock_group = ks->options.key_groups[ref->key_group].clock_group;
    rec->canonical = slice_from(at, ref->canonical.len);
    rec->values = values;
    rec->n_values = ref->n_values;
    rec->last = PLACE_MIN;
    rec->next_time = ETIME_MAX;
    rec->bytes = bytes;
    return rec;
}

enum err keyspace_find(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                       struct error *err)
{
    (void)err;
    *ret = table_find(ks, ref);
    return ERR_OK;
}

enum err keyspace_get(struct keyspace *ks, const struct key_ref *ref, struct key_record **ret,
                      struct error *err)
{
    FYKE_TRY(keyspace_find(ks, ref, ret, err));
    if (*ret != NULL) {
        return ERR_OK;
    }
    if (ks->n_records >= ks->n_buckets) {
        table_grow(ks);
    }
    struct key_record *rec = record_new(ks, ref);
    struct key_record **b = bucket_of(ks, ref->hash);
    rec->chain = *b;
    *b = rec;
    ks->n_records++;
    *ret = rec;
    return ERR_OK;
}

static void record_drop(struct keyspace *ks, struct key_record *rec)
{
    struct key_record **at = bucket_of(ks, rec->hash);
    while (*at != rec) {
        at = &(*at)->chain;
    }
    *at = rec->chain;
    ks->n_records--;
    heap_remove(&ks->timers[rec->clock_group], &rec->timer);
    record_free(ks, rec);
}

void keyspace_drop_if_empty(struct keyspace *ks, struct key_record *rec)
{
    if (rec->n_slots == 0) {
        record_drop(ks, rec);
    }
}

/* ---- instances ---------------------------------------------------------------------------- */

/* First slot whose rule is not below `rule`. */
static uint32_t slot_place(const struct key_record *rec, uint32_t rule)
{
    uint32_t lo = 0, hi = rec->n_slots;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (rec->slots[mid].rule < rule) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

struct instance *keyspace_instance(const struct key_record *rec, uint32_t rule)
{
    uint32_t i = slot_place(rec, rule);
    return i < rec->n_slots && rec->slots[i].rule == rule ? rec->slots[i].instance : NULL;
}

struct instance *keyspace_add_instance(struct keyspace *ks, struct key_record *rec, uint32_t rule)
{
    uint32_t i = slot_place(rec, rule);
    if (rec->n_slots == rec->cap_slots) {
        uint32_t cap = rec->cap_slots ? rec->cap_slots * 2 : 2;
        rec->slots = rec->slots == NULL
                         ? pool_alloc(&ks->pool, cap * sizeof(*rec->slots))
                         : pool_resize(&ks->pool, rec->slots,
                                       rec->cap_slots * sizeof(*rec->slots),
                                       cap * sizeof(*rec->slots));
        rec->cap_slots = cap;
    }
    memmove(&rec->slots[i + 1], &rec->slots[i], (rec->n_slots - i) * sizeof(*rec->slots));
    rec->slots[i] = (struct key_slot){
        .rule = rule,
        .instance = instance_new(&ks->options.rs->rules[rule], &ks->pool),
    };
    rec->n_slots++;
    ks->n_instances++;
    return rec->slots[i].instance;
}

static struct etime forget_empty_instances(struct keyspace *ks, struct key_record *rec)
{
    struct etime next = ETIME_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        struct instance *in = rec->slots[i].instance;
        if (instance_is_empty(in)) {
            instance_free(in);
            ks->n_instances--;
            continue;
        }
        struct etime t = instance_next_time(in);
        next = etime_lt(t, next) ? t : next;
        rec->slots[kept++] = rec->slots[i];
    }
    rec->n_slots = kept;
    return next;
}

static void set_timer(struct keyspace *ks, struct key_record *rec, struct etime t)
{
    struct heap *h = &ks->timers[rec->clock_group];
    if (rec->next_time.ns == t.ns) {
        return;
    }
    rec->next_time = t;
    if (t.ns == INT64_MAX) {
        heap_remove(h, &rec->timer);
    } else if (heap_has(&rec->timer)) {
        heap_update(h, &rec->timer);
    } else {
        heap_push(h, &rec->timer);
    }
}

bool keyspace_touch(struct keyspace *ks, struct key_record *rec, struct place at, bool changed)
{
    rec->last = place_max(rec->last, at);
    rec->dirty |= changed;
    struct etime next = forget_empty_instances(ks, rec);
    if (rec->n_slots == 0) {
        record_drop(ks, rec);
        return false;
    }
    set_timer(ks, rec, next);
    return true;
}

/* ---- timers ------------------------------------------------------------------------------- */

struct etime keyspace_next_time(const struct keyspace *ks, uint32_t clock_group)
{
    const struct heap_node *node = heap_peek(&ks->timers[clock_group]);
    return node == NULL ? ETIME_MAX : HEAP_ENTRY(node, struct key_record, timer)->next_time;
}

enum err keyspace_due(struct keyspace *ks, uint32_t clock_group, struct etime before,
                      struct key_record **ret, struct error *err)
{
    (void)err;
    struct heap_node *node = heap_peek(&ks->timers[clock_group]);
    struct key_record *rec = node == NULL ? NULL : HEAP_ENTRY(node, struct key_record, timer);
    *ret = rec != NULL && etime_lt(rec->next_time, before) ? rec : NULL;
    return ERR_OK;
}

/* ---- walks -------------------------------------------------------------------------------- */

static int by_hash(const void *x, const void *y)
{
    const struct key_record *const *a = x, *const *b = y;
    int c = hash128_cmp((*a)->hash, (*b)->hash);
    return c != 0 ? c : slice_cmp((*a)->canonical, (*b)->canonical);
}

static enum err walk(struct keyspace *ks, bool only_dirty, keyspace_each_fn fn, void *ctx,
                     struct error *err)
{
    struct key_record **all = xmalloc((ks->n_records + 1) * sizeof(struct key_record *));
    size_t n = 0;
    for (size_t i = 0; i < ks->n_buckets; i++) {
        for (struct key_record *rec = ks->buckets[i]; rec != NULL; rec = rec->chain) {
            if (rec->dirty || !only_dirty) {
                all[n++] = rec;
            }
        }
    }
    qsort(all, n, sizeof(struct key_record *), by_hash);
    enum err rc = ERR_OK;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = fn(ctx, all[i], err);
    }
    free(all);
    return rc;
}

enum err keyspace_each(struct keyspace *ks, keyspace_each_fn fn, void *ctx, struct error *err)
{
    return walk(ks, false, fn, ctx, err);
}

enum err keyspace_each_dirty(struct keyspace *ks, keyspace_each_fn fn, void *ctx,
                             struct error *err)
{
    return walk(ks, true, fn, ctx, err);
}

uint32_t keyspace_dropped(const struct keyspace *ks, const struct hash128 **ret)
{
    *ret = ks->dropped;
    return (uint32_t)ks->n_dropped;
}

void keyspace_saved(struct keyspace *ks)
{
    for (size_t i = 0; i < ks->n_buckets; i++) {
        for (struct key_record *rec = ks->buckets[i]; rec != NULL; rec = rec->chain) {
            for (uint32_t k = 0; rec->dirty && k < rec->n_slots; k++) {
                instance_saved(rec->slots[k].instance);
            }
            rec->dirty = false;
        }
    }
    ks->n_dropped = 0;
}

void keyspace_figures(struct keyspace *ks, struct keyspace_figures *ret)
{
    *ret = (struct keyspace_figures){.keys = ks->n_records, .instances = ks->n_instances};
    for (size_t i = 0; i < ks->n_buckets; i++) {
        for (struct key_record *rec = ks->buckets[i]; rec != NULL; rec = rec->chain) {
            ret->bytes += rec->bytes + rec->cap_slots * sizeof(*rec->slots);
            for (uint32_t k = 0; k < rec->n_slots; k++) {
                ret->events += instance_retained(rec->slots[k].instance);
                ret->bytes += instance_bytes(rec->slots[k].instance);
            }
        }
    }
    for (uint32_t i = 0; i < ks->options.rs->n_clock_groups; i++) {
        ret->timers += ks->timers[i].n;
    }
}
