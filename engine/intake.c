/* Records in: offsets, decoding, lateness, order buffers. */
#include <inttypes.h>

#include "base/xalloc.h"
#include "engine/intake_run.h"

#define INVALID_SHOWN 5

/* ---- invalid records ---------------------------------------------------------------------- */

static void describe_place(const struct engine *e, const struct record *r, struct buf *out)
{
    if (r->origin != NULL) {
        buf_printf(out, "%s:%" PRIu64, r->origin, r->line);
        return;
    }
    struct slice topic =
        r->topic < e->rs->n_topics ? e->rs->topics[r->topic].name : SLICE_LIT("?");
    buf_printf(out, "%.*s [%d] offset %" PRId64, SLICE_ARG(topic), (int)r->partition, r->offset);
}

static enum err note_invalid(struct engine *e, struct partition *p, const struct record *r,
                             const struct decoded *d, const char *detail, struct error *err)
{
    struct buf text = BUF_INIT;
    e->invalid[d->reason]++;
    if (p != NULL) {
        p->invalid++;
    }
    describe_place(e, r, &text);
    buf_printf(&text, ": invalid record: %s", detail);
    if (d->field != UINT32_MAX && d->decl < e->rs->n_decls &&
        d->field < e->rs->decls[d->decl].n_fields) {
        buf_printf(&text, ", field \"%.*s\"", SLICE_ARG(e->rs->decls[d->decl].fields[d->field].name));
    }
    if (d->has_schema_id) {
        buf_printf(&text, " (written with schema id %" PRIu32 ")", d->schema_id);
    }
    enum err rc = engine_refuse(e, REFUSED_INVALID, detail, r, err);
    if (rc == ERR_OK && e->options.strict) {
        rc = error_set(err, ERR_INPUT, "%s", buf_cstr(&text));
    } else if (rc == ERR_OK && e->invalid_shown < INVALID_SHOWN) {
        e->invalid_shown++;
        engine_say(e, "%s", buf_cstr(&text));
    }
    buf_release(&text);
    return rc;
}

static enum err note_broken(struct engine *e, struct partition *p, const struct record *r,
                            struct error *err)
{
    struct decoded d = {.reason = INVALID_ENVELOPE, .field = UINT32_MAX};
    return note_invalid(e, p, r, &d, r->broken, err);
}

/* ---- events ------------------------------------------------------------------------------- */

/* Of an event that is borrowed. */
static void copy_event(struct engine *e, struct order_item *item)
{
    item->block = event_blocks_open(&e->lanes[0].blocks);
    item->event = event_clone(item->event, &item->block->arena);
}

/* False: the clock group need not see it. */
static bool buffer_in(struct engine *e, uint32_t clock_group, struct order_item *item)
{
    struct clock_state *c = &e->clocks[clock_group];
    struct wanted_ask *ask = wanted_ask_of(&e->wanted, clock_group, item->event->decl);
    if (engine_passes_by(e, c, ask, item->event, item->time)) {
        engine_count_unwanted(e, ask);
        return false;
    }
    if (item->block == NULL) {
        copy_event(e, item);
    }
    event_block_hold(item->block);
    order_push(&c->order, item);
    return true;
}

static void buffer_event(struct engine *e, struct order_item *item)
{
    const struct topic_groups *tg = &e->topic_groups[item->event->at.topic];
    const uint32_t *groups = tg->groups;
    uint32_t n = tg->n;
    bool seen = false; /* by the group that counts it when it is released */
    for (uint32_t i = 0; i < n; i++) {
        bool in = buffer_in(e, groups[i], item);
        seen |= in && i == 0;
    }
    e->evaluated += !seen;
}

static void tell_fate(const struct engine *e, enum event_fate fate, const struct event *event,
                      const struct record *r)
{
    if (e->options.observe != NULL) {
        e->options.observe(e->options.observe_ctx, fate, event, r);
    }
}

static bool is_outside(const struct engine *e, const struct event *event)
{
    const struct engine_range *range = e->options.range;
    return range != NULL &&
           (etime_lt(event->time, range->from) || !etime_lt(event->time, range->before));
}

static void note_late(struct engine *e, struct partition *p, const struct event *event,
                      const struct record *r)
{
    e->late++;
    p->late++;
    tell_fate(e, FATE_LATE, event, r);
    if (e->options.state_dir != NULL) {
        late_runs_late(&p->late_runs, event->decl, event->at.offset);
    }
}

/* All events of a record are judged by what was read before it. Those that stay are moved to the
 * front of `events`; returns how many. */
