/* The fuzzer's comparison without a fuzzer: its seeds, then repeatable mutations of them. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/xalloc.h"
#include "tests/support/json_diff.h"

#define SEED_DIRECTORY "tests/fuzz/seeds/json"
#define MAX_SEEDS 256
#define MUTATIONS 20000

struct seeds {
    struct buf texts[MAX_SEEDS];
    int n;
};

static void read_seed(struct seeds *seeds, const char *name)
{
    char path[512], bytes[4096];
    size_t n;
    snprintf(path, sizeof(path), SEED_DIRECTORY "/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_true(seeds->n < MAX_SEEDS);
    struct buf *text = &seeds->texts[seeds->n++];
    while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0) {
        buf_put(text, bytes, n);
    }
    fclose(f);
}

/* Sorted by name, so that one run is like another. */
static int setup(void **state)
{
    struct seeds *seeds = xcalloc(1, sizeof(*seeds));
    struct dirent **names;
    int n = scandir(SEED_DIRECTORY, &names, NULL, alphasort);
    assert_true(n > 2);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            read_seed(seeds, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    *state = seeds;
    return 0;
}

static int teardown(void **state)
{
    struct seeds *seeds = *state;
    for (int i = 0; i < seeds->n; i++) {
        buf_release(&seeds->texts[i]);
    }
    free(seeds);
    return 0;
}

static void seeds_agree(void **state)
{
    struct seeds *seeds = *state;
    struct json_diff *d = json_diff_new();
    for (int i = 0; i < seeds->n; i++) {
        json_diff_check(d, seeds->texts[i].ptr, seeds->texts[i].len);
    }
    json_diff_free(d);
}

/* A byte that matters in JSON or in UTF-8, mostly. */
static char some_byte(struct rng *r)
{
    static const char bytes[] =
        "{}[]\",:\\/bfnrtu0123456789.eE+- \n\xC2\x80\xE0\xED\xA0\xF0\x90\xF4"
        "\xFF\x1F\x7F"
        "aAdDlsx";
    uint64_t i = rng_below(r, sizeof(bytes) + 4);
    return i < sizeof(bytes) ? bytes[i] : (char)rng_below(r, 256);
}

static void mutate(struct rng *r, struct buf *b, const struct seeds *seeds)
{
    size_t at = b->len ? (size_t)rng_below(r, b->len) : 0;
    const struct buf *other = &seeds->texts[rng_below(r, (uint64_t)seeds->n)];
    size_t from = other->len ? (size_t)rng_below(r, other->len) : 0;
    struct buf tail = BUF_INIT;
    switch (rng_below(r, 5)) {
    case 0: /* change a byte */
        if (b->len) {
            b->ptr[at] = some_byte(r);
        }
        return;
    case 1: /* cut */ b->len = at; return;
    case 2: /* insert a byte */
        buf_put(&tail, b->ptr + at, b->len - at);
        b->len = at;
        buf_put_byte(b, (uint8_t)some_byte(r));
        break;
    case 3: /* drop a byte */
        if (b->len) {
            buf_put(&tail, b->ptr + at + 1, b->len - at - 1);
        }
        b->len = at;
        break;
    default: /* put a piece of another seed in */
        buf_put(&tail, b->ptr + at, b->len - at);
        b->len = at;
        buf_put(b, other->ptr + from, (size_t)rng_below(r, other->len - from + 1));
        break;
    }
    buf_put(b, tail.ptr, tail.len);
    buf_release(&tail);
}

static void mutations_agree(void **state)
{
    struct seeds *seeds = *state;
    struct json_diff *d = json_diff_new();
    struct rng r = rng_seed(20260105);
    struct buf b = BUF_INIT;
    for (int i = 0; i < MUTATIONS; i++) {
        const struct buf *seed = &seeds->texts[rng_below(&r, (uint64_t)seeds->n)];
        buf_clear(&b);
        buf_reserve(&b, seed->len + 1);
        buf_put(&b, seed->ptr, seed->len);
        for (uint64_t n = 1 + rng_below(&r, 4); n > 0; n--) {
            mutate(&r, &b, seeds);
        }
        json_diff_check(d, b.ptr, b.len);
    }
    buf_release(&b);
    json_diff_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seeds_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(mutations_agree, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
