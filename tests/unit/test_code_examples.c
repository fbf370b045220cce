/* The examples of the codes (dsl/codes_examples.def): the wrong one gives its code, the right one
 * nothing at all, and what is said about the wrong one is tests/golden/codes/CODE.err, byte for
 * byte. UPDATE_GOLDEN=1 writes those files anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dsl/compile.h"
#include "dsl/diag_render.h"

#define DIR_PATH "tests/golden/codes"

static struct compilation *compile(const struct diag_example *e, const char *text)
{
    FYKE_CLEANUP(buf_release) struct buf common = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf example = BUF_INIT;
    struct error err = ERROR_INIT;
    buf_printf(&common, "language 1\n%s", diag_prelude());
    buf_printf(&example, "%s%s", e->whole ? "" : "language 1\nimport \"common.rules\"\n\n", text);
    struct compile_source sources[] = {{"example.rules", buf_slice(&example)},
                                       {"common.rules", buf_slice(&common)}};
    struct compile_input input = {
        .sources = sources, .n_sources = 2, .note_untested = true};
    struct compilation *c = dsl_compile(&input, &err);
    assert_non_null(c);
    return c;
}

static bool gives(const struct compilation *c, const char *code)
{
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        if (strcmp(d->code, code) == 0) {
            return true;
        }
    }
    return false;
}

static void render(const struct compilation *c, const char *code, struct buf *out)
{
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        if (strcmp(d->code, "W0418") != 0 || strcmp(code, "W0418") == 0) {
            diag_render_human(out, &c->sources, d, false);
        }
    }
}

static int check_golden(const char *code, const struct buf *got)
{
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    char path[256];
    char chunk[4096];
    size_t n;
    snprintf(path, sizeof(path), DIR_PATH "/%s.err", code);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(got->ptr, 1, got->len, out), got->len);
        assert_int_equal(fclose(out), 0);
    }
    FILE *in = fopen(path, "rb");
    while (in && (n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_put(&want, chunk, n);
    }
    if (in) {
        fclose(in);
    }
    if (slice_eq(buf_slice(got), buf_slice(&want))) {
        return 0;
    }
    print_error("%s: expected\n%s\ngot\n%.*s\n", path, buf_cstr(&want), SLICE_ARG(buf_slice(got)));
    return 1;
}

static int check_wrong(const struct diag_example *e)
{
    FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
    struct compilation *c = compile(e, e->wrong);
    render(c, e->code, &got);
    int faults = gives(c, e->code) ? 0 : 1;
    if (faults) {
        print_error("the wrong example of %s gives\n%s\n", e->code, buf_cstr(&got));
    }
    compilation_free(c);
    return faults + check_golden(e->code, &got);
}

static int check_right(const struct diag_example *e)
{
    FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
    struct compilation *c = compile(e, e->right);
    render(c, e->code, &got);
    if (got.len > 0) {
        print_error("the right example of %s gives\n%s\n", e->code, buf_cstr(&got));
    }
    compilation_free(c);
    return got.len > 0;
}

static void examples_hold(void **state)
{
    uint32_t n;
    int faults = 0;
    const struct diag_code *codes = diag_codes(&n);
    (void)state;
    for (uint32_t i = 0; i < n; i++) {
        const struct diag_example *e = diag_example_find(codes[i].code);
        if (!e) {
            print_error("%s has no row in dsl/codes_examples.def\n", codes[i].code);
            faults++;
        } else if (e->wrong) {
            faults += check_wrong(e) + check_right(e);
        } else {
            assert_true(strlen(e->why) > 0);
        }
    }
    assert_int_equal(faults, 0);
}

static void codes_ascend(void **state)
{
    uint32_t n;
    const struct diag_code *codes = diag_codes(&n);
    (void)state;
    for (uint32_t i = 1; i < n; i++) {
        assert_true(strcmp(codes[i - 1].code, codes[i].code) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_hold),
        cmocka_unit_test(codes_ascend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
