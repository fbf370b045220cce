#include "lib/rule_test.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "connectors/geoip.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "lib/rule_test_events.h"
#include "nfa/expr.h"

struct test_event {
    struct event *event;
    struct etime arrival; /* order of arrival under `shuffle` */
    size_t number;
    bool restart_before;
};

struct test_run {
    const struct ruleset *rs;
    const struct compiled_test *test;
    struct profiles_given given;
    struct arena arena;
    struct test_event *arrived; /* in order of arrival */
    size_t n_arrived, cap_arrived;
    struct test_event *later; /* repetitions whose time has not come, by time */
    size_t n_later, cap_later;
    struct etime clock;   /* ETIME_MIN: nothing happened yet */
    struct etime decided; /* `watermark T`: everything up to and including it */
    bool restart;         /* before the next event */
    bool shuffled, restarts;
    char state_dir[64]; /* "" without restarts */
    const struct geoip_files *geoip; /* NULL: none */
    struct eval_env env; /* lists and lookups as this test gives them */
    struct buf *problem;
};

static void fail(struct test_run *r, const char *text)
{
    if (r->problem->len == 0) {
        buf_puts(r->problem, text);
    }
}

/* ---- events ------------------------------------------------------------------------------- */

static void compute_fields(struct test_run *r, const struct schema_decl *d, struct event *e)
{
    struct eval_counters counters = {0};
    struct eval ev = {.self = e,
                      .scratch = &r->arena,
                      .counters = &counters,
                      .env = &r->env,
                      .first_at = e->time,
                      .last_at = e->time,
                      .detected_at = e->time};
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if (d->fields[i].origin == ORIGIN_COMPUTED) {
            e->values[i] = expr_eval(d->fields[i].computed, &ev);
        }
    }
    eval_release(&ev);
}

static struct event *make_event(struct test_run *r, const struct test_stmt *s, struct etime time)
{
    const struct schema_decl *d = &r->rs->decls[s->decl];
    size_t bytes = sizeof(struct event) + d->n_fields * sizeof(struct value);
    struct event *e = arena_alloc(&r->arena, bytes);
    *e = (struct event){.time = time,
                        .at = {.topic = d->topics[0]},
                        .decl = s->decl,
                        .n_values = d->n_fields,
                        .bytes = (uint32_t)bytes};
    if (d->n_fields > 0) {
        memcpy(e->values, s->values, d->n_fields * sizeof(struct value));
    }
    if (d->time_field >= 0) {
        e->values[d->time_field] = value_timestamp(time);
    }
    compute_fields(r, d, e);
    return e;
}

/* Judged by the test's clock; `watermark per` has clocks of its own, which the engine keeps. */
static bool comes_too_late(const struct test_run *r, const struct event *e)
{
    const struct schema_topic *t = &r->rs->topics[e->at.topic];
    if (!etime_lt(r->decided, e->time)) {
        return true;
    }
    return !t->has_watermark_per && etime_lt(e->time, etime_sub(r->clock, t->out_of_order));
}

static void arrive(struct test_run *r, struct event *e)
{
    if (!comes_too_late(r, e)) {
        VEC_PUSH(r->arrived, r->n_arrived, r->cap_arrived) = (struct test_event){
            .event = e, .arrival = e->time, .number = r->n_arrived, .restart_before = r->restart};
        r->restart = false;
    }
}

static void move_clock(struct test_run *r, struct etime to)
{
    r->clock = etime_lt(r->clock, to) ? to : r->clock;
}

/* Repetitions up to and including `to` arrive. */
static void catch_up(struct test_run *r, struct etime to)
{
    size_t n = 0;
    while (n < r->n_later && !etime_lt(to, r->later[n].event->time)) {
        arrive(r, r->later[n].event);
        move_clock(r, r->later[n].event->time);
        n++;
    }
    r->n_later -= n;
    if (n > 0 && r->n_later > 0) {
        memmove(r->later, r->later + n, r->n_later * sizeof(*r->later));
    }
}

static void schedule(struct test_run *r, struct event *e)
{
    VEC_PUSH(r->later, r->n_later, r->cap_later) = (struct test_event){.event = e};
    for (size_t i = r->n_later - 1; i > 0 && etime_lt(e->time, r->later[i - 1].event->time); i--) {
        r->later[i] = r->later[i - 1];
        r->later[i - 1] = (struct test_event){.event = e};
    }
}

