#include "engine/state/checkpoint.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/journal/rule_text.h"
#include "nfa/schema_shape.h"
#include "nfa/profile.h"

/* ---- positions ---------------------------------------------------------------------------- */

static int by_coord(const void *x, const void *y)
{
    const struct partition *const *a = x, *const *b = y;
    if ((*a)->topic->index != (*b)->topic->index) {
        return (*a)->topic->index < (*b)->topic->index ? -1 : 1;
    }
    return (*a)->id < (*b)->id ? -1 : (*a)->id > (*b)->id;
}

/* All partitions in order of topic and number, to find one fast. */
struct partition_index {
    struct partition **items;
    size_t n;
};

static struct partition *find_partition(const struct partition_index *x, const struct coord *at)
{
    size_t lo = 0, hi = x->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct partition *p = x->items[mid];
        if (p->topic->index < at->topic ||
            (p->topic->index == at->topic && p->id < at->partition)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return x->items[lo]; /* every event comes from an open partition */
}

static void note_waiting(const struct partition_index *x, const struct order_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct partition *p = find_partition(x, &items[i].event->at);
        if (items[i].event->at.offset < p->restart) {
            p->restart = items[i].event->at.offset;
        }
    }
}

/* Of a run on disk the lowest offsets are known as they were when it was written: a restart may read
 * more than it needs. */
static void note_spilled(const struct partition_index *x, const struct order *o)
{
    for (size_t i = 0; i < o->n_runs; i++) {
        const struct spill_run *run = o->runs[i];
        for (size_t k = 0; k < run->n_low; k++) {
            struct partition *p = find_partition(x, &run->low[k]);
            p->restart = run->low[k].offset < p->restart ? run->low[k].offset : p->restart;
        }
    }
}

void checkpoint_restarts(struct engine *e)
{
    struct partition_index x = {xmalloc((e->n_partitions + 1) * sizeof(struct partition *)),
                                e->n_partitions};
    for (size_t i = 0; i < e->n_partitions; i++) {
        struct partition *p = e->partitions[i];
        p->restart = p->replay_until > 0 ? p->replay_next : p->next_offset;
        x.items[i] = p;
    }
    if (x.n > 1) {
        qsort(x.items, x.n, sizeof(struct partition *), by_coord);
    }
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        const struct order *o = &e->clocks[g].order;
        note_waiting(&x, o->heap, o->heap_n);
        for (uint32_t i = 0; i < 2 * o->rows.n_rows; i++) {
            const struct order_item *items;
            size_t n = order_row_piece(&o->rows.rows[i / 2], i % 2, &items);
            note_waiting(&x, items, n);
        }
        note_spilled(&x, o);
    }
    free(x.items);
}

/* ---- engine → header ---------------------------------------------------------------------- */

static struct header_late *late_of(struct header *h, const struct partition *p, size_t n)
{
    struct header_late *late = ARENA_ARRAY(&h->arena, struct header_late, n), *next = late;
    for (size_t i = 0; i < p->late_runs.n; i++) {
        const struct late_decl *d = &p->late_runs.items[i];
        for (size_t k = 0; k < d->n + d->open; k++) {
            bool open = k == d->n;
            int64_t from = open ? d->since : d->items[k].from;
            from = from < p->restart ? p->restart : from;
            *next++ = (struct header_late){from, open ? from : d->items[k].to, d->decl, open};
        }
    }
    return late;
}

static struct header_returned *returned_of(struct header *h, const struct partition *p)
{
    const struct event_notes *l = &p->returned;
    struct header_returned *returned = ARENA_ARRAY(&h->arena, struct header_returned, l->n);
    for (size_t i = 0; i < l->n; i++) {
        returned[i] =
            (struct header_returned){l->items[i].offset, l->items[i].decl, l->items[i].due};
    }
    return returned;
}

static void describe_partition(struct header *h, const struct partition *p)
{
    size_t n_late = late_runs_count(&p->late_runs);
    h->partitions[h->n_partitions++] = (struct header_partition){
        .topic = p->topic->index,
        .partition = p->id,
        .restart = p->restart,
        .next_offset = p->next_offset,
        .last = p->last,
        .has_time = p->has_time,
        .empty_at_start = p->empty_at_start,
        .idle = p->idle,
        .max_time = p->max_time,
        .first_time = p->first_time,
        .frontier = p->frontier,
        .floor = p->floor,
        .late = late_of(h, p, n_late),
        .n_late = (uint32_t)n_late,
        .returned = returned_of(h, p),
        .n_returned = (uint32_t)p->returned.n,
        .paged = p->topic->has_watermark_per,
        .n_paged = p->values.n,
        .paged_sum = p->values.sum,
    };
}

