#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/engine.h"
#include "tests/support/journal_life.h"
#include "tests/support/state_dump.h"

#define MAX_CRASHES 14
/* What the log keeps of deletions: some old copies are too old, some are not. */
#define KEEPS_NS 6000

struct life {
    const struct logs *logs;
    const struct journal_setting *setting;
    const struct ruleset *rs;
    char dir[64];
    struct rng rng;
    struct sim_log log;
    struct journal *journal;
    struct engine *engine;
    struct engine_carried *carried;
    struct engine_summary summary;
    struct buf texts;    /* of the rule set, as they would be stored */
    struct buf old_copy; /* data.mdb as it once was */
    uint32_t at[CRASH_MAX_PARTITIONS];
    struct error err;
    unsigned crashes, aborts, losses;
};

static uint32_t records_of(const struct life *w)
{
    return w->setting->records != 0 ? w->setting->records : CRASH_RECORDS;
}

static bool by_chance(struct life *w, unsigned in)
{
    return in > 0 && rng_below(&w->rng, in) == 0;
}

/* ---- the copy in the directory ------------------------------------------------------------ */

static void copy_path(const struct life *w, char path[96])
{
    snprintf(path, 96, "%s/data.mdb", w->dir);
}

static void keep_copy(struct life *w)
{
    char path[96], chunk[65536];
    copy_path(w, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    buf_clear(&w->old_copy);
    for (ssize_t n = read(fd, chunk, sizeof(chunk)); n > 0; n = read(fd, chunk, sizeof(chunk))) {
        buf_put(&w->old_copy, chunk, (size_t)n);
    }
    close(fd);
}

static void lose_copy(struct life *w)
{
    state_dir_remove(w->dir);
    assert_int_equal(mkdir(w->dir, 0700), 0);
}

static void restore_copy(struct life *w)
{
    char path[96];
    lose_copy(w);
    if (w->old_copy.len == 0) {
        return;
    }
    copy_path(w, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, w->old_copy.ptr, w->old_copy.len), (ssize_t)w->old_copy.len);
    close(fd);
}

static void disturb_copy(struct life *w)
{
    if (by_chance(w, 3)) {
        keep_copy(w);
    }
    if (by_chance(w, w->setting->lose_in)) {
        w->losses++;
        if (by_chance(w, 2)) {
            lose_copy(w);
        } else {
            restore_copy(w);
        }
    }
}

/* ---- life --------------------------------------------------------------------------------- */

static void go_to_positions(struct life *w)
{
    const struct partition_position *pos;
    uint32_t n = engine_positions(w->engine, &pos);
    memset(w->at, 0, sizeof(w->at));
    for (uint32_t p = 0; p < w->logs->n_partitions; p++) {
        const struct line *lines = w->logs->lines[p];
        for (uint32_t i = 0; i < n; i++) {
            while (pos[i].topic == lines->topic && pos[i].partition == lines->partition &&
                   w->at[p] < records_of(w) && lines[w->at[p]].offset < pos[i].offset) {
                w->at[p]++;
            }
        }
    }
}

static void carry(struct life *w, bool abandon)
{
    struct engine_carried *now = abandon ? NULL : engine_carry(w->engine);
    if (abandon || now != NULL) {
        engine_carried_free(w->carried);
        w->carried = now;
    }
}

static void close_life(struct life *w, bool abandon)
{
    if (w->engine != NULL) {
        carry(w, abandon);
        (abandon ? engine_abandon : engine_free)(w->engine);
    }
    w->engine = NULL;
    w->journal->ops->close(w->journal);
}

static struct ptime now(void *ctx)
{
    const struct sim_log *log = ctx;
    return (struct ptime){log->now};
}

/* Of several messages, and others for each rule set. */
static struct slice texts_of(struct life *w)
{
    if (w->texts.len == 0) {
        for (int i = 0; i < 120; i++) {
            buf_printf(&w->texts, "%d of rule set %d;", i, (int)w->rs->fingerprint.lo);
        }
    }
    return buf_slice(&w->texts);
}

