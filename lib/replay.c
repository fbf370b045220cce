#include "lib/replay.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "lib/last_error.h"
#include "lib/replay_branch.h"
#include "lib/replay_funnel.h"
#include "lib/rules.h"

struct replay {
    const struct replay_config *config;
    struct replay_config aside; /* of the beginnings of rules: counted, and nothing else */
    const struct ruleset *const *sets;
    struct replay_branch *branches;
    uint32_t n;
    struct ruleset *was;         /* of two sets the old one, which may be changed; NULL */
    struct replay_shared shared; /* of these, if one engine can evaluate both */
    struct replay_union all; /* of several sets */
    struct replay_input input;
    struct replay_tee tee;
    struct replay_savepoint savepoint;
};

void replay_config_init(struct replay_config *c)
{
    *c = (struct replay_config){.from = ETIME_MIN, .to = ETIME_MAX};
    fyke_options_init(&c->options);
    c->options.memory_bytes = REPLAY_MEMORY_BYTES;
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum err check_range(const struct replay_config *c, struct error *err)
{
    if (!etime_lt(c->from, c->to)) {
        return error_set(err, ERR_USAGE, "an empty range: it ends at or before its beginning");
    }
    return ERR_OK;
}

/* Branches with an engine of their own: all, or the first one. */
static uint32_t engines(const struct replay *r)
{
    return r->shared.rs ? 1 : r->n;
}

static const struct ruleset *evaluated(const struct replay *r, uint32_t i)
{
    return r->shared.rs ? r->shared.rs : r->sets[i];
}

/* What any of the sets needs. */
static struct engine_range widest(const struct replay *r, struct duration *late)
{
    struct engine_range range = r->branches[0].range;
    *late = r->branches[0].result->span.late;
    for (uint32_t i = 1; i < r->n; i++) {
        const struct replay_branch *b = &r->branches[i];
        range.from = etime_lt(b->range.from, range.from) ? b->range.from : range.from;
        range.before = etime_lt(range.before, b->range.before) ? b->range.before : range.before;
        *late = late->ns < b->result->span.late.ns ? b->result->span.late : *late;
    }
    return range;
}

static enum err open_tables(struct replay *r, struct error *err)
{
    const struct replay_config *c = r->config;
    uint32_t n = engines(r);
    const struct table_inputs **tables = xcalloc(n, sizeof(*tables));
    enum err rc = ERR_OK;
    for (uint32_t i = 0; i < n && rc == ERR_OK; i++) {
        struct replay_branch *b = &r->branches[i];
        rc = table_inputs_open(&b->tables, evaluated(r, i), c->inputs, c->n_inputs, c->kcat,
                               r->input.from_kafka ? &r->input.kafka : NULL, err);
        tables[i] = &b->tables;
    }
    if (rc == ERR_OK) {
        rc = replay_input_open(&r->input, tables, n, err);
    }
    free(tables);
    return rc;
}

static enum err open_input(struct replay *r, struct error *err)
{
    const struct replay_config *c = r->config;
    struct duration late;
    struct engine_range range = widest(r, &late);
    const struct ruleset *rs = evaluated(r, 0);
    uint32_t n = engines(r);
    if (n > 1) {
        replay_union_init(&r->all, r->sets, r->n);
        rs = &r->all.rs;
    }
    FYKE_TRY(replay_input_init(&r->input, c, rs, range, late, err));
    r->input.savepoint = c->from_state ? &r->savepoint : NULL;
    FYKE_TRY(open_tables(r, err));
    return replay_tee_open(&r->tee, &r->input.source, n > 1 ? r->sets : &rs, n, n > 1 ? &r->all : NULL,
                           !c->kcat && !r->input.from_kafka, err);
}

static enum err open_savepoint(struct replay *r, struct replay_result *results, struct error *err)
{
    const struct replay_config *c = r->config;
    if (!c->from_state) {
        return ERR_OK;
    }
    if (r->n > 1) {
        return error_set(err, ERR_USAGE, "a state is gone on from with one rule set");
    }
    FYKE_TRY(replay_savepoint_open(&r->savepoint, c->from_state, c->options.app, r->sets[0], err));
    replay_savepoint_tell(&r->savepoint, &results[0]);
    r->branches[0].state_dir = r->savepoint.dir;
    return ERR_OK;
}

static bool same_range(const struct replay_branch *a, const struct replay_branch *b)
{
    return a->range.from.ns == b->range.from.ns && a->range.before.ns == b->range.before.ns;
}

/* One engine for both, if what they look back to begins and ends at the same times. */
static void share_engine(struct replay *r)
{
    struct replay_branch *was = &r->branches[0], *is = &r->branches[1];
    if (!r->was || !same_range(was, is) || !replay_shared_init(&r->shared, r->was, r->sets[1])) {
        return;
    }
    r->shared.sides[0] = &was->collect;
    r->shared.sides[1] = &is->collect;
    was->shared = is->shared = &r->shared;
    was->share = 1;
}

static enum err open_engines(struct replay *r, struct error *err)
{
    for (uint32_t i = 0; i < engines(r); i++) {
        FYKE_TRY(replay_branch_open(&r->branches[i], &r->input, &r->tee.taps[i], err));
    }
    for (uint32_t i = engines(r); i < r->n; i++) {
        r->branches[i].engine = r->branches[0].engine;
        r->branches[i].input = &r->input;
        r->branches[i].borrows_engine = true;
    }
    return ERR_OK;
}

static enum err open_replay(struct replay *r, struct replay_result *results, struct error *err)
{
    double now = replay_seconds(CLOCK_MONOTONIC);
    enum err rc = ERR_OK;
    for (uint32_t i = 0; i < r->n; i++) { /* all of them, so that all can be released */
        struct error why = ERROR_INIT;
        bool aside = i > 0 && r->config->funnel;
        enum err opened = replay_branch_init(&r->branches[i], aside ? &r->aside : r->config,
                                             r->sets[i], &results[i], &why);
        if (opened != ERR_OK && rc == ERR_OK) {
            rc = opened;
            *err = why;
        }
        r->branches[i].share = r->n;
        r->branches[i].silent = i > 0;
        r->branches[i].collect.is_aside = i > 0;
    }
    r->branches[0].begun_s = r->branches[0].told_s = now;
    FYKE_TRY(rc);
    FYKE_TRY(check_range(r->config, err));
    FYKE_TRY(open_savepoint(r, results, err));
    share_engine(r);
    FYKE_TRY(open_input(r, err));
    return open_engines(r, err);
}

/* ---- running -------------------------------------------------------------------------------- */

static void *run_branch(void *ctx)
{
    replay_branch_run(ctx);
    return NULL;
}

/* The first rule set in this thread, each other one in its own. */
static enum err run_branches(struct replay *r, struct error *err)
{
    uint32_t n = engines(r);
    pthread_t *threads = xcalloc(n, sizeof(*threads));
    uint32_t begun = 1;
    enum err rc = ERR_OK;
    for (; begun < n && rc == ERR_OK; begun += rc == ERR_OK) {
        int why = pthread_create(&threads[begun], NULL, run_branch, &r->branches[begun]);
        if (why != 0) {
            rc = error_set(err, ERR_IO, "cannot start a thread: %s", strerror(why));
        }
    }
    for (uint32_t i = begun; i < n; i++) {
        replay_tap_leave(&r->tee.taps[i], true); /* those that run must not wait for it */
    }
    replay_branch_run(&r->branches[0]);
    for (uint32_t i = 1; i < begun; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
    return rc;
}

/* Where one has failed the others end, too; what the first one says that failed by itself is told. */
static enum err first_error(const struct replay *r, struct error *err)
{
    const struct replay_branch *found = NULL;
    for (uint32_t i = 0; i < engines(r); i++) {
        const struct replay_branch *b = &r->branches[i];
        if (b->rc != ERR_OK && (!found || (found->tap->turned_away && !b->tap->turned_away))) {
            found = b;
        }
    }
    if (found) {
        *err = found->err;
    }
    return found ? found->rc : ERR_OK;
}

static enum err run_replay(struct replay *r, struct replay_result *results, struct error *err)
{
    const struct replay_config *c = r->config;
    FYKE_TRY(run_branches(r, err));
    FYKE_TRY(first_error(r, err));
    if (!(c->stop && *c->stop)) {
        FYKE_TRY(replay_input_finish(&r->input, err));
    }
    for (uint32_t i = 0; i < r->n; i++) {
        struct replay_branch *b = &r->branches[i];
        if (c->verify_against && i == 0) {
            FYKE_TRY(replay_verify_run(&b->collect.verify, &b->collect.settled, c->verify_against, &r->input.kafka,
                                       &results[i], err));
        }
        replay_branch_finish(b);
    }
    return ERR_OK;
}

static void close_replay(struct replay *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        replay_branch_release(&r->branches[i]);
    }
    replay_tee_close(&r->tee);
    replay_input_close(&r->input);
    replay_savepoint_close(&r->savepoint);
    replay_union_release(&r->all);
    replay_shared_release(&r->shared);
    free(r->branches);
}

/* `was`: sets[0], if it may be evaluated together with the other one; NULL. */
static enum fyke_result run_rulesets(const struct ruleset *const *sets, uint32_t n, struct ruleset *was,
                                     const struct replay_config *c, struct replay_result *results)
{
    struct error err = ERROR_INIT;
    struct replay r = {.config = c, .n = n, .sets = sets, .was = was, .aside = *c};
    double wall_s = replay_seconds(CLOCK_MONOTONIC);
    double cpu_s = replay_seconds(CLOCK_PROCESS_CPUTIME_ID);
    r.branches = xcalloc(n, sizeof(*r.branches));
    r.aside.labels = NULL;
    r.aside.verify_against = NULL;
    r.aside.keep_alerts = false;
    enum err rc = open_replay(&r, results, &err);
    if (rc == ERR_OK) {
        rc = run_replay(&r, results, &err);
    }
    wall_s = replay_seconds(CLOCK_MONOTONIC) - wall_s;
    cpu_s = replay_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    close_replay(&r);
    for (uint32_t i = 0; i < n; i++) {
        results[i].wall_s = wall_s;
        results[i].cpu_s = cpu_s;
        if (rc != ERR_OK) {
            replay_result_release(&results[i]);
        }
    }
    if (rc != ERR_OK) {
        return last_error_set(&err);
    }
    return c->stop && *c->stop ? FYKE_INTERRUPTED : FYKE_OK;
}

enum fyke_result replay_run_sets(const struct fyke_rules *const *sets, uint32_t n,
                                 const struct replay_config *c, struct replay_result *results)
{
    struct replay_config config = *c;
    const struct ruleset **rulesets = xcalloc(n, sizeof(*rulesets));
    config.funnel = false;
    for (uint32_t i = 0; i < n; i++) {
        rulesets[i] = rules_ruleset(sets[i]);
    }
    enum fyke_result rc = run_rulesets(rulesets, n, NULL, &config, results);
    free(rulesets);
    return rc;
}

enum fyke_result replay_run_both(struct fyke_rules *was, const struct fyke_rules *is,
                                 const struct replay_config *c, struct replay_result results[2])
{
    const struct ruleset *const sets[] = {rules_ruleset(was), rules_ruleset(is)};
    struct replay_config config = *c;
    config.funnel = false;
    return run_rulesets(sets, 2, was->compilation->ruleset, &config, results);
}

enum fyke_result replay_run(const struct fyke_rules *rules, const struct replay_config *c,
                            struct replay_result *ret)
{
    if (!c->funnel) {
        return replay_run_sets(&rules, 1, c, ret);
    }
    struct replay_funnel funnel;
    struct replay_result results[2];
    replay_funnel_init(&funnel, rules_ruleset(rules));
    const struct ruleset *const sets[] = {rules_ruleset(rules), &funnel.rs};
    enum fyke_result rc = run_rulesets(sets, 2, NULL, c, results);
    if (rc == FYKE_OK || rc == FYKE_INTERRUPTED) {
        *ret = results[0];
        replay_funnel_take(&funnel, &results[1], ret);
        replay_result_release(&results[1]);
    }
    replay_funnel_release(&funnel);
    return rc;
}
