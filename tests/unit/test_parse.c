#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dsl/ast_dump.h"
#include "dsl/diag_render.h"
#include "dsl/fmt.h"
#include "dsl/parse.h"

struct parsed {
    struct arena arena;
    struct sources set;
    struct diags diags;
    const struct rule_file *src;
    struct ast_file *file;
};

static void start(struct parsed *p, struct slice text)
{
    *p = (struct parsed){0};
    sources_init(&p->set, &p->arena);
    diags_init(&p->diags, &p->arena);
    p->src = sources_add(&p->set, "t.rules", text);
}

static void parse(struct parsed *p, const char *text)
{
    start(p, slice_of(text));
    p->file = dsl_parse(p->src, &p->arena, &p->diags);
}

static void parse_expr(struct parsed *p, const char *text)
{
    start(p, slice_of(text));
    p->file = dsl_parse_expr(p->src, &p->arena, &p->diags);
}

static void finish(struct parsed *p)
{
    arena_release(&p->arena);
}

static void assert_text(const struct parsed *p, struct span span, const char *want)
{
    struct slice got = source_text(p->src, span);
    if (!slice_eq_str(got, want)) {
        fail_msg("span is `%.*s`, not `%s`", SLICE_ARG(got), want);
    }
}

static void assert_expr(const char *text, const char *want)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    struct parsed p;
    parse_expr(&p, text);
    assert_null(p.diags.first);
    ast_dump_expr(&b, p.file->expr, AST_DUMP_PLAIN);
    assert_string_equal(buf_cstr(&b), want);
    finish(&p);
}

static void test_expressions(void **state)
{
    (void)state;
    assert_expr("a.b.c", "(path a b c)");
    assert_expr("home[user].city", "(member (index (path home) (path user)) city)");
    assert_expr("f(x, y where z)", "(call f (path x) (path y) (where (path z)))");
    assert_expr("not x = 1 and y", "(and (not (= (path x) 1)) (path y))");
    assert_expr("a - b - c", "(- (- (path a) (path b)) (path c))");
    assert_expr("20% of x * 2", "(* (percent-of (percent 0.20) (path x)) 2)");
    assert_expr("x not in list v", "(in not (path x) (list v))");
    assert_expr("x ends with ~ (\"a\",)", "(ends-with ignore-case (path x) (tuple \"a\"))");
    assert_expr("x is not missing", "(is-not missing (path x))");
    assert_expr("if a then 1 else if b then 2 else 3", "(if (path a) 1 (if (path b) 2 3))");
    assert_expr("x not between 1 and 2 or y", "(or (not-between (path x) 1 2) (path y))");
    assert_expr("max > 1", "(> (path max) 1)");
    assert_expr("ip in 10.0.0.0/8", "(in (path ip) (cidr \"10.0.0.0/8\"))");
    assert_expr("((x))", "(path x)");
}

static void test_expression_errors(void **state)
{
    struct parsed p;
    (void)state;
    parse_expr(&p, "x > ");
    assert_null(p.file->expr);
    assert_string_equal(p.diags.first->code, "E0203");
    assert_int_equal(p.diags.first->span.start, 3);
    assert_string_equal(p.diags.first->expected[p.diags.first->n_expected - 1], "an expression");
    finish(&p);
    parse_expr(&p, "x > 1 rule r { }");
    assert_null(p.file->expr);
    assert_int_equal(p.diags.n_errors, 1);
    finish(&p);
    parse_expr(&p, "");
    assert_int_equal(p.diags.n_errors, 1);
    finish(&p);
}

static const struct ast_rule *first_rule(const struct parsed *p)
{
    const struct ast_decl *d = p->file->first;
    while (d && d->kind != AST_DECL_RULE) {
        d = d->next;
    }
    assert_non_null(d);
    return &d->rule;
}

