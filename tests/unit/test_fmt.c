/* The formatter against tests/golden/fmt: NAME.rules formats to NAME.expected, which formats to
 * itself. UPDATE_GOLDEN=1 writes the expected files anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "dsl/fmt.h"
#include "dsl/parse.h"

#define GOLDEN "tests/golden/fmt"
#define LEAST_FILES 50

static int read_file(const char *path, struct buf *out)
{
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) {
        return -1;
    }
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        buf_put(out, chunk, n);
    }
    return fclose(f);
}

static void write_file(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text->ptr, 1, text->len, f), text->len);
    assert_int_equal(fclose(f), 0);
}

static bool format(struct slice text, struct buf *out)
{
    struct arena arena = ARENA_INIT;
    struct sources set;
    struct diags diags;
    sources_init(&set, &arena);
    diags_init(&diags, &arena);
    struct ast_file *file = dsl_parse(sources_add(&set, "x.rules", text), &arena, &diags);
    bool done = dsl_fmt(file, &arena, out);
    if (diags.first) {
        print_error("%s: %s\n", diags.first->code, diags.first->message);
    }
    arena_release(&arena);
    return done;
}

static int check_golden(const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf input = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf again = BUF_INIT;
    char path[512];
    snprintf(path, sizeof(path), GOLDEN "/%s.rules", name);
    assert_int_equal(read_file(path, &input), 0);
    bool done = format(buf_slice(&input), &got) && format(buf_slice(&got), &again);
    snprintf(path, sizeof(path), GOLDEN "/%s.expected", name);
    if (done && getenv("UPDATE_GOLDEN")) {
        write_file(path, &got);
    }
    if (read_file(path, &want) != 0) {
        print_error("%s is missing\n", path);
        return 1;
    }
    bool equal = done && strcmp(buf_cstr(&got), buf_cstr(&want)) == 0;
    bool stable = strcmp(buf_cstr(&got), buf_cstr(&again)) == 0;
    if (!equal || !stable) {
        print_error("%s: got\n%s%s", name, buf_cstr(&got), stable ? "" : "(not stable)\n");
    }
    return !equal || !stable;
}

static void test_goldens(void **state)
{
    DIR *dir = opendir(GOLDEN);
    int files = 0;
    int bad = 0;
    (void)state;
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        char name[256];
        const char *dot = strrchr(e->d_name, '.');
        if (dot && strcmp(dot, ".rules") == 0) {
            snprintf(name, sizeof(name), "%.*s", (int)(dot - e->d_name), e->d_name);
            bad += check_golden(name);
            files++;
        }
    }
    closedir(dir);
    assert_int_equal(bad, 0);
    assert_true(files >= LEAST_FILES);
}

static void test_broken_is_untouched(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    (void)state;
    struct arena arena = ARENA_INIT;
    struct sources set;
    struct diags diags;
    sources_init(&set, &arena);
    diags_init(&diags, &arena);
    struct ast_file *file = dsl_parse(
        sources_add(&set, "x.rules", SLICE_LIT("language 1\nrule r { when }\n")), &arena, &diags);
    assert_false(dsl_fmt(file, &arena, &out));
    assert_int_equal(out.len, 0);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),
        cmocka_unit_test(test_broken_is_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
