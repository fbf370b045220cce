/* Several tasks in one process, which come and go: random logs of two topics in four partitions, read
 * by processes that are given this and that partition, one after the other, with crashes and aborts at
 * any call of the journal, copies that are old or lost. What is committed in the end is what one
 * process that reads everything commits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "engine/engine.h"
#include "engine/tasks/task_set.h"
#include "tests/support/hand_rules.h"
#include "tests/support/sim_journal.h"
#include "tests/support/state_dump.h"

#define N_TOPICS 2
#define N_TASKS 4
#define N_RECORDS 120
#define MOST_RECORDS 100
#define N_DIRS 2 /* as many machines */
#define ALL ((1u << N_TASKS) - 1)

struct line {
    int64_t offset;
    char payload[96];
};

struct logs {
    struct line lines[N_TOPICS][N_TASKS][N_RECORDS];
};

/* ---- input -------------------------------------------------------------------------------- */

/* User u belongs to partition u mod N_TASKS of both topics. The last records decide everything in front
 * of them, for whoever reads all partitions and for whoever reads one; how far they themselves are
 * decided differs, so they have users of their own, which are left out when outputs are compared. */
static void make_logs(struct logs *l, struct rng *rng, int64_t bound)
{
    for (int i = 0; i < N_TOPICS * N_TASKS; i++) {
        struct line *lines = l->lines[i / N_TASKS][i % N_TASKS];
        int64_t at = rng_range(rng, 0, 20), offset = rng_range(rng, 0, 3);
        for (int k = 0; k < N_RECORDS; k++) {
            int64_t late = rng_range(rng, 0, bound + 2);
            int user = (i % N_TASKS) + N_TASKS * (int)rng_below(rng, 4);
            at = k >= N_RECORDS - 2 ? 10000 + k : at + rng_range(rng, 0, 2);
            snprintf(lines[k].payload, sizeof(lines[k].payload),
                     "{\"user\":\"%c%d\",\"at\":%" PRId64 "}", k >= N_RECORDS - 2 ? 'z' : 'u',
                     user, k >= N_RECORDS - 2 ? at : at - late);
            lines[k].offset = offset;
            offset += 1 + (rng_below(rng, 10) == 0);
        }
    }
}

/* ---- a source that shares its input ------------------------------------------------------- */

struct shared_source {
    struct source source; /* first */
    const struct logs *logs;
    struct rng rng;
    bool alone;         /* not shared: everything, from the beginning */
    unsigned given, next_given; /* sets of partitions */
    unsigned changes;   /* still to come */
    bool taken;
    bool reads[N_TOPICS][N_TASKS];
    int at[N_TOPICS][N_TASKS];
    struct source_partition parts[N_TOPICS * N_TASKS];
    struct record records[MOST_RECORDS];
    uint32_t at_once; /* records of a batch; 0: one */
    void (*at_rest)(struct shared_source *s); /* nothing is left of what is read; NULL */
    struct sim_log *log;
    struct task_set *set; /* that reads it */
    bool waits, give_now; /* the change comes when at_rest says so */
    uint64_t restored, tail; /* entries, by at_rest; since then */
    size_t alerts_before; /* of at_rest */
    const int64_t *clock; /* of the world */
    int64_t committed_ns; /* by it: an alert */
    unsigned rests;
    int without;    /* the first change takes this task away, the next gives all; 0: any set */
    bool abandoned; /* that has happened, and the task was not read */
};

static struct shared_source *of_source(struct source *s)
{
    return (struct shared_source *)(void *)s;
}

static enum err partitions(struct source *base, const struct source_partition **ret,
                           uint32_t *ret_n, struct error *err)
{
    struct shared_source *s = of_source(base);
    (void)err;
    *ret_n = 0;
    for (uint32_t i = 0; i < N_TOPICS * N_TASKS; i++) {
        uint32_t topic = i / N_TASKS, task = i % N_TASKS;
        if ((s->given & (1u << task)) != 0) {
            s->parts[(*ret_n)++] = (struct source_partition){
                .topic = topic,
                .partition = (int32_t)task,
                .first_offset = s->logs->lines[topic][task][0].offset};
        }
    }
    *ret = s->parts;
    return ERR_OK;
}

