#include "tests/support/task_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "tests/support/state_dump.h"

static struct ptime now(void *ctx)
{
    struct task_world *w = ctx;
    return (struct ptime){__atomic_add_fetch(&w->now, NS_PER_MS, __ATOMIC_RELAXED)};
}

static void hear(void *ctx, const char *line)
{
    struct task_world *w = ctx;
    buf_puts(&w->said, line);
    buf_puts(&w->said, "\n");
}

void task_world_init(struct task_world *w, uint64_t seed, int64_t bound)
{
    memset(w, 0, sizeof(*w));
    w->rng = rng_seed(seed);
    w->thread = pthread_self();
    hand_begin(&w->rules, bound);
    hand_pair(&w->rules, "pair", 40);
    hand_missing(&w->rules, "missing", 15);
    hand_single(&w->rules, "any_login");
    hand_on_timeout(&w->rules, hand_pair(&w->rules, "half_a_pair", 9));
    logs_make(&w->logs, &w->rng, bound);
    sim_log_init(&w->log);
    for (int i = 0; i < N_DIRS; i++) {
        state_dir_make(w->dirs[i]);
    }
    engine_options_init(&w->options);
    w->options.state_map_bytes = (size_t)16 << 20;
    w->options.commit_every.ns = 40 * NS_PER_MS;
    w->options.checkpoint_every.ns = 100 * NS_PER_MS;
    w->options.log = hear;
    w->options.log_ctx = w;
    w->options.clock = (struct engine_clock){.now = now, .ctx = w};
}

void task_world_release(struct task_world *w)
{
    hand_end(&w->rules);
    sim_log_release(&w->log);
    buf_release(&w->said);
    for (int i = 0; i < N_DIRS; i++) {
        state_dir_remove(w->dirs[i]);
    }
}

static void check(const struct task_world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
}

static enum err live(struct task_world *w, struct shared_source *s, const char *dir,
                     struct task_set **ret, struct journal *j)
{
    static const bool reads[N_TOPICS] = {true, true};
    w->options.journal = j;
    w->options.state_dir = dir;
    struct task_set_options o = {.engine = &w->options, .reads = reads, .n_tasks = N_TASKS,
                                  .standby = w->standby};
    FYKE_TRY(task_set_new(&w->rules.rs, &o, ret, &w->err));
    s->set = *ret;
    return task_set_run(*ret, &s->source, sim_journal_sink(j), NULL, &w->err);
}

/* Entries that were read since the last note of at_rest. */
static void note_tail(struct shared_source *s)
{
    struct engine_summary figures;
    if (s->waits) {
        task_set_summary(s->set, &figures);
        s->tail = figures.restored - s->restored;
    }
}

bool task_world_life_of(struct task_world *w, struct shared_source *s)
{
    struct task_set *set = NULL;
    struct journal *j = sim_journal_new(&w->log);
    enum err rc = live(w, s, w->dirs[rng_below(&w->rng, N_DIRS)], &set, j);
    bool crashed = w->log.dead;
    note_tail(s);
    if (rc != ERR_OK && rc != ERR_ABORTED && !crashed) {
        check(w, rc);
    }
    w->crashes += crashed;
    w->aborts += rc == ERR_ABORTED;
    (crashed ? task_set_abandon : task_set_free)(set);
    j->ops->close(j);
    return rc == ERR_OK;
}

bool task_world_life(struct task_world *w, unsigned changes)
{
    struct shared_source s;
    shared_source_init(&s, &w->logs, rng_next(&w->rng), changes);
    w->moves += changes;
    return task_world_life_of(w, &s);
}

void task_world_choose_warm(struct task_world *w)
{
    w->standby = 1;
    w->log.warm = (unsigned)rng_below(&w->rng, ALL_TASKS + 1);
}

void task_world_wild_lives(struct task_world *w)
{
    static const enum sim_fault kinds[] = {SIM_ABORT, SIM_CRASH, SIM_CRASH_AFTER};
    for (int i = 0; i < 25; i++) {
        w->log.fault_in = 1 + rng_below(&w->rng, 400);
        w->log.fault = kinds[rng_below(&w->rng, 3)];
        task_world_choose_warm(w);
        task_world_life(w, 3);
        w->log.fault_in = 0;
        sim_log_compact(&w->log, &w->rng, INT64_MAX);
        if (rng_below(&w->rng, 4) == 0) {
            char *dir = w->dirs[rng_below(&w->rng, N_DIRS)];
            state_dir_remove(dir);
            state_dir_make(dir);
        }
    }
    assert_true(task_world_life(w, 0));
}

/* ---- what is wanted ----------------------------------------------------------------------- */

static void one_that_reads_everything(const struct task_world *like, struct buf *alerts,
                                      struct buf *sequences)
{
    struct sim_log log;
    struct shared_source s;
    struct engine *e;
    struct error err = ERROR_INIT;
    struct engine_options o = like->options;
    char dir[64];
    sim_log_init(&log);
    state_dir_make(dir);
    shared_source_init(&s, &like->logs, 5, 0);
    s.alone = true;
    s.taken = false;
    s.given = ALL_TASKS;
    o.journal = sim_journal_new(&log);
    o.state_dir = dir;
    assert_int_equal(engine_new(&like->rules.rs, &o, &e, &err), ERR_OK);
    assert_int_equal(engine_run(e, &s.source, sim_journal_sink(o.journal), NULL, &err), ERR_OK);
    engine_free(e);
    o.journal->ops->close(o.journal);
    sim_log_alerts(&log, alerts);
    sim_log_sequences(&log, sequences);
    sim_log_release(&log);
    state_dir_remove(dir);
}

static void leave_last_out(struct buf *text)
{
    struct buf kept = BUF_INIT;
    for (const char *at = buf_cstr(text), *end; *at != '\0'; at = end + 1) {
        end = strchr(at, '\n');
        struct slice line = slice_from(at, (size_t)(end + 1 - at));
        if (memmem(line.ptr, line.len, "\"user\":\"z", 9) == NULL) {
            buf_put_slice(&kept, line);
        }
    }
    buf_clear(text);
    buf_put_slice(text, buf_slice(&kept));
    buf_release(&kept);
}

void task_world_same_as_alone(const struct task_world *w)
{
    struct buf alerts = BUF_INIT, sequences = BUF_INIT, is = BUF_INIT;
    one_that_reads_everything(w, &alerts, &sequences);
    leave_last_out(&alerts);
    leave_last_out(&sequences);
    assert_true(alerts.len > 1000);
    sim_log_alerts(&w->log, &is);
    leave_last_out(&is);
    assert_string_equal(buf_cstr(&is), buf_cstr(&alerts));
    sim_log_sequences(&w->log, &is);
    leave_last_out(&is);
    assert_string_equal(buf_cstr(&is), buf_cstr(&sequences));
    buf_release(&alerts);
    buf_release(&sequences);
    buf_release(&is);
}