static uint32_t judge(struct engine *e, struct partition *p, const struct record *r,
                      struct event **events, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (partition_is_late(p, events[i])) {
            note_late(e, p, events[i], r);
        } else {
            late_runs_in_time(&p->late_runs, events[i]->decl, events[i]->at.offset);
            events[kept++] = events[i];
        }
    }
    return kept;
}

/* `frontier`: as it was before all events of the record. `block`: of the event; NULL: it is borrowed. */
static void take_event(struct engine *e, struct partition *p, const struct record *r,
                       struct event *event, struct etime frontier, struct event_block *block)
{
    struct order_item item = {partition_due(frontier, event), event, block, NULL};
    partition_note(p, event);
    if (is_outside(e, event)) {
        e->outside++;
        tell_fate(e, FATE_OUTSIDE, event, r);
        return;
    }
    tell_fate(e, FATE_EVALUATED, event, r);
    if (e->options.refused != NULL) {
        item.record = engine_keep_record(e, &item, r);
    }
    if (order_item_came_back(&item) && e->options.state_dir != NULL) {
        partition_keep_due(p, event, item.time);
    }
    buffer_event(e, &item);
}

static enum err take_events(struct engine *e, struct partition *p, const struct record *r,
                            struct event **events, uint32_t n, struct event_block *block,
                            struct error *err)
{
    struct etime frontier = p->frontier;
    uint32_t kept = judge(e, p, r, events, n);
    e->events += n;
    for (uint32_t i = 0; i < kept; i++) {
        take_event(e, p, r, events[i], frontier, block);
    }
    return kept < n && r != NULL ? engine_refuse(e, REFUSED_LATE, "late", r, err) : ERR_OK;
}

/* A record that was read before the restart: what was late stays out, what was released has done its
 * work, the rest goes back into the order buffer. Counted and judged it was then. */
static void replay_events(struct engine *e, const struct partition *p, const struct record *r,
                          struct event **events, uint32_t n, struct event_block *block)
{
    const struct topic_groups *tg = &e->topic_groups[p->topic->index];
    for (uint32_t i = 0; i < n; i++) {
        struct order_item item = {partition_due_before(p, events[i]), events[i], block, NULL};
        if (late_runs_has(&p->late_runs, events[i]->decl, events[i]->at.offset)) {
            continue;
        }
        item.record = engine_keep_record(e, &item, r);
        for (uint32_t k = 0; k < tg->n; k++) {
            struct clock_state *c = &e->clocks[tg->groups[k]];
            if (place_cmp(order_item_place(&item), c->limit) >= 0) {
                event_block_hold(block);
                order_push(&c->order, &item);
            }
        }
    }
}

/* ---- records ------------------------------------------------------------------------------ */

/* Once per partition: where the broker's time of writing is taken for the time of the record. */
static void warn_append_time(struct engine *e, struct partition *p)
{
    const struct schema_topic *t = p->topic;
    p->said_append_time = true;
    for (uint32_t i = 0; i < t->n_decls; i++) {
        const struct schema_decl *d = &e->rs->decls[t->decls[i]];
        if (d->time_field >= 0 && d->fields[d->time_field].origin == ORIGIN_TIMESTAMP) {
            engine_say(e, "topic \"%.*s\" partition %d: the event time of %.*s is when the broker "
                       "wrote the record (LogAppendTime), not when something happened",
                       SLICE_ARG(t->name), (int)p->id, SLICE_ARG(d->name));
            return;
        }
    }
    if (!duration_is_infinite(t->at_most_ahead)) {
        engine_say(e, "topic \"%.*s\" partition %d: `at most … ahead` is judged by when the broker "
                   "wrote the record (LogAppendTime): what is sent late or again is judged wrongly",
                   SLICE_ARG(t->name), (int)p->id);
    }
}

/* A partition that the source did not announce: its first record opens it. */
static struct partition *another_partition(struct engine *e, uint32_t topic, int32_t partition,
                                           int64_t offset)
{
    struct partition *p = engine_find_partition(e, topic, partition);
    if (p == NULL) {
        struct source_partition sp = {
            .topic = topic, .partition = partition, .first_offset = offset};
        p = engine_open_partition(e, &sp);
    }
    return p;
}

static inline struct partition *partition_of(struct engine *e, uint32_t topic, int32_t partition,
                                             int64_t offset)
{
    return engine_used_last(e, topic, partition) ? e->last_used
                                                 : another_partition(e, topic, partition, offset);
}

