#include "tests/support/expr_world.h"

#include "nfa/regex.h"
#include "nfa/schema.h"
#include "nfa/table.h"
#include "nfa/value_index.h"

#define T value_bool(true)
#define F value_bool(false)
#define U VALUE_MISSING

static char logic(struct world *w, enum expr_op op, struct value a, struct value b)
{
    return truth(w, ex(w, op, VAL_BOOL, 2, con(w, a), con(w, b)));
}

static void test_kleene_tables(void **state)
{
    struct world *w = *state;
    const struct value v[] = {T, F, U};
    static const char and_table[] = "TF?FFF?F?";
    static const char or_table[] = "TTTTF?T??";
    static const char not_table[] = "FT?";
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            assert_int_equal(logic(w, EX_AND, v[i], v[j]), and_table[3 * i + j]);
            assert_int_equal(logic(w, EX_OR, v[i], v[j]), or_table[3 * i + j]);
        }
        assert_int_equal(truth(w, ex(w, EX_NOT, VAL_BOOL, 1, con(w, v[i]))), not_table[i]);
    }
    assert_int_equal(truth(w, ex(w, EX_AND, VAL_BOOL, 3, con(w, U), con(w, T), con(w, F))), 'F');
    assert_int_equal(truth(w, ex(w, EX_OR, VAL_BOOL, 3, con(w, U), con(w, F), con(w, T))), 'T');
    assert_true(expr_true(NULL, &w->ev));
    assert_false(expr_true(con(w, U), &w->ev));
}

static void test_comparisons(void **state)
{
    struct world *w = *state;
    static const enum expr_op ops[] = {EX_EQ, EX_NE, EX_LT, EX_LE, EX_GT, EX_GE};
    static const char less[] = "FTTTFF";
    static const char same[] = "TFFTFT";
    for (size_t i = 0; i < FYKE_ARRAY_LEN(ops); i++) {
        assert_int_equal(logic(w, ops[i], dec("1.5"), dec("1.50000000000000001")), less[i]);
        assert_int_equal(logic(w, ops[i], dec("2.0"), dec("2")), same[i]);
        assert_int_equal(logic(w, ops[i], text("a"), text("b")), less[i]);
        assert_int_equal(logic(w, ops[i], U, value_int(1)), '?');
        assert_int_equal(logic(w, ops[i], value_int(1), U), '?');
        assert_int_equal(logic(w, ops[i], U, U), '?');
    }
    assert_int_equal(truth(w, ex(w, EX_IS_MISSING, VAL_BOOL, 1, con(w, U))), 'T');
    assert_int_equal(truth(w, ex(w, EX_IS_PRESENT, VAL_BOOL, 1, con(w, U))), 'F');
    assert_int_equal(truth(w, ex(w, EX_IS_PRESENT, VAL_BOOL, 1, con(w, text("")))), 'T');
}

static char between(struct world *w, struct value x, struct value low, struct value high)
{
    return truth(w, ex(w, EX_BETWEEN, VAL_BOOL, 3, con(w, x), con(w, low), con(w, high)));
}

static void test_between(void **state)
{
    struct world *w = *state;
    assert_int_equal(between(w, value_int(1), value_int(1), value_int(3)), 'T');
    assert_int_equal(between(w, value_int(3), value_int(1), value_int(3)), 'T');
    assert_int_equal(between(w, value_int(4), value_int(1), value_int(3)), 'F');
    assert_int_equal(between(w, value_int(4), U, value_int(3)), 'F');
    assert_int_equal(between(w, value_int(0), value_int(1), U), 'F');
    assert_int_equal(between(w, value_int(2), value_int(1), U), '?');
    assert_int_equal(between(w, value_int(2), U, value_int(3)), '?');
    assert_int_equal(between(w, U, value_int(1), value_int(3)), '?');
}