static enum err open_once(struct life *w)
{
    struct engine_options o;
    struct source_partition parts[CRASH_MAX_PARTITIONS];
    const struct partition_position *pos;
    engine_options_init(&o);
    w->journal = sim_journal_new(&w->log);
    o.journal = w->journal;
    o.clock = (struct engine_clock){.now = now, .ctx = &w->log};
    o.carried = w->carried;
    o.rule_texts = texts_of(w);
    o.state_dir = w->dir;
    o.state_map_bytes = (size_t)64 << 20;
    o.threads = w->setting->base.threads;
    o.shards = 4;
    o.memory_bytes = w->setting->base.memory_bytes;
    o.checkpoint_every.ns = w->setting->checkpoint_every;
    o.slice = w->setting->base.slice;
    o.overlay_bytes = w->setting->overlay_bytes;
    o.recovery_batch_bytes = rng_below(&w->rng, 2) == 0 ? 700 : 100000;
    FYKE_TRY(engine_new(w->rs, &o, &w->engine, &w->err));
    for (uint32_t p = 0; p < w->logs->n_partitions; p++) {
        const struct line *first = w->logs->lines[p];
        parts[p] = (struct source_partition){
            .topic = first->topic, .partition = first->partition, .first_offset = first->offset};
    }
    FYKE_TRY(engine_begin(w->engine, parts, w->logs->n_partitions, sim_journal_sink(w->journal),
                          &w->err));
    if (engine_positions(w->engine, &pos) < w->logs->n_partitions) {
        FYKE_TRY(engine_commit(w->engine, &w->err)); /* pins the start */
    }
    go_to_positions(w);
    return ERR_OK;
}

/* What a call left: nothing, an abort, a crash. */
static bool survived(struct life *w, enum err rc)
{
    if (rc == ERR_OK) {
        return true;
    }
    if (rc != ERR_ABORTED && !w->log.dead) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
    w->aborts += rc == ERR_ABORTED;
    w->crashes += rc != ERR_ABORTED;
    close_life(w, rc != ERR_ABORTED);
    return false;
}

static void arm(struct life *w)
{
    static const enum sim_fault kinds[] = {SIM_ABORT, SIM_CRASH, SIM_CRASH_AFTER};
    if (w->log.fault_in == 0 && w->crashes + w->aborts < MAX_CRASHES &&
        by_chance(w, w->setting->fault_in)) {
        w->log.fault_in = 1 + rng_below(&w->rng, by_chance(w, 2) ? 6 : 60);
        w->log.fault = kinds[rng_below(&w->rng, w->setting->aborts_only ? 1 : 3)];
    }
}

static void open_life(struct life *w)
{
    do {
        arm(w);
        disturb_copy(w);
        w->log.now += rng_range(&w->rng, 0, 900);
        if (by_chance(w, 2)) {
            sim_log_compact(&w->log, &w->rng, KEEPS_NS);
        }
        if (by_chance(w, 6)) {
            sim_log_expire_positions(&w->log);
        }
    } while (!survived(w, open_once(w)));
}

static enum err push_some(struct life *w, bool *more)
{
    unsigned n = 1 + (unsigned)rng_below(&w->rng, w->setting->base.step);
    uint32_t p = (uint32_t)rng_below(&w->rng, w->logs->n_partitions);
    uint32_t tried = 0;
    while (tried++ < w->logs->n_partitions && w->at[p] == records_of(w)) {
        p = (p + 1) % w->logs->n_partitions;
    }
    for (; n > 0 && w->at[p] < records_of(w); n--) {
        const struct line *line = &w->logs->lines[p][w->at[p]++];
        struct record r = {.topic = line->topic,
                           .partition = line->partition,
                           .offset = line->offset,
                           .has_value = true,
                           .value = slice_of(line->payload)};
        FYKE_TRY(engine_push(w->engine, &r, &w->err));
    }
    for (p = 0; p < w->logs->n_partitions && w->at[p] == records_of(w); p++) {
    }
    *more = p < w->logs->n_partitions;
    return ERR_OK;
}

