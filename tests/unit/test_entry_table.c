/* The table of keys against a list of what is in it; the entries that it numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "engine/keys/entry_table.h"
#include "engine/keys/key_entries.h"

/* Home by the upper half, tag by the lowest byte. */
static struct hash128 hash_of(uint32_t home, uint8_t tag)
{
    return (struct hash128){.lo = (uint64_t)home << 32 | tag};
}

static bool has(const struct entry_table *t, struct hash128 hash, uint32_t number)
{
    struct entry_search s = entry_search(t, hash);
    for (uint32_t found; entry_search_next(t, &s, &found);) {
        if (found == number) {
            return true;
        }
    }
    return false;
}

static size_t line_of(const struct entry_table *t, struct hash128 hash)
{
    return (size_t)(entry_table_home(t, hash) - t->lines);
}

/* What the keys of a table are, by number; not every number is in it. */
struct keys {
    struct hash128 *hashes;
    bool *in;
    uint32_t n;
};

static void keys_init(struct keys *k, uint32_t n)
{
    *k = (struct keys){xcalloc(n, sizeof(*k->hashes)), xcalloc(n, sizeof(*k->in)), n};
}

static void keys_release(struct keys *k)
{
    free(k->hashes);
    free(k->in);
}

static void add(struct entry_table *t, struct keys *k, uint32_t number)
{
    if (entry_table_is_full(t)) {
        entry_table_enlarge(t);
        for (uint32_t i = 0; i < k->n; i++) {
            if (k->in[i]) {
                entry_table_add(t, k->hashes[i], i);
            }
        }
    }
    entry_table_add(t, k->hashes[number], number);
    k->in[number] = true;
}

static void take(struct entry_table *t, struct keys *k, uint32_t number)
{
    entry_table_remove(t, k->hashes[number], number);
    k->in[number] = false;
}

/* The line in which a number stands. */
static size_t where(const struct entry_table *t, struct hash128 hash, uint32_t number)
{
    for (size_t i = 0; i < t->n_lines; i++) {
        for (uint32_t place = 0; place < ENTRY_LINE_KEYS; place++) {
            if (t->lines[i].tags[place] == entry_tag(hash) && t->lines[i].numbers[place] == number) {
                return i;
            }
        }
    }
    fail_msg("%u is nowhere", (unsigned)number);
    return 0;
}

/* What is in it is found, what is not is not, and each line knows how many keys have passed it. */
static void check_whole(const struct entry_table *t, const struct keys *k)
{
    uint32_t *passed = xcalloc(t->n_lines + 1, sizeof(*passed));
    size_t n = 0;
    for (uint32_t i = 0; i < k->n; i++) {
        assert_int_equal(has(t, k->hashes[i], i), k->in[i]);
        assert_false(k->in[i] && entry_table_lacks(t, k->hashes[i]));
        if (!k->in[i]) {
            continue;
        }
        n++;
        for (size_t at = line_of(t, k->hashes[i]), end = where(t, k->hashes[i], i); at != end;
             at = (at + 1) % t->n_lines) {
            passed[at]++;
        }
    }
    assert_int_equal(n, t->n);
    for (size_t i = 0; i < t->n_lines; i++) {
        assert_int_equal(t->lines[i].n_beyond, passed[i]);
    }
    free(passed);
}

static void test_empty(void **state)
{
    (void)state;
    struct entry_table t;
    entry_table_init(&t);
    assert_int_equal(entry_table_bytes(&t), 0);
    assert_true(entry_table_is_full(&t));
    assert_false(has(&t, hash_of(0, 1), 0));
    assert_false(has(&t, hash_of(UINT32_MAX, 255), 0));
    entry_table_enlarge(&t);
    assert_int_equal(entry_table_bytes(&t), t.n_lines * 64);
    assert_int_equal((uintptr_t)t.lines % 64, 0);
    entry_table_release(&t);
    assert_int_equal(entry_table_bytes(&t), 0);
    entry_table_release(&t);
}

/* The last line is the home of all: they go on in the first one, and with one tag each is told by its number. */
static void test_round_the_end(void **state)
{
    (void)state;
    struct keys k;
    struct entry_table t;
    keys_init(&k, 500);
    entry_table_init(&t);
    for (uint32_t i = 0; i < k.n; i++) {
        k.hashes[i] = hash_of(UINT32_MAX - i, 7);
        add(&t, &k, i);
    }
    assert_true(t.lines[0].tags[0] == 7 && t.lines[t.n_lines - 1].n_beyond > 0);
    check_whole(&t, &k);
    for (uint32_t i = 0; i < k.n; i += 2) {
        take(&t, &k, i);
    }
    check_whole(&t, &k);
    for (uint32_t i = 1; i < k.n; i += 2) {
        take(&t, &k, i);
    }
    check_whole(&t, &k);
    entry_table_release(&t);
    keys_release(&k);
}

