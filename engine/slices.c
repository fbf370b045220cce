#include "engine/slices.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"

void slices_init(struct slices *s, uint32_t size)
{
    *s = (struct slices){.size = size > 0 ? size : SLICE_DEADLINES};
    arena_init(&s->values);
}

void slices_release(struct slices *s)
{
    arena_release(&s->values);
    free(s->keys);
    free(s->nearest);
    *s = (struct slices){0};
}

/* A waiting event stands at the limit: what is due behind it comes after it. */
static struct etime due_before(const struct clock_state *c)
{
    return etime_lt(c->limit.time, c->watermark) ? c->limit.time : c->watermark;
}

static bool has_levels(const struct engine *e, uint32_t g)
{
    return e->rs->clock_groups[g].n_levels > 1;
}

/* ---- what is due next --------------------------------------------------------------------- */

struct near_walk {
    struct slices *s;
    struct etime before; /* shrinks: later ones are not among the nearest */
};

static void near_sift_up(int64_t *heap, size_t i, int64_t t)
{
    while (i > 0 && heap[(i - 1) / 2] < t) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = t;
}

static void near_replace_top(int64_t *heap, size_t n, int64_t t)
{
    size_t i = 0;
    for (size_t child = 1; child < n; child = 2 * i + 1) {
        child += child + 1 < n && heap[child + 1] > heap[child];
        if (heap[child] <= t) {
            break;
        }
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = t;
}

static void note_near(void *ctx, struct etime t, struct hash128 hash)
{
    struct near_walk *w = ctx;
    struct slices *s = w->s;
    size_t most = (size_t)s->size + 1;
    (void)hash;
    if (s->n_nearest < most) {
        near_sift_up(s->nearest, s->n_nearest++, t.ns);
    } else {
        near_replace_top(s->nearest, most, t.ns);
    }
    if (s->n_nearest == most && s->nearest[0] < w->before.ns) {
        w->before.ns = s->nearest[0];
    }
}

static void find_nearest(struct engine *e)
{
    struct slices *s = &e->slices;
    s->n_nearest = 0;
    if (s->nearest == NULL) {
        s->nearest = xcalloc((size_t)s->size + 1, sizeof(*s->nearest));
    }
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        const struct clock_group *def = &e->rs->clock_groups[g];
        struct near_walk w = {s, due_before(&e->clocks[g])};
        if (s->n_nearest > s->size && s->nearest[0] < w.before.ns) {
            w.before.ns = s->nearest[0];
        }
        for (uint32_t i = 0; i < e->n_shards * def->n_levels; i++) {
            keyspace_timers(e->shards[i % e->n_shards].keyspace,
                            def->first_stage + i / e->n_shards, &w.before, note_near, &w);
        }
    }
}

static struct etime earliest(const struct slices *s)
{
    struct etime t = ETIME_MAX;
    for (size_t i = 0; i < s->n_nearest; i++) {
        t.ns = s->nearest[i] < t.ns ? s->nearest[i] : t.ns;
    }
    return t;
}

/* ---- one time with too many --------------------------------------------------------------- */

static int by_key(const void *x, const void *y)
{
    const struct due_key *a = x, *b = y;
    int c = key_compare(a->values, a->n_values, b->values, b->n_values);
    return c != 0 ? c : hash128_cmp(a->hash, b->hash);
}

static void add_key(struct slices *s, uint32_t shard, const struct key_record *rec)
{
    struct value *values = ARENA_ARRAY(&s->values, struct value, rec->n_values + 1);
    for (uint32_t i = 0; i < rec->n_values; i++) {
        values[i] = value_copy(rec->values[i], &s->values);
    }
    VEC_PUSH(s->keys, s->n, s->cap) = (struct due_key){values, rec->n_values, shard, key_record_hash(rec)};
}

/* The first of the keys stay, in memory of their own. */
static void keep_first(struct slices *s)
{
    struct arena old = s->values;
    size_t most = (size_t)s->size * SLICES_LISTED;
    if (s->n > 1) {
        qsort(s->keys, s->n, sizeof(*s->keys), by_key);
    }
    if (s->n <= most) {
        return;
    }
    s->n = most;
    arena_init(&s->values);
    for (size_t i = 0; i < most; i++) {
        struct due_key *k = &s->keys[i];
        struct value *values = ARENA_ARRAY(&s->values, struct value, k->n_values + 1);
        for (uint32_t v = 0; v < k->n_values; v++) {
            values[v] = value_copy(k->values[v], &s->values);
        }
        k->values = values;
    }
    arena_release(&old);
}

