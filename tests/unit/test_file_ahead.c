/* Packed files that a thread unpacks ahead: the same bytes, the same reads, the same damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "connectors/file_bytes.h"

#define TEXT_BYTES ((size_t)3 << 20) /* more than the thread reads ahead */

static char dir[] = "/tmp/fyke-ahead-XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int teardown(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static void put_text(struct buf *out)
{
    struct rng rng = rng_seed(7);
    while (out->len < TEXT_BYTES) {
        buf_printf(out, "{\"user\":\"u%llu\"}\n", (unsigned long long)rng_below(&rng, 5000));
    }
}

static void put_file(const char *name, const void *bytes, size_t n)
{
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* `percent` of the archive of the text. */
static void put_zst(const struct buf *text, unsigned percent)
{
    size_t cap = ZSTD_compressBound(text->len);
    char *packed = malloc(cap);
    assert_non_null(packed);
    size_t n = ZSTD_compress(packed, cap, text->ptr, text->len, 1);
    assert_false(ZSTD_isError(n));
    put_file("t.zst", packed, n * percent / 100);
    free(packed);
}

static void put_gz(const struct buf *text)
{
    snprintf(path, sizeof(path), "%s/t.gz", dir);
    gzFile f = gzopen(path, "w");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, text->ptr, (unsigned)text->len), (int)text->len);
    assert_int_equal(gzclose(f), Z_OK);
}

static enum err read_all(bool ahead, size_t cap, struct buf *out)
{
    struct file_bytes in;
    struct error err = ERROR_INIT;
    char *block = malloc(cap);
    size_t got = cap, before;
    assert_non_null(block);
    assert_int_equal(file_bytes_open(&in, path, &err), ERR_OK);
    in.ahead = ahead;
    enum err rc = ERR_OK;
    while (rc == ERR_OK && got > 0) {
        before = got;
        rc = file_bytes_read(&in, block, cap, &got, &err);
        buf_put(out, block, got);
        assert_true(!ahead || in.unpacker != NULL);
        assert_true(!ahead || before == cap || got == 0); /* short at the end only */
    }
    file_bytes_close(&in);
    free(block);
    return rc;
}

static void same_bytes(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    put_text(&text);
    for (int gz = 0; gz < 2; gz++) {
        gz ? put_gz(&text) : put_zst(&text, 100);
        for (size_t cap = 70001; cap < 600000; cap *= 2) {
            FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
            assert_int_equal(read_all(true, cap, &out), ERR_OK);
            assert_true(slice_eq(buf_slice(&out), buf_slice(&text)));
        }
    }
}

static void ends_at_a_block(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT, out = BUF_INIT;
    (void)state;
    put_text(&text);
    text.len = (size_t)2 << 20;
    put_zst(&text, 100);
    assert_int_equal(read_all(true, 65536, &out), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), buf_slice(&text)));
}

/* What stands before the damage comes, as it does without the thread. */
static void damage_comes_behind_what_was_read(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    put_text(&text);
    for (unsigned percent = 0; percent < 100; percent += 30) {
        FYKE_CLEANUP(buf_release) struct buf ahead = BUF_INIT, alone = BUF_INIT;
        put_zst(&text, percent);
        enum err rc = read_all(false, 65536, &alone);
        assert_int_equal(rc, percent > 0 ? ERR_CORRUPT : ERR_OK);
        assert_int_equal(read_all(true, 65536, &ahead), rc);
        assert_true(slice_eq(buf_slice(&ahead), buf_slice(&alone)));
    }
}

static void closed_before_its_end(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    char first[100];
    size_t got;
    (void)state;
    put_text(&text);
    put_zst(&text, 100);
    for (int reads = 0; reads < 3; reads++) {
        struct file_bytes in;
        struct error err = ERROR_INIT;
        assert_int_equal(file_bytes_open(&in, path, &err), ERR_OK);
        in.ahead = true;
        for (int i = 0; i < reads; i++) {
            assert_int_equal(file_bytes_read(&in, first, sizeof(first), &got, &err), ERR_OK);
            assert_memory_equal(first, text.ptr + (size_t)i * sizeof(first), sizeof(first));
        }
        file_bytes_close(&in);
    }
}

/* A thread could wait there for ever. */
static void no_thread_for_a_pipe(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    char command[160], first[100];
    struct file_bytes in;
    struct error err = ERROR_INIT;
    size_t got;
    (void)state;
    put_text(&text);
    put_zst(&text, 100);
    snprintf(command, sizeof(command), "mkfifo %s/p.zst && (cat %s >%s/p.zst &)", dir, path, dir);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof(path), "%s/p.zst", dir);
    assert_int_equal(file_bytes_open(&in, path, &err), ERR_OK);
    in.ahead = true;
    assert_int_equal(file_bytes_read(&in, first, sizeof(first), &got, &err), ERR_OK);
    assert_memory_equal(first, text.ptr, got);
    assert_null(in.unpacker);
    file_bytes_close(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes),
        cmocka_unit_test(ends_at_a_block),
        cmocka_unit_test(damage_comes_behind_what_was_read),
        cmocka_unit_test(closed_before_its_end),
        cmocka_unit_test(no_thread_for_a_pipe),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