/* A hash byte that would be the tag of an empty place. */
static void test_tag_of_zero(void **state)
{
    (void)state;
    struct entry_table t;
    entry_table_init(&t);
    entry_table_enlarge(&t);
    entry_table_add(&t, hash_of(5, 0), 3);
    assert_true(has(&t, hash_of(5, 0), 3));
    assert_false(has(&t, hash_of(5, 0), 0));
    assert_false(entry_table_lacks(&t, hash_of(5, 0)));
    assert_true(entry_table_lacks(&t, hash_of(5, 2)));
    entry_table_remove(&t, hash_of(5, 0), 3);
    assert_true(entry_table_lacks(&t, hash_of(5, 0)));
    assert_false(has(&t, hash_of(5, 0), 3));
    entry_table_release(&t);
}

/* At first more come than go, then the reverse. */
static void come_and_go(struct rng *rng, uint32_t homes, uint32_t step_between, uint32_t tags)
{
    enum { STEPS = 24000 };
    struct keys k;
    struct entry_table t;
    keys_init(&k, 2000);
    entry_table_init(&t);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)rng_below(rng, k.n);
        bool come = rng_below(rng, 10) < (step < STEPS / 2 ? 7 : 3);
        if (come && !k.in[i]) {
            k.hashes[i] = hash_of((uint32_t)rng_below(rng, homes) * step_between, (uint8_t)rng_below(rng, tags));
            add(&t, &k, i);
        } else if (!come && k.in[i]) {
            take(&t, &k, i);
        }
        if (step % 2000 == 0) {
            check_whole(&t, &k);
        }
    }
    check_whole(&t, &k);
    entry_table_release(&t);
    keys_release(&k);
}

static void test_come_and_go(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1);
    come_and_go(&rng, UINT32_MAX, 1, 256);
    come_and_go(&rng, UINT32_MAX, 1, 2);         /* tags say little */
    come_and_go(&rng, 1, 1, 256);                /* one home: a cluster as long as all */
    come_and_go(&rng, 3, UINT32_MAX / 3, 256);   /* clusters that run into each other, and round the end */
    come_and_go(&rng, 200, UINT32_MAX / 200, 1); /* many, of one tag */
}

/* Bytes per key, keys beyond their home, entries looked at for nothing: as small at any size. */
static void test_million(void **state)
{
    (void)state;
    struct rng rng = rng_seed(9);
    struct keys k;
    struct entry_table t;
    uint64_t beyond = 0, looked_at = 0;
    keys_init(&k, 1000000);
    entry_table_init(&t);
    for (uint32_t i = 0; i < k.n; i++) {
        k.hashes[i].lo = rng_next(&rng);
        add(&t, &k, i);
        if (i >= 1000) {
            assert_in_range(entry_table_bytes(&t), 6 * i, 10 * i);
        }
    }
    for (uint32_t i = 0; i < k.n; i++) {
        assert_true(has(&t, k.hashes[i], i));
        struct hash128 absent = {.lo = rng_next(&rng)};
        struct entry_search s = entry_search(&t, absent);
        for (uint32_t number; entry_search_next(&t, &s, &number);) {
            looked_at++;
        }
    }
    for (size_t i = 0; i < t.n_lines; i++) {
        beyond += t.lines[i].n_beyond;
    }
    assert_in_range(beyond, 0, k.n / 10);
    assert_in_range(looked_at, 1, k.n / 15);
    for (uint32_t i = 0; i < k.n; i++) {
        take(&t, &k, i);
        assert_false(i % 1000 == 0 && has(&t, k.hashes[i], i));
    }
    for (size_t i = 0; i < t.n_lines; i++) {
        assert_int_equal(t.lines[i].n_beyond, 0);
    }
    entry_table_release(&t);
    keys_release(&k);
}

/* Numbers are given out again, entries stay where they are, in more chunks than one. */
static void test_entries(void **state)
{
    (void)state;
    enum { N = 3 * KEY_ENTRIES_PER_CHUNK };
    struct key_entries x = {0};
    struct key_entry **of = xcalloc(N, sizeof(*of));
    for (uint32_t i = 0; i < N; i++) {
        of[i] = key_entry_new(&x);
        assert_int_equal(of[i]->at, i);
        assert_int_equal((uintptr_t)of[i] % sizeof(*of[i]), 0);
        of[i]->hash.hi = i;
    }
    for (uint32_t i = 0; i < N; i += 3) {
        key_entry_free(&x, of[i]);
    }
    assert_int_equal(x.n, N - N / 3);
    for (uint32_t i = 0; i < N; i += 3) {
        struct key_entry *e = key_entry_new(&x);
        assert_ptr_equal(e, of[e->at]);
        assert_int_equal(e->at % 3, 0);
        assert_int_equal(e->hash.hi, 0);
        e->hash.hi = e->at;
    }
    assert_int_equal(x.n_begun, N);
    for (uint32_t i = 0; i < N; i++) {
        assert_ptr_equal(key_entry_at(&x, i), of[i]);
        assert_true(of[i]->used && of[i]->hash.hi == i);
    }
    key_entries_release(&x);
    free(of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_round_the_end),
        cmocka_unit_test(test_tag_of_zero),
        cmocka_unit_test(test_come_and_go),
        cmocka_unit_test(test_million),
        cmocka_unit_test(test_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
