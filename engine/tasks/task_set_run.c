/* The loop of a run: poll → records to their tasks → evaluated → committed when it is time to. */
#include "engine/state/checkpoint.h"
#include "engine/tasks/task_set_parts.h"

#define POLL_RECORDS 4096
#define POLL_RECORDS_AT_REST 8192
#define POLL_WAIT ((struct duration){100 * NS_PER_MS})

/* ---- records ------------------------------------------------------------------------------ */

static struct engine *task_for(struct task_set *in, int32_t partition)
{
    return in->alone ? in->tasks[0].engine : task_set_task_of(in, partition);
}

/* How many records from the first on go to the same task. */
static uint32_t run_length(const struct task_set *in, const struct record *records, uint32_t n)
{
    uint32_t i = 1;
    while (i < n && (in->alone || records[i].partition == records[0].partition)) {
        i++;
    }
    return i;
}

static enum err push_records(struct task_set *in, const struct source_batch *b, struct error *err)
{
    if (in->threads != NULL) {
        return task_threads_push(in->threads, in, b, err);
    }
    for (uint32_t i = 0, len; i < b->n; i += len) {
        len = run_length(in, b->records + i, b->n - i);
        struct engine *e = task_for(in, b->records[i].partition);
        if (e != NULL) {
            FYKE_TRY(engine_push_batch(e, b->records + i, len, err));
        }
    }
    return ERR_OK;
}

static enum err push(struct task_set *in, const struct source_batch *b, struct error *err)
{
    FYKE_TRY(push_records(in, b, err));
    for (uint32_t i = 0; i < b->n_at_end; i++) {
        struct engine *e = task_for(in, b->at_end[i].partition);
        if (e != NULL) {
            idle_note_end(e, &b->at_end[i]);
        }
    }
    for (uint32_t i = 0; i < b->n_lost_end; i++) {
        struct engine *e = task_for(in, b->lost_end[i].partition);
        if (e != NULL) {
            idle_note_lost_end(e, &b->lost_end[i]);
        }
    }
    return ERR_OK;
}

/* ---- steps -------------------------------------------------------------------------------- */

static enum err evaluate(struct task_set *in, struct error *err)
{
    for (size_t i = 0; !in->parked && i < in->n_tasks; i++) {
        struct engine *e = in->tasks[i].engine;
        if (!in->source->bounded) {
            idle_check(e);
        }
        FYKE_TRY(engine_process_slices(e, in->stop, err));
        FYKE_TRY(engine_balance(e, err));
    }
    return ERR_OK;
}

/* What was due when the state was written comes before what is read: in slices with commits between
 * them, as while running. *ret: told to stop on the way, nothing may be read. */
static enum err fire_left(struct task_set *in, bool *ret, struct error *err)
{
    *ret = false;
    for (size_t i = 0; !in->parked && i < in->n_tasks; i++) {
        struct engine *e = in->tasks[i].engine;
        if (e->more) {
            FYKE_TRY(engine_process_slices(e, in->stop, err));
            *ret |= e->more;
        }
    }
    return ERR_OK;
}

/* Commits and other rules stand between two batches; input that ends, without a state, waits for neither, and
 * large passes cost less for each event. */
static uint32_t most_records(const struct source *s)
{
    return s->bounded && !s->remembers ? POLL_RECORDS_AT_REST : POLL_RECORDS;
}

/* How long an alert that is written should wait at most; false: none does. */
static bool alert_waits(const struct task_set *in, struct duration *ret)
{
    bool any = false;
    for (size_t i = 0; i < in->n_tasks; i++) {
        struct duration wait;
        if (engine_alert_waits(in->tasks[i].engine, &wait) && (!any || wait.ns < ret->ns)) {
            *ret = wait;
            any = true;
        }
    }
    return any;
}

static struct duration poll_wait(const struct task_set *in)
{
    struct duration wait;
    if (!alert_waits(in, &wait) || wait.ns > POLL_WAIT.ns) {
        return POLL_WAIT;
    }
    return (struct duration){wait.ns > 0 ? wait.ns : 0};
}

