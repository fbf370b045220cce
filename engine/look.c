/* Looking into a running engine: what is open for a key, what rules cost. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "engine/keys/key_text.h"
#include "engine/keys/measure_view.h"
#include "engine/out/match_id.h"
#include "nfa/kin.h"

/* A look must not hold up what is evaluated. */
#define LOOK_STEPS UINT64_C(100000)
#define LOOK_RECORDS UINT64_C(200000)

struct look {
    struct engine *e;
    const struct engine_looker *looker;
    const char *rule; /* NULL: all */
    struct slice key;
    struct nfa_scratch *scratch;
    struct alert_options alerts; /* every field */
    struct value *values;        /* of the key, in one group */
    struct arena arena;
    struct buf json;
    /* Of the rule that is looked at. */
    const struct rule *now;
    struct etime watermark;
    const struct event **complete; /* first events of what waits for a deadline */
    size_t n_complete, cap_complete;
    struct keyspace *keyspace;
    bool found, fits;       /* such a rule; a key of its kind */
};

/* ---- the key ------------------------------------------------------------------------------- */

static bool parse_key(struct look *l, const struct key_group *g)
{
    l->values = ARENA_ARRAY(&l->arena, struct value, g->n_values + 1u);
    return key_from_text(g, l->key, &l->arena, l->values);
}

/* ---- one rule -------------------------------------------------------------------------------- */

static void hand_over(struct look *l, const struct match *m, const struct open_deadline *deadlines,
                      uint32_t n)
{
    buf_clear(&l->json);
    alert_json(&l->alerts, m, match_id(l->e->rs, m), &l->json);
    const struct engine_open o = {l->now, l->watermark, buf_slice(&l->json), deadlines, n};
    l->looker->open(l->looker->ctx, &o);
}

static void on_pending(void *ctx, const struct match *m)
{
    struct look *l = ctx;
    const struct open_deadline at = {.what = "decided", .at = m->detected_at};
    if (m->kind == MATCH_PENDING) {
        hand_over(l, m, &at, 1);
        VEC_PUSH(l->complete, l->n_complete, l->cap_complete) = m->evidence[0].event;
    }
}

/* What is complete is no part any more. */
static void on_open(void *ctx, const struct open_match *m)
{
    struct look *l = ctx;
    for (size_t i = 0; i < l->n_complete; i++) {
        if (l->complete[i] == m->match->evidence[0].event) {
            return;
        }
    }
    hand_over(l, m->match, m->deadlines, m->n_deadlines);
}

static void look_at_rule(struct look *l, const struct rule *rule, struct key_record *rec)
{
    struct engine *e = l->e;
    struct keyspace *ks = l->keyspace;
    struct key_slot *slot = rec ? keyspace_slot(ks, rec, rule->index) : NULL;
    struct instance *in = slot ? slot->instance : NULL;
    uint32_t g = e->rs->clock_group_of_rule[rule->original];
    struct engine_standing s = {.rule = rule, .watermark = e->clocks[g].watermark};
    l->now = rule;
    l->watermark = s.watermark;
    l->n_complete = 0;
    if (in != NULL) {
        struct measure_view view;
        measure_view_init(&view, &e->keys, e->options.given);
        view.rec = rec;
        struct nfa_call call = {.scratch = l->scratch,
                                .key = rec->values,
                                .on_match = on_pending,
                                .ctx = l,
                                .history_begin = e->history_begin[g],
                                .measures = &view.reader};
        const struct rule *runs_with = &e->rs->rules[slot->rule];
        if (runs_with != rule) {
            instance_become(in, rule);
        }
        s.state = instance_standing(in, s.watermark);
        s.kept = s.state.anything;
        instance_pending(in, &call);
        s.left_out = instance_open(in, s.watermark, l->looker->most, &call, on_open, l);
        if (runs_with != rule) {
            instance_become(in, runs_with);
        }
    }
    l->looker->standing(l->looker->ctx, &s);
}

static bool is_asked(const struct look *l, const struct rule *rule)
{
    return !rule_is_copy(rule) && !rule->keeps_quiet && !rule_is_disabled(rule) &&
           (l->rule == NULL || slice_eq_str(rule->name, l->rule));
}

static bool has_rule(const struct look *l, const struct key_group *g)
{
    bool any = false;
    for (uint32_t i = 0; i < g->n_rules; i++) {
        any |= is_asked(l, &l->e->rs->rules[g->rules[i]]);
    }
    return any;
}