static void read_from(struct shared_source *s, const struct partition_position *p)
{
    const struct line *lines = s->logs->lines[p->topic][p->partition];
    int *at = &s->at[p->topic][p->partition];
    assert_true((s->given & (1u << p->partition)) != 0);
    s->reads[p->topic][p->partition] = true;
    for (*at = 0; *at < N_RECORDS && lines[*at].offset < p->offset; ++*at) {
    }
}

static enum err start(struct source *base, const struct partition_position *from, uint32_t n,
                      struct error *err)
{
    struct shared_source *s = of_source(base);
    (void)err;
    memset(s->reads, s->alone, sizeof(s->reads));
    for (uint32_t i = 0; i < n; i++) {
        read_from(s, &from[i]);
    }
    return ERR_OK;
}

/* A partition that has something left, beginning at a random one; -1: none has. */
static int pick(struct shared_source *s)
{
    int n = N_TOPICS * N_TASKS, from = (int)rng_below(&s->rng, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        int p = (from + i) % n;
        if (s->reads[p / N_TASKS][p % N_TASKS] && s->at[p / N_TASKS][p % N_TASKS] < N_RECORDS) {
            return p;
        }
    }
    return -1;
}

static enum source_change give(struct shared_source *s)
{
    if (!s->give_now) {
        return SOURCE_SAME;
    }
    s->give_now = false;
    s->changes--;
    return SOURCE_TAKEN;
}

static enum source_change change(struct shared_source *s)
{
    if (s->taken) {
        s->taken = false;
        if (s->abandoned && s->changes == 0) {
            s->log->held_task = -1;
        }
        s->given = s->next_given;
        return SOURCE_GIVEN;
    }
    if (s->waits) {
        return give(s);
    }
    if (s->changes > 0 && rng_below(&s->rng, 40) == 0) {
        s->changes--;
        s->next_given = s->without != 0 && s->changes > 0 ? ALL & ~(1u << s->without) : s->changes == 0 ? ALL : (unsigned)rng_below(&s->rng, ALL + 1);
        return SOURCE_TAKEN;
    }
    return SOURCE_SAME;
}

static struct slice user_of(const struct line *line)
{
    const char *user = line->payload + strlen("{\"user\":\"");
    return slice_from(user, strcspn(user, "\""));
}

static struct record next_of(struct shared_source *s, int p)
{
    const struct line *line =
        &s->logs->lines[p / N_TASKS][p % N_TASKS][s->at[p / N_TASKS][p % N_TASKS]++];
    return (struct record){.topic = (uint32_t)p / N_TASKS,
                           .partition = p % N_TASKS,
                           .offset = line->offset,
                           .has_key = true,
                           .key = user_of(line),
                           .has_value = true,
                           .value = slice_of(line->payload)};
}

static enum err poll(struct source *base, uint32_t max, struct duration wait,
                     struct source_batch *ret, struct error *err)
{
    struct shared_source *s = of_source(base);
    int p = pick(s);
    (void)max, (void)wait, (void)err;
    if (p < 0 && s->at_rest != NULL) {
        s->at_rest(s);
    }
    *ret = (struct source_batch){0};
    ret->records = s->records;
    for (; p >= 0; p = ret->n < s->at_once ? pick(s) : -1) {
        s->records[ret->n++] = next_of(s, p);
    }
    ret->change = s->alone ? SOURCE_SAME : change(s);
    ret->finished = ret->n == 0 && s->changes == 0 && !s->taken && ret->change == SOURCE_SAME;
    return ERR_OK;
}

static enum err let_go(struct source *base, struct error *err)
{
    struct shared_source *s = of_source(base);
    (void)err;
    s->abandoned |= s->without != 0 && s->changes == 1 && !s->reads[0][s->without];
    memset(s->reads, 0, sizeof(s->reads));
    s->taken = true;
    return ERR_OK;
}

static const struct source_ops source_ops = {
    .partitions = partitions, .start = start, .poll = poll, .let_go = let_go};