static void test_spans(void **state)
{
    struct parsed p;
    (void)state;
    parse(&p, "language 1\n"
              "rule r {\n"
              "  for each user = A.uid within 1 hour\n"
              "  when no Q for 5m assume quiet then A as a\n"
              "  then next within 5m after 1m 3 or more B as b where x not in list l in a row"
              " each within 5s with no C where y within 10m\n"
              "  emit alert { k.v = a.v }\n"
              "}\n");
    assert_null(p.diags.first);
    const struct ast_rule *r = first_rule(&p);
    assert_text(&p, r->head->for_each, "for each");
    assert_text(&p, r->head->within->span, "within 1 hour");
    assert_text(&p, r->head->keys.first->paths.last->names.last->span, "uid");
    const struct ast_elem *lead = r->pattern->first;
    assert_int_equal(lead->kind, AST_ELEM_LEADING_ABSENCE);
    assert_text(&p, lead->span, "no Q for 5m assume quiet");
    assert_text(&p, lead->absence.assume_quiet, "assume quiet");
    assert_false(span_given(lead->link.then));
    assert_text(&p, lead->next->link.then, "then");
    const struct ast_elem *e = r->pattern->last;
    assert_text(&p, e->link.span, "then next within 5m after 1m");
    assert_text(&p, e->link.kind_span, "next");
    assert_text(&p, e->link.after->span, "after 1m");
    assert_text(&p, e->part->count.span, "3 or more");
    assert_text(&p, e->part->event.alias->span, "b");
    assert_text(&p, e->part->event.where->expr->test.op_span, "not in");
    assert_text(&p, e->part->adj.span, "in a row");
    assert_text(&p, e->part->pace->keyword, "each within");
    assert_text(&p, e->part->guard->span, "with no C where y");
    assert_text(&p, e->part->guard->keyword, "with no");
    assert_text(&p, e->part->within->span, "within 10m");
    assert_text(&p, r->emits->keyword, "emit alert");
    assert_text(&p, r->emits->body->first->path.names.last->span, "v");
    finish(&p);
}

static void test_recovery_nodes(void **state)
{
    struct parsed p;
    (void)state;
    parse(&p, "language 1\nconst A = 1\nrule x { when }\nlet B = A\nlet C =\nlet D = E\n");
    static const enum ast_decl_kind kinds[] = {AST_DECL_CONST, AST_DECL_ERROR, AST_DECL_LET,
                                               AST_DECL_LET, AST_DECL_LET};
    const struct ast_decl *d = p.file->first;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(kinds); i++, d = d->next) {
        assert_non_null(d);
        assert_int_equal(d->kind, kinds[i]);
    }
    assert_null(d);
    assert_int_equal(p.diags.n_errors, 2);
    assert_true(p.file->broken);
    assert_text(&p, p.file->first->next->span, "rule x { when }");
    finish(&p);
}

static void test_at_most_20_errors(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    struct parsed p;
    (void)state;
    buf_puts(&b, "language 1\n");
    for (int i = 0; i < 50; i++) {
        buf_puts(&b, "let X =\n");
    }
    parse(&p, buf_cstr(&b));
    assert_int_equal(p.diags.n_errors, DIAG_MAX_SYNTAX);
    finish(&p);
}

static void repeat(struct buf *b, const char *text, int n)
{
    for (int i = 0; i < n; i++) {
        buf_puts(b, text);
    }
}

/* Parses `before` n times, `middle`, `after` n times as a constant or a pattern. */
static void parse_nested(struct parsed *p, const char *head, const char *before, const char *middle,
                         const char *after, const char *tail, int n)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    buf_puts(&b, head);
    repeat(&b, before, n);
    buf_puts(&b, middle);
    repeat(&b, after, n);
    buf_puts(&b, tail);
    buf_puts(&b, "\nlet Good = A\n");
    parse(p, buf_cstr(&b));
}

static void assert_too_deep(struct parsed *p)
{
    assert_int_equal(p->diags.n_errors, 1);
    assert_string_equal(p->diags.first->code, "E0224");
    assert_int_equal(p->file->last->kind, AST_DECL_LET);
    finish(p);
}

