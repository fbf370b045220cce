#include "lib/replay_gate_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* ---- names ---------------------------------------------------------------------------------- */

static uint64_t alerts_of(const struct replay_result *r, const struct replay_rule *rule)
{
    return rule ? rule->matches + rule->timeouts : r->matches;
}

static const struct replay_label_figures *labels_of(const struct replay_result *r,
                                                    const struct replay_rule *rule)
{
    return rule ? &rule->labels : &r->labels;
}

static bool ratio(uint64_t part, uint64_t whole, double *ret)
{
    *ret = whole > 0 ? (double)part / (double)whole : 0;
    return whole > 0;
}

static bool get_matches(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    *ret = (double)alerts_of(r, rule);
    return true;
}

static bool get_per_day(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    *ret = replay_per_day(r, alerts_of(r, rule));
    return replay_has_rate(r);
}

/* Keys of different rules are different things: together they add up. */
static bool get_keys(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    uint64_t n = rule ? rule->keys : 0;
    for (uint32_t i = 0; !rule && i < r->n_rules; i++) {
        n += r->rules[i].keys;
    }
    *ret = (double)n;
    return true;
}

static bool get_late(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    (void)rule;
    return ratio(r->late_in_range, r->events + r->late_in_range, ret);
}

static bool get_events(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    (void)rule;
    *ret = (double)r->events;
    return true;
}

static bool get_precision(const struct replay_result *r, const struct replay_rule *rule,
                          double *ret)
{
    return ratio(labels_of(r, rule)->true_alerts, alerts_of(r, rule), ret);
}

static bool get_recall(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    const struct replay_label_figures *f = labels_of(r, rule);
    return ratio(f->found, f->events, ret);
}

static bool get_episode_recall(const struct replay_result *r, const struct replay_rule *rule,
                               double *ret)
{
    const struct replay_label_figures *f = labels_of(r, rule);
    return ratio(f->episodes_found, f->episodes, ret);
}

static bool get_true(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    *ret = (double)labels_of(r, rule)->true_alerts;
    return true;
}

static bool get_false(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    *ret = (double)(alerts_of(r, rule) - labels_of(r, rule)->true_alerts);
    return true;
}

static bool get_missed(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    const struct replay_label_figures *f = labels_of(r, rule);
    *ret = (double)(f->events - f->found);
    return true;
}

static bool get_benefit(const struct replay_result *r, const struct replay_rule *rule, double *ret)
{
    *ret = replay_benefit(r, labels_of(r, rule), alerts_of(r, rule));
    return true;
}

const struct gate_name *gate_names(uint32_t *ret_n)
{
    static const struct gate_name names[] = {
        {"matches", "matches and timeouts detected in the range", GATE_NEEDS_NOTHING, get_matches, 0, false},
        {"alerts_per_day", "the same per 24 hours of the range; undefined where that has no length", GATE_NEEDS_NOTHING, get_per_day, 0, false},
        {"keys", "different keys that they are about; of all rules added up", GATE_NEEDS_NOTHING,
         get_keys, 0, false},
        {"events", "events of the range that were evaluated", GATE_NEEDS_NOTHING, get_events, 0, false},
        {"late", "share of the events of the range that were late", GATE_NEEDS_NOTHING, get_late, 0, true},
        {"precision", "true alerts / alerts; undefined without alerts", GATE_NEEDS_LABELS,
         get_precision, 0, true},
        {"recall", "labelled events in evidence / labelled events", GATE_NEEDS_LABELS, get_recall, 0, true},
        {"episode_recall", "episodes with such an event / episodes", GATE_NEEDS_LABELS,
         get_episode_recall, 0, true},
        {"true_alerts", "alerts whose evidence holds a labelled event", GATE_NEEDS_LABELS, get_true,
         0, false},
        {"false_alerts", "the other alerts", GATE_NEEDS_LABELS, get_false, 0, false},
        {"missed", "labelled events in no evidence", GATE_NEEDS_LABELS, get_missed, 0, false},
        {"benefit", "amounts of labelled events in evidence − alerts × --alert-cost",
         GATE_NEEDS_LABELS, get_benefit, 0, false},
        {"same", "alerts of both rule sets: time, events and emit", GATE_NEEDS_DIFF, NULL, DIFF_SAME, false},
        {"changed", "the same time, other events or another emit", GATE_NEEDS_DIFF, NULL,
         DIFF_CHANGED, false},
        {"earlier", "events in common, detected earlier by the new rules", GATE_NEEDS_DIFF, NULL,
         DIFF_EARLIER, false},
        {"later", "the same, detected later", GATE_NEEDS_DIFF, NULL, DIFF_LATER, false},
        {"lost", "alerts of the old rules alone", GATE_NEEDS_DIFF, NULL, DIFF_LOST, false},
        {"new", "alerts of the new rules alone", GATE_NEEDS_DIFF, NULL, DIFF_NEW, false},
        {"differences", "all of these but the same", GATE_NEEDS_DIFF, NULL, DIFF_CLASSES, false},
    };
    *ret_n = FYKE_ARRAY_LEN(names);
    return names;
}