static void event_stmt(struct test_run *r, const struct test_stmt *s)
{
    struct etime time = test_moment_time(s->moment, r->test->origin);
    if (r->rs->decls[s->decl].n_topics == 0) {
        fail(r, "the event comes from no topic");
        return;
    }
    if (!s->late) {
        catch_up(r, time);
    }
    arrive(r, make_event(r, s, time));
    for (uint32_t i = 1; i < s->times; i++) {
        time = etime_add(time, s->every);
        struct event *e = make_event(r, s, time);
        if (s->every.ns == 0 || s->late) {
            arrive(r, e);
        } else {
            schedule(r, e);
        }
    }
    if (!s->late) {
        move_clock(r, test_moment_time(s->moment, r->test->origin));
    }
}

/* Files hold events as they were read: each has its own time, and moves the clock there. */
static void event_of_file(void *ctx, struct event *e)
{
    struct test_run *r = ctx;
    catch_up(r, e->time);
    arrive(r, e);
    move_clock(r, e->time);
}

static void events_file_stmt(struct test_run *r, const struct test_stmt *s)
{
    if (r->problem->len == 0) {
        rule_test_events(r->rs, &r->env, s->path, &r->arena, event_of_file, r, r->problem);
    }
}

static void watermark_stmt(struct test_run *r, const struct test_stmt *s)
{
    struct etime time = test_moment_time(s->moment, r->test->origin);
    catch_up(r, time);
    move_clock(r, time);
    r->decided = etime_lt(r->decided, time) ? time : r->decided;
}

static int by_arrival(const void *a, const void *b)
{
    const struct test_event *x = a, *y = b;
    int c = etime_cmp(x->arrival, y->arrival);
    return c ? c : x->number < y->number ? -1 : x->number > y->number;
}

/* Events of one time stay together: among them the order of arrival is part of the meaning. */
static void shuffle(struct test_run *r, const struct test_stmt *s)
{
    if (s->within.ns <= 0) {
        return;
    }
    r->shuffled = true;
    for (size_t i = 0; i < r->n_arrived; i++) {
        struct test_event *e = &r->arrived[i];
        char bytes[sizeof(int64_t)];
        memcpy(bytes, &e->event->time.ns, sizeof(bytes));
        uint64_t h = hash64_seed(slice_from(bytes, sizeof(bytes)), s->seed);
        e->arrival = etime_add(e->event->time,
                               (struct duration){(int64_t)(h % ((uint64_t)s->within.ns + 1))});
    }
}

static void run_statements(struct test_run *r)
{
    for (uint32_t i = 0; i < r->test->n_stmts; i++) {
        const struct test_stmt *s = &r->test->stmts[i];
        switch (s->kind) {
        case TEST_STMT_EVENT: event_stmt(r, s); break;
        case TEST_STMT_WATERMARK: watermark_stmt(r, s); break;
        case TEST_STMT_EVENTS_FILE: events_file_stmt(r, s); break;
        case TEST_STMT_RESTART: r->restart = r->restarts = true; break;
        case TEST_STMT_SHUFFLE:
        case TEST_STMT_EXPECT:
        case TEST_STMT_TIMEOUT: break;
        }
    }
    catch_up(r, ETIME_MAX);
    for (uint32_t i = 0; i < r->test->n_stmts; i++) {
        if (r->test->stmts[i].kind == TEST_STMT_SHUFFLE) {
            shuffle(r, &r->test->stmts[i]);
        }
    }
    if (r->shuffled && r->n_arrived > 1) {
        qsort(r->arrived, r->n_arrived, sizeof(*r->arrived), by_arrival);
    }
}

/* ---- engine ------------------------------------------------------------------------------- */

static struct ptime no_time(void *ctx)
{
    (void)ctx;
    return (struct ptime){0};
}

static enum err open_engine(struct test_run *r, struct memory_sink *sink, struct engine **ret,
                            struct error *err)
{
    struct engine_options o;
    engine_options_init(&o);
    o.clock = (struct engine_clock){.now = no_time};
    o.state_dir = r->state_dir[0] ? r->state_dir : NULL;
    o.shards = 1;
    o.given_tables = r->test->tables;
    o.geoip = geoip_files_lookup(r->geoip);
    o.geoip_identity = geoip_files_identity(r->geoip);
    o.show_derived = true;
    o.given = &r->given;
    FYKE_TRY(engine_new(r->rs, &o, ret, err));
    struct source_partition *parts = xcalloc(r->rs->n_topics + 1, sizeof(*parts));
    for (uint32_t i = 0; i < r->rs->n_topics; i++) {
        parts[i].topic = i;
        parts[i].empty = true;
    }
    for (size_t i = 0; i < r->n_arrived; i++) {
        parts[r->arrived[i].event->at.topic].empty = false;
    }
    enum err rc = engine_begin(*ret, parts, r->rs->n_topics, &sink->sink, err);
    free(parts);
    return rc;
}

