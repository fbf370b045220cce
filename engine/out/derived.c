#include "engine/out/derived.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "nfa/expr.h"

/* ---- making ------------------------------------------------------------------------------- */

static struct value text_in(struct slice s, struct arena *arena)
{
    struct slice copy = arena_copy(arena, s);
    return value_string(copy);
}

/* Values that rules name; those of the others stay missing, as in decoded events. What a computed
 * field reads is there all the same. */
static bool is_wanted(const struct schema_decl *d, const struct emit_plan *plan, uint32_t slot)
{
    return d->fields[slot].keep || plan->n_computed > 0;
}

static void fill_fields(const struct schema_decl *d, const struct emit_plan *plan,
                        const struct match *m, const struct value *values, struct event *e,
                        struct arena *arena)
{
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        if (is_wanted(d, plan, plan->slots[i])) {
            e->values[plan->slots[i]] = value_copy(values[i], arena);
        }
    }
    for (uint32_t i = 0; i < m->rule->n_key; i++) {
        int32_t slot = plan->key_slots[i];
        if (slot >= 0 && is_wanted(d, plan, (uint32_t)slot)) {
            e->values[slot] = value_copy(m->key[i], arena);
        }
    }
    if (d->time_field >= 0) {
        e->values[d->time_field] = value_timestamp(m->detected_at);
    }
}

static void compute_fields(const struct schema_decl *d, const struct emit_plan *plan,
                           struct event *e, struct derived_store *store)
{
    struct eval ev = {
        .self = e, .scratch = &store->arena, .counters = &store->counters, .env = store->env};
    for (uint32_t i = 0; i < plan->n_computed; i++) {
        uint32_t slot = plan->computed[i];
        e->values[slot] = expr_eval(d->fields[slot].computed, &ev);
    }
    eval_release(&ev);
}

static struct event *make_event(const struct ruleset *rs, const struct match *m,
                                const struct emit_plan *plan, const struct value *values,
                                uint32_t n, struct slice id, struct derived_store *store)
{
    struct arena *arena = &store->arena;
    const struct schema_decl *d = &rs->decls[plan->decl];
    uint32_t n_values = d->n_fields + EVENT_ORIGIN_VALUES;
    size_t bytes = sizeof(struct event) + n_values * sizeof(struct value);
    struct event *e = arena_alloc(arena, bytes);
    *e = (struct event){
        .time = m->detected_at,
        .at = {.topic = EVENT_DERIVED, .offset = n},
        .decl = plan->decl,
        .n_values = n_values,
        .bytes = (uint32_t)bytes,
    };
    for (uint32_t i = 0; i < d->n_fields; i++) {
        e->values[i] = VALUE_MISSING;
    }
    e->values[d->n_fields + EVENT_ORIGIN_RULE] = text_in(m->rule->name, arena);
    e->values[d->n_fields + EVENT_ORIGIN_MATCH] = text_in(id, arena);
    fill_fields(d, plan, m, values, e, arena);
    compute_fields(d, plan, e, store);
    return e;
}

static const struct value *copy_key(const struct match *m, struct arena *arena)
{
    struct value *key = ARENA_ARRAY(arena, struct value, m->rule->n_key + 1);
    for (uint32_t i = 0; i < m->rule->n_key; i++) {
        key[i] = value_copy(m->key[i], arena);
    }
    return key;
}

/* At a deadline: behind everything of its time, whatever was delivered last, but not in front of the
 * release of an event that came back and had that deadline behind it. */
static bool is_at_deadline(const struct match *m)
{
    return m->by_deadline || m->kind == MATCH_TIMEOUT;
}

struct standing match_standing(const struct match *m, const struct cause *cause)
{
    if (is_at_deadline(m)) {
        struct place at = place_after_time(m->detected_at);
        struct place root = place_cmp(cause->at, cause->root) < 0 ? cause->root : at;
        return (struct standing){root, at, m->rule->level};
    }
    uint32_t depth = cause->derived == NULL ? 0 : cause->derived->depth + 1;
    return (struct standing){cause->root, cause->at, depth};
}

static void set_place(struct derived *d, const struct match *m, const struct cause *cause)
{
    struct standing s = match_standing(m, cause);
    d->root = s.root;
    d->at = s.at;
    if (is_at_deadline(m)) {
        d->level = s.rank;
    } else {
        d->cause = cause->derived;
        d->depth = s.rank;
    }
}

