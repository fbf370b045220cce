/* The statements of a test as events in order of arrival. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/xalloc.h"
#include "lib/rule_test_events.h"
#include "lib/rule_test_parts.h"

static struct event *make_event(struct test_run *r, const struct test_stmt *s, struct etime time)
{
    const struct schema_decl *d = &r->first->rs.decls[s->decl];
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
    test_rules_compute(r, r->first, e);
    return e;
}

/* The topic as the rules in force have it; NULL: they do not read it. */
static const struct schema_topic *topic_now(const struct test_run *r, uint32_t topic)
{
    const struct test_rules *t = r->now;
    uint32_t at = t->topic_of ? t->topic_of[topic] : topic;
    return at == UINT32_MAX ? NULL : &t->rs.topics[at];
}

/* Judged by the test's clock; `watermark per` has clocks of its own, which the engine keeps. */
static bool comes_too_late(const struct test_run *r, const struct event *e)
{
    const struct schema_topic *t = topic_now(r, e->at.topic);
    if (!etime_lt(r->decided, e->time)) {
        return true;
    }
    return t && !t->has_watermark_per && etime_lt(e->time, etime_sub(r->clock, t->out_of_order));
}

static void arrive(struct test_run *r, struct event *e)
{
    if (comes_too_late(r, e)) {
        r->dropped++;
    } else {
        VEC_PUSH(r->arrived, r->n_arrived, r->cap_arrived) =
            (struct test_event){.event = e,
                                .arrival = e->time,
                                .number = r->n_arrived,
                                .first_turn = r->turns_taken,
                                .end_turn = r->n_turns};
        r->turns_taken = r->n_turns;
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
    if (r->first->rs.decls[s->decl].n_topics == 0) {
        test_run_fail(r, "the event comes from no topic");
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
        rule_test_events(&r->first->rs, &r->first->env, s->path, &r->arena, event_of_file, r,
                         r->problem);
    }
}

static void watermark_stmt(struct test_run *r, const struct test_stmt *s)
{
    struct etime time = test_moment_time(s->moment, r->test->origin);
    catch_up(r, time);
    move_clock(r, time);
    r->decided = etime_lt(r->decided, time) ? time : r->decided;
}

static void turn_stmt(struct test_run *r, const struct test_stmt *s)
{
    if (s->kind == TEST_STMT_RELOAD) {
        test_rules_reload(r, s->path);
    }
    VEC_PUSH(r->turns, r->n_turns, r->cap_turns) = (struct test_turn){r->now, r->decided};
}

static int by_arrival(const void *a, const void *b)
{
    const struct test_event *x = a, *y = b;
    int c = etime_cmp(x->arrival, y->arrival);
    return c ? c : x->number < y->number ? -1 : x->number > y->number;
}

/* Events of one time stay together: among them the order is as written. */
static void delay(struct test_event *e, uint64_t seed, struct duration within)
{
    char bytes[sizeof(int64_t)];
    memcpy(bytes, &e->event->time.ns, sizeof(bytes));
    uint64_t h = hash64_seed(slice_from(bytes, sizeof(bytes)), seed);
    int64_t by = within.ns <= 0 ? 0 : (int64_t)(h % ((uint64_t)within.ns + 1));
    e->arrival = etime_add(e->event->time, (struct duration){by});
}

static void shuffle(struct test_run *r, uint64_t seed, struct duration within)
{
    for (size_t i = 0; i < r->n_arrived && within.ns > 0; i++) {
        r->shuffled = true;
        delay(&r->arrived[i], seed, within);
    }
}

/* Another order among events of one time, too: nothing says in which they arrive. */
static size_t among_equals(const struct test_event *e, uint64_t seed)
{
    char bytes[sizeof(e->number)];
    memcpy(bytes, &e->number, sizeof(bytes));
    return (size_t)hash64_seed(slice_from(bytes, sizeof(bytes)), seed);
}

/* As late as each source allows: an event that comes D after its time finds nothing read that is
 * more than D younger, so none is late. Clocks of their own (`watermark per`) are left alone. */
static void shuffle_all(struct test_run *r)
{
    for (size_t i = 0; i < r->n_arrived; i++) {
        struct test_event *e = &r->arrived[i];
        const struct schema_topic *t = &r->first->rs.topics[e->event->at.topic];
        r->shuffled = true;
        delay(e, r->shuffle, t->has_watermark_per ? (struct duration){0} : t->out_of_order);
        e->number = t->has_watermark_per ? e->number : among_equals(e, r->shuffle);
    }
}

static void run_stmt(struct test_run *r, const struct test_stmt *s)
{
    switch (s->kind) {
    case TEST_STMT_EVENT: event_stmt(r, s); break;
    case TEST_STMT_WATERMARK: watermark_stmt(r, s); break;
    case TEST_STMT_EVENTS_FILE: events_file_stmt(r, s); break;
    case TEST_STMT_RESTART:
    case TEST_STMT_RELOAD: turn_stmt(r, s); break;
    case TEST_STMT_SHUFFLE:
    case TEST_STMT_EXPECT:
    case TEST_STMT_TIMEOUT: break;
    }
}

void test_arrivals(struct test_run *r)
{
    for (uint32_t i = 0; i < r->test->n_stmts; i++) {
        run_stmt(r, &r->test->stmts[i]);
    }
    catch_up(r, ETIME_MAX);
    for (uint32_t i = 0; i < r->test->n_stmts; i++) {
        const struct test_stmt *s = &r->test->stmts[i];
        if (s->kind == TEST_STMT_SHUFFLE) {
            shuffle(r, s->seed, s->within);
        }
    }
    if (r->shuffle) {
        shuffle_all(r);
    }
    if (r->shuffled && r->n_arrived > 1) {
        qsort(r->arrived, r->n_arrived, sizeof(*r->arrived), by_arrival);
    }
}