static enum err turn(struct life *w, bool *more)
{
    FYKE_TRY(push_some(w, more));
    if (by_chance(w, 2)) {
        FYKE_TRY(engine_process(w->engine, &w->err));
    }
    if (by_chance(w, w->setting->base.commit_in)) {
        arm(w);
        FYKE_TRY(engine_commit(w->engine, &w->err));
    }
    if (*more) {
        return ERR_OK;
    }
    FYKE_TRY(engine_finish(w->engine, &w->err));
    return engine_commit(w->engine, &w->err);
}

static void live(struct life *w)
{
    bool more = true;
    open_life(w);
    while (more) {
        if (!survived(w, turn(w, &more))) {
            more = true;
            open_life(w);
        } else if (more && w->crashes < MAX_CRASHES && by_chance(w, w->setting->base.crash_in)) {
            w->crashes++;
            close_life(w, true);
            open_life(w);
        }
    }
    w->log.fault_in = 0;
    engine_summary(w->engine, &w->summary);
    close_life(w, false);
}

/* The texts of the rules come back by the same ways, without any rules at hand. */
static void texts_again(struct life *w, const char *how)
{
    struct buf got = BUF_INIT;
    struct hash128 fingerprint = {0};
    struct engine_options o;
    bool found;
    if (w->rs->fingerprint.hi == 0) {
        return;
    }
    engine_options_init(&o);
    o.journal = w->journal = sim_journal_new(&w->log);
    o.clock = (struct engine_clock){.now = now, .ctx = &w->log};
    o.state_dir = w->dir;
    o.state_map_bytes = (size_t)64 << 20;
    o.shards = 4;
    o.recovery_batch_bytes = 700;
    if (engine_stored_rules(&o, &got, &fingerprint, &found, &w->err) != ERR_OK) {
        fail_msg("rules %s: %s", how, w->err.text);
    }
    assert_true(found);
    assert_true(hash128_eq(fingerprint, w->rs->fingerprint));
    assert_true(slice_eq(buf_slice(&got), texts_of(w)));
    w->journal->ops->close(w->journal);
    buf_release(&got);
}

/* ---- three ways to the same state --------------------------------------------------------- */

static void state_again(struct life *w, const struct buf *want, const char *how)
{
    struct buf got = BUF_INIT;
    if (open_once(w) != ERR_OK) {
        fail_msg("%s: %s", how, w->err.text);
    }
    close_life(w, false);
    state_dump(w->dir, &got, NULL);
    if (!slice_eq(buf_slice(want), buf_slice(&got))) {
        fail_msg("state %s: %zu bytes instead of %zu, or others", how, got.len, want->len);
    }
    buf_release(&got);
}

static void compare_restored(struct life *w, const struct buf *want)
{
    restore_copy(w);
    texts_again(w, "from an older copy");
    restore_copy(w);
    state_again(w, want, "from an older copy");
    sim_log_compact(&w->log, &w->rng, 0);
    lose_copy(w);
    texts_again(w, "from the changelog");
    lose_copy(w);
    state_again(w, want, "from the changelog");
    texts_again(w, "as they were");
    sim_log_expire_positions(&w->log);
    state_again(w, want, "as it was");
}