const struct gate_name *gate_name_of(struct slice text)
{
    uint32_t n;
    const struct gate_name *names = gate_names(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (slice_eq_str(text, names[i].name)) {
            return &names[i];
        }
    }
    return NULL;
}

void gates_release(struct gates *g)
{
    arena_release(&g->arena);
    free(g->items);
    *g = (struct gates){0};
}

/* ---- rules ---------------------------------------------------------------------------------- */

static bool has_rule(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; rs && i < rs->n_rules; i++) {
        if (slice_eq(rs->rules[i].name, name)) {
            return true;
        }
    }
    return false;
}

static enum err check_gate(const struct gate *g, const struct ruleset *rs, const struct ruleset *old_rs,
                           struct error *err)
{
    for (size_t i = 0; i < g->n_parts; i++) {
        FYKE_TRY(check_gate(&g->parts[i], rs, old_rs, err));
    }
    bool all = g->kind != GATE_BOUND || g->rule.len == 0 || slice_eq_str(g->rule, "each");
    if (all || has_rule(rs, g->rule) ||
        (g->name->needs == GATE_NEEDS_DIFF && has_rule(old_rs, g->rule))) {
        return ERR_OK;
    }
    return error_set(err, ERR_USAGE, "--gate: there is no rule \"%.*s\"", SLICE_ARG(g->rule));
}

enum err gates_check(const struct gates *g, const struct ruleset *rs, const struct ruleset *old_rs,
                     struct error *err)
{
    for (size_t i = 0; i < g->n; i++) {
        FYKE_TRY(check_gate(&g->items[i], rs, old_rs, err));
    }
    return ERR_OK;
}

/* ---- judging -------------------------------------------------------------------------------- */

struct judging {
    const struct replay_result *r;
    const struct replay_diff *d;
    struct buf *out;
    bool inside; /* of an `or`: a bound that is not met is no miss */
};

static bool holds(const struct gate *g, double v)
{
    switch (g->compare) {
    case GATE_LESS: return v < g->bound;
    case GATE_AT_MOST: return v <= g->bound;
    case GATE_EQUAL: return v >= g->bound && v <= g->bound;
    case GATE_AT_LEAST: return v >= g->bound;
    case GATE_MORE: return v > g->bound;
    case GATE_BETWEEN: return v >= g->bound && v <= g->upper;
    }
    return false;
}

static void put_head(const struct judging *j, const struct gate *g, struct slice rule)
{
    buf_puts(j->out, j->inside ? "  " : "");
    if (rule.len > 0) {
        buf_printf(j->out, "%.*s: ", SLICE_ARG(rule));
    }
    buf_printf(j->out, "%s%.*s: ", j->inside ? "" : "gate ", (int)g->text_len, g->text);
}

static void put_verdict(const struct judging *j, const struct gate *g, struct slice rule, const double *v, bool met)
{
    put_head(j, g, rule);
    if (v) {
        buf_printf(j->out, "%.6g%s, ", g->percent ? *v * 100 : *v, g->percent ? "%" : "");
    } else {
        buf_puts(j->out, "undefined, ");
    }
    buf_printf(j->out, "%s\n", met ? "met" : j->inside ? "not met" : "MISSED");
}

