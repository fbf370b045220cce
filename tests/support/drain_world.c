#include "tests/support/drain_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "lib/rule_store.h"
#include "tests/support/state_dump.h"

#define STEP_US 200000
#define DISORDER_US 1500000

/* One life: from its opening to its end. */
struct life {
    struct drain_world *w;
    struct drain *drain;
    struct later later;
    struct fyke_run_config config;
    struct journal *journal;
    struct engine *engine;
    unsigned at;        /* the next record */
    struct error err;
};

/* ---- the world -------------------------------------------------------------------------------- */

static void begin_empty(struct drain_world *w)
{
    state_dir_make(w->dir);
    sim_log_init(&w->log);
}

void drain_world_make(struct drain_world *w, const char *head)
{
    *w = (struct drain_world){.head = head, .records = 300, .keys = 4, .commit_every = 20};
    begin_empty(w);
}

void drain_world_version(struct drain_world *w, const char *rules, unsigned from)
{
    struct drain_version *v = &w->versions[w->n_versions++];
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    buf_puts(&text, w->head);
    buf_puts(&text, rules);
    *v = (struct drain_version){.rules = rules, .from = from};
    if (fyke_rules_compile_text("t.rules", text.ptr, text.len, NULL, NULL, &v->compiled) !=
        FYKE_OK) {
        fail_msg("%s", fyke_last_error());
    }
    rule_store_encode(v->compiled, &v->texts);
}

void drain_world_like(struct drain_world *w, const struct drain_world *as)
{
    *w = (struct drain_world){.head = as->head,
                              .records = as->records,
                              .keys = as->keys,
                              .commit_every = as->commit_every,
                              .memory_bytes = as->memory_bytes,
                              .drop = as->drop,
                              .lose_copies = as->lose_copies};
    begin_empty(w);
    for (unsigned i = 0; i < as->n_versions; i++) {
        drain_world_version(w, as->versions[i].rules, as->versions[i].from);
    }
}

void drain_world_end(struct drain_world *w)
{
    for (unsigned i = 0; i < w->n_versions; i++) {
        fyke_rules_free(w->versions[i].compiled);
        buf_release(&w->versions[i].texts);
    }
    sim_log_release(&w->log);
    state_dir_remove(w->dir);
    buf_release(&w->said);
    buf_release(&w->alerts);
    buf_release(&w->sequences);
    buf_release(&w->state);
}

bool drain_world_said(const struct drain_world *w, const char *text)
{
    return w->said.len > 0 && memmem(w->said.ptr, w->said.len, text, strlen(text)) != NULL;
}

static void hear(void *ctx, const char *line)
{
    struct drain_world *w = ctx;
    buf_puts(&w->said, line);
    buf_puts(&w->said, "\n");
}

/* ---- a life ----------------------------------------------------------------------------------- */

static struct ptime now(void *ctx)
{
    const struct drain_world *w = ctx;
    return (struct ptime){w->log.now};
}

/* The version of everything behind record `at`. */
static unsigned in_force(const struct drain_world *w, unsigned at)
{
    unsigned v = 0;
    while (v + 1 < w->n_versions && w->versions[v + 1].from <= at) {
        v++;
    }
    return v;
}

static void fill_options(struct life *l, const struct drain_version *v, struct engine_options *o)
{
    struct drain_world *w = l->w;
    engine_options_init(o);
    o->journal = l->journal;
    o->clock = (struct engine_clock){.now = now, .ctx = w};
    o->rule_texts = buf_slice(&v->texts);
    o->old_rules = drain_hooks(l->drain);
    o->state_dir = w->dir;
    o->state_map_bytes = (size_t)64 << 20;
    o->shards = 2;
    o->memory_bytes = w->memory_bytes ? w->memory_bytes : o->memory_bytes;
    o->log = hear;
    o->log_ctx = w;
}

static unsigned position_of(const struct life *l)
{
    const struct partition_position *pos;
    uint32_t n = engine_positions(l->engine, &pos);
    return n > 0 ? (unsigned)pos[0].offset : 0;
}