static enum err push_decoded(struct engine *e, struct partition *p, const struct record *r,
                             const struct decoded_record *ready, struct error *err)
{
    const struct decoded *d = &ready->decoded;
    e->bad_values += d->bad_values;
    switch (d->result) {
    case DECODE_EVENTS:
        if (e->options.in_group) {
            FYKE_TRY(engine_check_keys(e, p, r, d->events, d->n_events, err));
        }
        return take_events(e, p, r, d->events, d->n_events, ready->block, err);
    case DECODE_TOMBSTONE:
        e->tombstones++;
        return ERR_OK;
    case DECODE_UNCLAIMED:
        e->unclaimed++;
        return ERR_OK;
    case DECODE_INVALID:
        return note_invalid(e, p, r, d, invalid_reason_name(d->reason), err);
    }
    return ERR_OK;
}

static void decode_record(struct decode_lane *lane, const struct record *r,
                          struct decoded_record *ret)
{
    ret->block = event_blocks_open(&lane->blocks);
    decoder_decode(lane->decoder, r, &ret->block->arena, &ret->decoded);
}

/* `ready`: decoded ahead; NULL: not yet. */
static enum err push_record(struct engine *e, const struct record *r,
                            const struct decoded_record *ready, struct error *err)
{
    struct decoded_record now;
    e->dirty = true;
    if (e->more) {
        FYKE_TRY(engine_drain(e, err)); /* what is due comes before what comes now */
    }
    if (r->topic >= e->rs->n_topics) {
        e->records++;
        return note_broken(e, NULL, r, err);
    }
    struct partition *p = partition_of(e, r->topic, r->partition, r->offset);
    bool again = r->offset < p->replay_until;
    if (p->replay_until > 0) {
        if (again && r->offset < p->replay_next) {
            return ERR_OK; /* nothing of it waits any more */
        }
        p->replay_next = r->offset + 1;
        if (r->offset >= p->replay_until - 1) {
            p->replay_until = 0; /* this is the last of them, or there was none left */
        }
    }
    e->records += !again;
    if (!again) {
        idle_note_record(e, p);
        if (partition_repeats(p, r->offset)) {
            e->repeated++;
            return ERR_OK;
        }
        p->next_offset = r->offset + 1;
        p->newest = r;
        p->read++;
    }
    if (r->log_append_time && !p->said_append_time) {
        warn_append_time(e, p);
    }
    if (r->broken != NULL) {
        return again ? ERR_OK : note_broken(e, p, r, err);
    }
    if (ready == NULL) {
        decode_record(&e->lanes[0], r, &now);
        ready = &now;
    }
    if (!again) {
        return push_decoded(e, p, r, ready, err);
    }
    if (ready->decoded.result == DECODE_EVENTS) {
        replay_events(e, p, r, ready->decoded.events, ready->decoded.n_events, ready->block);
    }
    return ERR_OK;
}

/* The records of a batch are gone with it. */
static void note_newest(struct engine *e)
{
    for (size_t i = 0; i < e->n_partitions; i++) {
        struct partition *p = e->partitions[i];
        if (p->newest != NULL && e->options.state_dir != NULL) {
            p->last = record_mark_of(p->newest);
        }
        p->newest = NULL;
    }
}

enum err engine_push(struct engine *e, const struct record *r, struct error *err)
{
    enum err rc = push_record(e, r, NULL, err);
    note_newest(e);
    return rc;
}

static struct intake_run begin_run(struct engine *e)
{
    return e->last_used != NULL ? intake_run_begin(e, e->last_used) : (struct intake_run){0};
}

/* ---- batches ------------------------------------------------------------------------------ */

/* Fewer records than this per thread are not worth waking it. */
#define DECODE_AHEAD 64
/* So many at once: a thread that has to wait for a core does not keep many from the others. */
#define DECODE_PART 128

struct decode_job {
    struct engine *e;
    const struct record *records;
    uint32_t n;
};

static void decode_part(void *ctx, uint32_t part, uint32_t worker, struct nfa_scratch *scratch)
{
    const struct decode_job *job = ctx;
    uint32_t from = part * DECODE_PART;
    uint32_t to = job->n - from < DECODE_PART ? job->n : from + DECODE_PART;
    (void)scratch;
    for (uint32_t i = from; i < to; i++) {
        struct decoded_record *d = &job->e->decoded[i];
        *d = (struct decoded_record){0};
        if (job->records[i].broken == NULL && job->records[i].topic < job->e->rs->n_topics) {
            decode_record(&job->e->lanes[worker], &job->records[i], d);
            event_block_hold(d->block);
        }
    }
}