static void test_deep_nesting(void **state)
{
    static const char *const shapes[][3] = {
        {"(", "1", ")"},
        {"-", "1", ""},
        {"not ", "x", ""},
        {"f(", "x", ")"},
        {"[", "1", "]"},
        {"", "1", " + 1"},
        {"", "x", "[1]"},
        {"if a then b else ", "c", ""},
        {"if ", "a", " then b else c"},
        {"x or (", "y", ")"},
        {"", "f()", ".b"},
    };
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(shapes); i++) {
        struct parsed p;
        parse_nested(&p, "language 1\nconst X = ", shapes[i][0], shapes[i][1], shapes[i][2], "",
                     50000);
        assert_too_deep(&p);
        parse_nested(&p, "language 1\nconst X = ", shapes[i][0], shapes[i][1], shapes[i][2], "",
                     450);
        assert_null(p.diags.first);
        FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
        ast_dump_file(&out, p.file, AST_DUMP_PARENS);
        assert_true(dsl_fmt(p.file, &p.arena, &out));
        finish(&p);
    }
}

static void test_deep_groups(void **state)
{
    struct parsed p;
    (void)state;
    parse_nested(&p, "language 1\nrule r { when ", "(", "A", ")", " emit alert }", 50000);
    assert_too_deep(&p);
    parse_nested(&p, "language 1\nrule r { when ", "any of (B, ", "A", ")", " emit alert }", 50000);
    assert_too_deep(&p);
    parse_nested(&p, "language 1\nrule r { when ", "(A then ", "A", ")", " emit alert }", 60);
    assert_null(p.diags.first);
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    assert_true(dsl_fmt(p.file, &p.arena, &out));
    finish(&p);
}

/* A long list is not deep. */
static void test_long_is_not_deep(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    struct parsed p;
    (void)state;
    buf_puts(&b, "language 1\nlist l : int = [0");
    repeat(&b, ", 1", 100000);
    buf_puts(&b, "]\nrule r { when A");
    repeat(&b, " then A", 20000);
    buf_puts(&b, " emit alert }\n");
    parse(&p, buf_cstr(&b));
    assert_null(p.diags.first);
    finish(&p);
}

static void test_version(void **state)
{
    struct parsed p;
    (void)state;
    parse(&p, "language 2\nlet A = B\n");
    assert_string_equal(p.diags.first->code, "E0225");
    assert_true(p.file->broken);
    finish(&p);
}

static void assert_help(const char *text, const char *code, const char *help)
{
    struct parsed p;
    parse(&p, text);
    assert_non_null(p.diags.first);
    assert_string_equal(p.diags.first->code, code);
    assert_string_equal(p.diags.first->help, help);
    finish(&p);
}

static void test_suggestions(void **state)
{
    (void)state;
    assert_help("language 1\nrul r { when A emit alert }\n", "E0202", "did you mean `rule`?");
    assert_help("language 1\nrule r { when A whre x = 1 emit alert }\n", "E0203",
                "did you mean `where`?");
    assert_help("language 1\nrule r { when Login l where x emit alert }\n", "E0217",
                "write `Login then l`, or `Login as l` for a step's name");
    assert_help("language 1\nrule r { for each u within 15 when A emit alert }\n", "E0208",
                "write `15 minutes` or `15s`");
    assert_help("language 1\nrule r { severity: high when A emit alert }\n", "E0216",
                "write `severity high`");
    assert_help("language 1\nconst A = 'x'\n", "E0103", "write `\"x\"`");
    assert_help("language 1\nconst A = \"C:\\Users\"\n", "E0104",
                "write `\\\\` for a backslash, or a raw string: `r\"C:\\Users\"`");
    assert_help("language 1\nconst A = 5min\n", "E0105",
                "write `5m`, or the unit in full behind a blank");
}