static bool judge_one(const struct judging *j, const struct gate *g, const double *v)
{
    bool met = v && holds(g, *v);
    put_verdict(j, g, (struct slice){0}, v, met);
    return met;
}

/* What an `each` gate has found so far. A rule of which the value is undefined keeps every bound; one
 * rule at least must have it. */
struct each {
    bool any, missed;
};

static void judge_rule(const struct judging *j, const struct gate *g, struct slice rule, double v,
                       struct each *so_far)
{
    so_far->any = true;
    if (!holds(g, v)) {
        so_far->missed = true;
        put_verdict(j, g, rule, &v, false);
    }
}

static bool end_each(const struct judging *j, const struct gate *g, const struct each *found)
{
    if (!found->any) {
        put_verdict(j, g, (struct slice){0}, NULL, false);
    } else if (!found->missed) {
        put_head(j, g, (struct slice){0});
        buf_puts(j->out, "met by every rule\n");
    }
    return found->any && !found->missed;
}

static double diff_value(const struct gate *g, const uint64_t *n)
{
    uint64_t sum = 0;
    for (int c = 0; c < DIFF_CLASSES; c++) {
        bool counts = g->name->class == DIFF_CLASSES ? c != DIFF_SAME : c == (int)g->name->class;
        sum += counts ? n[c] : 0;
    }
    return (double)sum;
}

static bool judge_diff(const struct judging *j, const struct gate *g)
{
    struct each found = {0};
    double v;
    if (slice_eq_str(g->rule, "each")) {
        for (size_t i = 0; i < j->d->n_rules; i++) {
            judge_rule(j, g, j->d->rules[i].name, diff_value(g, j->d->rules[i].n), &found);
        }
        return end_each(j, g, &found);
    }
    const struct diff_rule *rule = g->rule.len ? replay_diff_rule(j->d, g->rule) : NULL;
    v = diff_value(g, rule ? rule->n : j->d->n);
    return judge_one(j, g, &v);
}

static bool judge_figures(const struct judging *j, const struct gate *g)
{
    const struct replay_result *r = j->r;
    struct each found = {0};
    bool each = slice_eq_str(g->rule, "each");
    double v;
    for (uint32_t i = 0; i < r->n_rules && g->rule.len > 0; i++) {
        struct slice name = r->rs->rules[i].name;
        if (!each && !slice_eq(name, g->rule)) {
            continue;
        }
        bool defined = g->name->value(r, &r->rules[i], &v);
        if (!each) {
            return judge_one(j, g, defined ? &v : NULL);
        }
        if (defined) {
            judge_rule(j, g, name, v, &found);
        }
    }
    return each ? end_each(j, g, &found) : judge_one(j, g, g->name->value(r, NULL, &v) ? &v : NULL);
}

/* Every part is judged, so that each says what it met. */
static bool judge(const struct judging *j, const struct gate *g)
{
    bool all = true, any = false;
    for (size_t i = 0; i < g->n_parts; i++) {
        bool met = judge(j, &g->parts[i]);
        all &= met;
        any |= met;
    }
    switch (g->kind) {
    case GATE_BOUND: return g->name->needs == GATE_NEEDS_DIFF ? judge_diff(j, g) : judge_figures(j, g);
    case GATE_ALL: return all;
    case GATE_ANY: break;
    }
    return any;
}

/* An `or` says whether it is met, and below that what its bounds are. */
static bool judge_any(const struct judging *j, const struct gate *g)
{
    FYKE_CLEANUP(buf_release) struct buf parts = BUF_INIT;
    const struct judging inside = {j->r, j->d, &parts, true};
    bool met = judge(&inside, g);
    buf_printf(j->out, "gate %.*s: %s\n", (int)g->text_len, g->text, met ? "met" : "MISSED");
    buf_put_slice(j->out, buf_slice(&parts));
    return met;
}

bool gates_judge(const struct gates *g, const struct replay_result *r, const struct replay_diff *d,
                 struct buf *out)
{
    const struct judging j = {r, d, out, false};
    bool met = true;
    for (size_t i = 0; i < g->n; i++) {
        bool is_any = g->items[i].kind == GATE_ANY;
        met &= is_any ? judge_any(&j, &g->items[i]) : judge(&j, &g->items[i]);
    }
    return met;
}
