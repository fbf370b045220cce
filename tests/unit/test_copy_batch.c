/* What is written in batches, each in order of the keys, is what would be there one by one in order of the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "engine/journal/copy_batch.h"
#include "tests/support/state_dump.h"

#define DBS 3
#define KEYS 40
#define ROUNDS 60

struct world {
    struct store *store;
    struct copy_batch batch;
    uint64_t want[DBS][KEYS]; /* 0: none */
};

/* Several share what comes first in a key. */
static struct record_key key_of(uint32_t k)
{
    struct record_key key = {{0}};
    key.bytes[0] = (uint8_t)(k % 5);
    key.bytes[RECORD_KEY_BYTES - 1] = (uint8_t)k;
    return key;
}

static void take_entry(struct world *w, struct rng *rng, uint64_t value)
{
    uint32_t db = (uint32_t)rng_below(rng, DBS), k = (uint32_t)rng_below(rng, KEYS);
    struct record_key key = key_of(k);
    bool deleted = rng_below(rng, 3) == 0;
    if (deleted) {
        copy_batch_del(&w->batch, db, &key);
    } else {
        copy_batch_put(&w->batch, db, &key, slice_from((const char *)&value, sizeof(value)));
    }
    w->want[db][k] = deleted ? 0 : value;
}

static void write_batch(struct world *w)
{
    struct error err = ERROR_INIT;
    struct store_txn *t;
    assert_int_equal(store_begin(w->store, &t, &err), ERR_OK);
    assert_int_equal(copy_batch_write(&w->batch, t, &err), ERR_OK);
    assert_int_equal(store_commit(t, &err), ERR_OK);
    assert_int_equal(w->batch.n, 0);
}

static void check_db(struct world *w, uint32_t db)
{
    struct error err = ERROR_INIT;
    struct store_reader *r = store_reader_new(w->store, db);
    for (uint32_t k = 0; k < KEYS; k++) {
        struct record_key key = key_of(k);
        struct slice got;
        bool found;
        assert_int_equal(store_get(r, &key, &got, &found, &err), ERR_OK);
        assert_int_equal(found, w->want[db][k] != 0);
        if (found) {
            assert_int_equal(got.len, sizeof(uint64_t));
            assert_memory_equal(got.ptr, &w->want[db][k], sizeof(uint64_t));
        }
    }
    store_reader_free(r);
}

static void the_last_entry_of_a_key_is_what_stands_there(void **state)
{
    (void)state;
    char dir[64];
    struct error err = ERROR_INIT;
    struct world w = {0};
    struct rng rng = rng_seed(11);
    uint64_t value = 0;
    state_dir_make(dir);
    struct store_options o = {.dir = dir, .map_bytes = (size_t)16 << 20, .max_shards = DBS};
    assert_int_equal(store_open(&o, &w.store, &err), ERR_OK);
    assert_int_equal(store_open_shards(w.store, DBS - 1, &err), ERR_OK); /* and the pages */
    for (int round = 0; round < ROUNDS; round++) {
        for (uint64_t n = rng_below(&rng, 80); n > 0; n--) {
            take_entry(&w, &rng, ++value);
        }
        write_batch(&w);
        for (uint32_t db = 0; db < DBS; db++) {
            check_db(&w, db);
        }
    }
    copy_batch_release(&w.batch);
    store_close(w.store);
    state_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_entry_of_a_key_is_what_stands_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