struct due_walk {
    struct etime at;
    struct hash128 *hashes;
    size_t n, cap;
};

static void note_due(void *ctx, struct etime t, struct hash128 hash)
{
    struct due_walk *w = ctx;
    if (t.ns == w->at.ns) {
        VEC_PUSH(w->hashes, w->n, w->cap) = hash;
    }
}

static bool is_behind_kept(const struct slices *s, bool cut, const struct key_record *rec)
{
    size_t most = (size_t)s->size * SLICES_LISTED;
    const struct due_key k = {rec->values, rec->n_values, 0, key_record_hash(rec)};
    return cut && by_key(&k, &s->keys[most - 1]) > 0;
}

/* The keys of one shard and stage, behind those that are listed. */
static enum err list_stage(struct engine *e, uint32_t shard, uint32_t stage, bool *cut,
                           struct error *err)
{
    struct slices *s = &e->slices;
    struct keyspace *ks = e->shards[shard].keyspace;
    struct due_walk w = {.at = s->at};
    struct etime before = {s->at.ns + 1};
    enum err rc = ERR_OK;
    keyspace_timers(ks, stage, &before, note_due, &w);
    for (size_t i = 0; i < w.n && rc == ERR_OK; i++) {
        struct key_record *rec;
        rc = keyspace_timed(ks, w.hashes[i], &rec, err);
        if (rc == ERR_OK && !is_behind_kept(s, *cut, rec)) {
            add_key(s, shard, rec);
        }
        if (s->n == 2 * (size_t)s->size * SLICES_LISTED) {
            keep_first(s);
            *cut = true;
        }
    }
    free(w.hashes);
    return rc;
}

static enum err list_keys(struct engine *e, struct error *err)
{
    struct slices *s = &e->slices;
    bool cut = false;
    s->n = s->next = 0;
    arena_reset(&s->values);
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        if (has_levels(e, g) || !etime_lt(s->at, due_before(&e->clocks[g]))) {
            continue;
        }
        for (uint32_t i = 0; i < e->n_shards; i++) {
            FYKE_TRY(list_stage(e, i, e->rs->clock_groups[g].first_stage, &cut, err));
        }
    }
    keep_first(s);
    return ERR_OK;
}

/* ---- passes ------------------------------------------------------------------------------- */

enum err slices_plan(struct engine *e, struct error *err)
{
    struct slices *s = &e->slices;
    if (s->next < s->n) {
        s->n_cut++;
        return ERR_OK;
    }
    if (s->full) {
        s->full = false;
        FYKE_TRY(list_keys(e, err));
        if (s->n > 0) {
            s->before = s->at;
            s->n_cut++;
            return ERR_OK;
        }
    }
    s->n = s->next = 0;
    find_nearest(e);
    s->cut = s->n_nearest > s->size;
    if (s->cut) {
        s->before.ns = s->nearest[0];
        s->at = earliest(s);
        s->full = s->at.ns == s->before.ns;
        s->n_cut++;
    }
    return ERR_OK;
}

struct etime slices_before(const struct engine *e, uint32_t clock_group)
{
    const struct slices *s = &e->slices;
    struct etime due = due_before(&e->clocks[clock_group]), before = s->before;
    if (s->full && has_levels(e, clock_group)) {
        before.ns++;
    }
    return s->cut && etime_lt(before, due) ? before : due;
}

struct place slices_limit(const struct slices *s)
{
    return s->cut ? place_after_time(s->before) : PLACE_MAX;
}

void slices_take(struct engine *e)
{
    struct slices *s = &e->slices;
    size_t end = s->n - s->next > s->size ? s->next + s->size : s->n;
    for (; s->next < end; s->next++) {
        struct shard *shard = &e->shards[s->keys[s->next].shard];
        VEC_PUSH(shard->due, shard->n_due, shard->cap_due) = s->keys[s->next].hash;
    }
    s->full |= s->n > 0 && s->next == s->n; /* there may be more than were listed */
}

const struct due_key *slices_next_key(const struct slices *s)
{
    return s->next < s->n ? &s->keys[s->next] : NULL;
}