static void test_choice(void **state)
{
    struct world *w = *state;
    const struct value tests[] = {T, F, U};
    for (int i = 0; i < 3; i++) {
        struct expr *e = ex(w, EX_IF, VAL_INT, 3, con(w, tests[i]), con(w, value_int(1)),
                            con(w, value_int(2)));
        expect_json(w, e, i == 0 ? "1" : "2");
    }
    /* the part not taken is not evaluated */
    struct expr *bad = ex(w, EX_DIV, VAL_DECIMAL, 2, con(w, value_int(1)), con(w, value_int(0)));
    expect_json(w, ex(w, EX_IF, VAL_DECIMAL, 3, con(w, T), con(w, dec("1")), bad), "1");
    assert_true(w->counters.division_by_zero == 0);
}

static void calc(struct world *w, enum expr_op op, struct value a, struct value b, const char *json)
{
    expect_json(w, ex(w, op, VAL_MISSING, 2, con(w, a), con(w, b)), json);
}

static void test_numbers(void **state)
{
    struct world *w = *state;
    calc(w, EX_ADD, value_int(2), value_int(3), "5");
    calc(w, EX_SUB, value_int(2), value_int(3), "-1");
    calc(w, EX_MUL, value_int(4), value_int(-3), "-12");
    calc(w, EX_DIV, value_int(1), value_int(3), "0.333333333333333333");
    calc(w, EX_DIV, value_int(6), value_int(3), "2");
    calc(w, EX_ADD, dec("0.1"), dec("0.2"), "0.3");
    calc(w, EX_MUL, dec("1.25"), dec("0.4"), "0.5");
    calc(w, EX_DIV, dec("2"), dec("3"), "0.666666666666666667");
    calc(w, EX_ADD, value_float(0.5), value_float(0.25), "0.75");
    calc(w, EX_ADD, U, value_int(3), NULL);
    calc(w, EX_ADD, value_int(3), U, NULL);
    assert_true(w->counters.overflow == 0);
    calc(w, EX_ADD, value_int(INT64_MAX), value_int(1), NULL);
    calc(w, EX_SUB, value_int(INT64_MIN), value_int(1), NULL);
    calc(w, EX_MUL, value_int(INT64_MIN), value_int(-1), NULL);
    expect_json(w, ex(w, EX_NEG, VAL_INT, 1, con(w, value_int(INT64_MIN))), NULL);
    calc(w, EX_MUL, dec("99999999999999999999999999999999999999"), dec("10"), NULL);
    calc(w, EX_MUL, value_float(1e308), value_float(10), NULL);
    assert_true(w->counters.overflow == 6);
    calc(w, EX_DIV, value_int(1), value_int(0), NULL);
    calc(w, EX_DIV, dec("1"), dec("0.0"), NULL);
    calc(w, EX_DIV, value_float(1), value_float(0), NULL);
    assert_true(w->counters.division_by_zero == 3);
    expect_json(w, ex(w, EX_NEG, VAL_DECIMAL, 1, con(w, dec("1.5"))), "-1.5");
    expect_json(w, ex(w, EX_TO_DECIMAL, VAL_DECIMAL, 1, con(w, value_int(3))), "3");
    expect_json(w, ex(w, EX_TO_FLOAT, VAL_FLOAT, 1, con(w, value_int(3))), "3");
    expect_json(w, ex(w, EX_TO_FLOAT, VAL_FLOAT, 1, con(w, U)), NULL);
}

