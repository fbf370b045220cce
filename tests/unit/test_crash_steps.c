/* Exactly once, step by step: short plots in which partitions fall silent, the clock is moved, rules are
 * changed, keys are forgotten. The process dies behind every single step, with the newest copy of the
 * state, an old one and none; alerts, their order and the state are those of a life without an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_parts.h"
#include "tests/support/compile_text.h"
#include "tests/support/journal_world.h"

enum step_kind { SEND, FALL_SILENT, ADVANCE, PROCESS, COMMIT, CHECKPOINT, RELOAD };
enum copy_kind { NEWEST_COPY, OLD_COPY, NO_COPY };

struct step {
    enum step_kind kind;
    uint32_t topic;
    const char *user;
    int64_t at_ms;
};

struct plot {
    const char *rules[2]; /* the second from RELOAD on */
    const struct step *steps;
    size_t n;
    bool empty[2];
    size_t memory_bytes; /* 0: the default */
    size_t alerts;       /* at least */
};

#define EVENTS                                                                                      \
    "language 1\n"                                                                                 \
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time }\n"   \
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time\n"   \
    "  idle after 5ms }\n"
#define S(topic, user, at) {SEND, topic, user, at}
#define IN(user, at) S(LOGINS, user, at)
#define OUT(user, at) S(LOGOUTS, user, at)
#define PLOT(list) .steps = list, .n = FYKE_ARRAY_LEN(list)

/* ---- carrying out ------------------------------------------------------------------------------- */

struct act {
    struct world *w;
    const struct plot *plot;
    struct compilation *sets[2];
    unsigned set;
    /* As of the last commit. */
    size_t committed, n_sent;
    int64_t offsets[2];
    unsigned set_committed;
};

static void begin(struct act *a, unsigned set)
{
    a->set = set;
    a->w->rs = a->sets[set]->ruleset;
    world_begin_life(a->w);
}

static void note_commit(struct act *a, size_t step)
{
    a->committed = step + 1;
    a->n_sent = a->w->n_sent;
    memcpy(a->offsets, a->w->offsets, sizeof(a->offsets));
    a->set_committed = a->set;
}

static void reload(struct act *a)
{
    world_commit(a->w);
    world_end_life(a->w, false);
    begin(a, 1);
    world_commit(a->w);
}

static void carry_out(struct act *a, size_t i)
{
    const struct step *s = &a->plot->steps[i];
    struct world *w = a->w;
    switch (s->kind) {
    case SEND: world_send(w, s->topic, s->user, s->at_ms); return;
    case FALL_SILENT:
        world_end_reached(w, s->topic, w->offsets[s->topic]);
        w->now += 10 * NS_PER_MS;
        idle_check(w->engine);
        return;
    case ADVANCE:
        world_check(w, engine_advance(w->engine, (struct etime){s->at_ms * NS_PER_MS}, &w->err));
        return;
    case PROCESS: world_check(w, engine_process(w->engine, &w->err)); return;
    case COMMIT: world_commit(w); break;
    case CHECKPOINT:
        world_checkpoint(w);
        world_keep_copy(w);
        break;
    case RELOAD: reload(a); break;
    }
    note_commit(a, i);
}

static void die_and_rise(struct act *a, enum copy_kind copy)
{
    struct world *w = a->w;
    world_end_life(w, true);
    if (copy == OLD_COPY && w->old_copy.len > 0) {
        world_restore_copy(w);
    } else if (copy == NO_COPY) {
        world_forget_copy(w);
    }
    w->n_sent = a->n_sent;
    memcpy(w->offsets, a->offsets, sizeof(a->offsets));
    begin(a, a->set_committed);
}

/* What was not committed comes again, decisions included. crash == n: never. */
static void play(const struct plot *plot, size_t crash, enum copy_kind copy, struct buf *ret)
{
    void *state;
    FYKE_CLEANUP(buf_release) struct buf dump = BUF_INIT;
    world_setup(&state);
    struct act a = {.w = state, .plot = plot};
    for (unsigned i = 0; i < 2 && plot->rules[i] != NULL; i++) {
        a.sets[i] = compile_text(plot->rules[i]);
        if (a.sets[i]->ruleset == NULL) {
            fail_msg("%s: %s", codes_of(a.sets[i], true), a.sets[i]->diags.first->message);
        }
    }
    memcpy(a.w->empty, plot->empty, sizeof(plot->empty));
    if (plot->memory_bytes > 0) {
        a.w->options.memory_bytes = plot->memory_bytes;
        a.w->options.overlay_bytes = (size_t)64 << 20;
    }
    begin(&a, 0);
    for (size_t i = 0; i < plot->n; i++) {
        carry_out(&a, i);
        if (i == crash) {
            die_and_rise(&a, copy);
            i = a.committed - 1; /* 0 - 1 + 1 is the first */
            crash = plot->n;
        }
    }
    world_commit(a.w);
    world_end_life(a.w, false);
    buf_clear(ret);
    buf_printf(ret, "%zu alerts\n", a.w->log.n_alerts);
    sim_log_sequences(&a.w->log, ret);
    assert_true(a.w->log.n_alerts >= plot->alerts);
    world_dump(a.w, &dump);
    buf_put_slice(ret, buf_slice(&dump));
    world_teardown(&state);
    compilation_free(a.sets[0]);
    compilation_free(a.sets[1]);
}