/* Saves, closes, opens again and reads from the beginning, as after a restart. */
static enum err reopen(struct test_run *r, struct memory_sink *sink, size_t upto,
                       struct engine **engine, struct error *err)
{
    FYKE_TRY(engine_process(*engine, err));
    FYKE_TRY(engine_commit(*engine, err));
    engine_free(*engine);
    *engine = NULL;
    FYKE_TRY(open_engine(r, sink, engine, err));
    for (size_t i = 0; i < upto; i++) {
        FYKE_TRY(engine_push_event(*engine, r->arrived[i].event, err));
    }
    return ERR_OK;
}

static void number_offsets(struct test_run *r)
{
    int64_t *next = xcalloc(r->rs->n_topics + 1, sizeof(*next));
    for (size_t i = 0; i < r->n_arrived; i++) {
        struct event *e = r->arrived[i].event;
        e->at.offset = next[e->at.topic]++;
    }
    free(next);
}

static enum err push_all(struct test_run *r, struct memory_sink *sink, struct engine **engine,
                         struct error *err)
{
    FYKE_TRY(open_engine(r, sink, engine, err));
    for (size_t i = 0; i < r->n_arrived; i++) {
        if (r->arrived[i].restart_before) {
            FYKE_TRY(reopen(r, sink, i, engine, err));
        }
        FYKE_TRY(engine_push_event(*engine, r->arrived[i].event, err));
    }
    if (r->restart) {
        FYKE_TRY(reopen(r, sink, r->n_arrived, engine, err));
    }
    struct etime end = etime_add(r->clock, (struct duration){1});
    engine_set_watermark_end(*engine, END_AT, end);
    return engine_finish(*engine, err);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void evaluate(struct test_run *r, struct memory_sink *sink)
{
    struct error err = ERROR_INIT;
    struct engine *engine = NULL;
    if (r->restarts) {
        snprintf(r->state_dir, sizeof(r->state_dir), "/tmp/fyke-test-XXXXXX");
        if (!mkdtemp(r->state_dir)) {
            fail(r, "cannot make a directory for the state under /tmp");
            return;
        }
    }
    number_offsets(r);
    if (push_all(r, sink, &engine, &err) != ERR_OK) {
        fail(r, err.text);
    }
    engine_free(engine);
    if (r->restarts) {
        nftw(r->state_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
}

/* The rule set with the tested rule evaluated and heard whatever its status. `rules`: room for a
 * copy of its rules. */
static struct ruleset ruleset_for(const struct ruleset *rs, uint32_t tested, struct rule *rules)
{
    struct ruleset view = *rs;
    memcpy(rules, rs->rules, rs->n_units * sizeof(*rules));
    for (uint32_t i = 0; i < rs->n_units; i++) {
        if (rules[i].original == tested) {
            rules[i].status = (struct slice){0};
        }
    }
    view.rules = rules;
    return view;
}

static void set_env(struct test_run *r)
{
    uint32_t n = r->rs->n_tables;
    const struct table **tables = ARENA_ARRAY(&r->arena, const struct table *, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        const struct table *given = r->test->tables ? r->test->tables[i] : NULL;
        tables[i] = given ? given : r->rs->tables[i].table;
    }
    r->env = (struct eval_env){.tables = tables,
                               .n_tables = n,
                               .geoip = geoip_files_lookup(r->geoip)};
}

void rule_test_run(const struct compilation *c, const struct compiled_test *test,
                   const struct geoip_files *geoip,
                   struct rule_test_result *ret)
{
    *ret = (struct rule_test_result){0};
    struct rule *rules = xcalloc(c->ruleset->n_units, sizeof(*rules));
    struct ruleset rs = ruleset_for(c->ruleset, test->rule, rules);
    struct test_run r = {.rs = &rs,
                         .test = test,
                         .geoip = geoip,
                         .given = {test->profiles, test->n_profiles},
                         .clock = ETIME_MIN,
                         .decided = ETIME_MIN,
                         .problem = &ret->problem};
    struct memory_sink sink;
    memory_sink_init(&sink);
    set_env(&r);
    run_statements(&r);
    if (ret->problem.len == 0) {
        evaluate(&r, &sink);
    }
    if (ret->problem.len == 0) {
        rule_test_compare(c, test, &sink, ret);
    }
    memory_sink_release(&sink);
    arena_release(&r.arena);
    free(r.arrived);
    free(r.later);
    free(rules);
}

void rule_test_result_release(struct rule_test_result *r)
{
    for (size_t i = 0; i < r->n_expected; i++) {
        buf_release(&r->expected[i].text);
        buf_release(&r->expected[i].json);
    }
    for (size_t i = 0; i < r->n_got; i++) {
        buf_release(&r->got[i].text);
        buf_release(&r->got[i].json);
    }
    free(r->expected);
    free(r->got);
    buf_release(&r->problem);
}