static void test_times(void **state)
{
    struct world *w = *state;
    struct value noon = at_time("2026-01-05T12:00:00Z");
    struct value one = at_time("2026-01-05T13:00:00Z");
    calc(w, EX_SUB, one, noon, "\"1h\"");
    calc(w, EX_ADD, noon, secs(3600), "\"2026-01-05T13:00:00.000Z\"");
    calc(w, EX_ADD, secs(3600), noon, "\"2026-01-05T13:00:00.000Z\"");
    calc(w, EX_SUB, one, secs(3600), "\"2026-01-05T12:00:00.000Z\"");
    calc(w, EX_ADD, secs(30), secs(90), "\"2m\"");
    calc(w, EX_MUL, secs(30), value_int(3), "\"1m30s\"");
    calc(w, EX_MUL, value_int(3), secs(30), "\"1m30s\"");
    calc(w, EX_DIV, secs(90), value_int(4), "\"22s500ms\"");
    calc(w, EX_DIV, secs(90), secs(60), "1.5");
    calc(w, EX_DIV, secs(90), secs(0), NULL);
    calc(w, EX_DIV, secs(90), value_int(0), NULL);
    assert_true(w->counters.division_by_zero == 2);
    calc(w, EX_MUL, secs(1), value_int(INT64_MAX), NULL);
    calc(w, EX_ADD, at_time("2262-01-01"), secs(200 * 86400), NULL);
    calc(w, EX_SUB, at_time("2262-01-01"), at_time("1700-01-01"), NULL);
    assert_true(w->counters.overflow == 3);
}

static struct expr *members(struct world *w, uint32_t n, const struct value *items)
{
    struct expr *list = ex(w, EX_LIST, VAL_LIST, 0);
    list->n_kids = (uint16_t)n;
    list->kids = ARENA_ARRAY(&w->arena, const struct expr *, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        list->kids[i] = con(w, items[i]);
    }
    return list;
}

static void test_in(void **state)
{
    struct world *w = *state;
    const struct value with[] = {text("NL"), U, text("BE")};
    const struct value without[] = {text("NL"), text("BE")};
    static const char expected[2][4] = {"T??", "TF?"};
    const struct value xs[] = {text("BE"), text("DE"), U};
    for (int k = 0; k < 2; k++) {
        const struct value *items = k ? without : with;
        uint32_t n = k ? 2 : 3;
        for (int i = 0; i < 3; i++) { /* as literal, as value, with an index */
            struct expr *literal = ex(w, EX_IN, VAL_BOOL, 2, con(w, xs[i]), members(w, n, items));
            struct value list = list_of(w, n, items);
            struct expr *value = ex(w, EX_IN, VAL_BOOL, 2, con(w, xs[i]), con(w, list));
            struct expr *indexed = ex(w, EX_IN, VAL_BOOL, 2, con(w, xs[i]), con(w, list));
            indexed->index = value_index_new(list, &w->arena);
            assert_int_equal(truth(w, literal), expected[k][i]);
            assert_int_equal(truth(w, value), expected[k][i]);
            assert_int_equal(truth(w, indexed), expected[k][i]);
        }
    }
    assert_int_equal(logic(w, EX_IN, text("a"), U), '?');
    assert_int_equal(logic(w, EX_IN, of_text(VAL_IP, "10.1.1.1"), of_text(VAL_CIDR, "10.0.0.0/8")),
                     'T');
    const struct value nets[] = {of_text(VAL_CIDR, "192.168.0.0/16"), of_text(VAL_IP, "1.1.1.1")};
    struct expr *list = members(w, 2, nets);
    struct expr *in = ex(w, EX_IN, VAL_BOOL, 2, con(w, of_text(VAL_IP, "1.1.1.1")), list);
    struct expr *out = ex(w, EX_IN, VAL_BOOL, 2, con(w, of_text(VAL_IP, "1.1.1.2")), list);
    assert_int_equal(truth(w, in), 'T');
    assert_int_equal(truth(w, out), 'F');
}

static char text_op(struct world *w, enum expr_op op, const char *a, const char *b, bool fold)
{
    struct expr *e = ex(w, op, VAL_BOOL, 2, con(w, text(a)), con(w, text(b)));
    e->fold = fold;
    return truth(w, e);
}

