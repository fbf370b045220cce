/* Which keys an event belongs to, and how keys are named, hashed and compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/keys/key.h"
#include "engine/keys/keyspace.h"
#include "tests/support/hand_rules.h"

struct world {
    struct hand_rules rules;
    struct key_table table;
    struct key_eval eval;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    hand_begin(&w->rules, 0);
    key_eval_init(&w->eval);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    if (w->table.rs != NULL) {
        key_table_release(&w->table);
    }
    key_eval_release(&w->eval);
    hand_end(&w->rules);
    free(w);
    return 0;
}

static struct event *make_event(struct world *w, const char *user, const char *kind)
{
    struct event *e = arena_alloc(&w->rules.rs.arena, sizeof(*e) + 3 * sizeof(struct value));
    e->n_values = 3;
    e->values[HAND_USER] = user ? value_string(slice_of(user)) : VALUE_MISSING;
    e->values[HAND_KIND] = kind ? value_string(slice_of(kind)) : VALUE_MISSING;
    return e;
}

/* Rules of one clock group with the same `for each` share a group and the computation. */
static void rules_share_a_group(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "one");
    hand_single(&w->rules, "two");
    w->rules.group_of_rule[1] = 0; /* same sources: same clock */
    key_table_init(&w->table, &w->rules.rs);
    assert_int_equal(w->table.n_groups, 1);
    assert_int_equal(w->table.groups[0].n_rules, 2);
    assert_int_equal(w->table.groups[0].n_variants, 1);
    assert_int_equal(w->table.groups[0].variants[0].n_uses, 2);
    assert_int_equal(key_table_routes(&w->table, 0, 0)->n, 1);
    assert_int_equal(key_table_routes(&w->table, 0, 1)->n, 0);
}

static void other_clocks_are_other_groups(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "one");
    hand_pair(&w->rules, "two", 10);
    key_table_init(&w->table, &w->rules.rs);
    assert_int_equal(w->table.n_groups, 2);
    assert_false(hash128_eq(w->table.groups[0].identity, w->table.groups[1].identity));
    struct event *e = make_event(w, "bob", NULL);
    struct key_ref a, b;
    assert_true(key_of(&w->table.groups[0], &w->table.groups[0].variants[0], e, &w->eval, &a));
    assert_true(key_of(&w->table.groups[1], &w->table.groups[1].variants[0], e, &w->eval, &b));
    assert_false(hash128_eq(a.hash, b.hash));
}

/* `for each user = In.user = Out.kind` over one declaration: two variants, two keys. */
static void one_event_two_keys(void **state)
{
    struct world *w = *state;
    struct rule *r = hand_single(&w->rules, "both_ways");
    r->roles[1] = r->roles[0];
    r->roles[1].key = (const struct expr **)arena_calloc(&w->rules.rs.arena, 1, sizeof(void *));
    r->roles[1].key[0] = hand_field(&w->rules.rs.arena, 0, HAND_KIND);
    r->n_roles = 2;
    key_table_init(&w->table, &w->rules.rs);
    const struct key_group *g = &w->table.groups[0];
    assert_int_equal(g->n_variants, 2);
    assert_int_equal(g->variants[0].uses[0].roles, 1);
    assert_int_equal(g->variants[1].uses[0].roles, 2);
    assert_int_equal(key_table_routes(&w->table, 0, 0)->n, 2);
    struct event *e = make_event(w, "bob", NULL);
    struct key_ref ref;
    assert_true(key_of(g, &g->variants[0], e, &w->eval, &ref));
    assert_false(key_of(g, &g->variants[1], e, &w->eval, &ref)); /* missing */
}

static void empty_text_is_a_key(void **state)
{
    struct world *w = *state;
    hand_single(&w->rules, "one");
    key_table_init(&w->table, &w->rules.rs);
    const struct key_group *g = &w->table.groups[0];
    struct key_ref ref;
    assert_true(key_of(g, &g->variants[0], make_event(w, "", NULL), &w->eval, &ref));
    assert_int_equal(ref.n_values, 1);
    assert_true(hash128_eq(ref.hash, key_hash(g, ref.canonical)));
}

