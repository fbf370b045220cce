#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dsl/filter.h"
#include "dsl/lexer.h"
#include "dsl/suggest.h"

struct lexed {
    struct arena arena;
    struct sources set;
    struct token_list *tokens;
};

static void lex_bytes(struct lexed *l, struct slice text, bool filter)
{
    *l = (struct lexed){0};
    sources_init(&l->set, &l->arena);
    l->tokens = dsl_lex(sources_add(&l->set, "t.rules", text), &l->arena);
    if (filter) {
        dsl_filter(l->tokens, &l->arena);
    }
}

static void lex(struct lexed *l, const char *text)
{
    lex_bytes(l, slice_of(text), true);
}

static const struct token *tok_at(const struct lexed *l, uint32_t i)
{
    assert_true(i < l->tokens->n);
    return &l->tokens->items[i];
}

/* The one token of a text, before the end. */
static const struct token *only(struct lexed *l, const char *text)
{
    lex(l, text);
    assert_int_equal(l->tokens->n, 2);
    assert_int_equal(tok_at(l, 1)->kind, TK_EOF);
    return tok_at(l, 0);
}

static void expect_number(const char *text, int kind, const char *number)
{
    struct lexed l;
    const struct token *t = only(&l, text);
    assert_int_equal(t->kind, kind);
    assert_true(slice_eq_str(t->literal->number, number));
    assert_true(slice_eq_str(t->literal->spelling, text));
    arena_release(&l.arena);
}

static void test_numbers(void **state)
{
    (void)state;
    expect_number("8000", TK_INT, "8000");
    expect_number("10_000", TK_INT, "10000");
    expect_number("9999.99", TK_DEC, "9999.99");
    expect_number("10_000.50", TK_DEC, "10000.50");
    expect_number("1.5e-3", TK_FLOAT, "1.5e-3");
    expect_number("20%", TK_PERCENT, "0.20");
    expect_number("0.5%", TK_PERCENT, "0.005");
    expect_number("300%", TK_PERCENT, "3.00");
    expect_number("5%", TK_PERCENT, "0.05");
    expect_number("12.34%", TK_PERCENT, "0.1234");
    expect_number("9223372036854775807", TK_INT, "9223372036854775807");
}

static void expect_duration(const char *text, int64_t ms)
{
    struct lexed l;
    const struct token *t = only(&l, text);
    assert_int_equal(t->kind, TK_DUR);
    assert_int_equal(t->literal->duration.ns, ms * NS_PER_MS);
    arena_release(&l.arena);
}

static void test_durations(void **state)
{
    (void)state;
    expect_duration("500ms", 500);
    expect_duration("30s", 30000);
    expect_duration("5m", 300000);
    expect_duration("1h30m", 5400000);
    expect_duration("4w", INT64_C(4) * 7 * 86400000);
    expect_duration("10 minutes", 600000);
    expect_duration("1 hour 30 minutes", 5400000);
    expect_duration("1  day", 86400000);
    expect_duration("2 milliseconds", 2);
}

static void expect_kinds(const char *text, const int *kinds)
{
    struct lexed l;
    lex(&l, text);
    uint32_t i = 0;
    for (; kinds[i] != TK_EOF; i++) {
        assert_int_equal(tok_at(&l, i)->kind, kinds[i]);
    }
    assert_int_equal(tok_at(&l, i)->kind, TK_EOF);
    arena_release(&l.arena);
}

#define KINDS(...) ((const int[]){__VA_ARGS__, TK_EOF})

