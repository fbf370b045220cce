#include "lib/run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectors/file_source.h"
#include "connectors/kafka_left_open.h"
#include "lib/last_error.h"
#include "lib/rule_store.h"
#include "lib/rules.h"
#include "lib/run_parts.h"

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool run_tasks(const struct run *r, uint32_t *ret_here, uint32_t *ret_of)
{
    *ret_here = r->task_set ? task_set_here(r->task_set, ret_of) : 0;
    return r->task_set != NULL;
}

uint32_t run_task_number(const struct run *r, uint32_t i)
{
    return task_set_number(r->task_set, i);
}

uint64_t run_ask_reload(struct run *r)
{
    return reload_ask(r->reload);
}

enum err run_look(struct run *r, const char *rule, struct slice key, const struct engine_looker *looker,
                  int64_t *ret_task, struct error *err)
{
    *ret_task = -1;
    if (r->task_set) {
        return task_set_look(r->task_set, rule, key, looker, ret_task, err);
    }
    return r->engine ? engine_look(r->engine, rule, key, looker, err)
                     : error_set(err, ERR_USAGE, "the process has not begun to read");
}

bool run_rule_figures(struct run *r, struct engine_rule_figures *ret, bool *ret_whole)
{
    if (r->task_set) {
        task_set_rule_figures(r->task_set, ret, ret_whole);
    } else if (r->engine) {
        engine_rule_figures(r->engine, ret, ret_whole);
    }
    return r->task_set || r->engine;
}

const struct ruleset *run_ruleset(const struct run *r)
{
    return r->rs;
}

void run_figures_now(struct run *r, run_figures_fn figures, void *ctx)
{
    if (!r->engine && !r->task_set) {
        return;
    }
    struct run_figures f = {
        .rs = r->rs,
        .transactional = r->journal != NULL,
        .in_group = r->task_set != NULL,
        .aborted = r->lives->begun,
        .foreign = r->from_kafka || !r->source ? 0 : file_source_foreign(r->source),
        .wall_s = seconds(CLOCK_MONOTONIC) - r->wall_from,
        .cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - r->cpu_from,
    };
    if (r->task_set) {
        task_set_summary(r->task_set, &f.engine);
    } else {
        engine_summary(r->engine, &f.engine);
    }
    reload_figures(r->reload, &f.reload);
    figures(ctx, &f);
}

/* What others wished for comes the same way as what was wished for here. */
static bool share_rules(struct run *r)
{
    struct fyke_rules *found;
    bool reads = reload_find(r->reload, &found);
    if (found) {
        group_rules_wish(*r->group, found);
    }
    struct group_rules_step s = group_rules_step(*r->group);
    reload_count(r->reload, s.unchanged, s.refused);
    if (s.switches) {
        reload_stops(r->reload);
        fault_point(r->fault, "before-switch");
        task_set_ask_stop(r->task_set);
    }
    return reads || s.busy || s.switches;
}

static void note_runs(struct run *r)
{
    if (r->task_set) {
        struct engine_summary s;
        task_set_summary(r->task_set, &s);
        reload_runs(r->reload, r->rs, s.partitions, s.n_partitions,
                    group_rules_generation(*r->group));
    } else {
        const struct partition_summary *p;
        uint32_t n = engine_partition_figures(r->engine, &p);
        reload_runs(r->reload, r->rs, p, n, 0);
    }
    r->runs = true;
    later_begin(r->later);
}

static bool reload(void *ctx, bool asked)
{
    struct run *r = ctx;
    if (!r->runs) {
        note_runs(r);
    }
    if (asked) {
        reload_begin(r->reload, RELOAD_BY_SIGNAL);
    }
    return r->task_set ? share_rules(r) : reload_step(r->reload, r->engine);
}

static void beat(void *ctx, enum run_phase phase)
{
    struct run *r = ctx;
    if (r->hooks->beat) {
        r->hooks->beat(r->hooks->ctx, phase, r);
    }
}

static void between(void *ctx)
{
    struct run *r = ctx;
    r->hooks->between(r->hooks->ctx, r);
}

static void init_life(struct run *r, sig_atomic_t reload_seen)
{
    r->life = (struct run_life){.thread = pthread_self(),
                                .beat = beat,
                                .beat_ctx = r,
                                .reload = r->config->reload,
                                .reload_seen = reload_seen,
                                .on_reload = reload,
                                .on_reload_ctx = r,
                                .between = r->hooks->between ? between : NULL,
                                .between_ctx = r};
}

/* The state of a life that lost its transaction is thrown away with it; the next one begins with
 * what is committed. */
static struct delivery_counted counted(struct run *r)
{
    struct delivery_counted c = {0};
    struct engine_summary s = {0};
    if (r->task_set) {
        task_set_summary(r->task_set, &s);
        c.carried = task_set_carry(r->task_set);
    } else if (r->engine) {
        engine_summary(r->engine, &s);
        c.carried = engine_carry(r->engine);
    }
    c.commits = s.commits;
    return c;
}

/* It stopped for other rules. */
static bool has_switched(const struct run *r)
{
    return r->task_set ? task_set_has_stopped(r->task_set)
                       : r->engine && reload_switch(r->reload, r->engine);
}

