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
    return true;
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
        {"matches", "matches and timeouts detected in the range", false, get_matches},
        {"alerts_per_day", "the same per 24 hours of the range", false, get_per_day},
        {"keys", "different keys that they are about; of all rules added up", false, get_keys},
        {"events", "events of the range that were evaluated", false, get_events},
        {"late", "share of the events of the range that were late", false, get_late},
        {"precision", "true alerts / alerts; undefined without alerts", true, get_precision},
        {"recall", "labelled events in evidence / labelled events", true, get_recall},
        {"episode_recall", "episodes with such an event / episodes", true, get_episode_recall},
        {"true_alerts", "alerts whose evidence holds a labelled event", true, get_true},
        {"false_alerts", "the other alerts", true, get_false},
        {"missed", "labelled events in no evidence", true, get_missed},
        {"benefit", "amounts of labelled events in evidence − alerts × --alert-cost", true,
         get_benefit},
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

static enum err read_gate(const char **at, struct gate *g, struct error *err)
{
    const char *begin = *at;
    size_t len = strcspn(begin, " \t\n<>=,");
    const char *dot = memchr(begin, '.', len);
    struct slice name = slice_from(dot ? dot + 1 : begin, len - (dot ? (size_t)(dot + 1 - begin) : 0));
    char *end;
    *g = (struct gate){.name = find_name(name), .text = begin};
    g->rule = slice_from(begin, dot ? (size_t)(dot - begin) : 0);
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

enum err gate_parse(const char *text, bool has_labels, struct gate **gates, size_t *n, size_t *cap,
                    struct error *err)
{
    const char *at = blanks(text);
    do {
        struct gate g;
        FYKE_TRY(read_gate(&at, &g, err));
        if (g.name->needs_labels && !has_labels) {
            return error_set(err, ERR_USAGE, "--gate: %s needs --labels or --label", g.name->name);
        }
        VEC_PUSH(*gates, *n, *cap) = g;
        at = blanks(at);
        at = *at == ',' ? blanks(at + 1) : strncmp(at, "and ", 4) == 0 ? blanks(at + 4) : at;
    } while (*at);
    return ERR_OK;
}

enum err gate_check(const struct gate *g, const struct ruleset *rs, struct error *err)
{
    if (g->rule.len == 0 || slice_eq_str(g->rule, "each")) {
        return ERR_OK;
    }
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (slice_eq(rs->rules[i].name, g->rule)) {
            return ERR_OK;
        }
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

static bool judge_one(const struct gate *g, const struct replay_result *r,
                      const struct replay_rule *rule, struct buf *out)
{
    double v;
    bool defined = g->name->value(r, rule, &v);
    bool met = defined && holds(g, v);
    put_verdict(g, defined ? &v : NULL, met, out);
    return met;
}

/* A rule of which the value is undefined keeps every bound; one rule at least must have it. */
static bool judge_each(const struct gate *g, const struct replay_result *r, struct buf *out)
{
    bool all = true, any = false;
    for (uint32_t i = 0; i < r->n_rules; i++) {
        double v;
        if (!g->name->value(r, &r->rules[i], &v)) {
            continue;
        }
        bool met = holds(g, v);
        any = true;
        all &= met;
        if (!met) {
            buf_printf(out, "%.*s: ", SLICE_ARG(r->rs->rules[i].name));
            put_verdict(g, &v, met, out);
        }
    }
    if (!any) {
        put_verdict(g, NULL, false, out);
    } else if (all) {
        buf_printf(out, "gate %.*s: met by every rule\n", (int)g->text_len, g->text);
    }
    return any && all;
}

bool gate_judge(const struct gate *g, const struct replay_result *r, struct buf *out)
{
    if (g->rule.len == 0) {
        return judge_one(g, r, NULL, out);
    }
    if (slice_eq_str(g->rule, "each")) {
        return judge_each(g, r, out);
    }
    for (uint32_t i = 0; i < r->n_rules; i++) {
        if (slice_eq(r->rs->rules[i].name, g->rule)) {
            return judge_one(g, r, &r->rules[i], out);
        }
    }
    return false; /* gate_check() has refused it */
}