static void test_filter(void **state)
{
    (void)state;
    expect_kinds("key : string", KINDS(TK_ID, TK_COLON, TK_ID));
    expect_kinds("a.as.from", KINDS(TK_ID, TK_DOT, TK_ID, TK_DOT, TK_ID));
    expect_kinds("where for = 3", KINDS(TK_WHERE, TK_ID, TK_EQ, TK_INT));
    expect_kinds("where for > 3", KINDS(TK_WHERE, TK_FOR, TK_GT, TK_INT));
    expect_kinds("n = 5 minutes = 3", KINDS(TK_ID, TK_EQ, TK_INT, TK_ID, TK_EQ, TK_INT));
    expect_kinds("n = 5 minutes", KINDS(TK_ID, TK_EQ, TK_DUR));
    expect_kinds("5\nminutes", KINDS(TK_INT, TK_ID));
    expect_kinds("1 hour\n30 minutes", KINDS(TK_DUR, TK_DUR));
    expect_kinds("30 minutes 1 hour", KINDS(TK_DUR, TK_DUR));
    expect_kinds("5 `minutes`", KINDS(TK_INT, TK_ID));
    expect_kinds("1.5 hours", KINDS(TK_BAD));
    expect_kinds("x in a row", KINDS(TK_ID, TK_IN_A_ROW));
    expect_kinds("x in a row = 3", KINDS(TK_ID, TK_IN, TK_ID, TK_ID, TK_EQ, TK_INT));
    expect_kinds("x in a.row", KINDS(TK_ID, TK_IN, TK_ID, TK_DOT, TK_ID));
    expect_kinds("x3 x x3y", KINDS(TK_XN, TK_ID, TK_ID));
    expect_kinds("10.0.0.1 fe80::/10 ::1", KINDS(TK_IP, TK_CIDR, TK_IP));
    expect_kinds("2026-03-01 2026-03-01T12:00:00+01:00", KINDS(TK_TSTAMP, TK_TSTAMP));
    expect_kinds("r\"\\d\" r \"x\"", KINDS(TK_STRING, TK_ID, TK_STRING));
}

static void expect_error(const char *text, const char *code)
{
    struct lexed l;
    lex(&l, text);
    assert_int_equal(tok_at(&l, 0)->kind, TK_BAD);
    assert_string_equal(tok_at(&l, 0)->error->code, code);
    arena_release(&l.arena);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("@", "E0101");
    expect_error("\xC3\xA9t\xC3\xA9", "E0101");
    expect_error("\"abc", "E0102");
    expect_error("r\"abc", "E0102");
    expect_error("'a'", "E0103");
    expect_error("\"C:\\Users\"", "E0104");
    expect_error("\"\\u00\"", "E0104");
    expect_error("\"\\u0000\"", "E0104");
    expect_error("\"\\ud800\"", "E0104");
    expect_error("5min", "E0105");
    expect_error("1.5h", "E0105");
    expect_error("30m1h", "E0105");
    expect_error("1h1h", "E0105");
    expect_error("99999999999w", "E0105");
    expect_error("9223372036854775808", "E0105");
    expect_error("99999999999 weeks", "E0105");
    expect_error("10__0", "E0105");
    expect_error("1e999", "E0105");
    expect_error("2026-02-30", "E0106");
    expect_error("2026-03-01T12:00:00", "E0106");
    expect_error("2026-03-01x", "E0106");
    expect_error("10.0.0.300", "E0107");
    expect_error("10.0.0", "E0107");
    expect_error("10.0.0.0/40", "E0107");
    expect_error("1:2", "E0107");
    expect_error("==", "E0109");
    expect_error("`x", "E0110");
    expect_error("``", "E0110");
}

static void test_bytes(void **state)
{
    struct lexed l;
    (void)state;
    lex_bytes(&l, slice_from("a\0b", 3), true);
    assert_string_equal(tok_at(&l, 0)->error->code, "E0108");
    assert_int_equal(tok_at(&l, 0)->start, 1);
    arena_release(&l.arena);
    lex_bytes(&l, slice_from("ab\xFF", 3), true);
    assert_string_equal(tok_at(&l, 0)->error->code, "E0108");
    arena_release(&l.arena);
    lex_bytes(&l, slice_from("\xEF\xBB\xBFlanguage", 11), true);
    assert_int_equal(tok_at(&l, 0)->kind, TK_LANGUAGE);
    assert_true(tok_at(&l, 0)->flags & TOKEN_COLUMN_ONE);
    assert_int_equal(source_position(l.tokens->source, tok_at(&l, 0)->start).col, 1);
    arena_release(&l.arena);
    lex_bytes(&l, slice_from(NULL, 0), true);
    assert_int_equal(l.tokens->n, 1);
    arena_release(&l.arena);
}