static enum err open_life(struct life *l, const struct drain_version *v)
{
    const struct source_partition part = {0};
    const struct partition_position *pos;
    struct engine_options o;
    fyke_run_config_init(&l->config);
    l->config.drop_changed = l->w->drop;
    l->config.options.log = hear;
    l->config.options.log_ctx = l->w;
    l->drain = drain_new(&l->config, &l->later);
    drain_opening(l->drain, rules_ruleset(v->compiled), buf_slice(&v->texts), false);
    l->journal = sim_journal_new(&l->w->log);
    fill_options(l, v, &o);
    FYKE_TRY(engine_new(rules_ruleset(v->compiled), &o, &l->engine, &l->err));
    FYKE_TRY(engine_begin(l->engine, &part, 1, sim_journal_sink(l->journal), &l->err));
    if (engine_positions(l->engine, &pos) == 0) {
        FYKE_TRY(engine_commit(l->engine, &l->err)); /* pins the start */
    }
    l->at = position_of(l);
    return ERR_OK;
}

static void close_life(struct life *l, bool crashed)
{
    struct drain_world *w = l->w;
    struct engine_summary s = {0};
    if (l->engine) {
        engine_summary(l->engine, &s);
        (crashed ? engine_abandon : engine_free)(l->engine);
    }
    l->journal->ops->close(l->journal);
    w->evicted = s.evicted;
    drain_figures(l->drain, &w->figures);
    w->drained += w->figures.drained;
    w->dropped += w->figures.dropped;
    drain_free(l->drain);
    later_finish(&l->later);
    if (crashed && w->lose_copies) {
        state_dir_remove(w->dir);
        assert_int_equal(mkdir(w->dir, 0700), 0);
    }
}

/* ---- records ---------------------------------------------------------------------------------- */

static void put_record(const struct drain_world *w, unsigned i, char payload[128])
{
    struct rng rng = rng_seed(1000 + i);
    int64_t at = (int64_t)i * STEP_US + (int64_t)rng_below(&rng, DISORDER_US / 1000) * 1000 -
                 DISORDER_US + (int64_t)(i % 1000);
    snprintf(payload, 128, "{\"user\":\"u%u\",\"at\":%lld,\"t\":%lld,\"n\":%u}",
             (unsigned)rng_below(&rng, w->keys), (long long)at, (long long)at,
             (unsigned)rng_below(&rng, 1000));
}

static enum err push_until(struct life *l, unsigned end)
{
    char payload[128];
    for (; l->at < end; l->at++) {
        put_record(l->w, l->at, payload);
        const struct record r = {.offset = l->at, .has_value = true, .value = slice_of(payload)};
        FYKE_TRY(engine_push(l->engine, &r, &l->err));
    }
    return ERR_OK;
}

static int64_t frontier_us(const struct life *l)
{
    struct engine_summary s;
    engine_summary(l->engine, &s);
    return s.n_partitions > 0 ? s.partitions[0].watermark.ns / 1000 : 0;
}

/* The end of the next piece: a commit at every so many records and in front of every version. */
static unsigned next_end(const struct drain_world *w, unsigned at)
{
    unsigned end = (at / w->commit_every + 1) * w->commit_every;
    unsigned v = in_force(w, at);
    if (v + 1 < w->n_versions && w->versions[v + 1].from < end) {
        end = w->versions[v + 1].from;
    }
    return end < w->records ? end : w->records;
}

/* Up to the next version or the end. */
static enum err live(struct life *l, unsigned v, unsigned *committed)
{
    struct drain_world *w = l->w;
    FYKE_TRY(open_life(l, &w->versions[v]));
    while (*committed < w->records && in_force(w, *committed) == v) {
        unsigned end = next_end(w, *committed);
        FYKE_TRY(push_until(l, end));
        if (end == w->records) {
            FYKE_TRY(engine_finish(l->engine, &l->err));
        }
        w->log.now += NS_PER_S;
        uint64_t commits = w->log.commits;
        enum err rc = engine_commit(l->engine, &l->err);
        *committed = w->log.commits > commits ? end : *committed;
        FYKE_TRY(rc);
        if (in_force(w, end) != v) {
            w->versions[v + 1].begins_us = frontier_us(l);
        }
    }
    return ERR_OK;
}

void drain_world_run(struct drain_world *w)
{
    unsigned committed = 0;
    bool clean = false; /* the last life has written everything to the directory */
    while (committed < w->records || !clean) {
        struct life l = {.w = w};
        enum err rc = live(&l, in_force(w, committed), &committed);
        if (rc != ERR_OK && rc != ERR_ABORTED && !w->log.dead) {
            fail_msg("%s: %s", err_name(rc), l.err.text);
        }
        clean = rc == ERR_OK;
        close_life(&l, rc != ERR_OK && rc != ERR_ABORTED);
        w->lives++;
    }
    w->calls = w->log.calls;
    sim_log_alerts(&w->log, &w->alerts);
    sim_log_sequences(&w->log, &w->sequences);
    state_dump(w->dir, &w->state, NULL);
}