static void test_text_tests(void **state)
{
    struct world *w = *state;
    assert_int_equal(text_op(w, EX_GLOB, "Admin-7", "admin*", false), 'T');
    assert_int_equal(text_op(w, EX_LIKE, "Admin-7", "admin*", false), 'F');
    assert_int_equal(text_op(w, EX_LIKE, "admin-7", "admin-?", false), 'T');
    assert_int_equal(text_op(w, EX_GLOB, "xadmin", "admin*", false), 'F');
    assert_int_equal(text_op(w, EX_CONTAINS, "Hello", "ell", false), 'T');
    assert_int_equal(text_op(w, EX_CONTAINS, "Hello", "ELL", false), 'F');
    assert_int_equal(text_op(w, EX_CONTAINS, "Hello", "ELL", true), 'T');
    assert_int_equal(text_op(w, EX_CONTAINS, "Hello", "", true), 'T');
    assert_int_equal(text_op(w, EX_CONTAINS, "", "x", true), 'F');
    assert_int_equal(text_op(w, EX_CONTAINS, "été à ÉCOLE", "école", true), 'T');
    assert_int_equal(text_op(w, EX_STARTS_WITH, "Hello", "HE", true), 'T');
    assert_int_equal(text_op(w, EX_STARTS_WITH, "Hello", "HE", false), 'F');
    assert_int_equal(text_op(w, EX_STARTS_WITH, "He", "Hello", true), 'F');
    assert_int_equal(text_op(w, EX_ENDS_WITH, "naïVE", "ÏVE", true), 'T');
    assert_int_equal(text_op(w, EX_ENDS_WITH, "naive", "ve", false), 'T');
    assert_int_equal(text_op(w, EX_ENDS_WITH, "e", "naive", true), 'F');
    assert_int_equal(text_op(w, EX_CONTAINS, "a\xff" "b", "\xff", true), 'T');
    assert_int_equal(text_op(w, EX_CONTAINS, "a\xfe" "b", "\xff", true), 'F');
    const struct value parts[] = {text("x*"), U, text("ad*")};
    struct expr *glob = ex(w, EX_GLOB, VAL_BOOL, 2, con(w, text("ADMIN")), members(w, 3, parts));
    assert_int_equal(truth(w, glob), 'T');
    glob = ex(w, EX_GLOB, VAL_BOOL, 2, con(w, text("root")), members(w, 3, parts));
    assert_int_equal(truth(w, glob), '?');
    assert_int_equal(logic(w, EX_CONTAINS, U, text("x")), '?');
}

static void test_list_contains(void **state)
{
    struct world *w = *state;
    const struct value tags[] = {text("Web"), text("prod")};
    struct value list = list_of(w, 2, tags);
    assert_int_equal(logic(w, EX_CONTAINS, list, text("prod")), 'T');
    assert_int_equal(logic(w, EX_CONTAINS, list, text("web")), 'F');
    assert_int_equal(logic(w, EX_CONTAINS, list, text("pro")), 'F');
    assert_int_equal(logic(w, EX_CONTAINS, list, U), '?');
    struct expr *e = ex(w, EX_CONTAINS, VAL_BOOL, 2, con(w, list), con(w, text("WEB")));
    e->fold = true;
    assert_int_equal(truth(w, e), 'T');
    const struct value wanted[] = {text("x"), text("prod")};
    e = ex(w, EX_CONTAINS, VAL_BOOL, 2, con(w, list), members(w, 2, wanted));
    assert_int_equal(truth(w, e), 'T');
}

static struct expr *matches(struct world *w, struct value v, const char *pattern)
{
    char why[REGEX_ERROR_MAX];
    size_t at;
    struct expr *e = ex(w, EX_MATCHES, VAL_BOOL, 1, con(w, v));
    e->regex = regex_compile(slice_of(pattern), &w->arena, why, &at);
    assert_non_null(e->regex);
    return e;
}

