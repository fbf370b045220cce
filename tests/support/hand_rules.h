/* Small rule sets built by hand, for tests of the engine that must not depend on the compiler.
 *
 *   event Login  from topic "logins"  { user : string key  at : timestamp event time in ms
 *                                       kind : string optional  out of order by BOUND }
 *   event Logout from topic "logouts" { the same }
 */
#ifndef FYKE_TESTS_SUPPORT_HAND_RULES_H
#define FYKE_TESTS_SUPPORT_HAND_RULES_H

#include "base/xalloc.h"
#include "nfa/rule.h"

#define HAND_USER 0
#define HAND_AT 1
#define HAND_KIND 2

struct hand_rules {
    struct ruleset rs;
    struct rule rules[8];
    struct schema_topic topics[2];
    struct schema_decl decls[2];
    struct rule_sources sources[8];
    uint32_t group_of_rule[8];
};

static inline const struct expr *hand_field(struct arena *a, uint32_t decl, uint32_t slot)
{
    struct field_ref *ref = arena_alloc(a, sizeof(*ref) + 2 * sizeof(uint32_t));
    struct expr *e = ARENA_NEW(a, struct expr);
    ref->n = 1;
    ref->alt[0].decl = decl;
    ref->alt[0].slot = slot;
    e->op = EX_FIELD;
    e->kind = VAL_STRING;
    e->slot = -1;
    e->scope = -1;
    e->field = ref;
    return e;
}

static inline void hand_decl(struct hand_rules *h, uint32_t i, const char *name, const char *topic,
                             int64_t bound_ms)
{
    struct arena *a = &h->rs.arena;
    struct schema_field *f = ARENA_ARRAY(a, struct schema_field, 3);
    static const char *const names[] = {"user", "at", "kind"};
    for (uint32_t k = 0; k < 3; k++) {
        f[k].name = f[k].path_text = slice_of(names[k]);
        f[k].parts = ARENA_NEW(a, struct path_part);
        f[k].parts[0].name = f[k].name;
        f[k].n_parts = 1;
        f[k].type = TYPE_STRING;
        f[k].keep = true;
    }
    f[HAND_USER].is_key = true;
    f[HAND_AT].type = TYPE_TIMESTAMP;
    f[HAND_AT].unit = UNIT_MS;
    f[HAND_AT].is_event_time = true;
    f[HAND_USER].optional = f[HAND_KIND].optional = true;
    h->topics[i] = (struct schema_topic){
        .name = slice_of(topic),
        .index = i,
        .decls = ARENA_NEW(a, uint32_t),
        .n_decls = 1,
        .out_of_order = {bound_ms * NS_PER_MS},
        .at_most_ahead = DURATION_INFINITE,
    };
    h->topics[i].decls[0] = i;
    h->decls[i] = (struct schema_decl){
        .name = slice_of(name),
        .index = i,
        .topics = ARENA_NEW(a, uint32_t),
        .n_topics = 1,
        .fields = f,
        .n_fields = 3,
        .time_field = HAND_AT,
    };
    h->decls[i].topics[0] = i;
}

static inline void hand_begin(struct hand_rules *h, int64_t bound_ms)
{
    *h = (struct hand_rules){0};
    hand_decl(h, 0, "Login", "logins", bound_ms);
    hand_decl(h, 1, "Logout", "logouts", bound_ms);
    h->rs.topics = h->topics;
    h->rs.n_topics = 2;
    h->rs.decls = h->decls;
    h->rs.n_decls = 2;
    h->rs.rules = h->rules;
    h->rs.sources = h->sources;
    h->rs.clock_group_of_rule = h->group_of_rule;
    h->rs.clock_groups = ARENA_ARRAY(&h->rs.arena, struct clock_group, 4);
    h->rs.fingerprint = (struct hash128){0x0123456789abcdef, 0xfedcba9876543210};
}

static inline void hand_end(struct hand_rules *h)
{
    arena_release(&h->rs.arena);
}

/* Rules with the same topics have one clock. */
static inline void hand_join_clock_group(struct hand_rules *h, uint32_t rule, uint32_t *topics,
                                         uint32_t n_topics)
{
    uint32_t i = 0;
    while (i < h->rs.n_clock_groups &&
           !(h->rs.clock_groups[i].n_topics == n_topics &&
             memcmp(h->rs.clock_groups[i].topics, topics, n_topics * sizeof(*topics)) == 0)) {
        i++;
    }
    struct clock_group *g = &h->rs.clock_groups[i];
    if (i == h->rs.n_clock_groups) {
        g->first_stage = h->rs.n_clock_groups++;
        g->n_levels = 1;
        h->rs.n_stages = h->rs.n_clock_groups;
        h->rs.n_levels = 1;
        g->topics = topics;
        g->n_topics = n_topics;
        g->rules = ARENA_ARRAY(&h->rs.arena, uint32_t, 4);
    }
    g->rules[g->n_rules++] = rule;
    h->sources[rule] = (struct rule_sources){topics, n_topics};
    h->group_of_rule[rule] = i;
}

/* A new rule `for each user` with the given number of tests; its roles are one per declaration
 * named by a bit of `decls`, in order. */