static void ends_change_nothing(const struct plot *plot)
{
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
    play(plot, plot->n, NEWEST_COPY, &want);
    for (size_t crash = 0; crash < plot->n; crash++) {
        for (enum copy_kind copy = NEWEST_COPY; copy <= NO_COPY; copy++) {
            play(plot, crash, copy, &got);
            if (!slice_eq(buf_slice(&want), buf_slice(&got))) {
                fail_msg("an end behind step %zu, copy %d:\n%.*s\ninstead of\n%.*s", crash, copy,
                         (int)got.len, got.ptr, (int)want.len, want.ptr);
            }
        }
    }
}

/* ---- plots -------------------------------------------------------------------------------------- */

#define PAIR "rule pair { for each user within 60ms when Login as a then Logout as b emit alert }\n"
#define GONE "rule gone { for each user when Login as a then no Logout for 25ms emit alert }\n"

/* Between a checkpoint and the end: a partition falls silent, the rules change, what comes then is older. */
static void idleness_and_a_reload_between_a_checkpoint_and_the_end(void **state)
{
    static const struct step steps[] = {
        IN("bob", 10),       OUT("ann", 5),          {CHECKPOINT, 0, NULL, 0},
        IN("eve", 30),       IN("clock", 60),        {FALL_SILENT, LOGOUTS, NULL, 0},
        {COMMIT, 0, NULL, 0}, IN("zoe", 62),          {RELOAD, 0, NULL, 0},
        OUT("bob", 12),      OUT("eve", 40),         {PROCESS, 0, NULL, 0},
        IN("ann", 70),       {COMMIT, 0, NULL, 0},   {FALL_SILENT, LOGOUTS, NULL, 0},
        IN("clock", 110),    {COMMIT, 0, NULL, 0},   OUT("zoe", 64),
        OUT("ann", 80),      {COMMIT, 0, NULL, 0},   IN("clock", 200),
        OUT("clock", 200),
    };
    const struct plot plot = {
        .rules = {EVENTS PAIR GONE
                  "rule leaves { for each user within 9ms when Logout as a then Login as b emit alert }\n",
                  EVENTS PAIR GONE
                  "rule comes { for each user when Logout as a emit alert }\n"},
        PLOT(steps),
        .alerts = 6,
    };
    (void)state;
    ends_change_nothing(&plot);
}

/* The history of a leading absence begins where reading began, in whichever life it is asked for. */
static const struct step leading_steps[] = {
    IN("bob", 10),           IN("bob", 30),          {COMMIT, 0, NULL, 0}, OUT("eve", 35),
    {PROCESS, 0, NULL, 0},   IN("eve", 40),          OUT("bob", 50),       {CHECKPOINT, 0, NULL, 0},
    IN("ann", 55),           IN("bob", 58),          {COMMIT, 0, NULL, 0}, OUT("ann", 60),
    IN("eve", 95),           {COMMIT, 0, NULL, 0},   IN("ann", 99),        OUT("clock", 120),
    IN("zoe", 130),          {COMMIT, 0, NULL, 0},   IN("bob", 131),       OUT("clock", 140),
};
#define LEADING                                                                                    \
    EVENTS "rule first { for each user when no Login for 20ms then Login as a emit alert }\n"      \
           "rule calm { for each user when no Logout for 40ms then Login as a emit alert }\n"      \
           "rule all_calm { when no Logout for 30ms then Login as a emit alert }\n"

static void leading_absences_begin_where_reading_began(void **state)
{
    const struct plot plot = {.rules = {LEADING}, PLOT(leading_steps), .alerts = 3};
    (void)state;
    ends_change_nothing(&plot);
}

static void leading_absences_and_a_partition_that_was_empty(void **state)
{
    (void)state;
    for (unsigned which = 1; which < 4; which++) {
        const struct plot plot = {.rules = {LEADING},
                                  PLOT(leading_steps),
                                  .empty = {(which & 1) != 0, (which & 2) != 0},
                                  .alerts = 3};
        ends_change_nothing(&plot);
    }
}