static void test_regex(void **state)
{
    struct world *w = *state;
    assert_int_equal(truth(w, matches(w, text("xx abc9"), "[a-c]+\\d")), 'T');
    assert_int_equal(truth(w, matches(w, text("xx abc9"), "^[a-c]+\\d")), 'F');
    assert_int_equal(truth(w, matches(w, text("ÉCOLE"), "(?i)^école$")), 'T');
    assert_int_equal(truth(w, matches(w, text("aa"), "^(.)\\1$")), 'T');
    assert_int_equal(truth(w, matches(w, text(""), "^$")), 'T');
    assert_int_equal(truth(w, matches(w, text("a\xff" "b"), "b$")), 'T');
    assert_int_equal(truth(w, matches(w, U, "x")), '?');
    assert_true(w->counters.regex_limit == 0);
    struct expr *bomb = matches(w, text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), "^(a+)+$");
    assert_int_equal(truth(w, bomb), '?');
    assert_int_equal(truth(w, ex(w, EX_NOT, VAL_BOOL, 1, bomb)), '?');
    assert_true(w->counters.regex_limit == 2);
    char why[REGEX_ERROR_MAX];
    size_t at;
    assert_null(regex_compile(SLICE_LIT("ab(c"), &w->arena, why, &at));
    assert_true(at == 4 && strlen(why) > 0);
    assert_null(regex_compile(SLICE_LIT("\\C"), &w->arena, why, &at));
}

static void test_references(void **state)
{
    struct world *w = *state;
    struct event *e1 = event_at(w, 10, 2, (const struct value[]){value_int(1), text("x")});
    struct event *e2 = event_at(w, 20, 2, (const struct value[]){value_int(2), U});
    bind_event(w, 0, e1);
    bind_event(w, 0, e2);
    w->ev.self = e2;
    expect_json(w, field(w, EX_FIELD, 0, -1), "2");
    expect_json(w, field(w, EX_FIELD, 1, -1), NULL);
    expect_json(w, field(w, EX_FIELD, 9, -1), NULL);
    expect_json(w, field(w, EX_BOUND, 0, 0), "1");
    expect_json(w, field(w, EX_BOUND, 0, 1), NULL); /* nothing bound */
    struct expr *when = field(w, EX_BOUND, 0, 0);
    when->field = NULL;
    expect_json(w, when, "\"1970-01-01T00:00:10.000Z\"");
    e1->decl = 3; /* another alternative of the union */
    expect_json(w, field(w, EX_BOUND, 0, 0), NULL);
    e1->decl = 0;
    uint32_t starts[WORLD_SLOTS] = {1};
    uint32_t *const groups[] = {starts};
    w->ev.iter_start = groups;
    struct expr *turn = field(w, EX_ITER, 0, 0);
    turn->scope = 0;
    expect_json(w, turn, "2");
    starts[0] = 2;
    expect_json(w, turn, NULL);
    w->ev.visible_until = event_at(w, 9, 2, (const struct value[]){U, U});
    expect_json(w, field(w, EX_BOUND, 0, 0), NULL);
    w->ev.visible_until = e1;
    expect_json(w, field(w, EX_BOUND, 0, 0), "1");
    w->ev.self = NULL;
    expect_json(w, field(w, EX_FIELD, 0, -1), NULL);
}