void journal_life_run(const struct ruleset *rs, const struct logs *l,
                      const struct journal_setting *s, uint64_t seed, struct journal_outcome *ret)
{
    struct life w = {.logs = l, .setting = s, .rng = rng_seed(seed), .rs = rs};
    state_dir_make(w.dir);
    sim_log_init(&w.log);
    w.log.max_value_bytes = s->max_value != 0 ? s->max_value : w.log.max_value_bytes;
    w.log.fault_in = s->fault_at;
    w.log.fault = s->kind;
    live(&w);
    sim_log_alerts(&w.log, &ret->alerts);
    sim_log_sequences(&w.log, &ret->sequences);
    state_dump(w.dir, &ret->state, NULL);
    compare_restored(&w, &ret->state);
    engine_carried_free(w.carried);
    ret->calls = w.log.calls;
    ret->records = w.summary.records;
    ret->alerts_total = w.summary.alerts_total;
    ret->matches = w.summary.nfa.matches;
    ret->crashes = w.crashes;
    ret->aborts = w.aborts;
    ret->losses = w.losses;
    sim_log_release(&w.log);
    buf_release(&w.old_copy);
    buf_release(&w.texts);
    state_dir_remove(w.dir);
}

void journal_outcome_release(struct journal_outcome *o)
{
    buf_release(&o->alerts);
    buf_release(&o->sequences);
    buf_release(&o->state);
}

static void same(const char *what, const struct buf *want, const struct buf *got, int round,
                 size_t setting)
{
    if (!slice_eq(buf_slice(want), buf_slice(got))) {
        fail_msg("round %d journal setting %zu: %s: %zu bytes instead of %zu, or others", round,
                 setting, what, got->len, want->len);
    }
}

void journal_life_same_in_all(const struct ruleset *rs, const struct logs *l, int round,
                              const struct buf *alerts, const struct buf *state,
                              struct journal_outcome *sum)
{
    static const struct journal_setting settings[] = {
        {.base = {1, MUCH_MEMORY, 50, 5, 0, 0, 0}}, /* the calm one */
        {.base = {1, MUCH_MEMORY, 50, 5, 8, 0, 0},
         .fault_in = 2,
         .checkpoint_every = INT64_MAX,
         .lose_in = 3},
        {.base = {4, 1, 9, 2, 9, 0, 0}, .fault_in = 2, .overlay_bytes = MUCH_MEMORY, .lose_in = 3},
        {.base = {1, 4096, 20, 3, 9, 0, 0},
         .fault_in = 3,
         .checkpoint_every = 300,
         .overlay_bytes = MUCH_MEMORY,
         .lose_in = 4},
        {.base = {2, 1, 7, 2, 12, 0, 3}, .fault_in = 3, .lose_in = 4},
        {.base = {1, MUCH_MEMORY, 1, 1, 30, 0, 0},
         .fault_in = 4,
         .checkpoint_every = INT64_MAX,
         .lose_in = 3},
        {.base = {1, 1, 9, 2, 0, 0, 0},
         .aborts_only = true,
         .fault_in = 2,
         .checkpoint_every = INT64_MAX,
         .overlay_bytes = MUCH_MEMORY},
    };
    struct journal_outcome calm = {0}, got = {0};
    journal_life_run(rs, l, &settings[0], 1, &calm);
    same("alerts of a life without", alerts, &calm.alerts, round, 0);
    same("state of a life without", state, &calm.state, round, 0);
    for (size_t i = 1; i < FYKE_ARRAY_LEN(settings); i++) {
        journal_life_run(rs, l, &settings[i], (uint64_t)round * 100 + i, &got);
        same("alerts", &calm.alerts, &got.alerts, round, i);
        same("sequences", &calm.sequences, &got.sequences, round, i);
        same("state", &calm.state, &got.state, round, i);
        if (settings[i].aborts_only) {
            assert_int_equal(got.records, calm.records);
            assert_int_equal(got.alerts_total, calm.alerts_total);
            assert_int_equal(got.matches, calm.matches);
        }
        sum->crashes += got.crashes;
        sum->aborts += got.aborts;
        sum->losses += got.losses;
    }
    journal_outcome_release(&calm);
    journal_outcome_release(&got);
}
