/* Which rules of two rule sets say the same, and when one engine evaluates both sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/replay_shared.h"
#include "nfa/rule_same.h"
#include "tests/support/compile_text.h"

#define A "event A from topic \"a\" { k : string key  at : timestamp in ms event time  v : int }\n"
#define HEAD "language 1\n" A
#define STAYS "rule stays { for each k within 5m when A as a then A as b emit alert { v = a.v } }\n"

struct two {
    struct compilation *was, *is;
};

static struct two compile_two(const char *was, const char *is)
{
    struct two t = {compile_text(was), compile_text(is)};
    assert_string_equal(codes_of(t.was, true), "");
    assert_string_equal(codes_of(t.is, true), "");
    return t;
}

static void free_two(struct two *t)
{
    compilation_free(t->was);
    compilation_free(t->is);
}

/* Does the first rule of `was` say the same in `is`? */
static bool says_same(const char *was, const char *is)
{
    struct two t = compile_two(was, is);
    uint32_t same[8];
    rulesets_find_same(t.was->ruleset, t.is->ruleset, same);
    bool ret = same[0] != RULE_NONE;
    free_two(&t);
    return ret;
}

/* Rules of the one engine; 0: each set needs its own. */
static uint32_t shared_rules(const char *was, const char *is)
{
    struct two t = compile_two(was, is);
    struct replay_shared s;
    uint32_t ret = replay_shared_init(&s, t.was->ruleset, t.is->ruleset) ? s.rs->n_rules : 0;
    replay_shared_release(&s);
    free_two(&t);
    return ret;
}

static void what_decides(void **state)
{
    (void)state;
#define R(more) HEAD "rule r { title \"one\" for each k within 5m when A as a then A as b where v > 1 " more " }\n"
    assert_true(says_same(R("emit alert"), R("emit alert")));
    assert_true(says_same(R("emit alert"), HEAD "# other words\nrule r { title \"two\" for each k within 5m when "
                                                "A as a then A as b where v > 1 emit alert }\n"));
    assert_false(says_same(R("emit alert"), R("emit alert { v = a.v }")));
    assert_false(says_same(R("emit alert { v = a.v }"), R("emit alert { v = b.v }")));
    assert_false(says_same(R("quiet for 1h emit alert"), R("quiet for 2h emit alert")));
    assert_false(says_same(R("quiet for 1h emit alert"), R("quiet for 1h per k, a.v emit alert")));
    assert_false(says_same(R("emit alert"), HEAD "rule r { status disabled for each k within 5m when A as a then A as b "
                                                 "where v > 1 emit alert }\n"));
    assert_false(says_same(R("emit alert"), HEAD STAYS));
#undef R
}

static void what_stands_outside(void **state)
{
    (void)state;
#define LIST(values) HEAD "list bad : int = [" values "]\n"                                                     \
                          "rule r { for each k when A as a where v in list bad emit alert }\n"
    assert_true(says_same(LIST("1, 2"), LIST("1, 2")));
    assert_false(says_same(LIST("1, 2"), LIST("1, 3")));
#define MEASURE(over) HEAD "profile p for each k from A { usual = average(v) over " over " }\n"                 \
                           "rule r { for each k when A as a where v > 3 emit alert { u = p.usual } }\n"
    assert_true(says_same(MEASURE("7d"), MEASURE("7d")));
    assert_false(says_same(MEASURE("7d"), MEASURE("6d"))); /* only its output reads it */
#define CONSTANT(n) HEAD "const LEAST = " n "\nrule r { for each k when A as a where v > LEAST emit alert }\n"
    assert_false(says_same(CONSTANT("1"), CONSTANT("2")));
#define FIELD(type) "language 1\nevent A from topic \"a\" { k : string key  at : timestamp in ms event time  v : "   \
                    type " }\nrule r { for each k when A as a where v > 3 emit alert }\n"
    assert_false(says_same(FIELD("int"), FIELD("int optional")));
#undef LIST
#undef MEASURE
#undef CONSTANT
#undef FIELD
}

#define CHAIN(least)                                                                       \
    HEAD "rule reads { for each k within 5m when P as p emit alert }\n"                    \
         "rule reads_more { for each k within 5m when P as p then P as q emit event Q }\n" \
         "rule last { for each k within 5m when Q as q emit alert }\n"                     \
         "rule makes { for each k when A as a where v > " least " emit event P { v = 1 } }\n" STAYS

static void what_derives_for_it(void **state)
{
    (void)state;
    struct two t = compile_two(CHAIN("1"), CHAIN("2"));
    uint32_t same[5];
    rulesets_find_same(t.was->ruleset, t.is->ruleset, same);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(same[i], RULE_NONE); /* down to the end of the chain */
    }
    assert_int_equal(same[4], 4);
    free_two(&t);
    assert_true(says_same(CHAIN("1"), CHAIN("1")));
}

static void one_engine(void **state)
{
    (void)state;
#define SET(n) HEAD STAYS "rule r { for each k within " n " when A as a then A as b emit alert }\n"
    assert_int_equal(shared_rules(SET("5m"), SET("5m")), 2);
    assert_int_equal(shared_rules(SET("5m"), SET("6m")), 3);
    assert_int_equal(shared_rules(HEAD STAYS, SET("6m")), 2);
    assert_int_equal(shared_rules(SET("6m"), HEAD STAYS), 2);
    /* What derives is shared by its old and its new readers. */
#define READS(n) HEAD "rule makes { for each k when A as a emit event P { v = 1 } }\n"                    \
                      "rule reads { for each k within " n " when P as p then P as q emit alert }\n"
    assert_int_equal(shared_rules(READS("5m"), READS("6m")), 3);
#undef SET
#undef READS
}

static void an_engine_each(void **state)
{
    (void)state;
    assert_int_equal(shared_rules(HEAD STAYS, HEAD "event B from topic \"b\" { at : timestamp event time }\n" STAYS), 0);
    assert_int_equal(shared_rules(CHAIN("1"), CHAIN("2")), 0);
#define LIST(values) HEAD STAYS "list bad : int = [" values "]\n"                                               \
                                "rule r { for each k when A as a where v in list bad emit alert }\n"
    assert_int_equal(shared_rules(LIST("1"), LIST("2")), 0);
#undef LIST
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decides),        cmocka_unit_test(what_stands_outside),
        cmocka_unit_test(what_derives_for_it), cmocka_unit_test(one_engine),
        cmocka_unit_test(an_engine_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
