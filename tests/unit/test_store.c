/* The state directory: one owner, transactions, limits, and damage that is found before LMDB
 * follows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "engine/state/store.h"
#include "tests/support/state_dump.h"

#define SHARDS 3

struct world {
    char dir[64];
    struct store_options options;
    struct store *store;
    struct error err;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    state_dir_make(w->dir);
    w->options = (struct store_options){
        .dir = w->dir, .map_bytes = (size_t)16 << 20, .max_shards = SHARDS};
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    store_close(w->store);
    if (w->options.dir != w->dir) {
        umount2(w->dir, MNT_DETACH);
    }
    state_dir_remove(w->dir);
    free(w);
    return 0;
}

static void check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
}

static void open_store(struct world *w)
{
    check(w, store_open(&w->options, &w->store, &w->err));
    check(w, store_open_shards(w->store, SHARDS, &w->err));
}

static void close_store(struct world *w)
{
    store_close(w->store);
    w->store = NULL;
}

/* Key i has a value of `bytes` bytes. */
static struct record_key key_of(uint64_t i)
{
    return record_head_key((struct hash128){i * 0x9e3779b97f4a7c15, i});
}

static enum err put_many(struct world *w, uint64_t from, uint64_t n, size_t bytes)
{
    struct store_txn *t;
    char *value = calloc(1, bytes);
    enum err rc = store_begin(w->store, &t, &w->err);
    for (uint64_t i = from; rc == ERR_OK && i < from + n; i++) {
        struct record_key key = key_of(i);
        memset(value, (int)(i & 0xff), bytes);
        rc = store_put(t, (uint32_t)(i % SHARDS), &key, slice_from(value, bytes), &w->err);
    }
    if (rc == ERR_OK) {
        rc = store_put_header(t, SLICE_LIT("a header"), &w->err);
    }
    free(value);
    if (rc != ERR_OK) {
        store_abort(t);
        return rc;
    }
    return store_commit(t, &w->err);
}

static enum err count_one(void *ctx, const struct record_key *key, struct slice value,
                          struct error *err)
{
    (void)key;
    (void)err;
    /* touches every byte */
    *(uint64_t *)ctx += hash64(value) != 0;
    return ERR_OK;
}

static uint64_t count(struct world *w)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct store_reader *r = store_reader_new(w->store, i);
        check(w, store_each(r, count_one, &n, &w->err));
        store_reader_free(r);
    }
    return n;
}

/* ---- ordinary life ------------------------------------------------------------------------ */

static void what_was_committed_is_there(void **state)
{
    struct world *w = *state;
    struct buf header = BUF_INIT;
    struct slice value;
    bool found;
    open_store(w);
    check(w, store_header(w->store, &header, &found, &w->err));
    assert_false(found);
    check(w, put_many(w, 0, 100, 500));
    close_store(w);
    open_store(w);
    check(w, store_header(w->store, &header, &found, &w->err));
    assert_true(found);
    assert_true(slice_eq_str(buf_slice(&header), "a header"));
    assert_int_equal(count(w), 100);
    struct store_reader *r = store_reader_new(w->store, 0);
    struct record_key key = key_of(3);
    check(w, store_get(r, &key, &value, &found, &w->err));
    assert_true(found);
    assert_int_equal(value.len, 500);
    key = key_of(4); /* of another shard */
    check(w, store_get(r, &key, &value, &found, &w->err));
    assert_false(found);
    store_reader_free(r);
    buf_release(&header);
}

static void a_reader_sees_new_bytes_after_reset(void **state)
{
    struct world *w = *state;
    struct slice value;
    bool found;
    open_store(w);
    check(w, put_many(w, 0, 3, 10));
    struct store_reader *r = store_reader_new(w->store, 0);
    struct record_key key = key_of(0);
    check(w, store_get(r, &key, &value, &found, &w->err));
    assert_int_equal(value.len, 10);
    store_reader_reset(r);
    check(w, put_many(w, 0, 3, 20));
    check(w, store_get(r, &key, &value, &found, &w->err));
    assert_int_equal(value.len, 20);
    store_reader_free(r);
}

static void a_second_owner_is_told_who_has_it(void **state)
{
    struct world *w = *state;
    struct store *other;
    char pid[32];
    open_store(w);
    assert_int_equal(store_open(&w->options, &other, &w->err), ERR_STATE);
    snprintf(pid, sizeof(pid), "in use by process %ld", (long)getpid());
    assert_non_null(strstr(w->err.text, pid));
    close_store(w);
    open_store(w);
}

static void reset_deletes(void **state)
{
    struct world *w = *state;
    open_store(w);
    check(w, put_many(w, 0, 10, 10));
    close_store(w);
    w->options.reset = true;
    open_store(w);
    assert_int_equal(count(w), 0);
}

/* ---- limits ------------------------------------------------------------------------------- */

static void a_full_map_is_an_error_and_the_last_checkpoint_stays(void **state)
{
    struct world *w = *state;
    w->options.map_bytes = (size_t)1 << 20;
    open_store(w);
    check(w, put_many(w, 0, 50, 1000));
    assert_int_equal(put_many(w, 50, 2000, 1000), ERR_STATE);
    assert_non_null(strstr(w->err.text, "limit of 1 MiB"));
    assert_int_equal(count(w), 50);
    close_store(w);
    open_store(w);
    assert_int_equal(count(w), 50);
    check(w, put_many(w, 50, 10, 1000));
}