static inline struct rule *hand_rule(struct hand_rules *h, const char *name, uint32_t decls,
                                     uint32_t n_tests)
{
    struct arena *a = &h->rs.arena;
    uint32_t index = h->rs.n_rules++;
    h->rs.n_units = h->rs.n_rules;
    struct rule *r = &h->rules[index];
    *r = (struct rule){.index = index, .original = index, .name = slice_of(name), .version = -1};
    r->plan = 0x9f31c2d4a5b60718;
    r->key_names = ARENA_NEW(a, struct slice);
    r->key_names[0] = SLICE_LIT("user");
    r->key_kinds = ARENA_NEW(a, enum value_kind);
    r->key_kinds[0] = VAL_STRING;
    r->n_key = 1;
    r->roles = ARENA_ARRAY(a, struct rule_role, 2);
    uint32_t *topics = ARENA_ARRAY(a, uint32_t, 2), n_topics = 0;
    for (uint32_t d = 0; d < 2; d++) {
        if ((decls >> d & 1) != 0) {
            struct rule_role *role = &r->roles[r->n_roles++];
            *role = (struct rule_role){.name = h->decls[d].name, .decl = d, .counted = true};
            role->key = (const struct expr **)arena_calloc(a, 1, sizeof(struct expr *));
            role->key[0] = hand_field(a, d, HAND_USER);
            topics[n_topics++] = d;
        }
    }
    hand_join_clock_group(h, index, topics, n_topics);
    r->tests = ARENA_ARRAY(a, struct rule_test, n_tests);
    r->n_tests = n_tests;
    r->window = DURATION_INFINITE;
    return r;
}

/* Test t: an event of role `role`; `slot` >= 0 for steps. */
static inline void hand_test(struct rule *r, uint32_t t, enum test_use use, uint32_t role,
                             int32_t slot, const char *label)
{
    r->tests[t] = (struct rule_test){
        .use = use,
        .number = t + 1,
        .label = slice_of(label),
        .roles = UINT64_C(1) << role,
        .slot = slot,
        .group = -1,
    };
    if (slot >= 0) {
        r->n_slots++;
    }
}

static inline struct pattern *hand_node(struct arena *a, enum pattern_kind kind, uint32_t test)
{
    struct pattern *p = ARENA_NEW(a, struct pattern);
    *p = (struct pattern){
        .kind = kind,
        .test = test,
        .min = 1,
        .max = 1,
        .each_within = DURATION_INFINITE,
        .span = DURATION_INFINITE,
        .guard_test = NO_TEST,
    };
    return p;
}

/* A sequence of steps (tests 0, 1, …), optionally with a trailing `no M for D` (test `absent`). */
static inline void hand_sequence(struct hand_rules *h, struct rule *r, uint32_t n_steps,
                                 uint32_t absent, int64_t absent_ms)
{
    struct arena *a = &h->rs.arena;
    struct pattern *seq = hand_node(a, PAT_SEQ, NO_TEST);
    bool tail = absent != NO_TEST;
    seq->n_items = n_steps + tail;
    seq->items = ARENA_ARRAY(a, struct pattern_item, seq->n_items);
    for (uint32_t i = 0; i < seq->n_items; i++) {
        seq->items[i].link.within = DURATION_INFINITE;
        seq->items[i].node = i < n_steps ? hand_node(a, PAT_STEP, i) : NULL;
    }
    if (tail) {
        struct pattern_absence *m = ARENA_NEW(a, struct pattern_absence);
        *m = (struct pattern_absence){
            .kind = ABSENT_FOR, .test = absent, .length = {absent_ms * NS_PER_MS}};
        seq->items[n_steps].absences = m;
        seq->items[n_steps].n_absences = 1;
    }
    r->root = seq;
    r->emits = ARENA_NEW(a, struct emit_plan);
    r->n_emits = 1;
    rule_finish(r, a);
}

/* `on timeout emit alert` */
static inline void hand_on_timeout(struct hand_rules *h, struct rule *r)
{
    r->timeouts = ARENA_NEW(&h->rs.arena, struct emit_plan);
    r->n_timeouts = 1;
    rule_finish(r, &h->rs.arena);
}

/* `when Login as a then Logout as b` within D ms. */
static inline struct rule *hand_pair(struct hand_rules *h, const char *name, int64_t within_ms)
{
    struct rule *r = hand_rule(h, name, 3, 2);
    hand_test(r, 0, TEST_STEP, 0, 0, "a");
    hand_test(r, 1, TEST_STEP, 1, 1, "b");
    r->window = (struct duration){within_ms * NS_PER_MS};
    hand_sequence(h, r, 2, NO_TEST, 0);
    return r;
}

/* `when Login as a` */
static inline struct rule *hand_single(struct hand_rules *h, const char *name)
{
    struct rule *r = hand_rule(h, name, 1, 1);
    hand_test(r, 0, TEST_STEP, 0, 0, "a");
    hand_sequence(h, r, 1, NO_TEST, 0);
    return r;
}

/* `when Login as a then no Logout for D ms` */
static inline struct rule *hand_missing(struct hand_rules *h, const char *name, int64_t absent_ms)
{
    struct rule *r = hand_rule(h, name, 3, 2);
    hand_test(r, 0, TEST_STEP, 0, 0, "a");
    hand_test(r, 1, TEST_ABSENT, 1, -1, "no Logout");
    hand_sequence(h, r, 1, 1, absent_ms);
    return r;
}

#endif