static enum err step(struct task_set *in, bool *finished, struct error *err)
{
    struct source_batch batch = {0};
    bool cut_short;
    FYKE_TRY(fire_left(in, &cut_short, err));
    if (cut_short) {
        return ERR_OK;
    }
    uint32_t most = most_records(in->source);
    FYKE_TRY(in->source->ops->poll(in->source, most, poll_wait(in), &batch, err));
    in->caught_up = batch.n < most / 2;
    FYKE_TRY(push(in, &batch, err));
    FYKE_TRY(evaluate(in, err));
    *finished = batch.finished && task_restores_wanted(in) == 0;
    switch (batch.change) {
    case SOURCE_SAME: break;
    case SOURCE_TAKEN: return task_set_taken(in, err);
    case SOURCE_GIVEN: return task_set_given(in, err);
    }
    return ERR_OK;
}

static enum err keep_pace(struct task_set *in, struct error *err)
{
    struct duration wait;
    bool due = in->caught_up && alert_waits(in, &wait) && wait.ns <= 0;
    if (in->alone) {
        struct engine *e = in->tasks[0].engine;
        return due ? engine_commit(e, err) : engine_keep_pace(e, err);
    }
    struct journal *j = in->options.journal;
    due = due || j->ops->presses(j); /* also when there is no task that would ask */
    for (size_t i = 0; i < in->n_tasks && !due; i++) {
        due = engine_commit_due(in->tasks[i].engine);
    }
    if (due) {
        return task_set_commit(in, err);
    }
    for (size_t i = 0; i < in->n_tasks; i++) {
        FYKE_TRY(journaled_tick(in->tasks[i].engine, err));
    }
    return ERR_OK;
}

static enum err look_after(struct task_set *in, struct error *err)
{
    for (size_t i = 0; i < in->n_tasks; i++) {
        struct engine *e = in->tasks[i].engine;
        FYKE_TRY(engine_take_preparation(e, err));
        if (e->renewed != NULL) {
            FYKE_TRY(engine_take_renewed(e, err));
        }
        if (tables_tick(e->tables, engine_now(e))) {
            e->alerts.fingerprint = tables_fingerprint(e->tables);
        }
    }
    return ERR_OK;
}

static void watch_budgets(struct task_set *in)
{
    for (size_t i = 0; i < in->n_tasks; i++) {
        state_watch_budget(in->tasks[i].engine);
    }
}

static void beat(const struct task_set *in, enum engine_phase phase)
{
    if (in->options.beat != NULL) {
        in->options.beat(in->options.beat_ctx, phase);
    }
}

/* Every task is here. An instance that was given nothing is ready, too: it stands by. */
static void say_ready(struct task_set *in)
{
    if (!in->ready && !in->parked && task_restores_wanted(in) == 0) {
        in->ready = true;
        beat(in, ENGINE_READY);
    }
}

static bool stopped(const struct task_set *in)
{
    return in->stop != NULL && *in->stop != 0;
}

/* engine_ask_stop() */
static bool asked_to_stop(const struct task_set *in)
{
    return in->alone ? in->tasks[0].engine->asked_to_stop : in->asked_to_stop;
}

static bool note_stop(struct task_set *in, bool finished)
{
    if (!asked_to_stop(in)) {
        return false;
    }
    bool *has = in->alone ? &in->tasks[0].engine->has_stopped : &in->has_stopped;
    return *has = !finished && !stopped(in);
}

void task_set_ask_stop(struct task_set *in)
{
    in->asked_to_stop = true;
}

bool task_set_has_stopped(const struct task_set *in)
{
    return in->has_stopped;
}

static enum err commit_rest(struct task_set *in, struct error *err)
{
    if (!in->alone) {
        return task_set_commit(in, err);
    }
    FYKE_TRY(engine_commit(in->tasks[0].engine, err));
    engine_note_counters(in->tasks[0].engine);
    return ERR_OK;
}

/* As the records of the batches before have left it. */
static void last_read(void *ctx, uint32_t topic, int32_t partition, struct record_mark *ret)
{
    struct task_set *in = ctx;
    struct engine *e = in->alone ? in->tasks[0].engine : task_set_task_of(in, partition);
    const struct partition *p = e ? engine_find_partition(e, topic, partition) : NULL;
    if (p != NULL) {
        *ret = p->last;
    }
}