static enum err look_at_group(struct look *l, const struct key_group *g, struct error *err)
{
    struct key_record *rec;
    if (!has_rule(l, g)) {
        return ERR_OK;
    }
    l->found = true;
    if (!parse_key(l, g)) {
        return ERR_OK;
    }
    l->fits = true;
    struct key_ref ref = key_of_values(g, l->values, &l->e->key_eval);
    struct shard *s = &l->e->shards[ref.hash.hi % l->e->n_shards];
    FYKE_TRY(keyspace_find(s->keyspace, &ref, &rec, err));
    l->keyspace = s->keyspace;
    for (uint32_t i = 0; i < g->n_rules; i++) {
        const struct rule *rule = &l->e->rs->rules[g->rules[i]];
        if (is_asked(l, rule)) {
            look_at_rule(l, rule, rec);
        }
    }
    return ERR_OK;
}

enum err engine_look(struct engine *e, const char *rule, struct slice key,
                     const struct engine_looker *looker, struct error *err)
{
    struct nfa_limits limits = e->options.nfa;
    struct look l = {.e = e, .looker = looker, .rule = rule, .key = key, .alerts = e->alerts};
    enum err rc = ERR_OK;
    limits.max_steps = LOOK_STEPS;
    limits.watch = NULL;
    l.alerts.all_fields = true;
    l.scratch = nfa_scratch_new(e->rs, limits);
    nfa_scratch_set_env(l.scratch, tables_env(e->tables));
    arena_init(&l.arena);
    for (uint32_t i = 0; i < e->keys.n_groups && rc == ERR_OK; i++) {
        rc = look_at_group(&l, &e->keys.groups[i], err);
    }
    nfa_scratch_free(l.scratch);
    arena_release(&l.arena);
    buf_release(&l.json);
    free(l.complete);
    FYKE_TRY(rc);
    if (rule != NULL && !l.found) {
        return error_set(err, ERR_USAGE, "no rule '%s'", rule);
    }
    if (!l.fits) {
        return error_set(err, ERR_USAGE, "no rule has keys like '%.*s'", SLICE_ARG(key));
    }
    return ERR_OK;
}

/* ---- figures --------------------------------------------------------------------------------- */

struct counting {
    struct engine *e;
    const struct keyspace *keyspace;
    struct engine_rule_figures *figures;
    struct instance_standing now; /* of the slot at hand */
    uint64_t left;
};

static void count_rule(void *ctx, uint32_t rule)
{
    struct counting *c = ctx;
    struct engine_rule_figures *f = &c->figures[c->e->rs->rules[rule].original];
    f->keys += c->now.anything;
    f->kept += c->now.events;
    f->open += c->now.starts;
}

static bool count_record(void *ctx, const struct key_record *rec)
{
    struct counting *c = ctx;
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        const struct key_slot *slot = &rec->slots[i];
        if (slot->instance != NULL) {
            const struct ruleset *rs = c->e->rs;
            uint32_t g = rs->clock_group_of_rule[rs->rules[slot->rule].original];
            c->now = instance_standing(slot->instance, c->e->clocks[g].watermark);
            key_slot_each_rule(c->keyspace, slot, count_rule, c);
        }
    }
    return --c->left > 0;
}

/* Events that a rule was handed, those among them that an index kept from it. */
static uint64_t events_of(const struct shard *s, const struct key_table *keys, uint32_t unit)
{
    unit = kin_leader(&keys->kin, keys->rs->n_units, unit);
    const struct shard_cost *cost = &s->costs[unit];
    uint64_t events = cost->events - cost->found;
    if (keys->n_indices == 0 || rule_is_disabled(&keys->rs->rules[unit])) {
        return events;
    }
    const struct key_group *g = &keys->groups[keys->group_of_unit[unit]];
    for (uint32_t i = 0; i < g->n_variants; i++) {
        const struct key_variant *v = &g->variants[i];
        if (v->index != NULL && key_variant_hands(v, unit)) {
            events += s->looked_up[v->index->number];
        }
    }
    return events;
}

void engine_rule_figures(struct engine *e, struct engine_rule_figures *ret, bool *ret_whole)
{
    struct counting c = {.e = e, .figures = ret, .left = LOOK_RECORDS};
    memset(ret, 0, e->rs->n_rules * sizeof(*ret));
    *ret_whole = true;
    for (uint32_t i = 0; i < e->n_shards; i++) {
        for (uint32_t u = 0; u < e->rs->n_units; u++) {
            struct engine_rule_figures *f = &ret[e->rs->rules[u].original];
            const struct shard_cost *cost = &e->shards[i].costs[u];
            f->events += events_of(&e->shards[i], &e->keys, u);
            f->work.tests += cost->work.tests;
            f->work.visits += cost->work.visits;
            f->work.steps += cost->work.steps;
        }
        c.keyspace = e->shards[i].keyspace;
        *ret_whole = *ret_whole && keyspace_in_memory(e->shards[i].keyspace, count_record, &c);
    }
    for (uint32_t r = 0; r < e->rs->n_rules; r++) {
        ret[r].alerts = e->rule_alerts[r];
        ret[r].shadow = e->rule_shadow[r];
    }
}