/* The next record of a run. */
static enum err run_record(const struct intake_run *run, struct engine *e, const struct record *r,
                           const struct decoded_record *ready, struct error *err)
{
    struct decoded_record now;
    intake_run_note(run, e, r->offset);
    run->p->newest = r;
    if (ready == NULL) {
        decode_record(&e->lanes[0], r, &now);
        ready = &now;
    }
    const struct decoded *d = &ready->decoded;
    if (d->result == DECODE_EVENTS && d->n_events == 1 && d->bad_values == 0 &&
        intake_run_take(run, e, d->events[0], ready->block)) {
        return ERR_OK;
    }
    return push_decoded(e, run->p, r, ready, err);
}

static inline bool is_of_run(const struct intake_run *run, const struct record *r)
{
    return intake_run_goes_on(run, r->topic, r->partition, r->offset) && r->broken == NULL && !r->log_append_time;
}

static enum err push_batch(struct engine *e, const struct record *records, uint32_t n,
                           struct error *err)
{
    struct intake_run run = {0};
    bool ahead = e->n_lanes > 1 && n >= DECODE_AHEAD * e->n_lanes;
    if (ahead) {
        struct decode_job job = {e, records, n};
        e->decoded = xgrow(e->decoded, &e->cap_decoded, n, sizeof(*e->decoded));
        workers_each(e->workers, decode_part, &job, n / DECODE_PART + (n % DECODE_PART > 0));
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct decoded_record *ready = ahead ? &e->decoded[i] : NULL;
        if (is_of_run(&run, &records[i])) {
            FYKE_TRY(run_record(&run, e, &records[i], ready, err));
        } else {
            FYKE_TRY(push_record(e, &records[i], ready, err));
            run = begin_run(e);
        }
        if (ahead && ready->block != NULL) {
            event_block_unhold(ready->block);
        }
    }
    return ERR_OK;
}

enum err engine_push_batch(struct engine *e, const struct record *records, uint32_t n,
                           struct error *err)
{
    enum err rc = push_batch(e, records, n, err);
    note_newest(e);
    return rc;
}

size_t engine_buffered_bytes(const struct engine *e)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        bytes += event_blocks_live_bytes(&e->lanes[i].blocks);
    }
    return bytes;
}

/* Several events of one record come one by one: only an event of another record tells that all of
 * it has come. */
static void replay_event(struct engine *e, struct partition *p, const struct event *event)
{
    if (p->replay_until == 0 || event->at.offset < p->replay_next) {
        return;
    }
    struct event_block *block = event_blocks_open(&e->lanes[0].blocks);
    struct event *copy = event_clone(event, &block->arena);
    p->replay_next = event->at.offset;
    replay_events(e, p, NULL, &copy, 1, block);
}

static enum err push_event(struct engine *e, struct event *event, struct event_block *block, struct error *err)
{
    struct partition *p = partition_of(e, event->at.topic, event->at.partition, event->at.offset);
    e->dirty = true;
    if (e->more) {
        FYKE_TRY(engine_drain(e, err));
    }
    if (event->at.offset < p->restored) {
        replay_event(e, p, event);
        return ERR_OK;
    }
    p->replay_until = 0;
    idle_note_record(e, p);
    /* Several events of one record come one by one: the same offset again is no repetition. */
    if (event->at.offset < p->next_offset - 1) {
        e->repeated++;
        return ERR_OK;
    }
    e->records += event->at.offset >= p->next_offset;
    p->read += event->at.offset >= p->next_offset;
    p->next_offset = event->at.offset + 1;
    return take_events(e, p, NULL, &event, 1, block, err);
}

enum err engine_push_event(struct engine *e, const struct event *event, struct error *err)
{
    return push_event(e, (struct event *)(uintptr_t)event, NULL, err);
}

/* Nobody may have read them for long. */
#define HELD_AHEAD 8

enum err engine_push_held(struct engine *e, struct event *const *events, uint32_t n, struct event_block *block,
                          struct error *err)
{
    struct intake_run run = {0};
    for (uint32_t i = 0; i < n; i++) {
        struct event *event = events[i];
        if (i + HELD_AHEAD < n) {
            event_prefetch(events[i + HELD_AHEAD]);
        }
        if (!intake_run_goes_on(&run, event->at.topic, event->at.partition, event->at.offset)) {
            FYKE_TRY(push_event(e, event, block, err));
            run = begin_run(e);
            continue;
        }
        intake_run_note(&run, e, event->at.offset);
        if (!intake_run_take(&run, e, event, block)) {
            FYKE_TRY(take_events(e, run.p, NULL, &event, 1, block, err));
        }
    }
    return ERR_OK;
}
