#include "lib/replay_span.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "nfa/profile.h"

/* Infinity absorbs, and so does what does not fit. */
static struct duration plus(struct duration a, struct duration b)
{
    int64_t sum;
    if (duration_is_infinite(a) || duration_is_infinite(b) ||
        __builtin_add_overflow(a.ns, b.ns, &sum)) {
        return DURATION_INFINITE;
    }
    return (struct duration){sum};
}

static struct duration longer(struct duration a, struct duration b)
{
    return a.ns > b.ns ? a : b;
}

struct parts {
    struct duration window, measures, quiet, derived, need;
    bool known, under_way;
};

struct spans {
    const struct ruleset *rs;
    struct parts *of; /* per unit */
};

static struct parts *parts_of(struct spans *s, uint32_t rule);

/* ---- derived events ------------------------------------------------------------------------- */

static bool derives(const struct rule *rule, uint32_t decl)
{
    for (uint32_t i = 0; i < rule->n_emits; i++) {
        if (rule->emits[i].is_event && rule->emits[i].decl == decl) {
            return true;
        }
    }
    for (uint32_t i = 0; i < rule->n_timeouts; i++) {
        if (rule->timeouts[i].is_event && rule->timeouts[i].decl == decl) {
            return true;
        }
    }
    return false;
}

/* The most that rules need which derive one of these roles. */
static struct duration need_behind(struct spans *s, const struct rule_role *roles, uint32_t n)
{
    struct duration most = {0};
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t r = 0; s->rs->decls[roles[i].decl].is_derived && r < s->rs->n_rules; r++) {
            if (derives(&s->rs->rules[r], roles[i].decl)) {
                most = longer(most, parts_of(s, r)->need);
            }
        }
    }
    return most;
}

/* ---- measures ------------------------------------------------------------------------------- */

struct measure_walk {
    struct spans *spans;
    struct parts *parts;
};

static void add_measure(void *ctx, uint32_t index)
{
    struct measure_walk *w = ctx;
    const struct ruleset *rs = w->spans->rs;
    const struct measure *m = &rs->measures[index];
    const struct profile *p = &rs->profiles[m->profile];
    struct duration past = longer(plus(m->over, m->every), m->warm);
    w->parts->measures = longer(w->parts->measures, past);
    w->parts->derived = longer(w->parts->derived, need_behind(w->spans, p->roles, p->n_roles));
}

/* ---- rules ---------------------------------------------------------------------------------- */

/* Rules derive for each other in levels, so this ends; the guard is against a set that is not. */
static struct parts *parts_of(struct spans *s, uint32_t rule)
{
    const struct rule *r = &s->rs->rules[rule];
    struct parts *p = &s->of[rule];
    if (p->known || p->under_way || rule_is_disabled(r)) {
        return p;
    }
    p->under_way = true;
    p->window = r->horizon;
    p->quiet = r->quiet.present ? r->quiet.length : (struct duration){0};
    p->derived = need_behind(s, r->roles, r->n_roles);
    rule_each_measure(r, add_measure, &(struct measure_walk){s, p});
    p->need = plus(plus(p->window, p->measures), plus(p->quiet, p->derived));
    p->known = true;
    return p;
}

void replay_span_of(const struct ruleset *rs, struct replay_span *ret)
{
    struct spans s = {rs, xcalloc(rs->n_units + 1u, sizeof(*s.of))};
    *ret = (struct replay_span){.rule = UINT32_MAX};
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct parts *p = parts_of(&s, i);
        if (!duration_is_infinite(p->window)) {
            ret->horizon = longer(ret->horizon, p->window);
        }
        if (p->need.ns > ret->need.ns) {
            ret->need = p->need;
            ret->rule = i;
            ret->window = p->window;
            ret->measures = p->measures;
            ret->quiet = p->quiet;
            ret->derived = p->derived;
        }
    }
    for (uint32_t t = 0; t < rs->n_topics; t++) {
        ret->late = longer(ret->late, rs->topics[t].out_of_order);
    }
    free(s.of);
}

void replay_span_of_rules(const struct ruleset *rs, struct replay_rule_span *ret)
{
    struct spans s = {rs, xcalloc(rs->n_units + 1u, sizeof(*s.of))};
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct parts *p = parts_of(&s, i);
        ret[i] = (struct replay_rule_span){p->window, p->measures, p->quiet, p->derived};
    }
    free(s.of);
}

static void put_part(struct duration d, const char *what, struct buf *out)
{
    char text[DURATION_TEXT_MAX];
    if (d.ns > 0 && !duration_is_infinite(d)) {
        duration_format(d, text);
        buf_printf(out, ", %s of %s", text, what);
    }
}

void replay_span_text(const struct replay_span *s, const struct ruleset *rs, struct buf *out)
{
    char text[DURATION_TEXT_MAX];
    if (s->rule == UINT32_MAX) {
        buf_puts(out, "0s: no rule looks back");
        return;
    }
    duration_format(s->need, text);
    buf_printf(out, "%s: rule %.*s", duration_is_infinite(s->need) ? "everything" : text,
               SLICE_ARG(rs->rules[s->rule].name));
    if (duration_is_infinite(s->window)) {
        buf_puts(out, ", which has no window");
    }
    put_part(s->window, "windows and absences", out);
    put_part(s->measures, "profiles", out);
    put_part(s->quiet, "quiet", out);
    put_part(s->derived, "rules that derive events for it", out);
}
