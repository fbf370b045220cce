/* Derived events: which rules stand where, in what order events stand, what the compiler refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/out/derived.h"
#include "tests/support/compile_text.h"

#define EVENTS                                                                                    \
    "language 1\n"                                                                                \
    "event A from topic \"a\" { k : string key  at : timestamp in ms event time  v : int }\n"     \
    "event B from topic \"b\" { k : string key  at : timestamp in ms event time  v : int }\n"

/* ---- levels and places ---------------------------------------------------------------------- */

static struct compilation *compiled(const char *text)
{
    struct compilation *c = compile_text(text);
    if (c->ruleset == NULL) {
        fail_msg("%s: %s", codes_of(c, true), c->diags.first->message);
    }
    return c;
}

static const struct rule *rule_named(const struct ruleset *rs, const char *name)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (slice_eq_str(rs->rules[i].name, name)) {
            return &rs->rules[i];
        }
    }
    fail_msg("no rule %s", name);
    return NULL;
}

static const struct clock_group *group_of(const struct ruleset *rs, const struct rule *r)
{
    return &rs->clock_groups[rs->clock_group_of_rule[r->index]];
}

static void levels_follow_the_longest_way(void **state)
{
    struct compilation *c = compiled(EVENTS
        "rule last { for each k within 1s when P as p then Q as q emit alert }\n"
        "rule q { for each k when P as p emit event Q { v = p.v } }\n"
        "rule p { for each k when A as a emit event P { v = a.v } }\n"
        "rule plain { for each k when A as a emit alert }\n");
    const struct ruleset *rs = c->ruleset;
    (void)state;
    assert_int_equal(rule_named(rs, "last")->level, 2);
    assert_int_equal(rule_named(rs, "q")->level, 1);
    assert_int_equal(rule_named(rs, "p")->level, 0);
    assert_int_equal(rule_named(rs, "last")->index, 0); /* as written */
    assert_int_equal(rs->n_units, 4);
    assert_int_equal(rs->n_clock_groups, 1);
    assert_int_equal(rs->n_levels, 3);
    assert_false(rs->clock_groups[0].waits);
    compilation_free(c);
}

static void other_sources_need_a_copy(void **state)
{
    struct compilation *c = compiled(EVENTS
        "rule p { for each k when A as a emit alert emit event P { v = a.v } }\n"
        "rule both { for each k within 1s when P as p then B as b emit alert }\n"
        "rule same { for each k when P as p emit alert }\n");
    const struct ruleset *rs = c->ruleset;
    const struct rule *p = rule_named(rs, "p"), *both = rule_named(rs, "both");
    (void)state;
    assert_int_equal(rs->n_units, 4);
    const struct rule *copy = &rs->rules[3];
    assert_true(rule_is_copy(copy));
    assert_int_equal(copy->original, p->index);
    assert_ptr_equal(group_of(rs, copy), group_of(rs, both));
    assert_int_equal(group_of(rs, both)->n_topics, 2);
    assert_int_equal(group_of(rs, p)->n_topics, 1);
    assert_ptr_equal(group_of(rs, rule_named(rs, "same")), group_of(rs, p));
    compilation_free(c);
}

/* A silent rule stands only where it is read; with an alert it has its own place as well. */
static void deadlines_make_readers_wait(void **state)
{
    struct compilation *c = compiled(EVENTS
        "rule silent { for each k when A as a then no B for 5s emit event Gone { v = a.v } }\n"
        "rule heard { for each k when A as a then no B for 5s emit alert emit event Over { v = a.v } }\n"
        "rule x { for each k when Gone as g emit alert }\n"
        "rule y { for each k when Over as o emit alert }\n"
        "rule z { for each k within 9s when A as a on timeout emit event Late { v = a.v } emit alert }\n"
        "rule w { for each k when Late as l emit alert }\n");
    const struct ruleset *rs = c->ruleset;
    (void)state;
    assert_ptr_equal(group_of(rs, rule_named(rs, "silent")), group_of(rs, rule_named(rs, "x")));
    assert_true(group_of(rs, rule_named(rs, "x"))->waits);
    assert_false(group_of(rs, rule_named(rs, "heard"))->waits);
    assert_true(group_of(rs, rule_named(rs, "y"))->waits);
    assert_true(group_of(rs, rule_named(rs, "w"))->waits);
    assert_false(group_of(rs, rule_named(rs, "z"))->waits);
    assert_int_equal(rs->n_units, 8); /* copies of heard and z */
    compilation_free(c);
}

