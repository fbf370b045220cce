/* Pairing of alerts: what must hold whatever they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "lib/replay_pairs.h"

#define MOST 24
#define CASES 3000

struct side {
    struct replay_alerts alerts;
    struct replay_alert items[MOST];
    const struct replay_alert *order[MOST];
    size_t with[MOST];
    struct pair_side pairs;
};

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void add(struct side *s, int64_t detected, const uint64_t *events, uint32_t n)
{
    struct replay_alert *a = &s->items[s->pairs.n];
    *a = (struct replay_alert){
        .detected = {detected}, .events = s->alerts.n_pool, .n_events = n, .counts = true};
    for (uint32_t i = 0; i < n; i++) {
        VEC_PUSH(s->alerts.pool, s->alerts.n_pool, s->alerts.cap_pool) = events[i];
    }
    a->evidence = n ? hash64(slice_from((const char *)events, n * sizeof(*events))) : 0;
    s->order[s->pairs.n++] = a;
}

static int by_time(const void *x, const void *y)
{
    const struct replay_alert *a = *(const struct replay_alert *const *)x;
    const struct replay_alert *b = *(const struct replay_alert *const *)y;
    if (a->detected.ns != b->detected.ns) {
        return a->detected.ns < b->detected.ns ? -1 : 1;
    }
    return a->evidence < b->evidence ? -1 : a->evidence > b->evidence;
}

static void begin(struct side *s)
{
    *s = (struct side){0};
    s->pairs = (struct pair_side){.alerts = &s->alerts, .items = s->order, .with = s->with};
}

static void fill(struct side *s, uint64_t *seed)
{
    uint64_t n = next(seed) % MOST;
    begin(s);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t events[4], event = 0;
        uint32_t n_events = (uint32_t)(next(seed) % 4);
        for (uint32_t k = 0; k < n_events; k++) {
            events[k] = event += 1 + next(seed) % 5;
        }
        add(s, (int64_t)(next(seed) % 10), events, n_events);
    }
    qsort(s->order, s->pairs.n, sizeof(s->order[0]), by_time);
}

static bool is_alike(const struct replay_alert *a, const struct replay_alert *b)
{
    return a->detected.ns == b->detected.ns && a->evidence == b->evidence;
}

/* Of what is left nothing is alike, and nothing has an event in common. */
static void check_left(const struct pair_side *a, const struct pair_side *b)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = 0; a->with[i] == PAIR_NONE && k < b->n; k++) {
            if (b->with[k] == PAIR_NONE) {
                assert_false(is_alike(a->items[i], b->items[k]));
                assert_int_equal(pair_common(a, a->items[i], b, b->items[k]), 0);
            }
        }
    }
}

static void check_pairs(const struct pair_side *a, const struct pair_side *b)
{
    for (size_t i = 0; i < a->n; i++) {
        size_t k = a->with[i];
        if (k != PAIR_NONE) {
            assert_true(k < b->n);
            assert_int_equal(b->with[k], i);
            assert_true(is_alike(a->items[i], b->items[k]) ||
                        pair_common(a, a->items[i], b, b->items[k]) > 0);
        }
    }
}

static void test_any_alerts(void **state)
{
    uint64_t seed = 20260305;
    size_t alike = 0, moved = 0;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        struct side was, is;
        fill(&was, &seed);
        fill(&is, &seed);
        pair_alerts(&was.pairs, &is.pairs);
        check_pairs(&was.pairs, &is.pairs);
        check_pairs(&is.pairs, &was.pairs);
        check_left(&was.pairs, &is.pairs);
        for (size_t k = 0; k < was.pairs.n; k++) {
            size_t other = was.with[k];
            alike += other != PAIR_NONE && is_alike(was.order[k], is.order[other]);
            moved += other != PAIR_NONE && !is_alike(was.order[k], is.order[other]);
        }
        free(was.alerts.pool);
        free(is.alerts.pool);
    }
    assert_true(alike > CASES / 4 && moved > CASES);
}

static void test_same_sets_are_same(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        uint64_t again = seed;
        struct side was, is;
        fill(&was, &seed);
        fill(&is, &again);
        pair_alerts(&was.pairs, &is.pairs);
        for (size_t k = 0; k < was.pairs.n; k++) {
            assert_int_not_equal(was.with[k], PAIR_NONE);
            assert_true(is_alike(was.order[k], is.order[was.with[k]]));
        }
        free(was.alerts.pool);
        free(is.alerts.pool);
    }
}

/* The same time comes first, then most events, then the nearest time. */
static void test_preference(void **state)
{
    struct side was, is;
    (void)state;
    begin(&was);
    begin(&is);
    add(&was, 10, (uint64_t[]){1, 2, 3}, 3);
    add(&was, 20, (uint64_t[]){4, 5}, 2);
    add(&is, 8, (uint64_t[]){1, 2}, 2);
    add(&is, 10, (uint64_t[]){3}, 1);
    add(&is, 25, (uint64_t[]){5, 9}, 2);
    add(&is, 30, (uint64_t[]){5, 8}, 2);
    pair_alerts(&was.pairs, &is.pairs);
    assert_int_equal(was.with[0], 1);
    assert_int_equal(was.with[1], 2);
    assert_int_equal(is.with[0], PAIR_NONE);
    assert_int_equal(is.with[3], PAIR_NONE);
    free(was.alerts.pool);
    free(is.alerts.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_alerts),
        cmocka_unit_test(test_same_sets_are_same),
        cmocka_unit_test(test_preference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
