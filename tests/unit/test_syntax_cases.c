/* Every snippet of tests/data/syntax.jsonl: accepted or refused with code, line and column; trees
 * that must be equal; and for the accepted ones the formatter's promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "dsl/ast_dump.h"
#include "dsl/diag.h"
#include "dsl/fmt.h"
#include "dsl/parse.h"
#include "dsl/token.h"

#define CASES "tests/data/syntax.jsonl"

struct run {
    struct arena arena;
    struct sources set;
    struct diags diags;
    struct ast_file *file;
};

static void run_parse(struct run *r, const char *text)
{
    *r = (struct run){0};
    arena_init(&r->arena);
    sources_init(&r->set, &r->arena);
    diags_init(&r->diags, &r->arena);
    r->file = dsl_parse(sources_add(&r->set, "case.rules", slice_of(text)), &r->arena, &r->diags);
}

static void run_end(struct run *r)
{
    arena_release(&r->arena);
}

static json_t *load_cases(void)
{
    FILE *f = fopen(CASES, "r");
    json_t *all = json_array();
    assert_non_null(f);
    while (!feof(f)) {
        json_error_t e;
        json_t *c = json_loadf(f, JSON_DISABLE_EOF_CHECK, &e);
        if (!c) {
            break;
        }
        json_array_append_new(all, c);
    }
    fclose(f);
    assert_true(json_array_size(all) > 300);
    return all;
}

static const char *field(const json_t *c, const char *name)
{
    return json_string_value(json_object_get(c, name));
}

static void describe(struct buf *out, const struct run *r, const struct diag *d)
{
    const struct rule_file *src = sources_get(&r->set, d->span.file);
    struct source_pos p = source_position(src, d->span.start);
    buf_printf(out, "%s %u:%u; ", d->code, p.line, p.col);
}

static void put_wanted(struct buf *out, const json_t *e)
{
    buf_printf(out, "%s %lld:%lld; ", json_string_value(json_object_get(e, "code")),
               (long long)json_integer_value(json_object_get(e, "line")),
               (long long)json_integer_value(json_object_get(e, "col")));
}

/* The expected words that a case names must be among those of the diagnostic. */
static int missing_expected(const json_t *error, const struct diag *d, const char *name)
{
    size_t i;
    json_t *word;
    json_array_foreach(json_object_get(error, "expected"), i, word)
    {
        bool found = false;
        for (uint32_t k = 0; d && k < d->n_expected; k++) {
            found = found || strcmp(d->expected[k], json_string_value(word)) == 0;
        }
        if (!found) {
            print_error("%s: `%s` is not among the expected\n", name, json_string_value(word));
            return 1;
        }
    }
    return 0;
}

static int check_case(const json_t *c)
{
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
    const json_t *errors = json_object_get(c, "errors");
    const json_t *error = json_object_get(c, "error");
    struct run r;
    int bad = 0;
    run_parse(&r, field(c, "source"));
    if (errors) {
        size_t i;
        json_t *e;
        json_array_foreach(errors, i, e)
        {
            put_wanted(&want, e);
        }
    } else if (error) {
        put_wanted(&want, error);
    }
    for (const struct diag *d = r.diags.first; d && (errors || d == r.diags.first); d = d->next) {
        describe(&got, &r, d);
    }
    if (strcmp(buf_cstr(&want), buf_cstr(&got)) != 0) {
        print_error("%s: want %s got %s(%s)\n", field(c, "name"), buf_cstr(&want), buf_cstr(&got),
                    r.diags.first ? r.diags.first->message : "");
        bad = 1;
    } else if (error) {
        bad = missing_expected(error, r.diags.first, field(c, "name"));
    }
    if (r.file->broken != !json_is_true(json_object_get(c, "ok"))) {
        bad = 1;
    }
    run_end(&r);
    return bad;
}

static void test_cases(void **state)
{
    json_t *all = load_cases();
    size_t i;
    json_t *c;
    int bad = 0;
    (void)state;
    json_array_foreach(all, i, c)
    {
        bad += check_case(c);
    }
    json_decref(all);
    assert_int_equal(bad, 0);
}

