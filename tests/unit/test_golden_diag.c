/* tests/golden/diag/X.rules gives the findings in X.err, byte for byte. UPDATE_GOLDEN=1 writes the
 * .err files anew. Subdirectories hold files that the rules import. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dsl/compile.h"
#include "dsl/diag_render.h"
#include "engine/decode/payload_schema.h"
#include "engine/tables/table_text.h"

#define DIR_PATH "tests/golden/diag"

static int is_rules(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 6 && strcmp(e->d_name + n - 6, ".rules") == 0;
}

static void read_whole(const char *path, struct buf *out)
{
    FILE *in = fopen(path, "rb");
    char chunk[4096];
    size_t n;
    while (in && (n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_put(out, chunk, n);
    }
    if (in) {
        fclose(in);
    }
}

static void write_whole(const char *path, struct slice text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
}

static bool check_file(const char *name)
{
    char *rules = NULL;
    char *err_path = NULL;
    struct error err = ERROR_INIT;
    struct buf got = BUF_INIT;
    struct buf want = BUF_INIT;
    assert_true(asprintf(&rules, DIR_PATH "/%s", name) > 0);
    assert_true(asprintf(&err_path, "%.*s.err", (int)strlen(rules) - 6, rules) > 0);
    const char *paths[] = {rules};
    struct compile_input input = {.paths = paths, .n_paths = 1, .table_parse = table_text_parse,
                                  .payload_parse = payload_schema_parse};
    struct compilation *c = dsl_compile(&input, &err);
    assert_non_null(c);
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        diag_render_human(&got, &c->sources, d, false);
    }
    diag_render_summary(&got, &c->diags);
    buf_puts(&got, "\n");
    if (getenv("UPDATE_GOLDEN")) {
        write_whole(err_path, buf_slice(&got));
    }
    read_whole(err_path, &want);
    bool same = slice_eq(buf_slice(&got), buf_slice(&want));
    if (!same) {
        fprintf(stderr, "%s: expected\n%.*s\ngot\n%.*s\n", name, SLICE_ARG(buf_slice(&want)),
                SLICE_ARG(buf_slice(&got)));
    }
    compilation_free(c);
    buf_release(&got);
    buf_release(&want);
    free(rules);
    free(err_path);
    return same;
}

static void findings_stay(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(DIR_PATH, &names, is_rules, alphasort);
    int wrong = 0;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        wrong += !check_file(names[i]->d_name);
        free(names[i]);
    }
    free(names);
    printf("%d files\n", n);
    assert_int_equal(wrong, 0);
}

static void add_codes(const char *path, struct buf *seen)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char *file = NULL;
        assert_true(asprintf(&file, "%s/%s", path, names[i]->d_name) > 0);
        if (strstr(file, ".err")) {
            read_whole(file, seen);
        }
        free(file);
        free(names[i]);
    }
    free(names);
}

/* What is said is looked at by somebody: every code stands in some golden file. */
static void every_code_is_golden(void **state)
{
    struct buf seen = BUF_INIT;
    uint32_t n;
    const struct diag_code *codes = diag_codes(&n);
    int lacking = 0;
    (void)state;
    add_codes(DIR_PATH, &seen);
    add_codes("tests/golden/codes", &seen);
    for (uint32_t i = 0; i < n; i++) {
        char mark[16];
        snprintf(mark, sizeof(mark), "[%s]", codes[i].code);
        bool too_large = strcmp(codes[i].code, "E0111") == 0; /* 16 MiB: unit.compile_files */
        if (!too_large && !strstr(buf_cstr(&seen), mark)) {
            fprintf(stderr, "%s stands in no golden file\n", codes[i].code);
            lacking++;
        }
    }
    buf_release(&seen);
    assert_int_equal(lacking, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(findings_stay),
                                       cmocka_unit_test(every_code_is_golden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