static void source_init(struct shared_source *s, const struct logs *l, uint64_t seed,
                        unsigned changes)
{
    *s = (struct shared_source){.source.ops = &source_ops,
                                .logs = l,
                                .rng = rng_seed(seed),
                                .taken = true,
                                .next_given = changes == 0 ? ALL : (unsigned)(seed % (ALL + 1)),
                                .changes = changes};
}

/* ---- lives -------------------------------------------------------------------------------- */

struct world {
    struct hand_rules rules;
    struct logs logs;
    struct sim_log log;
    struct rng rng;
    char dirs[N_DIRS][64];
    struct engine_options options;
    int64_t now;
    struct buf said;
    struct error err;
    unsigned crashes, aborts, moves, standby;
    pthread_t thread;   /* of the test */
    unsigned elsewhere; /* atomic: events that another one evaluated */
};

static struct ptime now(void *ctx)
{
    struct world *w = ctx;
    return (struct ptime){__atomic_add_fetch(&w->now, NS_PER_MS, __ATOMIC_RELAXED)};
}

static void hear(void *ctx, const char *line)
{
    struct world *w = ctx;
    buf_puts(&w->said, line);
    buf_puts(&w->said, "\n");
}

static void world_init(struct world *w, uint64_t seed, int64_t bound)
{
    memset(w, 0, sizeof(*w));
    w->rng = rng_seed(seed);
    w->thread = pthread_self();
    hand_begin(&w->rules, bound);
    hand_pair(&w->rules, "pair", 40);
    hand_missing(&w->rules, "missing", 15);
    hand_single(&w->rules, "any_login");
    hand_on_timeout(&w->rules, hand_pair(&w->rules, "half_a_pair", 9));
    make_logs(&w->logs, &w->rng, bound);
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

static void world_release(struct world *w)
{
    hand_end(&w->rules);
    sim_log_release(&w->log);
    buf_release(&w->said);
    for (int i = 0; i < N_DIRS; i++) {
        state_dir_remove(w->dirs[i]);
    }
}

static void check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
}

