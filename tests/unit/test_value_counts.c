/* How many have each value: the table against a plain list, and what a key with one weighs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "nfa/detect.h"
#include "tests/support/instance_world.h"

#define MOST 64

/* What waits, in the order in which it came. */
struct list {
    uint64_t hash[MOST], serial[MOST];
    uint32_t n;
};

static void list_remove(struct list *l, uint32_t at)
{
    l->n--;
    for (; at < l->n; at++) {
        l->hash[at] = l->hash[at + 1];
        l->serial[at] = l->serial[at + 1];
    }
}

static void assert_same_values(const struct value_counts *t, const struct list *l, const uint64_t *hashes,
                               uint32_t n_hashes)
{
    uint32_t distinct = 0;
    for (uint32_t h = 0; h < n_hashes; h++) {
        uint64_t first = 0, last = 0;
        bool waits = false;
        bool found = counts_find(t, hashes[h], &first, &last);
        for (uint32_t i = 0; i < l->n; i++) {
            if (l->hash[i] == hashes[h]) {
                waits = true;
                assert_true(found && first <= l->serial[i] && l->serial[i] <= last);
            }
        }
        assert_int_equal(found, waits);
        distinct += waits;
    }
    assert_int_equal(t->n, distinct);
}

/* Values come and go in any order; all of `n_hashes` chains cross, as hashes meet in few places. */
static void play(uint64_t seed, uint32_t n_hashes)
{
    struct rng rng = rng_seed(seed);
    struct pool pool = POOL_INIT;
    struct value_counts t = {0};
    struct list l = {.n = 0};
    uint64_t hashes[MOST];
    for (uint32_t h = 0; h < n_hashes; h++) {
        hashes[h] = ((uint64_t)h + 2) << 32 | rng_below(&rng, 4);
    }
    for (uint64_t serial = 1; serial < 2000; serial++) {
        bool fills = (serial / 100) % 2 == 0;
        if (l.n < MOST && (l.n == 0 || rng_below(&rng, 10) < (fills ? 8 : 3))) {
            l.hash[l.n] = hashes[rng_below(&rng, n_hashes)];
            l.serial[l.n] = serial;
            counts_add(&t, &pool, l.hash[l.n], serial);
            l.n++;
        } else {
            uint32_t at = rng_below(&rng, 2) ? 0 : (uint32_t)rng_below(&rng, l.n);
            counts_remove(&t, l.hash[at], l.serial[at]);
            list_remove(&l, at);
        }
        assert_same_values(&t, &l, hashes, n_hashes);
    }
    counts_free(&t, &pool);
    assert_int_equal(t.n, 0);
    assert_int_equal(pool.live_bytes, 0);
    pool_release(&pool);
}

static void test_a_table_finds_what_a_list_finds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        play(seed, 3);
        play(seed, 8);
        play(seed, 40);
    }
}

/* Seven of eight places: a value that is there already makes no room. */
static void test_the_first_table_is_filled(void **state)
{
    (void)state;
    struct pool pool = POOL_INIT;
    struct value_counts t = {0};
    uint64_t serial = 1, first, last;
    for (; serial <= 7; serial++) {
        counts_add(&t, &pool, 8 * serial, serial); /* all want one place */
    }
    uint64_t bytes = counts_bytes(&t);
    counts_add(&t, &pool, 8, serial++);
    assert_int_equal(counts_bytes(&t), bytes);
    assert_false(counts_find(&t, 8 * 8, &first, &last));
    counts_remove(&t, 16, 2);
    assert_true(counts_find(&t, 56, &first, &last));
    counts_add(&t, &pool, 16, serial++);
    assert_int_equal(counts_bytes(&t), bytes);
    counts_add(&t, &pool, 64, serial++);
    assert_int_equal(counts_bytes(&t), 2 * bytes);
    assert_true(counts_find(&t, 8, &first, &last));
    assert_int_equal(first, 1);
    assert_int_equal(last, 8);
    counts_free(&t, &pool);
    pool_release(&pool);
}

/* 0 and 1 are one value to it: maybe more than there is, never less. */
static void test_a_hash_of_nought_is_a_value(void **state)
{
    (void)state;
    struct pool pool = POOL_INIT;
    struct value_counts t = {0};
    uint64_t first, last;
    assert_false(counts_find(&t, 0, &first, &last));
    counts_remove(&t, 0, 1);
    counts_add(&t, &pool, 0, 1);
    assert_true(counts_find(&t, 0, &first, &last));
    counts_remove(&t, 0, 1);
    assert_false(counts_find(&t, 0, &first, &last));
    counts_free(&t, &pool);
    pool_release(&pool);
}

/* All that an equality keeps goes with the pool, and is weighed as lying there. */
static void test_what_an_equality_keeps_lies_in_the_pool(void **state)
{
    (void)state;
    struct instance_world w;
    world_open(&w, "rule r { for each k within 1000ms when A as a then B where v = a.v emit alert }", false,
               1000);
    for (int64_t i = 0; i < 50; i++) {
        world_push(&w, 'A', i, i);
    }
    struct instance_weight before = instance_weigh(w.in);
    size_t live = w.pool.live_bytes;
    for (int64_t i = 0; i < 5; i++) { /* the last one makes the detector, and the table of those that wait */
        world_push(&w, 'B', 200, 1000);
    }
    struct instance_weight with = instance_weigh(w.in);
    assert_true(with.bytes > before.bytes + 200);
    assert_int_equal(before.outside, 0);
    assert_int_equal(with.outside, 0);
    assert_true(w.pool.live_bytes >= live + (with.bytes - before.bytes));
    instance_free(w.in);
    w.in = instance_new(w.rule, &w.pool);
    assert_true(w.pool.live_bytes < live);
    world_close(&w);
}

/* The second comparison is asked when the first one allows a match, behind all that was fed: what it takes then is
 * weighed then, although the event that asked is not kept. */
static void test_what_grows_outside_when_asked_is_to_be_weighed(void **state)
{
    (void)state;
    struct instance_world w;
    world_open(&w, "rule r { for each k within 1000ms when A as a then B where v > a.v and v * 2 > a.v + 500 emit alert }",
               false, 1000);
    world_push(&w, 'A', 0, 10);
    world_push(&w, 'B', 1, 1);
    instance_told(w.in);
    uint64_t outside = instance_weigh(w.in).outside;
    world_push(&w, 'B', 2, 1);
    assert_true(instance_is_told(w.in));
    assert_int_equal(instance_weigh(w.in).outside, outside);
    world_push(&w, 'B', 3, 20);
    assert_true(instance_weigh(w.in).outside > outside);
    assert_false(instance_is_told(w.in));
    assert_int_equal(w.matches, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_finds_what_a_list_finds),
        cmocka_unit_test(test_the_first_table_is_filled),
        cmocka_unit_test(test_a_hash_of_nought_is_a_value),
        cmocka_unit_test(test_what_an_equality_keeps_lies_in_the_pool),
        cmocka_unit_test(test_what_grows_outside_when_asked_is_to_be_weighed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