/* The clock is moved from outside; older events of both partitions come then: what is late is late by its
 * own partition, which was told too. */
static void a_clock_that_was_moved_then_older_events(void **state)
{
    static const struct step steps[] = {
        IN("bob", 10),          IN("eve", 20),        {COMMIT, 0, NULL, 0},  {ADVANCE, 0, NULL, 50},
        OUT("bob", 30),         IN("ann", 49),        {COMMIT, 0, NULL, 0},  OUT("eve", 50),
        IN("ann", 51),          {CHECKPOINT, 0, NULL, 0}, {ADVANCE, 0, NULL, 90}, IN("zoe", 60),
        OUT("ann", 95),         {PROCESS, 0, NULL, 0}, {COMMIT, 0, NULL, 0}, IN("zoe", 91),
        {ADVANCE, 0, NULL, 92}, OUT("zoe", 91),       OUT("zoe", 93),        {COMMIT, 0, NULL, 0},
        IN("clock", 150),       OUT("clock", 150),
    };
    const struct plot plot = {.rules = {EVENTS PAIR GONE}, PLOT(steps), .alerts = 4};
    (void)state;
    ends_change_nothing(&plot);
}

/* A key of which nothing is kept has no position: what comes behind idleness is evaluated for it. When it is
 * forgotten is a matter of events and clocks, which stand in the header of the same commit: not of when
 * something was written, evicted or read back. */
static const struct step forgotten_steps[] = {
    IN("bob", 10),        OUT("bob", 12),       IN("eve", 14),        OUT("eve", 20),
    IN("ann", 30),        {COMMIT, 0, NULL, 0}, IN("clock", 50),      {FALL_SILENT, LOGOUTS, NULL, 0},
    {COMMIT, 0, NULL, 0}, OUT("bob", 11),       OUT("ann", 35),       {PROCESS, 0, NULL, 0},
    IN("bob", 60),        {COMMIT, 0, NULL, 0}, OUT("bob", 55),       IN("clock", 140),
    {FALL_SILENT, LOGOUTS, NULL, 0},            {CHECKPOINT, 0, NULL, 0}, OUT("ann", 31),
    OUT("bob", 61),       OUT("zoe", 62),       {PROCESS, 0, NULL, 0}, IN("zoe", 141),
    {COMMIT, 0, NULL, 0}, OUT("zoe", 150),      IN("clock", 250),     {FALL_SILENT, LOGOUTS, NULL, 0},
    {COMMIT, 0, NULL, 0}, OUT("zoe", 145),      OUT("eve", 146),      IN("eve", 260),
    {COMMIT, 0, NULL, 0}, OUT("clock", 400),    IN("clock", 400),
};
#define FORGETS EVENTS PAIR "rule two { for each user within 30ms when 2 Logout as a emit alert }\n"

static void keys_that_are_forgotten_and_older_events(void **state)
{
    (void)state;
    for (size_t memory = 0; memory < 2; memory++) {
        const struct plot plot = {
            .rules = {FORGETS}, PLOT(forgotten_steps), .memory_bytes = memory, .alerts = 3};
        ends_change_nothing(&plot);
    }
}

/* Other commits, other moments at which records leave memory: the same answers. */
static void when_commits_happen_forgets_no_key_earlier(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    struct plot plot = {.rules = {FORGETS}, PLOT(forgotten_steps), .alerts = 3};
    (void)state;
    play(&plot, plot.n, NEWEST_COPY, &want);
    for (unsigned more = 0; more < 3; more++) {
        FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
        struct step steps[2 * FYKE_ARRAY_LEN(forgotten_steps)];
        plot.steps = steps;
        plot.n = 0;
        plot.memory_bytes = more == 2;
        for (size_t i = 0; i < FYKE_ARRAY_LEN(forgotten_steps); i++) {
            struct step s = forgotten_steps[i];
            bool commits = s.kind == COMMIT || s.kind == CHECKPOINT;
            s.kind = commits && more == 0 ? PROCESS : s.kind;
            steps[plot.n++] = s;
            if (more > 0 && s.kind == FALL_SILENT) {
                steps[plot.n++] = (struct step){.kind = CHECKPOINT};
            }
        }
        play(&plot, plot.n, NEWEST_COPY, &got);
        assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
    }
}