static void dump(struct buf *out, const char *text)
{
    struct run r;
    run_parse(&r, text);
    ast_dump_file(out, r.file, AST_DUMP_PLAIN);
    run_end(&r);
}

static void test_same_trees(void **state)
{
    json_t *all = load_cases();
    size_t i;
    json_t *c;
    int pairs = 0;
    (void)state;
    json_array_foreach(all, i, c)
    {
        const char *other = field(c, "same_tree_as");
        FYKE_CLEANUP(buf_release) struct buf a = BUF_INIT;
        FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
        if (!other) {
            continue;
        }
        dump(&a, field(c, "source"));
        dump(&b, other);
        assert_string_equal(buf_cstr(&a), buf_cstr(&b));
        pairs++;
    }
    json_decref(all);
    assert_true(pairs >= 10);
}

static void dump_file(struct buf *out, const struct run *r)
{
    ast_dump_file(out, r->file, AST_DUMP_PARENS);
}

/* Same tree, same number of comments, and formatting again changes nothing. */
static int check_fmt(const char *name, const char *text)
{
    FYKE_CLEANUP(buf_release) struct buf once = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf twice = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf before = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf after = BUF_INIT;
    struct run a;
    struct run b;
    run_parse(&a, text);
    bool done = dsl_fmt(a.file, &a.arena, &once);
    run_parse(&b, buf_cstr(&once));
    done = done && dsl_fmt(b.file, &b.arena, &twice);
    dump_file(&before, &a);
    dump_file(&after, &b);
    int bad = !done || strcmp(buf_cstr(&once), buf_cstr(&twice)) != 0 ||
              strcmp(buf_cstr(&before), buf_cstr(&after)) != 0 ||
              a.file->tokens->n_comments != b.file->tokens->n_comments;
    if (bad) {
        print_error("%s\n%s\n--- once\n%s--- twice\n%s", name, text, buf_cstr(&once),
                    buf_cstr(&twice));
    }
    run_end(&a);
    run_end(&b);
    return bad;
}

static void test_fmt_keeps_trees(void **state)
{
    json_t *all = load_cases();
    size_t i;
    json_t *c;
    int bad = 0;
    int n = 0;
    (void)state;
    json_array_foreach(all, i, c)
    {
        if (json_is_true(json_object_get(c, "ok"))) {
            bad += check_fmt(field(c, "name"), field(c, "source"));
            n++;
        }
    }
    json_decref(all);
    assert_int_equal(bad, 0);
    assert_true(n > 200);
}

/* The tokens of a text with something else between them than its author wrote: by turns blanks,
 * line breaks, comments behind and comments on lines of their own, beginning with `phase`. */
static void scatter(struct buf *out, const struct token_list *tokens, uint32_t phase)
{
    static const char *const gaps[] = {" ", " # behind\n", "\n# alone\n", "\n\n", " ", " ", "\n"};
    for (uint32_t i = 0; i + 1 < tokens->n; i++) {
        const struct token *t = &tokens->items[i];
        buf_put_slice(out, t->kind == TK_IN_A_ROW ? SLICE_LIT("in a row") : token_text(tokens, t));
        buf_puts(out, gaps[(i * phase + i / 7 + phase) % FYKE_ARRAY_LEN(gaps)]);
    }
}

static int check_scattered(const json_t *c)
{
    int bad = 0;
    for (uint32_t phase = 0; phase < 14; phase++) {
        FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
        struct run r;
        run_parse(&r, field(c, "source"));
        scatter(&text, r.file->tokens, phase);
        run_end(&r);
        bad += check_fmt(field(c, "name"), buf_cstr(&text));
    }
    return bad;
}

static void test_fmt_keeps_comments(void **state)
{
    json_t *all = load_cases();
    size_t i;
    json_t *c;
    int bad = 0;
    (void)state;
    json_array_foreach(all, i, c)
    {
        if (json_is_true(json_object_get(c, "ok")) && bad < 3) {
            bad += check_scattered(c);
        }
    }
    json_decref(all);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_same_trees),
        cmocka_unit_test(test_fmt_keeps_trees),
        cmocka_unit_test(test_fmt_keeps_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
