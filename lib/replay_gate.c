#include "lib/replay_gate.h"

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
        {"matches", "matches and timeouts detected in the range", GATE_NEEDS_NOTHING, get_matches, 0},
        {"alerts_per_day", "the same per 24 hours of the range; undefined where that has no length", GATE_NEEDS_NOTHING, get_per_day, 0},
        {"keys", "different keys that they are about; of all rules added up", GATE_NEEDS_NOTHING,
         get_keys, 0},
        {"events", "events of the range that were evaluated", GATE_NEEDS_NOTHING, get_events, 0},
        {"late", "share of the events of the range that were late", GATE_NEEDS_NOTHING, get_late, 0},
        {"precision", "true alerts / alerts; undefined without alerts", GATE_NEEDS_LABELS,
         get_precision, 0},
        {"recall", "labelled events in evidence / labelled events", GATE_NEEDS_LABELS, get_recall, 0},
        {"episode_recall", "episodes with such an event / episodes", GATE_NEEDS_LABELS,
         get_episode_recall, 0},
        {"true_alerts", "alerts whose evidence holds a labelled event", GATE_NEEDS_LABELS, get_true,
         0},
        {"false_alerts", "the other alerts", GATE_NEEDS_LABELS, get_false, 0},
        {"missed", "labelled events in no evidence", GATE_NEEDS_LABELS, get_missed, 0},
        {"benefit", "amounts of labelled events in evidence − alerts × --alert-cost",
         GATE_NEEDS_LABELS, get_benefit, 0},
        {"same", "alerts of both rule sets: time, events and emit", GATE_NEEDS_DIFF, NULL, DIFF_SAME},
        {"changed", "the same time, other events or another emit", GATE_NEEDS_DIFF, NULL,
         DIFF_CHANGED},
        {"earlier", "events in common, detected earlier by the new rules", GATE_NEEDS_DIFF, NULL,
         DIFF_EARLIER},
        {"later", "the same, detected later", GATE_NEEDS_DIFF, NULL, DIFF_LATER},
        {"lost", "alerts of the old rules alone", GATE_NEEDS_DIFF, NULL, DIFF_LOST},
        {"new", "alerts of the new rules alone", GATE_NEEDS_DIFF, NULL, DIFF_NEW},
        {"differences", "all of these but the same", GATE_NEEDS_DIFF, NULL, DIFF_CLASSES},
    };
    *ret_n = FYKE_ARRAY_LEN(names);
    return names;
}

/* ---- reading -------------------------------------------------------------------------------- */

static const char *blanks(const char *p)
{
    return p + strspn(p, " \t\n");
}

static const struct gate_name *find_name(struct slice text)
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

static enum err unknown_name(struct slice text, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    uint32_t n;
    const struct gate_name *names = gate_names(&n);
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(&known, "%s%s", i ? ", " : "", names[i].name);
    }
    return error_set(err, ERR_USAGE, "--gate: there is no \"%.*s\"; there are %s", SLICE_ARG(text),
                     buf_cstr(&known));
}

/* Moves *at behind the comparison. */
static bool read_compare(const char **at, enum gate_compare *ret)
{
    static const struct {
        const char *text;
        enum gate_compare compare;
    } signs[] = {{">=", GATE_AT_LEAST}, {"<=", GATE_AT_MOST}, {"==", GATE_EQUAL},
                 {">", GATE_MORE},      {"<", GATE_LESS},     {"=", GATE_EQUAL}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(signs); i++) {
        size_t len = strlen(signs[i].text);
        if (strncmp(*at, signs[i].text, len) == 0) {
            *at += len;
            *ret = signs[i].compare;
            return true;
        }
    }
    return false;
}

/* "NAME", "RULE.NAME" or "`RULE`.NAME"; returns its length. */
static size_t read_subject(const char *begin, struct slice *rule, struct slice *name)
{
    const char *quote = begin[0] == '`' ? strchr(begin + 1, '`') : NULL;
    size_t quoted = quote ? (size_t)(quote + 1 - begin) : 0;
    size_t len = quoted + strcspn(begin + quoted, " \t\n<>=,");
    const char *dot = memchr(begin + quoted, '.', len - quoted);
    size_t before = dot ? (size_t)(dot - begin) : 0;
    *name = dot ? slice_from(dot + 1, len - before - 1) : slice_from(begin, len);
    *rule = quote && before == quoted ? slice_from(begin + 1, quoted - 2)
                                      : slice_from(begin, before);
    return len;
}

static enum err read_gate(const char **at, struct gate *g, struct error *err)
{
    const char *begin = *at;
    struct slice name;
    char *end;
    *g = (struct gate){.text = begin};
    size_t len = read_subject(begin, &g->rule, &name);
    g->name = find_name(name);
    if (!g->name) {
        return unknown_name(name, err);
    }
    const char *sign = blanks(begin + len);
    if (!read_compare(&sign, &g->compare)) {
        return error_set(err, ERR_USAGE, "--gate: one of >= <= > < == must follow \"%.*s\"",
                         (int)len, begin);
    }
    sign = blanks(sign);
    g->bound = strtod(sign, &end);
    if (end == sign || g->bound != g->bound) {
        return error_set(err, ERR_USAGE, "--gate: a number must stand behind \"%.*s\"",
                         (int)(sign - begin), begin);
    }
    g->text_len = (size_t)(end - begin);
    *at = end;
    return ERR_OK;
}

