/* A test's events through an engine: one partition per topic, restarts and reloads on a state on
 * disk. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "connectors/geoip.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "lib/rule_test_parts.h"

struct evaluation {
    struct test_run *r;
    struct memory_sink *sink;
    const struct test_rules *rules; /* in force */
    const struct nfa_watch *watch;
    bool straight;
    struct test_drain drain;
    struct engine *engine;
};

static struct ptime no_time(void *ctx)
{
    (void)ctx;
    return (struct ptime){0};
}

static enum err begin(struct evaluation *v, struct error *err)
{
    const struct ruleset *rs = &v->rules->rs;
    struct source_partition *parts = xcalloc(rs->n_topics + 1u, sizeof(*parts));
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        parts[i].topic = i;
        parts[i].empty = true;
    }
    for (size_t i = 0; i < v->r->n_arrived; i++) {
        const struct event *e = test_rules_event(v->r, v->rules, v->r->arrived[i].event);
        if (e) {
            parts[e->at.topic].empty = false;
        }
    }
    enum err rc = engine_begin(v->engine, parts, rs->n_topics, &v->sink->sink, err);
    free(parts);
    return rc;
}

static enum err open_engine(struct evaluation *v, struct error *err)
{
    struct test_run *r = v->r;
    struct engine_options o;
    engine_options_init(&o);
    o.clock = (struct engine_clock){.now = no_time};
    o.state_dir = r->state_dir[0] ? r->state_dir : NULL;
    o.shards = 1;
    o.given_tables = v->rules->tables;
    o.geoip = geoip_files_lookup(r->geoip);
    o.geoip_identity = geoip_files_identity(r->geoip);
    o.show_derived = true;
    o.given = &v->rules->given;
    o.nfa.watch = v->watch;
    o.nfa.general = o.nfa.forgetful = v->watch != NULL;
    if (!v->straight && v->r->now != v->r->first) {
        test_drain_opening(&v->drain, v->rules);
        o.old_rules = &v->drain.hooks;
    }
    FYKE_TRY(engine_new(&v->rules->rs, &o, &v->engine, err));
    return begin(v, err);
}

static enum err push(struct evaluation *v, size_t i, struct error *err)
{
    const struct event *e = test_rules_event(v->r, v->rules, v->r->arrived[i].event);
    if (v->r->problem->len > 0) {
        return error_set(err, ERR_INPUT, "%s", buf_cstr(v->r->problem));
    }
    return e ? engine_push_event(v->engine, e, err) : ERR_OK;
}

/* Saves, closes, opens again and reads from the beginning, as after a restart; a reload of a running
 * engine is the same with other rules, beside which the old versions of changed ones drain. */
static enum err turn(struct evaluation *v, const struct test_turn *t, size_t upto,
                     struct error *err)
{
    FYKE_TRY(engine_process(v->engine, err));
    if (!v->r->shuffled && t->decided.ns != INT64_MIN) {
        struct etime after = etime_add(t->decided, (struct duration){1});
        FYKE_TRY(engine_advance(v->engine, after, err));
    }
    FYKE_TRY(engine_commit(v->engine, err));
    engine_free(v->engine);
    v->engine = NULL;
    v->rules = t->rules;
    FYKE_TRY(open_engine(v, err));
    for (size_t i = 0; i < upto; i++) {
        FYKE_TRY(push(v, i, err));
    }
    return ERR_OK;
}

static enum err turns(struct evaluation *v, size_t from, size_t to, size_t upto, struct error *err)
{
    for (size_t i = from; i < to && !v->straight; i++) {
        FYKE_TRY(turn(v, &v->r->turns[i], upto, err));
    }
    return ERR_OK;
}

static void number_offsets(struct test_run *r)
{
    int64_t *next = xcalloc(r->first->rs.n_topics + 1u, sizeof(*next));
    for (size_t i = 0; i < r->n_arrived; i++) {
        struct event *e = r->arrived[i].event;
        e->at.offset = next[e->at.topic]++;
    }
    free(next);
}

static enum err push_all(struct evaluation *v, struct error *err)
{
    struct test_run *r = v->r;
    FYKE_TRY(open_engine(v, err));
    for (size_t i = 0; i < r->n_arrived; i++) {
        FYKE_TRY(turns(v, r->arrived[i].first_turn, r->arrived[i].end_turn, i, err));
        FYKE_TRY(push(v, i, err));
    }
    FYKE_TRY(turns(v, r->turns_taken, r->n_turns, r->n_arrived, err));
    engine_set_watermark_end(v->engine, END_AT, etime_add(r->clock, (struct duration){1}));
    return engine_finish(v->engine, err);
}

static uint64_t late_in(struct engine *e)
{
    struct engine_summary s = {0};
    if (e) {
        engine_summary(e, &s);
    }
    return s.late;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void test_evaluate(struct test_run *r, const struct test_evaluation *how, struct memory_sink *sink)
{
    struct error err = ERROR_INIT;
    struct evaluation v = {.r = r,
                           .sink = sink,
                           .rules = how->rules,
                           .watch = how->watch,
                           .straight = how->straight};
    bool stored = r->n_turns > 0 && !how->straight;
    test_drain_init(&v.drain, r);
    r->state_dir[0] = '\0';
    if (stored) {
        snprintf(r->state_dir, sizeof(r->state_dir), "/tmp/fyke-test-XXXXXX");
        if (!mkdtemp(r->state_dir)) {
            test_run_fail(r, "cannot make a directory for the state under /tmp");
            return;
        }
    }
    number_offsets(r);
    if (push_all(&v, &err) != ERR_OK) {
        test_run_fail(r, err.text);
    }
    r->late = late_in(v.engine);
    engine_free(v.engine);
    test_drain_release(&v.drain);
    if (stored) {
        nftw(r->state_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
}