static void test_too_large(void **state)
{
    struct lexed l;
    (void)state;
    char *text = test_calloc(1, SOURCE_MAX_BYTES + 1);
    memset(text, ' ', SOURCE_MAX_BYTES + 1);
    lex_bytes(&l, slice_from(text, SOURCE_MAX_BYTES + 1), true);
    assert_string_equal(tok_at(&l, 0)->error->code, "E0111");
    arena_release(&l.arena);
    test_free(text);
}

static void test_strings(void **state)
{
    struct lexed l;
    (void)state;
    const struct token *t = only(&l, "\"Z\\u00fcrich \\\"q\\\" \\\\ \\n \\ud83d\\ude00\"");
    assert_true(slice_eq_str(t->literal->string, "Z\xC3\xBCrich \"q\" \\ \n \xF0\x9F\x98\x80"));
    arena_release(&l.arena);
    t = only(&l, "r\"C:\\Users\\\"");
    assert_true(slice_eq_str(t->literal->string, "C:\\Users\\"));
    assert_true(t->literal->raw);
    arena_release(&l.arena);
}

static void test_comments(void **state)
{
    struct lexed l;
    (void)state;
    lex(&l, "# one\na # two\n  # three\nb # four");
    assert_int_equal(l.tokens->n_comments, 4);
    assert_true(l.tokens->comments[0].own_line);
    assert_false(l.tokens->comments[1].own_line);
    assert_int_equal(l.tokens->comments[1].next_token, 1);
    assert_true(l.tokens->comments[2].own_line);
    assert_int_equal(l.tokens->comments[2].next_token, 1);
    assert_false(l.tokens->comments[3].own_line);
    assert_int_equal(l.tokens->comments[3].next_token, 2);
    arena_release(&l.arena);
}

static void test_positions(void **state)
{
    struct lexed l;
    (void)state;
    lex(&l, "a\n  \"\xC3\xBC\" b");
    struct source_pos p = source_position(l.tokens->source, tok_at(&l, 2)->start);
    assert_int_equal(p.line, 2);
    assert_int_equal(p.col, 7);
    arena_release(&l.arena);
}

static void test_words_are_sorted(void **state)
{
    uint32_t n;
    const struct dsl_word *words = dsl_words(&n);
    uint32_t reserved = 0;
    (void)state;
    for (uint32_t i = 0; i < n; i++) {
        assert_ptr_equal(dsl_word_find(slice_of(words[i].text)), &words[i]);
        reserved += words[i].reserved;
    }
    assert_int_equal(reserved, 30);
    assert_int_equal(n, 103);
}

static void test_suggest(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance(SLICE_LIT("whre"), SLICE_LIT("where")), 1);
    assert_int_equal(suggest_distance(SLICE_LIT("hwere"), SLICE_LIT("where")), 1);
    assert_int_equal(suggest_distance(SLICE_LIT(""), SLICE_LIT("ab")), 2);
    assert_int_equal(suggest_distance(SLICE_LIT("kitten"), SLICE_LIT("sitting")), 3);
    struct suggest s = suggest_for(SLICE_LIT("cuontry"));
    suggest_try(&s, SLICE_LIT("count"));
    suggest_try(&s, SLICE_LIT("country"));
    suggest_try(&s, SLICE_LIT("county"));
    assert_true(slice_eq_str(s.best, "country"));
    s = suggest_for(SLICE_LIT("l"));
    suggest_try(&s, SLICE_LIT("as"));
    assert_null(s.best.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_durations),
        cmocka_unit_test(test_filter),    cmocka_unit_test(test_errors),
        cmocka_unit_test(test_bytes),     cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_strings),   cmocka_unit_test(test_comments),
        cmocka_unit_test(test_positions), cmocka_unit_test(test_words_are_sorted),
        cmocka_unit_test(test_suggest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
