#include "engine/keys/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/keys/key_profile.h"
#include "nfa/quick_set.h"

/* ---- the table ---------------------------------------------------------------------------- */

static bool same_key_spec(const struct rule *a, const struct rule *b)
{
    if (a->n_key != b->n_key) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_key; i++) {
        if (!slice_eq(a->key_names[i], b->key_names[i]) || a->key_kinds[i] != b->key_kinds[i]) {
            return false;
        }
    }
    return true;
}

static int slice_cmp_qsort(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* What sets groups of one key and one set of sources apart; nothing for rules on input events. */
static void put_stage(struct hasher *h, const struct clock_group *cg, uint32_t level)
{
    if (cg->waits) {
        hasher_put_part(h, SLICE_LIT("waits"));
    }
    if (level > 0) {
        uint8_t byte = (uint8_t)level;
        hasher_put_part(h, SLICE_LIT("level"));
        hasher_put_part(h, slice_from((const char *)&byte, 1));
    }
}

static struct hash128 group_identity(const struct ruleset *rs, const struct rule *r,
                                     const struct clock_group *cg, struct arena *arena)
{
    struct hasher h;
    hasher_init(&h);
    hasher_put_part(&h, SLICE_LIT("fyke key group 1"));
    for (uint32_t i = 0; i < r->n_key; i++) {
        uint8_t kind = (uint8_t)r->key_kinds[i];
        hasher_put_part(&h, r->key_names[i]);
        hasher_put_part(&h, slice_from((const char *)&kind, 1));
    }
    hasher_put_part(&h, SLICE_LIT(""));
    struct slice *names = ARENA_ARRAY(arena, struct slice, cg->n_topics);
    for (uint32_t i = 0; i < cg->n_topics; i++) {
        names[i] = rs->topics[cg->topics[i]].name;
    }
    if (cg->n_topics > 1) {
        qsort(names, cg->n_topics, sizeof(*names), slice_cmp_qsort);
    }
    for (uint32_t i = 0; i < cg->n_topics; i++) {
        hasher_put_part(&h, names[i]);
    }
    put_stage(&h, cg, r->level);
    return hasher_hash128(&h);
}

static struct key_group *group_of_rule(struct key_table *t, size_t *cap, uint32_t rule)
{
    const struct rule *r = &t->rs->rules[rule];
    uint32_t cg = t->rs->clock_group_of_rule[rule];
    uint32_t stage = t->rs->clock_groups[cg].first_stage + r->level;
    for (uint32_t i = 0; i < t->n_groups; i++) {
        struct key_group *g = &t->groups[i];
        if (g->stage == stage && same_key_spec(&t->rs->rules[g->rules[0]], r)) {
            return g;
        }
    }
    size_t n = t->n_groups;
    struct key_group *g = &VEC_PUSH(t->groups, n, *cap);
    *g = (struct key_group){
        .index = t->n_groups,
        .clock_group = cg,
        .stage = stage,
        .n_values = r->n_key,
        .kinds = r->key_kinds,
        .names = r->key_names,
        .identity = group_identity(t->rs, r, &t->rs->clock_groups[cg], &t->arena),
        .rules = ARENA_ARRAY(&t->arena, uint32_t, t->rs->n_units),
    };
    struct buf bytes = BUF_INIT;
    buf_put_u64be(&bytes, g->identity.hi);
    buf_put_u64be(&bytes, g->identity.lo);
    memcpy(g->identity_bytes, bytes.ptr, sizeof(g->identity_bytes));
    buf_release(&bytes);
    t->n_groups++;
    return g;
}

/* Two expressions give the same value for every event of the declaration. */
static bool same_expr(const struct expr *a, const struct expr *b)
{
    if (a == b) {
        return true;
    }
    struct buf ta = BUF_INIT, tb = BUF_INIT;
    expr_canonical(a, NULL, &ta);
    expr_canonical(b, NULL, &tb);
    bool same = slice_eq(buf_slice(&ta), buf_slice(&tb));
    buf_release(&ta);
    buf_release(&tb);
    return same;
}

bool key_same_exprs(const struct expr **a, const struct expr **b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!same_expr(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static bool variant_fits(const struct key_variant *v, const struct rule_role *role, uint32_t n)
{
    return v->decl == role->decl && key_same_exprs(v->exprs, role->key, n);
}

/* The key is one field of the event. */
static void find_slot(struct key_variant *v, uint32_t n)
{
    const struct expr *e = n == 1 ? v->exprs[0] : NULL;
    v->is_field = e != NULL && e->op == EX_FIELD && e->field != NULL && e->field->n == 1 &&
                  e->field->alt[0].decl == v->decl;
    v->slot = v->is_field ? e->field->alt[0].slot : 0;
}

static struct key_variant *variant_of_role(struct key_table *t, struct key_group *g, size_t *cap,
                                           const struct rule_role *role)
{
    for (uint32_t i = 0; i < g->n_variants; i++) {
        if (variant_fits(&g->variants[i], role, g->n_values)) {
            return &g->variants[i];
        }
    }
    size_t n = g->n_variants;
    struct key_variant *v = &VEC_PUSH(g->variants, n, *cap);
    *v = (struct key_variant){
        .decl = role->decl,
        .exprs = role->key,
        .uses = ARENA_ARRAY(&t->arena, struct key_use, g->n_rules),
    };
    find_slot(v, g->n_values);
    g->n_variants++;
    return v;
}

static bool is_filtered(const struct rule *r, uint32_t decl)
{
    for (uint32_t i = 0; i < r->n_roles; i++) {
        if (r->roles[i].decl == decl && r->roles[i].filter != NULL) {
            return true;
        }
    }
    return false;
}

static void variant_add_role(struct key_variant *v, const struct rule *r, uint32_t role)
{
    if (v->n_uses == 0 || v->uses[v->n_uses - 1].rule != r->index) {
        v->uses[v->n_uses++] =
            (struct key_use){.rule = r->index, .filtered = is_filtered(r, v->decl)};
    }
    v->uses[v->n_uses - 1].roles |= UINT64_C(1) << role;
}

static void group_fill_variants(struct key_table *t, struct key_group *g, size_t *cap_measures)
{
    size_t cap = 0;
    for (uint32_t i = 0; i < g->n_rules; i++) {
        const struct rule *r = &t->rs->rules[g->rules[i]];
        for (uint32_t k = 0; k < r->n_roles; k++) {
            variant_add_role(variant_of_role(t, g, &cap, &r->roles[k]), r, k);
        }
    }
    key_group_add_profiles(t, g, cap_measures, &cap);
}

/* An event reaches a key of the group through one variant at most. */
static bool has_one_way(const struct key_group *g)
{
    for (uint32_t i = 0; i < g->n_variants; i++) {
        for (uint32_t k = 0; k < i && g->variants[i].n_uses > 0; k++) {
            if (g->variants[k].decl == g->variants[i].decl && g->variants[k].n_uses > 0) {
                return false;
            }
        }
    }
    return true;
}

/* What an event asks of the leader it asks of all: the tests are the same. */
static void keep_leaders(const struct key_table *t, struct key_variant *v)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v->n_uses; i++) {
        if (kin_leader(&t->kin, t->rs->n_units, v->uses[i].rule) == v->uses[i].rule) {
            v->uses[kept++] = v->uses[i];
        }
    }
    v->n_uses = kept;
}

static void find_kin(struct key_table *t, const struct key_group *g)
{
    if (!has_one_way(g)) {
        return;
    }
    kin_table_add(&t->kin, t->rs, g->rules, g->n_rules, &t->arena);
    for (uint32_t i = 0; i < g->n_variants; i++) {
        keep_leaders(t, &g->variants[i]);
    }
}

static void find_by_event(const struct key_table *t, const struct key_group *g)
{
    for (uint32_t i = 0; i < g->n_variants; i++) {
        for (uint32_t k = 0; k < g->variants[i].n_uses; k++) {
            struct key_use *use = &g->variants[i].uses[k];
            const struct rule *r = &t->rs->rules[use->rule];
            use->begin_tests = r->first_tests | r->lead_tests;
            use->by_event = r->quick_tests && r->n_captures == 0 && r->n_profiles == 0 && !r->drains &&
                            !use->filtered && t->kin.of_unit[use->rule] == NULL;
        }
    }
}

static void index_uses(struct key_table *t, struct key_group *g)
{
    for (uint32_t i = 0; i < g->n_variants; i++) {
        struct use_index *index = use_index_new(t->rs, &g->variants[i], &t->arena);
        g->variants[i].index = index;
        if (index != NULL) {
            index->number = t->n_indices++;
            uint32_t words = index->n_words + index->n_groups;
            t->index_words = words > t->index_words ? words : t->index_words;
        }
    }
}

/* A rule that asks more than the set has room for asks by itself. */
static void share_ask(struct quick_set *asks, const struct rule *r, struct key_use *use, struct arena *arena)
{
    struct quick_need *needs = ARENA_ARRAY(arena, struct quick_need, r->n_tests + 1u);
    uint32_t n = quick_set_add(asks, r, use->roles, needs);
    if (n == UINT32_MAX) {
        return;
    }
    use->needs = needs;
    use->n_needs = n;
    use->shift = (uint8_t)quick_needs_shift(needs, n);
    for (uint32_t i = 0; i < n; i++) {
        use->tests |= needs[i].test;
    }
}

static void share_asks(struct key_table *t, const struct key_group *g)
{
    for (uint32_t i = 0; i < g->n_variants; i++) {
        struct key_variant *v = &g->variants[i];
        if (v->index != NULL) {
            continue;
        }
        v->asks = ARENA_ARRAY(&t->arena, struct quick_set, 1);
        v->asks->decl = v->decl;
        for (uint32_t k = 0; k < v->n_uses; k++) {
            struct key_use *use = &v->uses[k];
            const struct rule *r = &t->rs->rules[use->rule];
            if (use->by_event) {
                share_ask(v->asks, r, use, &t->arena);
            }
        }
    }
}

static void fill_routes(struct key_table *t)
{
    size_t n_lists = (size_t)t->rs->n_stages * t->rs->n_decls;
    t->routes = ARENA_ARRAY(&t->arena, struct key_routes, n_lists);
    for (int fill = 0; fill < 2; fill++) {
        for (uint32_t i = 0; i < t->n_groups; i++) {
            const struct key_group *g = &t->groups[i];
            for (uint32_t k = 0; k < g->n_variants; k++) {
                struct key_routes *list =
                    &t->routes[(size_t)g->stage * t->rs->n_decls + g->variants[k].decl];
                if (fill) {
                    list->items[list->n] = (struct key_route){i, k};
                }
                list->n++;
            }
        }
        for (size_t i = 0; i < n_lists && !fill; i++) {
            t->routes[i].items = ARENA_ARRAY(&t->arena, struct key_route, t->routes[i].n);
            t->routes[i].n = 0;
        }
    }
}

static void table_init(struct key_table *t, const struct ruleset *rs, bool shared)
{
    *t = (struct key_table){.rs = rs};
    size_t cap = 0, cap_measures = 0;
    kin_table_init(&t->kin, rs, &t->arena);
    t->group_of_unit = ARENA_ARRAY(&t->arena, uint32_t, rs->n_units + 1);
    for (uint32_t i = 0; i < rs->n_units; i++) {
        if (rule_is_disabled(&rs->rules[i])) {
            continue; /* no event goes to it, so nothing is kept for it */
        }
        struct key_group *g = group_of_rule(t, &cap, i);
        g->rules[g->n_rules++] = i;
        g->keeps_quiet |= rs->rules[i].keeps_quiet;
        t->group_of_unit[i] = g->index;
    }
    for (uint32_t i = 0; i < t->n_groups; i++) {
        group_fill_variants(t, &t->groups[i], &cap_measures);
        if (shared) {
            find_kin(t, &t->groups[i]);
        }
        find_by_event(t, &t->groups[i]);
        index_uses(t, &t->groups[i]);
        share_asks(t, &t->groups[i]);
    }
    fill_routes(t);
}

void key_table_init(struct key_table *t, const struct ruleset *rs)
{
    table_init(t, rs, false);
}

void key_table_init_shared(struct key_table *t, const struct ruleset *rs)
{
    table_init(t, rs, true);
}

void key_table_release(struct key_table *t)
{
    for (uint32_t i = 0; i < t->n_groups; i++) {
        free(t->groups[i].variants);
    }
    free(t->groups);
    free(t->measures);
    arena_release(&t->arena);
    *t = (struct key_table){0};
}

const struct key_use *key_variant_use(const struct key_variant *v, uint32_t rule)
{
    uint32_t lo = 0, hi = v->n_uses;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (v->uses[mid].rule < rule) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < v->n_uses && v->uses[lo].rule == rule ? &v->uses[lo] : NULL;
}

bool key_variant_hands(const struct key_variant *v, uint32_t rule)
{
    const struct key_use *use = key_variant_use(v, rule);
    size_t i = use != NULL ? (size_t)(use - v->uses) : 0;
    return use != NULL && (v->index->handed[i / 64] >> i % 64 & 1) != 0;
}

/* ---- evaluation --------------------------------------------------------------------------- */

void key_eval_init(struct key_eval *ev)
{
    *ev = (struct key_eval){0};
    arena_init(&ev->scratch);
}

void key_eval_release(struct key_eval *ev)
{
    arena_release(&ev->scratch);
    buf_release(&ev->canonical);
}

struct hash128 key_hash(const struct key_group *g, struct slice canonical)
{
    struct buf b = BUF_INIT;
    buf_put_u64be(&b, g->identity.hi);
    buf_put_u64be(&b, g->identity.lo);
    buf_put_slice(&b, canonical);
    struct hash128 h = hash128(buf_slice(&b));
    buf_release(&b);
    return h;
}

static struct key_ref ref_of(const struct key_group *g, const struct value *values,
                             struct slice hashed)
{
    return (struct key_ref){
        .key_group = g->index,
        .hash = hash128(hashed),
        .canonical = slice_from(hashed.ptr + sizeof(g->identity_bytes),
                                hashed.len - sizeof(g->identity_bytes)),
        .values = values,
        .n_values = g->n_values,
    };
}

struct key_ref key_of_values(const struct key_group *g, const struct value *values,
                             struct key_eval *ev)
{
    buf_clear(&ev->canonical);
    buf_put(&ev->canonical, g->identity_bytes, sizeof(g->identity_bytes));
    for (uint32_t i = 0; i < g->n_values; i++) {
        value_encode(values[i], &ev->canonical);
    }
    return ref_of(g, values, arena_copy(&ev->scratch, buf_slice(&ev->canonical)));
}

static bool key_values(const struct key_group *g, const struct key_variant *v,
                       const struct event *e, struct key_eval *ev, struct value *values)
{
    struct eval eval = {.self = e, .scratch = &ev->scratch, .counters = &ev->counters,
                        .env = ev->env};
    for (uint32_t i = 0; i < g->n_values; i++) {
        values[i] = expr_eval(v->exprs[i], &eval);
        if (value_is_missing(values[i])) {
            return false;
        }
    }
    return true;
}

bool key_of(const struct key_group *g, const struct key_variant *v, const struct event *e,
            struct key_eval *ev, struct key_ref *ret)
{
    const struct value *text = key_short_text(v, e);
    if (text != NULL) {
        *ret = key_of_short_text(g, text, ev);
        return true;
    }
    struct value *values = ARENA_ARRAY(&ev->scratch, struct value, g->n_values);
    if (!key_values(g, v, e, ev, values)) {
        return false;
    }
    *ret = key_of_values(g, values, ev);
    return true;
}

/* ---- text and order ----------------------------------------------------------------------- */

void key_to_text(const struct value *values, uint32_t n, struct buf *out)
{
    if (n == 1) {
        value_to_text(values[0], out);
        return;
    }
    buf_put_byte(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) {
            buf_put_byte(out, ',');
        }
        value_to_json(values[i], out);
    }
    buf_put_byte(out, ']');
}

int key_compare(const struct value *a, uint32_t na, const struct value *b, uint32_t nb)
{
    for (uint32_t i = 0; i < na && i < nb; i++) {
        int c = value_compare(a[i], b[i]);
        if (c != 0) {
            return c;
        }
    }
    return na < nb ? -1 : na > nb;
}
