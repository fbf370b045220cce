/* What the compiler makes of rules: roles, keys, tests, slots, patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/compile_text.h"

#define EVENTS                                                                                     \
    "language 1\n"                                                                                 \
    "event L from topic \"l\" { user : string key  at : timestamp event time  ok : bool\n"         \
    "  v : int optional  d : decimal optional  f : float optional  ip : ip optional }\n"           \
    "event P from topic \"p\" { card : string key  at : timestamp event time  user : string\n"     \
    "  v : int optional  d : decimal optional }\n"                                                 \
    "let Bad = L where ok = false\n"                                                               \
    "let Both = any of (Bad, P where d > 1)\n"

static const struct rule *compiled(struct compilation **c, const char *rule)
{
    char *text = NULL;
    assert_true(asprintf(&text, "%s%s", EVENTS, rule) > 0);
    *c = compile_text(text);
    free(text);
    if (!(*c)->ruleset) {
        fail_msg("%s: %s", codes_of(*c, true), (*c)->diags.first->message);
    }
    return &(*c)->ruleset->rules[0];
}

static void assert_text(struct slice s, const char *text)
{
    assert_true(slice_eq_str(s, text));
}

static const char *canonical(const struct compilation *c, const struct expr *e)
{
    static char out[512];
    struct buf b = BUF_INIT;
    expr_canonical(e, c->ruleset->decls, &b);
    snprintf(out, sizeof(out), "%s", buf_cstr(&b));
    buf_release(&b);
    return out;
}

static void mission_rule(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r = compiled(
        &c, "rule r { title \"t\" severity high tags a.b1 version 3 for each user within 15m\n"
            " when 3 or more Bad as fail within 5m then L as ok where ok.ok = true and v > "
            "count(fail)\n quiet for 30m per user\n emit alert { n = count(fail)  u = user } }");
    assert_text(r->name, "r");
    assert_text(r->title, "t");
    assert_text(r->tags[0], "a.b1");
    assert_int_equal(r->version, 3);
    assert_int_equal(r->n_roles, 2);
    assert_text(r->roles[0].name, "Bad");
    assert_true(r->roles[0].counted && r->roles[1].counted);
    assert_non_null(r->roles[0].filter);
    assert_null(r->roles[1].filter);
    assert_int_equal(r->n_tests, 2);
    assert_int_equal(r->n_slots, 2);
    assert_int_equal(r->tests[0].roles, 1);
    assert_int_equal(r->tests[1].roles, 2);
    assert_string_equal(canonical(c, r->tests[1].own),
                        "(=:bool (field:bool L.ok) bool:true)");
    assert_string_equal(canonical(c, r->tests[1].joint),
                        "(>:bool (field:int L.v) (aggregate:int count #0 @-1 - - -))");
    assert_int_equal(r->root->n_items, 2);
    assert_int_equal(r->root->items[0].node->kind, PAT_COUNT);
    assert_int_equal(r->root->items[0].node->span.ns, 300 * NS_PER_S);
    assert_int_equal(r->root->items[0].node->max, COUNT_UNBOUNDED);
    assert_int_equal(r->window.ns, 900 * NS_PER_S);
    assert_true(r->quiet.present);
    assert_int_equal(r->quiet.n_per, 1);
    assert_int_equal(r->emits[0].n_fields, 2);
    assert_int_equal(r->emits[0].fields[1].value->op, EX_KEY);
    compilation_free(c);
}

static void one_type_in_two_roles(void **state)
{
    (void)state;
    struct compilation *c = compile_text(
        "language 1\n"
        "event T from topic \"t\" { from_account : string  to_account : string\n"
        "  at : timestamp event time  kind : string }\n"
        "let In = T where kind = \"in\"\nlet Out = T where kind = \"out\"\n"
        "rule r { for each account = In.to_account = Out.from_account within 1h\n"
        "  when In as i then Out as o emit alert { account = account } }");
    assert_non_null(c->ruleset);
    const struct rule *r = &c->ruleset->rules[0];
    assert_text(r->key_names[0], "account");
    assert_int_equal(r->n_roles, 2);
    assert_string_equal(canonical(c, r->roles[0].key[0]), "(field:string T.to_account)");
    assert_string_equal(canonical(c, r->roles[1].key[0]), "(field:string T.from_account)");
    compilation_free(c);
}

static void composite_key_over_a_union(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r =
        compiled(&c, "rule r { for each user, id = L.v = P.v within 1h\n"
                     "  when Both as b then no Both where d > 3 for 5m emit alert { x = b.d } }");
    assert_int_equal(r->n_key, 2);
    assert_int_equal(r->n_roles, 2); /* Both: L and P */
    assert_int_equal(r->tests[0].roles, 3);
    assert_int_equal(r->tests[1].roles, 3);
    assert_true(r->roles[0].counted);
    assert_int_equal(r->key_kinds[1], VAL_INT);
    assert_string_equal(canonical(c, r->emits[0].fields[0].value),
                        "(bound:decimal #0 L.d|P.d)");
    assert_string_equal(canonical(c, r->tests[1].own),
                        "(>:bool (field:decimal L.d|P.d) decimal:3)");
    assert_int_equal(r->root->items[1].n_absences, 1);
    assert_null(r->root->items[1].node);
    compilation_free(c);
}