void derived_of_match(const struct ruleset *rs, const struct match *m, struct hash128 id,
                      const struct cause *cause, struct derived_store *store, derived_add add,
                      void *ctx)
{
    struct arena *arena = &store->arena;
    char hex[HASH128_HEX_MAX];
    uint32_t n_plans, n = 0;
    const struct emit_plan *plans = rule_plans(m->rule, m->kind, &n_plans);
    const struct value *key = copy_key(m, arena);
    hash128_hex(id, hex);
    for (uint32_t i = 0; i < n_plans; i++) {
        if (!plans[i].is_event) {
            continue;
        }
        struct derived *d = ARENA_NEW(arena, struct derived);
        *d = (struct derived){.rule = m->rule, .key = key, .number = store->n++};
        set_place(d, m, cause);
        d->event = make_event(rs, m, &plans[i], m->derived[i], n++, slice_of(hex), store);
        add(ctx, d);
    }
}

static const struct quiet_ask *ask_of(const struct match *m, struct out_alert *alert,
                                      struct arena *arena)
{
    struct value *per = ARENA_ARRAY(arena, struct value, m->rule->quiet.n_per);
    for (uint32_t i = 0; i < m->rule->quiet.n_per; i++) {
        per[i] = value_copy(m->per[i], arena);
    }
    struct quiet_ask *ask = ARENA_NEW(arena, struct quiet_ask);
    *ask = (struct quiet_ask){alert, m->rule->quiet.unit, per, m->derived != NULL};
    return ask;
}

struct derived *derived_of_alert(const struct match *m, struct out_alert *alert,
                                 const struct cause *cause, struct derived_store *store)
{
    struct arena *arena = &store->arena;
    struct event *e = ARENA_NEW(arena, struct event);
    *e = (struct event){.time = m->detected_at, .at = {.topic = EVENT_DERIVED}};
    struct derived *d = ARENA_NEW(arena, struct derived);
    *d = (struct derived){
        .event = e,
        .rule = m->rule,
        .key = copy_key(m, arena),
        .number = store->n++,
        .ask = ask_of(m, alert, arena),
    };
    set_place(d, m, cause);
    return d;
}

/* ---- order -------------------------------------------------------------------------------- */

static int cmp_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Both have the same cause, or none. */
static int cmp_siblings(const struct derived *a, const struct derived *b)
{
    int c = cmp_u64(a->level, b->level);
    c = c != 0 ? c : slice_cmp(a->rule->name, b->rule->name);
    c = c != 0 ? c : key_compare(a->key, a->rule->n_key, b->key, b->rule->n_key);
    return c != 0 ? c : cmp_u64(a->number, b->number);
}

/* Of the input events or deadlines that two chains began with. A deadline is one of a rule and key. */
static int cmp_origins(const struct derived *a, const struct derived *b)
{
    int c = place_cmp(a->root, b->root);
    c = c != 0 ? c : place_cmp(a->at, b->at);
    c = c != 0 ? c : cmp_u64(a->level, b->level);
    if (c != 0 || place_cmp(a->root, place_after_time(a->root.time)) != 0) {
        return c;
    }
    c = slice_cmp(a->rule->name, b->rule->name);
    return c != 0 ? c : key_compare(a->key, a->rule->n_key, b->key, b->rule->n_key);
}

/* Of one depth: their causes decide unless they are siblings. */
static int cmp_level(const struct derived *a, const struct derived *b)
{
    if (a->cause == b->cause) {
        int c = place_cmp(a->root, b->root);
        return c != 0 ? c : cmp_siblings(a, b);
    }
    return cmp_level(a->cause, b->cause);
}

static const struct derived *first_of_chain(const struct derived *d)
{
    while (d->cause != NULL) {
        d = d->cause;
    }
    return d;
}

/* A cause of lower depth stands in front of one of higher depth, so what it brings about does too. */
int derived_cmp(const struct derived *a, const struct derived *b)
{
    int c = cmp_origins(first_of_chain(a), first_of_chain(b));
    c = c != 0 ? c : cmp_u64(a->depth, b->depth);
    return c != 0 ? c : cmp_level(a, b);
}

/* ---- lists -------------------------------------------------------------------------------- */

static int by_order(const void *x, const void *y)
{
    const struct derived *const *a = x, *const *b = y;
    return derived_cmp(*a, *b);
}

void derived_list_release(struct derived_list *l)
{
    free(l->items);
    *l = (struct derived_list){0};
}

void derived_list_add(struct derived_list *l, struct derived *d)
{
    VEC_PUSH(l->items, l->n, l->cap) = d;
}

void derived_list_sort(struct derived_list *l)
{
    if (l->n > 1) {
        qsort(l->items, l->n, sizeof(*l->items), by_order);
    }
}