static void test_render_human(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct parsed p;
    (void)state;
    parse(&p, "language 1\nrule a {\n\twhen A\n  emit alert { \xC3\xBC = 1 }\nrule b { x }\n");
    diag_render_human(&out, &p.set, p.diags.first, false);
    assert_string_equal(buf_cstr(&out),
                        "t.rules:4:16: error[E0101]: `\xC3\xBC` means nothing here\n"
                        "    4 |   emit alert { \xC3\xBC = 1 }\n"
                        "      |                ^\n"
                        "      = help: names with other characters stand in"
                        " backticks\n");
    finish(&p);
    buf_clear(&out);
    parse(&p, "language 1\nrule a {\n\twhen A whre x\n}");
    diag_render_human(&out, &p.set, p.diags.first, false);
    assert_non_null(strstr(buf_cstr(&out), "t.rules:3:9: error[E0203]: expected "));
    assert_non_null(strstr(buf_cstr(&out), "    3 |     when A whre x\n"
                                           "      |            ^~~~\n"
                                           "      = help: did you mean `where`?\n"));
    finish(&p);
    buf_clear(&out);
    parse(&p, "language 1\nrule a { when A emit alert\nrule b { when B emit alert }\n");
    diag_render_human(&out, &p.set, p.diags.first, false);
    assert_string_equal(buf_cstr(&out),
                        "t.rules:3:1: error[E0210]: `{` opened at 2:8 is not closed\n"
                        "    3 | rule b { when B emit alert }\n"
                        "      | ^~~~\n"
                        "    2 | rule a { when A emit alert\n"
                        "      |        ^ opened here\n"
                        "      = help: write the missing `}`\n");
    finish(&p);
}

static void test_render_is_safe(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct parsed p;
    (void)state;
    buf_puts(&text, "language 1\nconst A = \x1b[31m \xE2\x80\xAE");
    repeat(&text, "xxxxxxxxxx", 100);
    parse(&p, buf_cstr(&text));
    diag_render_human(&out, &p.set, p.diags.first, false);
    assert_null(strchr(buf_cstr(&out), '\x1b'));
    assert_null(strstr(buf_cstr(&out), "\xE2\x80\xAE"));
    assert_true(out.len < 500);
    finish(&p);
}

static void test_render_json(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct parsed p;
    (void)state;
    parse(&p, "language 1\nrul r { }\n");
    diag_render_json(&out, &p.set, p.diags.first);
    assert_string_equal(
        buf_cstr(&out),
        "{\"file\":\"t.rules\",\"line\":2,\"col\":1,\"end_line\":2,\"end_col\":4,"
        "\"severity\":\"error\",\"code\":\"E0202\",\"message\":\"a declaration starts with import, "
        "event, const, list, lookup, let, profile, rule or test, not `rul`\","
        "\"suggestion\":\"did you mean `rule`?\"}\n");
    finish(&p);
}

static void test_codes(void **state)
{
    uint32_t n;
    const struct diag_code *codes = diag_codes(&n);
    (void)state;
    for (uint32_t i = 0; i < n; i++) {
        assert_ptr_equal(diag_code_find(codes[i].code), &codes[i]);
        assert_true(i == 0 || strcmp(codes[i - 1].code, codes[i].code) < 0);
        assert_true(strlen(codes[i].help) > 20);
    }
    assert_null(diag_code_find("E9999"));
}

static void test_sort(void **state)
{
    struct arena arena = ARENA_INIT;
    struct diags ds;
    (void)state;
    diags_init(&ds, &arena);
    static const uint32_t starts[] = {5, 1, 5, 0, 9, 1};
    for (uint32_t i = 0; i < FYKE_ARRAY_LEN(starts); i++) {
        diag_add(&ds, DIAG_ERROR, "E0203", (struct span){i == 4 ? 0 : 1, starts[i], starts[i]},
                 "%u", i);
    }
    diags_sort(&ds);
    static const char *const want[] = {"4", "3", "1", "5", "0", "2"};
    const struct diag *d = ds.first;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(want); i++, d = d->next) {
        assert_string_equal(d->message, want[i]);
    }
    assert_null(d);
    assert_string_equal(ds.last->message, "2");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_expression_errors),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_recovery_nodes),
        cmocka_unit_test(test_at_most_20_errors),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_deep_groups),
        cmocka_unit_test(test_long_is_not_deep),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_suggestions),
        cmocka_unit_test(test_render_human),
        cmocka_unit_test(test_render_is_safe),
        cmocka_unit_test(test_render_json),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