static void literals_take_the_other_type(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r = compiled(
        &c, "const TEN = 2 * 5\nrule r { for each user when L as a where f > 2 and d > TEN and v > "
            "1.5 and ip in (\"10.0.0.0/8\", \"::1\") and ip in (1.2.3.4, \"1.0.0.0/9\") and ip = \"10.0.0.1\" and d + v > 1 emit alert }");
    assert_string_equal(
        canonical(c, r->tests[0].own),
        "(and:bool (>:bool (field:float L.f) float:2) (>:bool (field:decimal L.d) decimal:10)"
        " (>:bool (to-decimal:decimal (field:int L.v)) decimal:1.5)"
        " (in:bool (field:ip L.ip) list:[cidr:\"10.0.0.0/8\" ip:\"::1\"])"
        " (in:bool (field:ip L.ip) list:[ip:\"1.2.3.4\" cidr:\"1.0.0.0/9\"])"
        " (=:bool (field:ip L.ip) ip:\"10.0.0.1\")"
        " (>:bool (+:decimal (field:decimal L.d) (to-decimal:decimal (field:int L.v)))"
        " decimal:1))");
    compilation_free(c);
}

static void scopes_of_groups(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r =
        compiled(&c, "rule r { for each user within 1h\n"
                     " when 2 times ( 1 or more L as a until sum(a.v) > 3\n"
                     "   then P as b where v = sum(a.v) and user = last(a.user) ) in a row\n"
                     " then P as p where v = sum(b.v) emit alert }");
    assert_int_equal(r->n_groups, 1);
    assert_int_equal(r->groups[0].slots, 3);
    assert_int_equal(r->groups[0].parent, -1);
    assert_int_equal(r->tests[0].group, 0);
    assert_int_equal(r->tests[2].group, -1);
    assert_string_equal(canonical(c, r->tests[2].joint),
                        "(=:bool (field:int P.v) (aggregate:int sum #1 @-1 (field:int P.v) - -))");
    const struct pattern *group = r->root->items[0].node;
    assert_int_equal(group->kind, PAT_REPEAT);
    assert_int_equal(group->adjacency, ADJ_IN_A_ROW);
    const struct pattern *inner = group->items[0].node;
    assert_string_equal(canonical(c, inner->items[0].node->until),
                        "(>:bool (aggregate:int sum #0 @0 (field:int L.v) - -) int:3)");
    assert_int_equal(r->n_caches, 4);
    compilation_free(c);
}

static void this_iteration(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r =
        compiled(&c, "rule r { for each user within 1h\n"
                     " when 2 times ( L as a then P as b where v = a.v ) emit alert }");
    assert_string_equal(canonical(c, r->tests[1].joint),
                        "(=:bool (field:int P.v) (turn:int #0 @0 L.v))");
    compilation_free(c);
}

static void shared_name_of_alternatives(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r =
        compiled(&c, "rule r { for each user within 1h\n"
                     " when any of ( L as x where x.ok = true, P as x ) then L as y where v = x.v\n"
                     " emit alert }");
    assert_int_equal(r->n_slots, 2);
    assert_int_equal(r->tests[0].slot, r->tests[1].slot);
    assert_string_equal(canonical(c, r->tests[2].joint),
                        "(=:bool (field:int L.v) (bound:int #0 L.v|P.v))");
    compilation_free(c);
}