static enum err check_scope(const struct gate_name *name, struct gate_scope scope, struct error *err)
{
    switch (name->needs) {
    case GATE_NEEDS_NOTHING: break;
    case GATE_NEEDS_LABELS:
        return scope.labels ? ERR_OK
                            : error_set(err, ERR_USAGE, "--gate: %s needs --labels or --label",
                                        name->name);
    case GATE_NEEDS_DIFF:
        return scope.diff ? ERR_OK
                          : error_set(err, ERR_USAGE, "--gate: %s is about two rule sets: fyke diff",
                                      name->name);
    }
    return ERR_OK;
}

enum err gate_parse(const char *text, struct gate_scope scope, struct gate **gates, size_t *n,
                    size_t *cap, struct error *err)
{
    const char *at = blanks(text);
    do {
        struct gate g;
        FYKE_TRY(read_gate(&at, &g, err));
        FYKE_TRY(check_scope(g.name, scope, err));
        VEC_PUSH(*gates, *n, *cap) = g;
        at = blanks(at);
        at = *at == ',' ? blanks(at + 1) : strncmp(at, "and ", 4) == 0 ? blanks(at + 4) : at;
    } while (*at);
    return ERR_OK;
}

static bool has_rule(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; rs && i < rs->n_rules; i++) {
        if (slice_eq(rs->rules[i].name, name)) {
            return true;
        }
    }
    return false;
}

enum err gate_check(const struct gate *g, const struct ruleset *rs, const struct ruleset *old_rs,
                    struct error *err)
{
    bool all = g->rule.len == 0 || slice_eq_str(g->rule, "each");
    if (all || has_rule(rs, g->rule) ||
        (g->name->needs == GATE_NEEDS_DIFF && has_rule(old_rs, g->rule))) {
        return ERR_OK;
    }
    return error_set(err, ERR_USAGE, "--gate: there is no rule \"%.*s\"", SLICE_ARG(g->rule));
}

/* ---- judging -------------------------------------------------------------------------------- */

static bool holds(const struct gate *g, double v)
{
    switch (g->compare) {
    case GATE_LESS: return v < g->bound;
    case GATE_AT_MOST: return v <= g->bound;
    case GATE_EQUAL: return v >= g->bound && v <= g->bound;
    case GATE_AT_LEAST: return v >= g->bound;
    case GATE_MORE: return v > g->bound;
    }
    return false;
}

static void put_verdict(const struct gate *g, const double *v, bool met, struct buf *out)
{
    buf_printf(out, "gate %.*s: ", (int)g->text_len, g->text);
    if (v) {
        buf_printf(out, "%.6g, %s\n", *v, met ? "met" : "MISSED");
    } else {
        buf_puts(out, "undefined, MISSED\n");
    }
}

static bool judge_one(const struct gate *g, const double *v, struct buf *out)
{
    bool met = v && holds(g, *v);
    put_verdict(g, v, met, out);
    return met;
}

/* What an `each` gate has found so far. A rule of which the value is undefined keeps every bound; one
 * rule at least must have it. */
struct each {
    bool any, missed;
};

static void judge_rule(const struct gate *g, struct slice rule, double v, struct each *so_far,
                       struct buf *out)
{
    so_far->any = true;
    if (!holds(g, v)) {
        so_far->missed = true;
        buf_printf(out, "%.*s: ", SLICE_ARG(rule));
        put_verdict(g, &v, false, out);
    }
}

static bool end_each(const struct gate *g, const struct each *found, struct buf *out)
{
    if (!found->any) {
        put_verdict(g, NULL, false, out);
    } else if (!found->missed) {
        buf_printf(out, "gate %.*s: met by every rule\n", (int)g->text_len, g->text);
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

static bool judge_diff(const struct gate *g, const struct replay_diff *d, struct buf *out)
{
    struct each found = {0};
    double v;
    if (slice_eq_str(g->rule, "each")) {
        for (size_t i = 0; i < d->n_rules; i++) {
            judge_rule(g, d->rules[i].name, diff_value(g, d->rules[i].n), &found, out);
        }
        return end_each(g, &found, out);
    }
    const struct diff_rule *rule = g->rule.len ? replay_diff_rule(d, g->rule) : NULL;
    v = diff_value(g, rule ? rule->n : d->n);
    return judge_one(g, &v, out);
}

static bool judge_figures(const struct gate *g, const struct replay_result *r, struct buf *out)
{
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
            return judge_one(g, defined ? &v : NULL, out);
        }
        if (defined) {
            judge_rule(g, name, v, &found, out);
        }
    }
    return each ? end_each(g, &found, out)
                : judge_one(g, g->name->value(r, NULL, &v) ? &v : NULL, out);
}

bool gate_judge(const struct gate *g, const struct replay_result *r, const struct replay_diff *d,
                struct buf *out)
{
    return g->name->needs == GATE_NEEDS_DIFF ? judge_diff(g, d, out) : judge_figures(g, r, out);
}
