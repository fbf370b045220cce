#include "lib/replay_settled.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/replay_span.h"

/* ---- life ----------------------------------------------------------------------------------- */

static bool hangs_together(const struct replay_settled *s, uint32_t rule)
{
    return s->spans[rule].derived.ns > 0 || s->rs->rules[rule].quiet.apart;
}

void replay_settled_init(struct replay_settled *s, struct replay_result *result, bool beyond)
{
    *s = (struct replay_settled){.rs = result->rs, .result = result, .beyond = beyond};
    s->on = !result->from_beginning;
    if (!s->on) {
        return;
    }
    s->spans = xcalloc(s->rs->n_rules + 1u, sizeof(*s->spans));
    s->group_of = xcalloc(s->rs->n_rules + 1u, sizeof(*s->group_of));
    replay_span_of_rules(s->rs, s->spans);
    for (uint32_t i = 0; i < s->rs->n_rules; i++) {
        s->group_of[i] = UINT32_MAX;
        result->rules[i].hangs_together = hangs_together(s, i);
    }
}

void replay_settled_release(struct replay_settled *s)
{
    for (size_t i = 0; i < s->n_groups; i++) {
        if (s->groups[i].known) {
            map_release(&s->groups[i].keys);
        }
        free(s->groups[i].rules);
        free(s->groups[i].items);
    }
    free(s->groups);
    free(s->group_of);
    free(s->spans);
    buf_release(&s->text);
}

/* ---- events --------------------------------------------------------------------------------- */

static struct duration rest_of(const struct replay_settled *s, uint32_t rule)
{
    const struct replay_rule_span *p = &s->spans[rule];
    int64_t sum;
    if (duration_is_infinite(p->window) || duration_is_infinite(p->quiet) ||
        __builtin_add_overflow(p->window.ns, p->quiet.ns, &sum)) {
        return DURATION_INFINITE;
    }
    return (struct duration){sum};
}

static struct etime begin_of(const struct replay_settled *s, uint32_t rule)
{
    struct duration measures = s->spans[rule].measures;
    return duration_is_infinite(measures) ? ETIME_MAX
                                          : etime_add(s->result->evaluated_from, measures);
}

static void open_group(struct replay_settled *s, const struct key_group *g)
{
    struct settled_group *to = &s->groups[g->index];
    *to = (struct settled_group){.known = true, .begin = ETIME_MIN};
    map_init(&to->keys, MAP_COPY_KEYS);
    to->rules = xcalloc(g->n_rules + 1u, sizeof(*to->rules));
    for (uint32_t i = 0; i < g->n_rules; i++) {
        const struct rule *rule = &s->rs->rules[g->rules[i]];
        if (rule->index >= s->rs->n_rules || hangs_together(s, rule->index)) {
            continue; /* copies answer for nobody */
        }
        struct duration rest = rest_of(s, rule->index);
        struct etime begin = begin_of(s, rule->index);
        to->rules[to->n_rules++] = rule->index;
        to->rest = to->rest.ns < rest.ns ? rest : to->rest;
        to->begin = etime_lt(to->begin, begin) ? begin : to->begin;
        s->group_of[rule->index] = g->index;
    }
}

static struct settled_group *group_at(struct replay_settled *s, const struct key_group *g)
{
    while (s->n_groups <= g->index) {
        VEC_PUSH(s->groups, s->n_groups, s->cap_groups) = (struct settled_group){0};
    }
    if (!s->groups[g->index].known) {
        open_group(s, g);
    }
    return &s->groups[g->index];
}

/* Nothing of the key lies in (from, to), and what lay before is forgotten by then. */
static bool is_gap(const struct settled_group *g, struct etime from, struct etime to)
{
    return !duration_is_infinite(g->rest) && etime_lt(etime_add(from, g->rest), to);
}

static void add_key(struct replay_settled *s, struct settled_group *g, struct slice text,
                    struct etime t)
{
    if (s->n_keys == REPLAY_MAX_TRACKED) {
        s->full = true;
        return;
    }
    s->n_keys++;
    VEC_PUSH(g->items, g->n, g->cap) = (struct settled_key){t, ETIME_MAX};
    map_add(&g->keys, text, (void *)(uintptr_t)g->n);
}

void replay_settled_event(void *ctx, const struct key_group *group, const struct value *values,
                          const struct event *e)
{
    struct replay_settled *s = ctx;
    if (!s->beyond && !etime_lt(e->time, s->result->from)) {
        return;
    }
    struct settled_group *g = group_at(s, group);
    if (g->n_rules == 0 || etime_lt(e->time, g->begin)) {
        return;
    }
    /* A key that is not there yet has been quiet since the beginning. */
    bool rested = is_gap(g, g->begin, e->time);
    if (rested && g->n == 0) {
        return;
    }
    buf_clear(&s->text);
    if (group->n_values > 0) {
        key_to_text(values, group->n_values, &s->text);
    }
    uintptr_t at = (uintptr_t)map_get(&g->keys, buf_slice(&s->text));
    if (at == 0) {
        if (!rested) {
            add_key(s, g, buf_slice(&s->text), e->time);
        }
        return;
    }
    struct settled_key *k = &g->items[at - 1];
    if (k->settled.ns == INT64_MAX && is_gap(g, k->prev, e->time)) {
        k->settled = etime_add(k->prev, g->rest);
    }
    k->prev = e->time;
}

/* ---- answers -------------------------------------------------------------------------------- */

static struct etime settled_from(const struct settled_group *g, const struct settled_key *k)
{
    return k->settled.ns != INT64_MAX || duration_is_infinite(g->rest)
               ? k->settled
               : etime_add(k->prev, g->rest);
}

bool replay_settled_at(const struct replay_settled *s, uint32_t rule, struct slice key,
                       struct etime detected)
{
    if (!s->on) {
        return true;
    }
    if (hangs_together(s, rule)) {
        return false;
    }
    if (s->group_of[rule] != UINT32_MAX) {
        const struct settled_group *g = &s->groups[s->group_of[rule]];
        uintptr_t at = (uintptr_t)map_get(&g->keys, key);
        if (at != 0) {
            return etime_lt(settled_from(g, &g->items[at - 1]), detected);
        }
    }
    struct duration rest = rest_of(s, rule);
    return !s->full && !duration_is_infinite(rest) &&
           etime_lt(etime_add(begin_of(s, rule), rest), detected);
}

static int compare_texts(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static void list_group(struct replay_settled *s, const struct settled_group *g)
{
    struct slice *texts = xcalloc(g->n + 1, sizeof(*texts));
    size_t n = 0;
    for (MAP_EACH(e, &g->keys)) {
        if (!etime_lt(settled_from(g, &g->items[(uintptr_t)e->value - 1]), s->result->from)) {
            texts[n++] = arena_copy(&s->result->arena, e->key);
        }
    }
    if (n > 1) {
        qsort(texts, n, sizeof(*texts), compare_texts);
    }
    for (uint32_t i = 0; i < g->n_rules; i++) {
        struct replay_rule *r = &s->result->rules[g->rules[i]];
        r->unsettled = ARENA_ARRAY(&s->result->arena, struct slice, n + 1);
        r->n_unsettled = n;
        r->n_tracked = g->n;
        for (size_t k = 0; k < n; k++) {
            r->unsettled[k] = texts[k];
        }
    }
    free(texts);
}

void replay_settled_finish(struct replay_settled *s)
{
    s->result->settled_full = s->full;
    for (size_t i = 0; i < s->n_groups; i++) {
        if (s->groups[i].known && s->groups[i].n_rules > 0) {
            list_group(s, &s->groups[i]);
        }
    }
}