static void numbers_and_labels(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r = compiled(
        &c, "rule r { for each user within 9ms\n"
            " when no P for 5ms assume quiet then L then no P then 2 L with no P where v = 1 then"
            " L as z then next no P\n without P emit alert }");
    static const char *const labels[] = {"no P", "#2", "no P", "#4", "with no P", "z", "no P",
                                         "without P"};
    static const uint32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 0};
    assert_int_equal(r->n_tests, 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_text(r->tests[i].label, labels[i]);
        assert_int_equal(r->tests[i].number, numbers[i]);
    }
    assert_int_equal(r->without, 1u << 7);
    const struct pattern *root = r->root;
    assert_int_equal(root->items[0].absences[0].kind, ABSENT_LEAD);
    assert_true(root->items[0].absences[0].assume_quiet);
    assert_int_equal(root->items[1].absences[0].kind, ABSENT_OPEN);
    assert_int_equal(root->items[1].node->guard_test, 4);
    assert_int_equal(root->n_items, 4);
    assert_int_equal(root->items[3].absences[0].kind, ABSENT_NEXT);
    /* `next no P` counts P; the guards alone would not. */
    assert_true(r->roles[0].counted);
    compilation_free(c);
}

static void zero_or_more_is_optional(void **state)
{
    (void)state;
    struct compilation *c;
    const struct rule *r = compiled(&c, "rule r { for each user within 1h when L as a then next "
                                        "0 to 3 L as b anywhere then after 5s within 9s P as p "
                                        "after match skip to last a emit alert }");
    const struct pattern *b = r->root->items[1].node;
    assert_true(b->optional);
    assert_int_equal(b->min, 1);
    assert_int_equal(b->max, 3);
    assert_int_equal(b->adjacency, ADJ_ANYWHERE);
    assert_int_equal(r->root->items[1].link.kind, LINK_NEXT);
    assert_int_equal(r->root->items[2].link.after.ns, 5 * NS_PER_S);
    assert_int_equal(r->root->items[2].link.within.ns, 9 * NS_PER_S);
    assert_int_equal(r->policy, SKIP_TO_LAST);
    assert_int_equal(r->policy_slot, 0);
    compilation_free(c);
}

/* Two texts with the same meaning have one plan; a window more gives another. */
static void plan_follows_the_meaning(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "rule r { for each user within 1h when Bad as a then P as p where d > 10 emit alert }",
        "# comment\nconst W = 1h\nlet Fails = L where ok = false\n"
        "rule other { title \"x\" for each user within W when Fails as a then P as p where d > 10.0"
        " quiet for 5m emit alert { y = a.v } }",
        "rule r { for each user within 2h when Bad as a then P as p where d > 10 emit alert }",
    };
    uint64_t plans[3];
    for (size_t i = 0; i < 3; i++) {
        struct compilation *c;
        plans[i] = compiled(&c, rules[i])->plan;
        compilation_free(c);
    }
    assert_true(plans[0] == plans[1]);
    assert_true(plans[0] != plans[2]);
}

/* The vector of docs/formats.md, "Plan hash". */
static void plan_vector(void **state)
{
    (void)state;
    struct compilation *c = compile_text(
        "language 1\n"
        "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time\n"
        "  result : enum(\"success\", \"failure\") }\n"
        "let Failed = Login where result = \"failure\"\n"
        "rule r { for each user when 3 or more Failed as f within 5 minutes emit alert }");
    assert_non_null(c->ruleset);
    const struct rule *r = &c->ruleset->rules[0];
    static const char text[] =
        "fyke-plan 1\n"
        "event \"Login\" \"logins\" -\n"
        "  field \"user\" string unit=0 origin=0 path=\"user\"\n"
        "  field \"at\" timestamp unit=2 origin=0 path=\"at\" event-time\n"
        "  field \"result\" enum \"success\" \"failure\" unit=0 origin=0 path=\"result\"\n"
        "key \"user\" string\n"
        "role 0 \"Login\" counted (=:bool (field:string Login.result) string:\"failure\")"
        " (field:string Login.user)\n"
        "test 0 step slot=0 group=-1 \"f\" 0 - -\n"
        "window\n"
        "policy skip-past-last\n"
        "seq\n"
        "  count test=0 3.. span=300000000000ns\n";
    char hex[HASH64_HEX_MAX];
    hash64_hex(r->plan, hex);
    assert_string_equal(arena_strndup(&c->arena, r->canonical.ptr, r->canonical.len), text);
    assert_string_equal(hex, "0535644e5c2b1089");
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mission_rule),
        cmocka_unit_test(one_type_in_two_roles),
        cmocka_unit_test(composite_key_over_a_union),
        cmocka_unit_test(literals_take_the_other_type),
        cmocka_unit_test(scopes_of_groups),
        cmocka_unit_test(this_iteration),
        cmocka_unit_test(shared_name_of_alternatives),
        cmocka_unit_test(numbers_and_labels),
        cmocka_unit_test(zero_or_more_is_optional),
        cmocka_unit_test(plan_follows_the_meaning),
        cmocka_unit_test(plan_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