/* Other bounds while events wait for their turn: what was judged stays judged. */
static void a_changed_bound_with_a_full_buffer(void **state)
{
    static const char wide[] = "out of order by 30ms", narrow[] = "out of order by 2ms";
    static const struct step steps[] = {
        IN("bob", 40),        OUT("bob", 50),       IN("eve", 20),  {COMMIT, 0, NULL, 0},
        IN("ann", 45),        OUT("eve", 30),       IN("zoe", 70),  IN("late", 39),
        {CHECKPOINT, 0, NULL, 0}, OUT("zoe", 72),   IN("ann", 60),  {RELOAD, 0, NULL, 0},
        IN("bob", 66),        OUT("ann", 55),       IN("eve", 69),  {PROCESS, 0, NULL, 0},
        {COMMIT, 0, NULL, 0}, OUT("eve", 90),       OUT("bob", 75), IN("clock", 200),
        {COMMIT, 0, NULL, 0}, OUT("clock", 200),
    };
    (void)state;
    for (int widens = 0; widens < 2; widens++) {
        char texts[2][1024];
        for (int i = 0; i < 2; i++) {
            snprintf(texts[i], sizeof(texts[i]),
                     "language 1\n"
                     "event Login from topic \"logins\" { user : string key\n"
                     "  at : timestamp in ms event time  %s }\n"
                     "event Logout from topic \"logouts\" { user : string key\n"
                     "  at : timestamp in ms event time  %s }\n" PAIR GONE,
                     i == widens ? wide : narrow, i == widens ? wide : narrow);
        }
        const struct plot plot = {.rules = {texts[0], texts[1]}, PLOT(steps), .alerts = 4};
        ends_change_nothing(&plot);
    }
}

/* ---- every interleaving ------------------------------------------------------------------------- */

static const struct step of_logins[] = {IN("bob", 10), IN("eve", 12), IN("bob", 10)};
static const struct step of_logouts[] = {OUT("bob", 10), OUT("bob", 12), OUT("eve", 9)};
enum { OF_EACH = 3, STEPS = 4 * OF_EACH + 4 };

/* Bit i of `order`: the i-th record is a login. Behind each a look or a commit. */
static size_t interleave(unsigned order, struct step steps[STEPS])
{
    size_t n = 0, in = 0, out = 0;
    for (unsigned i = 0; i < 2 * OF_EACH; i++) {
        steps[n++] = (order >> i & 1) != 0 ? of_logins[in++] : of_logouts[out++];
        steps[n++] = (struct step){.kind = i % 2 == 0 ? PROCESS : COMMIT};
    }
    steps[n++] = (struct step)IN("clock", 100);
    steps[n++] = (struct step)OUT("clock", 100);
    return n;
}

/* Events of one time, bounds of 0 to 5, both partitions read in every order, an end behind any step. */
static void ties_in_every_interleaving(void **state)
{
    unsigned lives = 0;
    (void)state;
    for (unsigned bound = 0; bound < 6; bound++) {
        FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
        FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
        char text[1024];
        struct step steps[STEPS];
        snprintf(text, sizeof(text),
                 "language 1\n"
                 "event Login from topic \"logins\" { user : string key\n"
                 "  at : timestamp in ms event time  out of order by %ums }\n"
                 "event Logout from topic \"logouts\" { user : string key\n"
                 "  at : timestamp in ms event time  out of order by %ums }\n" PAIR GONE
                 "rule seen { for each user when Login as a emit alert }\n",
                 bound, 5 - bound);
        struct plot plot = {.rules = {text}, .steps = steps, .alerts = 2};
        for (unsigned order = 0; order < 1u << (2 * OF_EACH); order++) {
            if (__builtin_popcount(order) != OF_EACH) {
                continue;
            }
            plot.n = interleave(order, steps);
            if (want.len == 0) {
                play(&plot, plot.n, NEWEST_COPY, &want);
            }
            for (size_t crash = (order + bound) % 3; crash <= plot.n; crash += 3, lives++) {
                play(&plot, crash, (enum copy_kind)(lives % 3), &got);
                assert_true(slice_eq(buf_slice(&want), buf_slice(&got)));
            }
        }
    }
    assert_true(lives > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idleness_and_a_reload_between_a_checkpoint_and_the_end),
        cmocka_unit_test(leading_absences_begin_where_reading_began),
        cmocka_unit_test(leading_absences_and_a_partition_that_was_empty),
        cmocka_unit_test(a_clock_that_was_moved_then_older_events),
        cmocka_unit_test(keys_that_are_forgotten_and_older_events),
        cmocka_unit_test(when_commits_happen_forgets_no_key_earlier),
        cmocka_unit_test(a_changed_bound_with_a_full_buffer),
        cmocka_unit_test(ties_in_every_interleaving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