static void a_long_chain_is_bounded(void **state)
{
    struct buf text = BUF_INIT;
    (void)state;
    buf_puts(&text, EVENTS "rule r0 { for each k when A as a emit event E0 { v = a.v } }\n");
    for (int i = 1; i <= RULE_MAX_LEVELS; i++) {
        buf_printf(&text, "rule r%d { for each k when E%d as e emit event E%d { v = e.v } }\n", i,
                   i - 1, i);
    }
    struct compilation *c = compile_text(buf_cstr(&text));
    assert_null(c->ruleset);
    assert_true(has_code(c, "E0423"));
    compilation_free(c);
    buf_release(&text);
}

/* ---- circles -------------------------------------------------------------------------------- */

static void every_use_counts_in_a_circle(void **state)
{
    static const char *const uses[] = {
        "when A as a then Q as q",
        "when A as a then no Q then B as b",
        "when all of (A as a, B as b) with no Q within 1s",
        "when A as a then B as b without Q",
        "when A as a then Let as l",
        "when A as a then 2 or more times (Q as q then A as x) within 1h",
        "when any of (A as a, Q as q)",
        "when no Q for 1s then A as a",
        "when A as a then next no Q",
        "when A as a then B as b where seen.n > 2",
        "when A as a then 2 B as b having count(b) > seen.n",
    };
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(uses); i++) {
        struct buf text = BUF_INIT;
        buf_printf(&text, EVENTS "let Let = any of (B, Q where v > 3)\n"
                                 "profile seen for each k from Let { n = count() over 1 day }\n"
                                 "rule p { for each k within 1h %s emit event P { v = 1 } }\n"
                                 "rule q { for each k when P as p emit event Q { v = p.v } }\n",
                   uses[i]);
        struct compilation *c = compile_text(buf_cstr(&text));
        if (!has_code(c, "E0426")) {
            fail_msg("%s: %s", uses[i], codes_of(c, true));
        }
        compilation_free(c);
        buf_release(&text);
    }
}

/* ---- may be missing ------------------------------------------------------------------------- */

static bool is_optional(const struct ruleset *rs, const char *field)
{
    for (uint32_t i = 0; i < rs->n_decls; i++) {
        const struct schema_decl *d = &rs->decls[i];
        for (uint32_t f = 0; d->is_derived && f < d->n_fields; f++) {
            if (slice_eq_str(d->fields[f].name, field)) {
                return d->fields[f].optional;
            }
        }
    }
    fail_msg("no field %s", field);
    return false;
}

static void what_may_be_missing_is_optional(void **state)
{
    struct compilation *c = compiled(EVENTS
        "event O from topic \"o\" { k : string key  at : timestamp in ms event time  o : int optional }\n"
        "rule r { for each k within 1h\n"
        "  when any of (A as x, B as y) then optional A as s then 2 A as n then O as o\n"
        "  emit event E {\n"
        "    choice = x.v  skipped = s.v  there = max(n.v)  some = max(n.v where v > 3)\n"
        "    opt = o.o  filled = coalesce(o.o, 0)  total = sum(n.v)  spread = stddev(n.v)\n"
        "    ratio = sum(n.v) / count(n)  half = sum(n.v) / 2  when = first_at  key = k\n"
        "    branch = if o.o is missing then 1 else 2 } }\n");
    static const char *const optional[] = {"choice", "skipped", "some", "opt", "spread", "ratio"};
    static const char *const required[] = {"there", "filled", "total", "half", "when", "key", "k",
                                           "at", "branch"};
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(optional); i++) {
        assert_true(is_optional(c->ruleset, optional[i]));
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(required); i++) {
        assert_false(is_optional(c->ruleset, required[i]));
    }
    compilation_free(c);
}

/* ---- order ---------------------------------------------------------------------------------- */

static struct place at_ms(int64_t ms, uint32_t topic, int64_t offset)
{
    return (struct place){{ms * 1000000}, {topic, 0, offset}, 0};
}

