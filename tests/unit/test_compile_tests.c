/* Tests of rules as a runner gets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/compile_text.h"

#define RULES                                                                                      \
    "language 1\n"                                                                                 \
    "event L from topic \"l\" { user : string key  at : timestamp event time  ok : bool\n"         \
    "  amount : decimal  ip : ip optional  place : geo optional  tags : list of string optional\n" \
    "  twice : decimal = amount * 2 }\n"                                                           \
    "rule r { for each user when 2 L as l emit alert { n = count(l)  sum = sum(l.amount) }\n"      \
    "  test \"inline\" {\n"                                                                        \
    "    given time 2026-01-05T10:00:00Z\n"                                                        \
    "    at 0s L { user = \"bob\" amount = 3 ip = \"10.0.0.1\" } x3 every 40s\n"                   \
    "    late at 2026-01-05T10:00:01Z L { place = [4.5, 52] tags = [\"a\", \"b\"] }\n"             \
    "    shuffle seed 7 within 10s restart watermark 20m\n"                                        \
    "    expect at 40s 1 match { n = 2  sum = 6  user = \"bob\" }\n"                               \
    "  } }\n"                                                                                      \
    "rule s { for each user when L emit alert test \"own\" { expect match } }\n"                   \
    "test \"beside\" for r { at 1m L expect 2 matches }\n"                                        \
    "test \"none\" for r { at 1m L expect no match }\n"

static void assert_text(struct slice s, const char *text)
{
    assert_true(slice_eq_str(s, text));
}

static void events_of_a_test(void **state)
{
    (void)state;
    struct compilation *c = compile_text(RULES);
    assert_non_null(c->ruleset);
    const struct compiled_test *t = &c->tests->items[0];
    struct etime origin;
    assert_true(etime_parse(SLICE_LIT("2026-01-05T10:00:00Z"), false, &origin));
    assert_text(t->title, "inline");
    assert_int_equal(t->origin.ns, origin.ns);
    assert_int_equal(t->n_stmts, 6);
    const struct test_stmt *s = &t->stmts[0];
    assert_int_equal(s->kind, TEST_STMT_EVENT);
    assert_int_equal(s->times, 3);
    assert_int_equal(s->every.ns, 40 * NS_PER_S);
    assert_text(value_as_slice(s->values[0]), "bob");
    assert_true(value_is_missing(s->values[1]));
    assert_true(value_is_missing(s->values[2]));
    assert_int_equal(s->values[3].kind, VAL_DECIMAL);
    assert_int_equal(s->values[4].kind, VAL_IP);
    s = &t->stmts[1];
    assert_true(s->late && s->moment.absolute);
    assert_int_equal(test_moment_time(s->moment, origin).ns, origin.ns + NS_PER_S);
    assert_true(value_as_geo(s->values[5]).lat > 51.9);
    assert_int_equal(s->values[6].len, 2);
    compilation_free(c);
}

static void the_other_statements(void **state)
{
    (void)state;
    struct compilation *c = compile_text(RULES);
    const struct test_stmt *s = c->tests->items[0].stmts + 2;
    assert_int_equal(s[0].kind, TEST_STMT_SHUFFLE);
    assert_int_equal(s[0].seed, 7);
    assert_int_equal(s[0].within.ns, 10 * NS_PER_S);
    assert_int_equal(s[1].kind, TEST_STMT_RESTART);
    assert_int_equal(s[2].kind, TEST_STMT_WATERMARK);
    assert_int_equal(s[2].moment.offset.ns, 1200 * NS_PER_S);
    assert_int_equal(s[3].kind, TEST_STMT_EXPECT);
    assert_true(s[3].has_moment);
    assert_int_equal(s[3].count, 1);
    assert_int_equal(s[3].n_fields, 3);
    assert_int_equal(s[3].fields[0].emit_index, 0);
    assert_int_equal(s[3].fields[1].value.kind, VAL_DECIMAL);
    assert_int_equal(s[3].fields[2].key_index, 0);
    const struct test_stmt *none = c->tests->items[2].stmts + 1;
    assert_int_equal(none->kind, TEST_STMT_EXPECT);
    assert_int_equal(none->count, 0);
    assert_false(none->has_moment);
    compilation_free(c);
}

static void tests_stand_by_rule(void **state)
{
    (void)state;
    struct compilation *c = compile_text(RULES);
    assert_int_equal(c->tests->n, 4);
    assert_text(c->tests->items[1].title, "beside");
    assert_int_equal(c->tests->items[1].rule, 0);
    assert_int_equal(c->tests->items[1].stmts[1].count, 2);
    assert_int_equal(c->tests->items[1].origin.ns, TEST_ORIGIN_NS);
    assert_text(c->tests->items[3].title, "own");
    assert_int_equal(c->tests->items[3].rule, 1);
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_a_test),
        cmocka_unit_test(the_other_statements),
        cmocka_unit_test(tests_stand_by_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