static enum err live(struct run *r, struct delivery_lives *lives, bool *again, struct error *err)
{
    enum err rc = run_open(r, lives, err);
    if (rc == ERR_OK) {
        rc = r->task_set ? task_set_run(r->task_set, r->source, r->sink, r->config->stop, err)
                         : engine_run(r->engine, r->source, r->sink, r->config->stop, err);
    } else if (rc != ERR_ABORTED && !err->retriable && !err->stopped && reload_fall_back(r->reload, err)) {
        *again = true;
        return ERR_OK;
    }
    if (rc == ERR_OK && delivery_ends_rebuild(lives, &r->kafka)) {
        delivery_goes_on(lives, counted(r));
        *again = true;
        return ERR_OK;
    }
    if (rc == ERR_OK && has_switched(r)) {
        delivery_goes_on(lives, counted(r));
        run_keep(r, rules_ruleset(reload_rules(r->reload)));
        reload_meet(r->reload, r->kept->state);
        *again = true;
        return ERR_OK;
    }
    bool may = rc != ERR_OK && delivery_may_begin_anew(lives, &r->kafka, err);
    *again = may && delivery_begins_anew(lives, &r->kafka, counted(r), err);
    err->stopped |= may && !*again && delivery_stopped(&r->kafka); /* between two lives */
    return rc;
}

/* The files compile, but not to rules that the state could have been written under: the state knows which
 * those were. Several instances have theirs in a topic. */
static bool goes_on_with_stored(const struct fyke_rules *rules, const struct fyke_run_config *c,
                                struct reload *reload, struct error *err)
{
    struct error looking = ERROR_INIT;
    struct fyke_rules *stored;
    if (err->code != ERR_RULES) {
        return false;
    }
    err->code = ERR_STATE;
    if (c->in_group || rules->stored || reload_rules(reload) != rules ||
        rule_store_find(c, (const char *const *)rules->paths, rules->n_paths, &stored, &looking) !=
            ERR_OK ||
        !stored) {
        return false;
    }
    reload_take_stored(reload, stored, err);
    *err = (struct error)ERROR_INIT;
    return true;
}

enum fyke_result run_whole(const struct fyke_rules *rules, const struct fyke_run_config *c,
                           const struct run_hooks *hooks)
{
    struct error err = ERROR_INIT, closing = ERROR_INIT; /* err: of the last life */
    struct fault fault = {.want = c->fault};
    struct delivery_lives lives = {0};
    double wall_from = seconds(CLOCK_MONOTONIC), cpu_from = seconds(CLOCK_PROCESS_CPUTIME_ID);
    sig_atomic_t reload_seen = 0; /* over all lives */
    struct group_rules *group = NULL;
    struct reload *reload;
    struct run_kept kept = {0};
    struct later later = {0};
    struct run r; /* in one place over all lives: what is kept points to parts of it */
    enum err rc;
    bool again;
    if (c->size != sizeof(*c) || c->options.size != sizeof(c->options)) {
        return last_error_usage("the configuration is set up by fyke_run_config_init()");
    }
#ifndef FYKE_FAULT_POINTS
    if (c->fault) {
        return last_error_usage("this build has no fault points (FYKE_FAULT_POINTS)");
    }
#endif
    if (delivery_begin_rebuild(&lives, c, &err) != ERR_OK) {
        return last_error_set(&err);
    }
    reload = reload_new(rules, c, &later);
    if (reload_open_audit(reload, hooks->reloaded, hooks->ctx, &err) != ERR_OK) {
        reload_free(reload);
        later_finish(&later);
        delivery_release(&lives);
        return last_error_set(&err);
    }
    if (rules->stored) {
        reload_begins_stored(reload);
    }
    lives.left_open = kafka_left_open_new();
    do {
        r = (struct run){.config = c,
                         .reload = reload,
                         .group = &group,
                         .hooks = hooks,
                         .lives = &lives,
                         .kept = &kept,
                         .later = &later,
                         .fault = &fault,
                         .wall_from = wall_from,
                         .cpu_from = cpu_from};
        init_life(&r, reload_seen);
        rc = live(&r, &lives, &again, &err);
        reload_seen = r.life.reload_seen;
        if ((r.engine || r.task_set) && r.sink && !again && hooks->figures) {
            run_figures_now(&r, hooks->figures, hooks->ctx);
        }
        if (run_release(&r, &closing) != ERR_OK && rc == ERR_OK) {
            rc = closing.code;
            err = closing;
        }
        again = again || (rc != ERR_OK && goes_on_with_stored(rules, c, reload, &err));
    } while (again);
    run_kept_release(&kept);
    delivery_release(&lives);
    group_rules_free(group);
    reload_free(reload);
    later_finish(&later);
    if (rc != ERR_OK && !err.stopped) {
        return last_error_set(&err);
    }
    return c->stop && *c->stop ? FYKE_INTERRUPTED : FYKE_OK;
}

/* ---- public ------------------------------------------------------------------------------- */

void fyke_run_config_init(struct fyke_run_config *c)
{
    *c = (struct fyke_run_config){.size = sizeof(*c)};
    fyke_options_init(&c->options);
}

struct json_summary {
    void (*fn)(void *ctx, const char *json);
    void *ctx;
};

static void tell_json(void *ctx, const struct run_figures *f)
{
    const struct json_summary *s = ctx;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    summary_json(f, &text);
    s->fn(s->ctx, buf_cstr(&text));
}

enum fyke_result fyke_run(const struct fyke_rules *rules, const struct fyke_run_config *c,
                          void (*summary)(void *ctx, const char *json), void *summary_ctx)
{
    struct json_summary s = {summary, summary_ctx};
    const struct run_hooks hooks = {.figures = summary ? tell_json : NULL, .ctx = &s};
    return run_whole(rules, c, &hooks);
}