/* Each stands in front of the next: rows are in order. */
static void places_are_in_order(void **state)
{
    struct rule alpha = {.name = SLICE_LIT("alpha")}, beta = {.name = SLICE_LIT("beta"), .n_key = 1};
    struct value k1[] = {{.kind = VAL_INT, .u.i = 1}}, k2[] = {{.kind = VAL_INT, .u.i = 2}};
    struct place deadline = place_after_time((struct etime){5 * 1000000});
    struct derived early = {.root = at_ms(5, 0, 1), .rule = &beta, .key = k1};
    struct derived child = {.root = early.root, .cause = &early, .depth = 1, .rule = &alpha};
    struct derived grandchild = {.root = early.root, .cause = &child, .depth = 2, .rule = &beta,
                                 .key = k2};
    struct derived child2 = {.root = early.root, .cause = &early, .depth = 1, .rule = &alpha,
                             .number = 1};
    struct derived other_key = {.root = at_ms(5, 0, 1), .rule = &beta, .key = k2};
    struct derived later_offset = {.root = at_ms(5, 0, 2), .rule = &alpha};
    struct derived at_deadline = {.root = deadline, .rule = &beta, .key = k1};
    struct derived after_it = {.root = deadline, .cause = &at_deadline, .depth = 1, .rule = &beta,
                               .key = k2};
    struct derived next_level = {.root = deadline, .rule = &alpha, .level = 1};
    struct derived later_time = {.root = at_ms(6, 0, 0), .rule = &alpha};
    struct derived second = {.root = deadline, .rule = &beta, .key = k1, .number = 1};
    struct derived other_deadline = {.root = deadline, .rule = &beta, .key = k2};
    const struct derived *rows[] = {&early, &other_key, &child, &child2, &grandchild, &later_offset,
                                    &at_deadline, &second, &after_it, &other_deadline, &next_level,
                                    &later_time};
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < FYKE_ARRAY_LEN(rows); k++) {
            int want = (i > k) - (i < k), got = derived_cmp(rows[i], rows[k]);
            if (((got > 0) - (got < 0)) != want) {
                fail_msg("rows %zu and %zu: %d", i, k, got);
            }
        }
    }
    assert_true(derived_is_behind(&early, at_ms(5, 0, 1)));
    assert_false(derived_is_behind(&early, at_ms(5, 0, 2)));
    assert_true(derived_is_behind(&at_deadline, at_ms(5, 9, 9)));
}

/* Over nothing a count and a sum are 0: only `warm` keeps them missing. */
static void what_a_profile_may_miss(void **state)
{
    struct compilation *c = compile_text(EVENTS
        "profile p for each k from A { n = count() over 1h  s = sum(v) over 1h  m = max(v) over 1h\n"
        "  w = count() over 1h warm 1m  day = max(count()) over 1d every 1h\n"
        "  twice = count() * 2 + sum(v) over 1h  above = max(v) + 1 over 1h\n"
        "  mean = sum(v) / count() over 1h  tenth = sum(v) / 10 over 1h\n"
        "  sure = coalesce(max(v), 0) over 1h  cold = coalesce(max(v), 0) over 1h warm 1m }\n"
        "rule r { for each k when A as a emit event D { n = p.n  s = p.s  m = p.m  w = p.w\n"
        "  day = p.day  twice = p.twice  above = p.above  mean = p.mean  tenth = p.tenth\n"
        "  sure = p.sure  cold = p.cold } }\n");
    static const char *const optional[] = {"m", "w", "day", "above", "mean", "cold"};
    static const char *const required[] = {"n", "s", "twice", "tenth", "sure"};
    (void)state;
    assert_string_equal(codes_of(c, false), "");
    for (size_t i = 0; i < FYKE_ARRAY_LEN(optional); i++) {
        assert_true(is_optional(c->ruleset, optional[i]));
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(required); i++) {
        assert_false(is_optional(c->ruleset, required[i]));
    }
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_follow_the_longest_way),
        cmocka_unit_test(other_sources_need_a_copy),
        cmocka_unit_test(deadlines_make_readers_wait),
        cmocka_unit_test(a_long_chain_is_bounded),
        cmocka_unit_test(every_use_counts_in_a_circle),
        cmocka_unit_test(what_may_be_missing_is_optional),
        cmocka_unit_test(what_a_profile_may_miss),
        cmocka_unit_test(places_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