static void test_key_times_members(void **state)
{
    struct world *w = *state;
    const struct value key[] = {text("bob"), value_int(7)};
    w->ev.key = key;
    w->ev.n_key = 2;
    w->ev.first_at.ns = NS_PER_S;
    w->ev.last_at.ns = 2 * NS_PER_S;
    w->ev.detected_at.ns = 3 * NS_PER_S;
    struct expr *k = ex(w, EX_KEY, VAL_INT, 0);
    k->slot = 1;
    expect_json(w, k, "7");
    k->slot = 2;
    expect_json(w, k, NULL);
    expect_json(w, ex(w, EX_FIRST_AT, VAL_TIMESTAMP, 0), "\"1970-01-01T00:00:01.000Z\"");
    expect_json(w, ex(w, EX_LAST_AT, VAL_TIMESTAMP, 0), "\"1970-01-01T00:00:02.000Z\"");
    expect_json(w, ex(w, EX_DETECTED_AT, VAL_TIMESTAMP, 0), "\"1970-01-01T00:00:03.000Z\"");
    struct expr *lon = ex(w, EX_MEMBER, VAL_FLOAT, 1, con(w, value_geo((struct geo){52.5, 4.25})));
    expect_json(w, lon, "52.5");
    lon->member = MEMBER_LON;
    expect_json(w, lon, "4.25");
    struct expr *item = ex(w, EX_MEMBER, VAL_STRING, 2, con(w, list_of(w, 2, key)),
                           con(w, value_int(1)));
    item->member = MEMBER_ITEM;
    expect_json(w, item, "7");
    item->kids[1] = con(w, value_int(2));
    expect_json(w, item, NULL);
    item->kids[1] = con(w, value_int(-1));
    expect_json(w, item, NULL);
}

static void expect_canonical(const struct expr *e, const struct schema_decl *decls,
                             const char *want)
{
    struct buf b = BUF_INIT;
    expr_canonical(e, decls, &b);
    assert_string_equal(buf_cstr(&b), want);
    buf_release(&b);
}

static void test_canonical_text(void **state)
{
    struct world *w = *state;
    struct schema_field fields[] = {{.name = SLICE_LIT("amount")}, {.name = SLICE_LIT("a.b")}};
    struct schema_decl decl = {.name = SLICE_LIT("Pay"), .fields = fields, .n_fields = 2};
    struct expr *amount = field(w, EX_FIELD, 0, -1);
    amount->kind = VAL_DECIMAL;
    struct expr *e = ex(w, EX_GT, VAL_BOOL, 2, amount, con(w, dec("2.50")));
    expect_canonical(e, &decl, "(>:bool (field:decimal Pay.amount) decimal:2.5)");
    expect_canonical(e, NULL, "(>:bool (field:decimal 0.0) decimal:2.5)");
    struct expr *sum = agg(w, AGG_SUM, VAL_DECIMAL, amount, NULL, NULL);
    sum->slot = 1;
    sum->cache = 5;
    expect_canonical(sum, &decl,
                     "(aggregate:decimal sum #1 @-1 (field:decimal Pay.amount) - -)");
    struct table_decl blocked = {.name = SLICE_LIT("blocked"), .key = {.type = TYPE_STRING}};
    struct expr *named = ex(w, EX_TABLE, VAL_LIST, 0);
    named->table = &blocked;
    struct expr *in = ex(w, EX_IN, VAL_BOOL, 2, con(w, text("q\"")), named);
    expect_canonical(in, &decl, "(in:bool string:\"q\\\"\" (named:list blocked string))");
    struct table_decl home = {.name = SLICE_LIT("home"), .is_lookup = true,
                              .key = {.type = TYPE_STRING},
                              .value = {.type = TYPE_STRING, .is_list = true, .is_set = true}};
    struct expr *read = ex(w, EX_LOOKUP, VAL_LIST, 1, con(w, text("u")));
    read->table = &home;
    expect_canonical(read, &decl, "(lookup:list home string set-of-string string:\"u\")");
    expect_canonical(matches(w, text("x"), "^a"), &decl, "(matches:bool \"^a\" string:\"x\")");
    assert_true(expr_is_unary(e));
    assert_false(expr_is_unary(ex(w, EX_GT, VAL_BOOL, 2, amount, sum)));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kleene_tables), TEST(test_comparisons),       TEST(test_between),
        TEST(test_choice),        TEST(test_numbers),           TEST(test_times),
        TEST(test_in),            TEST(test_text_tests),        TEST(test_list_contains),
        TEST(test_regex),         TEST(test_references),        TEST(test_key_times_members),
        TEST(test_canonical_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
