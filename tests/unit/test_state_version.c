/* States that this program cannot go on with though nothing is wrong with the disk: written by another
 * version, in the database, in the changelog, in an export; imported and damaged before the first run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "connectors/memory.h"
#include "engine/state/header.h"
#include "engine/state/store.h"
#include "lib/state_file.h"
#include "tests/support/journal_world.h"

#define NEXT_FORMAT (HEADER_FORMAT + 1)

static const char *const BOTH_NUMBERS = "was written by another version of fyke: it has format 8, this one "
                                        "reads 1 to 7; use the version that wrote it";
_Static_assert(HEADER_FORMAT == 7 && HEADER_OLDEST == 1, "BOTH_NUMBERS says so");

/* A header as a later version may write it: whole, with what is not known here. */
static void make_newer(char *bytes, size_t len)
{
    struct buf sum = BUF_INIT;
    bytes[4] = NEXT_FORMAT;
    buf_put_u64be(&sum, hash64(slice_from(bytes, len - 8)));
    memcpy(bytes + len - 8, sum.ptr, 8);
    buf_release(&sum);
}

static void some_state(struct world *w)
{
    world_begin_life(w);
    world_send_some(w, 0, 60);
    world_commit(w);
    world_end_life(w, false);
}

static struct store *open_store(struct world *w)
{
    const struct store_options o = {.dir = w->dir, .max_shards = 4096};
    struct store *s;
    world_check(w, store_open(&o, &s, &w->err));
    return s;
}

/* Another header, or another origin, or a value in the place of one record; NULL: as it was. */
static void change_store(struct world *w, bool newer, bool imported, bool damaged)
{
    struct buf bytes = BUF_INIT;
    const struct store_origin origin = {.position = 0};
    struct store *s = open_store(w);
    struct store_txn *t;
    bool found;
    world_check(w, store_header(s, &bytes, &found, &w->err));
    assert_true(found);
    world_check(w, store_open_shards(s, w->options.shards, &w->err));
    world_check(w, store_begin(s, &t, &w->err));
    if (newer) {
        make_newer(bytes.ptr, bytes.len);
        world_check(w, store_put_header(t, buf_slice(&bytes), &w->err));
    }
    if (imported) {
        world_check(w, store_put_origin(t, &origin, &w->err));
    }
    if (damaged) {
        struct record_key key = record_head_key((struct hash128){0, 1});
        world_check(w, store_put(t, 0, &key, SLICE_LIT("no record"), &w->err));
    }
    world_check(w, store_commit(t, &w->err));
    store_close(s);
    buf_release(&bytes);
}

static void a_state_of_a_later_version_is_told(void **state)
{
    struct world *w = *state;
    struct memory_sink sink;
    struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};
    memory_sink_init(&sink);
    w->options.journal = NULL;
    world_check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    world_check(w, engine_begin(w->engine, parts, 2, &sink.sink, &w->err));
    world_commit(w);
    world_end_life(w, false);
    change_store(w, true, false, false);
    assert_int_equal(engine_new(&w->rules.rs, &w->options, &w->engine, &w->err), ERR_STATE);
    assert_non_null(strstr(w->err.text, BOTH_NUMBERS));
    sink.sink.ops->close(&sink.sink);
}

/* Nothing of it is wiped: another version may know more of it than this one. */
static void a_copy_of_a_later_version_is_told(void **state)
{
    struct world *w = *state;
    some_state(w);
    change_store(w, true, false, false);
    world_refused(w, ERR_STATE, BOTH_NUMBERS);
    assert_null(strstr(buf_cstr(&w->said), "is not used"));
    sim_log_expire_positions(&w->log);
    sim_log_truncate(&w->log, 0);
    world_refused(w, ERR_STATE, BOTH_NUMBERS);
}