/* Partitions of the state that this run does not read stay as they were. */
static void describe_partitions(struct engine *e, struct header *h)
{
    const struct state *s = e->state;
    h->partitions = ARENA_ARRAY(&h->arena, struct header_partition,
                                e->n_partitions + s->before.n_partitions);
    for (size_t i = 0; i < e->n_partitions; i++) {
        partition_forget(e->partitions[i], e->partitions[i]->restart);
        describe_partition(h, e->partitions[i]);
    }
    for (uint32_t i = 0; i < s->before.n_partitions; i++) {
        if (!s->taken[i] && s->before.partitions[i].topic < e->rs->n_topics) {
            h->partitions[h->n_partitions++] = s->before.partitions[i];
        }
    }
}

/* At the end of bounded input the limit is the end of time; a later run may find more behind it,
 * and whatever stands behind the last event released is in order then. That event itself is not: it
 * is read again when another clock group still waits for it. */
static struct place stored_limit(const struct clock_state *c)
{
    const struct order_item *first = order_peek(&c->order);
    if (first != NULL && place_cmp(order_item_place(first), c->limit) < 0) {
        return order_item_place(first); /* between two slices of deadlines */
    }
    if (c->limit.time.ns != INT64_MAX) {
        return c->limit;
    }
    struct place behind = c->released;
    behind.decl++;
    return behind;
}

static void describe_clocks(const struct engine *e, struct header *h)
{
    h->clocks = ARENA_ARRAY(&h->arena, struct header_clock, e->rs->n_clock_groups);
    h->n_clocks = e->rs->n_clock_groups;
    for (uint32_t g = 0; g < h->n_clocks; g++) {
        const struct clock_state *c = &e->clocks[g];
        h->clocks[g] = (struct header_clock){
            .topics = c->def->topics,
            .n_topics = c->def->n_topics,
            .waits = c->def->waits,
            .watermark = c->watermark,
            .limit = stored_limit(c),
            .released = c->released,
            .floor = c->floor,
            .has_history = c->has_history,
            .history_begin = c->history_begin,
        };
    }
}

static int by_slot(const void *x, const void *y)
{
    const struct header_slot *a = x, *b = y;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static void describe_slots(const struct engine *e, struct header *h)
{
    h->slots = ARENA_ARRAY(&h->arena, struct header_slot, e->rs->n_units + e->keys.n_measures);
    h->n_slots = 0;
    for (uint32_t g = 0; g < e->keys.n_groups; g++) {
        const struct key_group *kg = &e->keys.groups[g];
        for (uint32_t i = 0; i < kg->n_rules; i++) {
            const struct rule *rule = &e->rs->rules[kg->rules[i]];
            if (engine_has_drained(e, rule)) {
                continue;
            }
            h->slots[h->n_slots++] = (struct header_slot){
                e->state->slots.of_rule[rule->index], rule->name, rule->plan, kg->identity};
        }
    }
    for (uint32_t u = 0; u < e->keys.n_measures; u++) {
        const struct measure *m = &e->rs->measures[e->keys.measures[u].measure];
        h->slots[h->n_slots++] = (struct header_slot){
            e->state->slots.of_rule[e->rs->n_units + u], m->full_name, m->plan,
            e->keys.groups[e->keys.measures[u].key_group].identity};
    }
    if (h->n_slots > 1) {
        qsort(h->slots, h->n_slots, sizeof(*h->slots), by_slot);
    }
}

void state_describe_rules(const struct engine *e, struct header *h)
{
    const struct ruleset *rs = e->rs;
    h->n_topics = rs->n_topics;
    h->topics = ARENA_ARRAY(&h->arena, struct header_topic, rs->n_topics);
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        h->topics[i] = (struct header_topic){rs->topics[i].name, rs->topics[i].out_of_order};
    }
    h->n_decls = rs->n_decls;
    h->decls = ARENA_ARRAY(&h->arena, struct header_decl, rs->n_decls);
    for (uint32_t i = 0; i < rs->n_decls; i++) {
        h->decls[i] = (struct header_decl){rs->decls[i].name, schema_shape(&rs->decls[i])};
    }
    describe_slots(e, h);
}

/* The header as the engine stands now; it borrows from it. */
static void describe(struct engine *e, struct header *ret)
{
    *ret = (struct header){
        .seq = e->state->seq + 1,
        .app = slice_of(e->options.app),
        .mode = e->options.in_group ? STATE_GROUP : STATE_SOLO,
        .n_shards = e->n_shards,
        .fingerprint = e->fingerprint,
    };
    checkpoint_restarts(e);
    state_describe_rules(e, ret);
    describe_partitions(e, ret);
    describe_clocks(e, ret);
    state_describe_tables(e, ret);
}