static void a_full_disk_is_an_error_and_the_last_checkpoint_stays(void **state)
{
    struct world *w = *state;
    char inner[80];
    if (mount("tmpfs", w->dir, "tmpfs", 0, "size=512k") != 0) {
        print_message("skipped: no right to mount a small disk\n");
        skip();
    }
    snprintf(inner, sizeof(inner), "%s/s", w->dir);
    w->options.dir = inner;
    open_store(w);
    check(w, put_many(w, 0, 50, 1000));
    assert_int_equal(put_many(w, 50, 2000, 1000), ERR_STATE);
    /* LMDB reports a write that was cut short as an input/output error. */
    assert_non_null(strstr(w->err.text, "cannot write state"));
    close_store(w);
    open_store(w);
    assert_int_equal(count(w), 50);
}

/* ---- damage ------------------------------------------------------------------------------- */

static void data_path(const struct world *w, char path[128])
{
    snprintf(path, 128, "%s/data.mdb", w->dir);
}

static size_t read_file(const char *path, char **ret)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    *ret = malloc((size_t)st.st_size);
    assert_int_equal(read(fd, *ret, (size_t)st.st_size), st.st_size);
    close(fd);
    return (size_t)st.st_size;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

/* In a process of its own, so that a crash inside LMDB is seen as what it is. Returns whether the
 * damage was refused; everything readable must have been read. */
static bool refused_in_child(struct world *w)
{
    pid_t child = fork();
    if (child == 0) {
        struct store *s;
        struct buf header = BUF_INIT;
        bool found;
        uint64_t n = 0;
        enum err rc = store_open(&w->options, &s, &w->err);
        rc = rc != ERR_OK ? rc : store_header(s, &header, &found, &w->err);
        rc = rc != ERR_OK ? rc : store_open_shards(s, SHARDS, &w->err);
        for (uint32_t i = 0; i < SHARDS && rc == ERR_OK; i++) {
            rc = store_each(store_reader_new(s, i), count_one, &n, &w->err);
        }
        _exit(rc == ERR_OK ? 0 : rc == ERR_CORRUPT ? 1 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        fail_msg("the process ended with status %x", status);
    }
    return WEXITSTATUS(status) == 1;
}

static void make_data(struct world *w)
{
    open_store(w);
    for (uint64_t round = 0; round < 4; round++) {
        check(w, put_many(w, round * 60, 100, round == 2 ? 5000 : 300));
    }
    close_store(w);
}

static void a_shorter_file_is_refused(void **state)
{
    struct world *w = *state;
    char path[128], *bytes;
    make_data(w);
    data_path(w, path);
    size_t n = read_file(path, &bytes);
    for (size_t len = 0; len < n; len += len < 8192 ? 1000 : 4096 * 7 + 100) {
        write_file(path, bytes, len);
        assert_true(refused_in_child(w));
    }
    unlink(path);
    assert_true(refused_in_child(w));
    write_file(path, bytes, n);
    assert_false(refused_in_child(w));
    free(bytes);
}

/* Page 3 becomes a copy of another, a page of zeros, a page of noise. */
static void wrong_pages_are_refused_or_unused(void **state)
{
    struct world *w = *state;
    char path[128], *bytes;
    struct rng rng = rng_seed(5);
    unsigned refused = 0, tries = 0;
    make_data(w);
    data_path(w, path);
    size_t n = read_file(path, &bytes);
    char *copy = malloc(n);
    for (size_t page = 0; page < n / 4096; page += page < 4 ? 1 : 3) {
        for (int kind = 0; kind < 3; kind++) {
            memcpy(copy, bytes, n);
            char *at = copy + page * 4096;
            for (size_t i = 0; i < 4096; i++) {
                at[i] = kind == 0 ? 0 : kind == 1 ? (char)rng_next(&rng) : bytes[5 * 4096 + i];
            }
            write_file(path, copy, n);
            refused += refused_in_child(w);
            tries++;
        }
    }
    assert_true(refused > tries / 3);
    free(copy);
    free(bytes);
}

static void flipped_bits_crash_nothing(void **state)
{
    struct world *w = *state;
    char path[128], *bytes;
    struct rng rng = rng_seed(6);
    make_data(w);
    data_path(w, path);
    size_t n = read_file(path, &bytes);
    for (int i = 0; i < 300; i++) {
        /* Half of them where pages keep their structure. */
        size_t at = (size_t)rng_below(&rng, n);
        if (i % 2 == 0) {
            at = at / 4096 * 4096 + (size_t)rng_below(&rng, 64);
        }
        char old = bytes[at];
        bytes[at] = (char)(old ^ (1 << rng_below(&rng, 8)));
        write_file(path, bytes, n);
        refused_in_child(w);
        bytes[at] = old;
    }
    free(bytes);
}

/* Deleted before the first commit or behind it: who has it open goes on. */
static void a_directory_deleted_while_open_ends_nothing(void **state)
{
    struct world *w = *state;
    open_store(w);
    state_dir_remove(w->dir);
    check(w, put_many(w, 0, 10, 100));
    check(w, put_many(w, 10, 10, 100));
    assert_int_equal(count(w), 20);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_directory_deleted_while_open_ends_nothing), T(what_was_committed_is_there),
        T(a_reader_sees_new_bytes_after_reset),
        T(a_second_owner_is_told_who_has_it),
        T(reset_deletes),
        T(a_full_map_is_an_error_and_the_last_checkpoint_stays),
        T(a_full_disk_is_an_error_and_the_last_checkpoint_stays),
        T(a_shorter_file_is_refused),
        T(wrong_pages_are_refused_or_unused),
        T(flipped_bits_crash_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