static void a_changelog_of_a_later_version_is_told(void **state)
{
    struct world *w = *state;
    some_state(w);
    for (size_t i = 0; i < w->log.n_entries; i++) {
        struct sim_entry *e = &w->log.entries[i];
        char *at = e->value == NULL ? NULL : memmem(e->value, e->value_len, "FYKE", 4);
        if (memcmp(e->key, "\0H", 2) == 0 && at != NULL) {
            make_newer(at, (size_t)(e->value + e->value_len - at));
        }
    }
    world_refused(w, ERR_STATE, BOTH_NUMBERS);
    world_forget_copy(w);
    world_refused(w, ERR_STATE, BOTH_NUMBERS);
    assert_non_null(strstr(w->err.text, "the changelog was written"));
}

static void an_export_of_a_later_version_is_told(void **state)
{
    struct world *w = *state;
    struct state_file file;
    char path[96], dir[96];
    some_state(w);
    snprintf(path, sizeof(path), "%s.export", w->dir);
    snprintf(dir, sizeof(dir), "%s.other", w->dir);
    world_check(w, state_file_open(w->dir, &file, &w->err));
    world_check(w, state_file_export(&file, path, &w->err));
    state_file_close(&file);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 8, SEEK_SET);
    fputc(3, f);
    fclose(f);
    assert_int_equal(state_file_import(path, dir, NULL, &w->err), ERR_STATE);
    assert_non_null(strstr(w->err.text, "it has version 3, this one reads 1 to 2"));
    f = fopen(path, "r+b");
    fseek(f, 8, SEEK_SET);
    fputc(2, f);
    unsigned char len[4], header[4096];
    assert_int_equal(fseek(f, 9, SEEK_SET), 0);
    assert_int_equal(fread(len, 1, 4, f), 4);
    size_t n = (size_t)len[2] << 8 | len[3];
    assert_true(n < sizeof(header) && fread(header, 1, n, f) == n);
    make_newer((char *)header, n);
    assert_int_equal(fseek(f, 13, SEEK_SET), 0);
    assert_int_equal(fwrite(header, 1, n, f), n);
    fclose(f);
    assert_int_equal(state_file_import(path, dir, NULL, &w->err), ERR_STATE);
    assert_non_null(strstr(w->err.text, BOTH_NUMBERS));
    unlink(path);
}

static void tools_tell_a_state_of_a_later_version(void **state)
{
    struct world *w = *state;
    struct state_file file;
    some_state(w);
    change_store(w, true, false, false);
    assert_int_equal(state_file_open(w->dir, &file, &w->err), ERR_STATE);
    assert_non_null(strstr(w->err.text, BOTH_NUMBERS));
}

static void a_damaged_header_is_no_later_version(void **state)
{
    struct world *w = *state;
    struct buf bytes = BUF_INIT;
    bool found;
    uint64_t format;
    some_state(w);
    struct store *s = open_store(w);
    world_check(w, store_header(s, &bytes, &found, &w->err));
    store_close(s);
    assert_true(header_format(buf_slice(&bytes), &format) && format == HEADER_FORMAT);
    bytes.ptr[4] = NEXT_FORMAT;
    assert_false(header_format(buf_slice(&bytes), &format));
    assert_int_equal(header_check_format(buf_slice(&bytes), "it", &w->err), ERR_OK);
    buf_release(&bytes);
}

/* The first run writes all of it into the changelog, where it would be damaged for good. */
static void an_imported_state_that_is_damaged_begins_no_log(void **state)
{
    struct world *w = *state;
    some_state(w);
    change_store(w, false, true, true);
    sim_log_release(&w->log);
    sim_log_init(&w->log);
    world_refused(w, ERR_STATE, "was imported and is damaged: record ");
    assert_non_null(strstr(w->err.text, "delete the directory and import the state again"));
    world_refused(w, ERR_STATE, "was imported and is damaged");
    for (size_t i = 0; i < w->log.n_entries; i++) {
        assert_int_not_equal(memcmp(w->log.entries[i].key, "\0H", 2), 0);
    }
    world_forget_copy(w);
    world_begin_life(w);
    world_commit(w);
    world_end_life(w, false);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_state_of_a_later_version_is_told),
        T(a_copy_of_a_later_version_is_told),
        T(a_changelog_of_a_later_version_is_told),
        T(an_export_of_a_later_version_is_told),
        T(tools_tell_a_state_of_a_later_version),
        T(a_damaged_header_is_no_later_version),
        T(an_imported_state_that_is_damaged_begins_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