/* ---- writing ------------------------------------------------------------------------------ */

static enum err put_frozen(struct store_txn *t, uint32_t shard, const struct frozen *f,
                           struct error *err)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct frozen_op *op = &f->ops[i];
        FYKE_TRY(op->del ? store_del(t, shard, &op->key, err)
                         : store_put(t, shard, &op->key,
                                     slice_from(f->bytes.ptr + op->at, op->len), err));
    }
    return ERR_OK;
}

static enum err put_all(struct engine *e, struct store_txn *t, const struct frozen *frozen,
                        struct slice header, struct error *err)
{
    for (uint32_t i = 0; i <= e->n_shards; i++) { /* the last: pages */
        FYKE_TRY(put_frozen(t, i, &frozen[i], err));
        if (i == e->n_shards / 2) {
            fault_point(e->options.fault, "mid-checkpoint");
        }
    }
    FYKE_TRY(rule_text_put(e, t, err));
    return store_put_header(t, header, err);
}

static enum err write_frozen(struct engine *e, const struct frozen *frozen,
                             const struct header *h, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf header = BUF_INIT;
    struct store_txn *t;
    header_encode(h, &header);
    e->state->told_bytes = header.len;
    FYKE_TRY(store_begin(e->state->store, &t, err));
    enum err rc = put_all(e, t, frozen, buf_slice(&header), err);
    if (rc != ERR_OK) {
        store_abort(t);
        return rc;
    }
    FYKE_TRY(store_commit(t, err));
    e->checkpoints++;
    e->commits++;
    return ERR_OK;
}

void state_drop_frozen(struct engine *e)
{
    struct state *s = e->state;
    for (uint32_t i = 0; s->frozen != NULL && i <= e->n_shards; i++) {
        frozen_release(&s->frozen[i]);
    }
    free(s->frozen);
    s->frozen = NULL;
}

enum err state_prepare(struct engine *e, struct journal_task *ret, struct error *err)
{
    struct state *s = e->state;
    struct header header = {0};
    if (s->failed) {
        return error_set(err, ERR_STATE, "the state could not be written before");
    }
    s->failed = true; /* until state_committed() */
    state_note_drained(e);
    s->frozen = xcalloc(e->n_shards + 1, sizeof(*s->frozen));
    for (uint32_t i = 0; i < e->n_shards; i++) {
        keyspace_freeze(e->shards[i].keyspace, &s->frozen[i]);
        keyspace_release_version(e->shards[i].keyspace);
        e->checkpoint_bytes += s->frozen[i].bytes.len;
    }
    state_freeze_clocks(e, &s->frozen[e->n_shards]);
    describe(e, &header);
    rules_apart_freeze(&header, &s->apart, &s->frozen[e->n_shards]);
    size_t pages = s->frozen[e->n_shards].bytes.len;
    e->checkpoint_bytes += pages;
    enum err rc = s->journaled != NULL ? journaled_send(e, s->frozen, &header, ret, err)
                                       : write_frozen(e, s->frozen, &header, err);
    s->told_bytes += pages;
    arena_release(&header.arena);
    if (rc != ERR_OK) {
        state_drop_frozen(e);
    }
    return rc;
}

void state_committed(struct engine *e, const struct journal_task *done)
{
    struct state *s = e->state;
    if (s->journaled != NULL) {
        journaled_take(e, s->frozen, done);
    }
    for (uint32_t i = 0; i < e->n_shards; i++) {
        keyspace_written(e->shards[i].keyspace);
    }
    s->seq++;
    s->failed = false;
    state_drop_frozen(e);
}

/* ---- when --------------------------------------------------------------------------------- */

bool state_presses(struct engine *e)
{
    uint64_t dirty = 0;
    if (e->state == NULL || e->options.memory_bytes == 0) {
        return false;
    }
    for (uint32_t i = 0; i < e->n_shards; i++) {
        dirty += keyspace_dirty_bytes(e->shards[i].keyspace);
    }
    return dirty > e->options.memory_bytes / 4;
}

bool state_is_dirty(const struct engine *e)
{
    for (uint32_t i = 0; e->state != NULL && i < e->n_shards; i++) {
        if (keyspace_is_dirty(e->shards[i].keyspace)) {
            return true;
        }
    }
    return false;
}

void state_watch_budget(struct engine *e)
{
    for (uint32_t i = 0; e->state == NULL && !e->said_over_budget && i < e->n_shards; i++) {
        if (keyspace_over_budget(e->shards[i].keyspace)) {
            e->said_over_budget = true;
            engine_say(e, "open partial matches take more than the %zu MiB of --memory; nothing is "
                       "dropped, a state directory would take them",
                       e->options.memory_bytes >> 20);
        }
    }
}