static enum err live(struct world *w, struct shared_source *s, const char *dir,
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

/* True: it came to its end. */
static bool one_life_of(struct world *w, struct shared_source *s)
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

static bool one_life(struct world *w, unsigned changes)
{
    struct shared_source s;
    source_init(&s, &w->logs, rng_next(&w->rng), changes);
    w->moves += changes;
    return one_life_of(w, &s);
}

static void choose_warm(struct world *w)
{
    w->standby = 1;
    w->log.warm = (unsigned)rng_below(&w->rng, ALL + 1);
}

static void wild_lives(struct world *w)
{
    static const enum sim_fault kinds[] = {SIM_ABORT, SIM_CRASH, SIM_CRASH_AFTER};
    for (int i = 0; i < 25; i++) {
        w->log.fault_in = 1 + rng_below(&w->rng, 400);
        w->log.fault = kinds[rng_below(&w->rng, 3)];
        choose_warm(w);
        one_life(w, 3);
        w->log.fault_in = 0;
        sim_log_compact(&w->log, &w->rng, INT64_MAX);
        if (rng_below(&w->rng, 4) == 0) {
            char *dir = w->dirs[rng_below(&w->rng, N_DIRS)];
            state_dir_remove(dir);
            state_dir_make(dir);
        }
    }
    assert_true(one_life(w, 0));
}

/* ---- what is wanted ----------------------------------------------------------------------- */

static void one_that_reads_everything(const struct world *like, struct buf *alerts,
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
    source_init(&s, &like->logs, 5, 0);
    s.alone = true;
    s.taken = false;
    s.given = ALL;
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

static void same_as_alone(const struct world *w)
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

/* ---- tests -------------------------------------------------------------------------------- */

static void tasks_that_move_change_nothing(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    (void)state;
    for (uint64_t round = 0; round < 3; round++) {
        world_init(w, 10 + round, (int64_t)round * 2);
        for (int i = 0; i < 4; i++) {
            choose_warm(w);
            one_life(w, 5);
        }
        assert_true(one_life(w, 0));
        same_as_alone(w);
        assert_int_equal(w->crashes + w->aborts, 0);
        world_release(w);
    }
    free(w);
}

static void crashes_and_aborts_change_nothing(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    unsigned crashes = 0, aborts = 0;
    (void)state;
    for (uint64_t round = 0; round < 3; round++) {
        world_init(w, 20 + round, (int64_t)round * 2);
        wild_lives(w);
        same_as_alone(w);
        crashes += w->crashes;
        aborts += w->aborts;
        world_release(w);
    }
    print_message("%u crashes, %u aborts\n", crashes, aborts);
    assert_true(crashes > 20);
    assert_true(aborts > 8);
    free(w);
}

/* ---- while one is restored ---------------------------------------------------------------- */

#define HELD_TASK 2
#define PATIENCE 2000 /* rests of a millisecond */

static void lose_copies(struct world *w)
{
    for (int i = 0; i < N_DIRS; i++) {
        state_dir_remove(w->dirs[i]);
        state_dir_make(w->dirs[i]);
    }
}

/* Some of it is evaluated, by a life that ends with a crash; its copies are lost with it. */
static void begin_and_crash(struct world *w, uint64_t calls)
{
    w->log.fault_in = calls;
    w->log.fault = SIM_CRASH;
    assert_false(one_life(w, 0));
    w->log.fault_in = 0;
    lose_copies(w);
}

/* All that the other tasks have is read: when their alerts are committed the held one may go on. */
static void release_when_committed(struct shared_source *s)
{
    const struct timespec ms = {.tv_nsec = NS_PER_MS};
    size_t more = s->log->n_alerts - s->alerts_before;
    if (s->reads[0][HELD_TASK]) {
        return;
    }
    nanosleep(&ms, NULL);
    assert_true(++s->rests < PATIENCE);
    if (more > 20 && s->log->held_task >= 0) {
        print_message("%zu alerts of the others while it was restored\n", more);
        s->log->held_task = -1;
    }
}

static void others_commit_while_a_task_is_restored(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    world_init(w, 30, 2);
    begin_and_crash(w, 300);
    source_init(&s, &w->logs, 31, 0);
    s.at_rest = release_when_committed;
    s.log = &w->log;
    s.alerts_before = w->log.n_alerts;
    w->log.held_task = HELD_TASK;
    assert_true(one_life_of(w, &s));
    assert_int_equal(w->log.held_task, -1);
    same_as_alone(w);
    world_release(w);
    free(w);
}

/* First the task is taken away, then it comes back, while nothing is heard of its log. */
static void take_away_and_give_back(struct shared_source *s)
{
    const struct timespec ms = {.tv_nsec = NS_PER_MS};
    nanosleep(&ms, NULL);
    s->rests++;
    if (s->rests == 50) {
        s->changes = 2;
    }
    assert_true(s->rests < PATIENCE);
}

static void a_task_that_is_taken_away_while_it_is_restored(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    world_init(w, 40, 2);
    begin_and_crash(w, 300);
    source_init(&s, &w->logs, 41, 0);
    s.at_rest = take_away_and_give_back;
    s.log = &w->log;
    s.without = HELD_TASK;
    w->log.held_task = HELD_TASK;
    assert_true(one_life_of(w, &s));
    assert_true(s.abandoned);
    same_as_alone(w);
    world_release(w);
    free(w);
}

/* ---- warm copies -------------------------------------------------------------------------- */

static uint64_t entries_of(const struct sim_log *log, uint32_t task)
{
    uint64_t n = 0;
    for (size_t i = 0; i < log->n_entries; i++) {
        n += log->entries[i].task == task;
    }
    return n;
}

/* When the copy is at the end of the log its task is given. */
static void give_when_followed(struct shared_source *s)
{
    const struct timespec ms = {.tv_nsec = NS_PER_MS};
    struct engine_summary figures;
    nanosleep(&ms, NULL);
    assert_true(++s->rests < PATIENCE);
    task_set_summary(s->set, &figures);
    if (s->changes == 0 || figures.tasks < N_TASKS - 1 ||
        figures.followed < entries_of(s->log, HELD_TASK)) {
        return;
    }
    assert_int_equal(figures.warm, 1);
    s->restored = figures.restored;
    s->next_given = ALL;
    s->give_now = true;
}

static void a_takeover_with_a_warm_copy_reads_only_the_tail(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    world_init(w, 50, 2);
    /* Commits come by the clock, which every thread moves on that looks at it: few or many within so many calls. */
    for (int lives = 0; entries_of(&w->log, HELD_TASK) <= 20; lives++) {
        assert_true(lives < 50);
        begin_and_crash(w, 900);
    }
    uint64_t cold = entries_of(&w->log, HELD_TASK);
    source_init(&s, &w->logs, 51, 0);
    s.at_rest = give_when_followed;
    s.log = &w->log;
    s.next_given = ALL & ~(1u << HELD_TASK);
    s.changes = 1;
    s.waits = true;
    w->standby = 1;
    w->log.warm = 1u << HELD_TASK;
    assert_true(one_life_of(w, &s));
    print_message("%" PRIu64 " entries cold, %" PRIu64 " with a warm copy\n", cold, s.tail);
    assert_true(s.tail < 10);
    same_as_alone(w);
    world_release(w);
    free(w);
}

/* ---- pace ------------------------------------------------------------------------------------- */

static void note_when_committed(struct shared_source *s)
{
    int64_t now_ns = __atomic_load_n(s->clock, __ATOMIC_RELAXED);
    if (s->committed_ns == 0 && s->log->n_alerts > s->alerts_before) {
        s->committed_ns = now_ns;
        s->next_given = ALL;
        s->give_now = true;
    }
}

/* Read to its end, the input leaves nothing to do but what somebody waits for: a fifth of the time between commits
 * is enough then. */
static void an_alert_does_not_wait_for_the_time_of_a_commit(void **state)
{
    const int64_t every_ns = 40 * NS_PER_S;
    struct world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    world_init(w, 70, 2);
    w->options.commit_every.ns = every_ns;
    source_init(&s, &w->logs, 71, 0);
    s.at_rest = note_when_committed;
    s.log = &w->log;
    s.clock = &w->now;
    s.changes = 1;
    s.waits = true;
    assert_true(one_life_of(w, &s));
    print_message("committed by %" PRId64 " ms\n", s.committed_ns / NS_PER_MS);
    assert_in_range(s.committed_ns, every_ns / 5, every_ns * 3 / 4);
    same_as_alone(w);
    world_release(w);
    free(w);
}

/* ---- threads ------------------------------------------------------------------------------ */

static void note_thread(void *ctx, enum event_fate fate, const struct event *event,
                        const struct record *r)
{
    struct world *w = ctx;
    (void)fate, (void)event, (void)r;
    __atomic_add_fetch(&w->elsewhere, !pthread_equal(pthread_self(), w->thread), __ATOMIC_RELAXED);
}

static void any_number_of_threads_gives_the_same(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    struct shared_source s;
    (void)state;
    for (uint32_t threads = 1; threads <= 5; threads += 2) {
        world_init(w, 60, 2);
        w->options.threads = threads;
        w->options.observe = note_thread;
        w->options.observe_ctx = w;
        for (uint64_t life = 0; life < 2; life++) {
            source_init(&s, &w->logs, 61 + life, life == 0 ? 3 : 0);
            s.at_once = MOST_RECORDS;
            assert_true(one_life_of(w, &s));
        }
        assert_int_equal(w->elsewhere > 0, threads > 1);
        same_as_alone(w);
        world_release(w);
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_that_move_change_nothing),
        cmocka_unit_test(crashes_and_aborts_change_nothing),
        cmocka_unit_test(others_commit_while_a_task_is_restored),
        cmocka_unit_test(an_alert_does_not_wait_for_the_time_of_a_commit),
        cmocka_unit_test(a_task_that_is_taken_away_while_it_is_restored),
        cmocka_unit_test(any_number_of_threads_gives_the_same),
        cmocka_unit_test(a_takeover_with_a_warm_copy_reads_only_the_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