/* One that is short stands in the event, one that is long is put together: they are the same key. */
static void a_text_gives_one_key_however_long(void **state)
{
    struct world *w = *state;
    char text[81];
    hand_single(&w->rules, "one");
    key_table_init(&w->table, &w->rules.rs);
    const struct key_group *g = &w->table.groups[0];
    memset(text, 'x', sizeof(text));
    for (size_t n = 0; n < sizeof(text); n++) {
        text[n] = '\0';
        const struct event *e = make_event(w, text, NULL);
        struct key_ref ref;
        assert_true(key_of(g, &g->variants[0], e, &w->eval, &ref));
        struct key_ref computed = key_of_values(g, &e->values[HAND_USER], &w->eval);
        assert_int_equal(key_short_text(&g->variants[0], e) != NULL, n <= VALUE_SHORT_TEXT);
        assert_int_equal(ref.n_values, 1);
        assert_true(value_equal(ref.values[0], e->values[HAND_USER]));
        assert_true(slice_eq(ref.canonical, computed.canonical));
        assert_true(hash128_eq(ref.hash, computed.hash));
        text[n] = 'x';
    }
}

static void key_text(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct value v[] = {value_string(SLICE_LIT("a\"b")), value_int(-3)};
    key_to_text(v, 1, &b);
    assert_string_equal(buf_cstr(&b), "a\"b");
    buf_clear(&b);
    key_to_text(v, 2, &b);
    assert_string_equal(buf_cstr(&b), "[\"a\\\"b\",-3]");
    buf_release(&b);
}

static void key_order(void **state)
{
    (void)state;
    struct value a[] = {value_int(2), value_string(SLICE_LIT("z"))};
    struct value b[] = {value_int(10), value_string(SLICE_LIT("a"))};
    assert_true(key_compare(a, 2, b, 2) < 0); /* numbers by value */
    assert_true(key_compare(a, 1, a, 2) < 0);
    assert_int_equal(key_compare(a, 2, a, 2), 0);
    assert_int_equal(key_compare(NULL, 0, NULL, 0), 0);
}

/* Nothing says how many fields a key may have. */
static void a_record_keeps_all_values_of_a_key(void **state)
{
    enum { N = 70000 };
    struct world *w = *state;
    struct error err = ERROR_INIT;
    hand_single(&w->rules, "one");
    key_table_init(&w->table, &w->rules.rs);
    const struct keyspace_options o = {.rs = &w->rules.rs, .key_groups = w->table.groups,
                                       .n_key_groups = w->table.n_groups, .kin = &w->table.kin};
    struct keyspace *ks = keyspace_new(&o);
    struct value *values = ARENA_ARRAY(&w->rules.rs.arena, struct value, N);
    for (uint32_t i = 0; i < N; i++) {
        values[i] = value_int(i);
    }
    values[N - 2] = value_string(SLICE_LIT("next to last"));
    const struct key_ref ref = {.hash = {1, 2}, .canonical = SLICE_LIT("its bytes"), .values = values, .n_values = N};
    struct key_record *rec;
    assert_int_equal(keyspace_get(ks, &ref, &rec, &err), ERR_OK);
    assert_int_equal(rec->n_values, N);
    for (uint32_t i = 0; i < N; i++) {
        assert_true(value_equal(rec->values[i], values[i]));
    }
    assert_ptr_not_equal(rec->values[N - 2].u.str, values[N - 2].u.str);
    keyspace_free(ks);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_record_keeps_all_values_of_a_key),
        T(rules_share_a_group), T(other_clocks_are_other_groups),
        T(one_event_two_keys),  T(empty_text_is_a_key),
        T(a_text_gives_one_key_however_long),
        T(key_text),            T(key_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