static bool has_header_field(const struct ruleset *rs)
{
    for (uint32_t d = 0; d < rs->n_decls; d++) {
        for (uint32_t f = 0; f < rs->decls[d].n_fields; f++) {
            if (rs->decls[d].fields[f].origin == ORIGIN_HEADER) {
                return true;
            }
        }
    }
    return false;
}

/* Fields come from them, as do identifiers of schemas; a record that is refused goes out with them. */
static bool reads_headers(const struct task_set *in)
{
    bool any = in->options.refused != NULL || has_header_field(in->rs);
    for (uint32_t t = 0; t < in->rs->n_topics; t++) {
        any |= in->rs->topics[t].payload != NULL;
    }
    return any;
}

static enum err turns(struct task_set *in, struct error *err)
{
    bool finished = false;
    say_ready(in);
    while (!finished && !asked_to_stop(in) && !stopped(in)) {
        FYKE_TRY(look_after(in, err));
        FYKE_TRY(task_set_settle(in, err));
        FYKE_TRY(step(in, &finished, err));
        FYKE_TRY(keep_pace(in, err));
        watch_budgets(in);
        beat(in, in->ready ? ENGINE_RUNNING : ENGINE_STANDING);
        say_ready(in);
    }
    if (!note_stop(in, finished)) {
        beat(in, ENGINE_STOPPING);
    }
    if (finished && in->source->bounded) {
        FYKE_TRY(engine_finish(in->tasks[0].engine, err));
    }
    return commit_rest(in, err);
}

static enum err loop(struct task_set *in, struct error *err)
{
    in->source->last_read = last_read;
    in->source->last_read_ctx = in;
    in->source->skips_headers = !reads_headers(in);
    enum err rc = turns(in, err);
    in->source->last_read = NULL;
    in->source->skips_headers = false;
    return rc;
}

enum err task_set_run(struct task_set *in, struct source *source, struct sink *sink,
                      const volatile sig_atomic_t *stop, struct error *err)
{
    in->source = source;
    in->sink = sink;
    in->stop = stop;
    in->parked = true;
    return loop(in, err);
}

/* ---- one task that takes everything ------------------------------------------------------- */

/* The first start of a partition pins where it began: a crash before the first commit begins there
 * again. Other rules than those of the state are pinned too: from here on they hold. Without a journal
 * bounded input needs no more: it has one beginning. */
static enum err pin_start(struct engine *e, struct error *err)
{
    bool switches = e->state != NULL && state_switches(e);
    bool first = e->state != NULL && (!e->state->found || switches);
    for (size_t i = 0; i < e->n_partitions; i++) {
        first |= e->partitions[i]->restored < 0;
    }
    bool pin = e->options.journal != NULL || (e->state != NULL && (!e->source->bounded || switches));
    return pin && first ? engine_commit(e, err) : ERR_OK;
}

static enum err start(struct engine *e, struct source *source, struct sink *sink,
                      struct error *err)
{
    const struct source_partition *parts;
    uint32_t n;
    e->source = source;
    e->hold_back = source->bounded;
    e->out.live = !source->bounded;
    FYKE_TRY(source->ops->partitions(source, &parts, &n, err));
    FYKE_TRY(engine_begin(e, parts, n, sink, err));
    const struct partition_position *from;
    uint32_t n_from = engine_positions(e, &from);
    FYKE_TRY(source->ops->start(source, from, n_from, err));
    engine_note_first_offsets(e, parts, n);
    return pin_start(e, err);
}

enum err engine_run(struct engine *e, struct source *source, struct sink *sink,
                    const volatile sig_atomic_t *stop, struct error *err)
{
    struct task one = {.engine = e};
    struct task_set in = {.rs = e->rs,
                          .options = e->options,
                          .alone = true,
                          .tasks = &one,
                          .n_tasks = 1,
                          .source = source,
                          .sink = sink,
                          .stop = stop};
    e->stop = stop;
    FYKE_TRY(engine_load_tables(e, err));
    FYKE_TRY(start(e, source, sink, err));
    return loop(&in, err);
}
