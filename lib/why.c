#include "lib/why.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "lib/json_view.h"
#include "lib/last_error.h"
#include "lib/why_actual.h"
#include "lib/why_nearest.h"

/* Windows and gaps are tried so many times as long, then cut down to what is needed. */
#define LOOSE 1000
#define FINENESS_NS NS_PER_MS
/* Open starts that are tried where a cap has dropped some. */
#define MOST_STARTS (1u << 20)

struct why {
    const struct fyke_rules *rules; /* every field kept */
    uint32_t rule;                  /* of it */
    struct why_events events;
    struct why_result *result;
    struct arena scratch; /* of changes */
    struct json_view view;
    struct buf text;
};

void why_config_init(struct why_config *c)
{
    *c = (struct why_config){.from = ETIME_MIN, .at = ETIME_MAX};
    fyke_options_init(&c->options);
}

void why_result_init(struct why_result *r)
{
    *r = (struct why_result){.first = ETIME_MIN, .last = ETIME_MIN, .clock = ETIME_MIN,
                             .last_alert = ETIME_MIN};
    arena_init(&r->arena);
}

void why_result_release(struct why_result *r)
{
    arena_release(&r->arena);
    free(r->alerts);
    free(r->reasons);
    free(r->late);
}

/* ---- alerts --------------------------------------------------------------------------------- */

static bool is_ours(struct why *w, const struct memory_sink *sink, size_t i)
{
    const struct memory_alert *a = &sink->alerts[i];
    bool key = a->has_key ? slice_eq(memory_sink_key(sink, i), w->events.key_text)
                          : w->events.key_text.len == 0;
    return key && json_view_set(&w->view, memory_sink_value(sink, i)) &&
           json_view_is(json_view_get(w->view.root, "rule"), w->events.config->rule);
}

static bool kind_is(const struct why *w, const char *kind)
{
    return json_view_is(json_view_get(w->view.root, "kind"), kind);
}

/* The events of an alert: what two rules that differ have in common. */
static struct slice evidence_of(struct why *w, struct slice alert)
{
    return json_view_set(&w->view, alert) ? json_view_raw(json_view_get(w->view.root, "evidence"))
                                          : (struct slice){0};
}

static bool is_known(struct why *w, struct slice evidence, struct etime detected)
{
    FYKE_CLEANUP(buf_release) struct buf mine = BUF_INIT;
    char at[ETIME_TEXT_MAX];
    etime_format(detected, at);
    buf_put_slice(&mine, evidence);
    for (size_t i = 0; i < w->result->n_alerts; i++) {
        bool same = slice_eq(evidence_of(w, w->result->alerts[i]), buf_slice(&mine));
        if (same && json_view_is(json_view_get(w->view.root, "detected"), at)) {
            return true;
        }
    }
    return false;
}

/* The last match that the rule as it stands does not give; what came before its last alert is no
 * question any more. */
static bool find_new(struct why *w, const struct memory_sink *sink, struct why_reason *ret)
{
    for (size_t i = sink->n_alerts; i-- > 0;) {
        struct slice alert = memory_sink_value(sink, i);
        if (w->result->n_alerts > 0 && sink->alerts[i].event_time.ns < w->result->last_alert.ns) {
            return false;
        }
        if (is_ours(w, sink, i) && kind_is(w, "match") &&
            !is_known(w, evidence_of(w, alert), sink->alerts[i].event_time)) {
            ret->alert = arena_copy(&w->result->arena, alert);
            ret->detected = sink->alerts[i].event_time;
            return true;
        }
    }
    return false;
}

/* ---- the rule as it stands ------------------------------------------------------------------ */

static void take_alerts(struct why *w, const struct memory_sink *sink)
{
    struct why_result *r = w->result;
    for (size_t i = 0; i < sink->n_alerts; i++) {
        if (!is_ours(w, sink, i)) {
            continue;
        }
        struct slice alert = arena_copy(&r->arena, memory_sink_value(sink, i));
        if (kind_is(w, "pending")) {
            r->pending = alert;
        } else if (kind_is(w, "match") || kind_is(w, "timeout")) {
            VEC_PUSH(r->alerts, r->n_alerts, r->cap_alerts) = alert;
            r->last_alert = sink->alerts[i].event_time;
            r->fired = r->last_alert.ns >= r->last.ns;
        } else if (kind_is(w, "capped")) {
            r->capped = true;
        }
    }
}

static enum err evaluate_as_is(struct why *w, struct error *err)
{
    const struct why_evaluation how = {.pending = true, .count = w->result};
    struct memory_sink sink;
    memory_sink_init(&sink);
    enum err rc = why_evaluate(&w->events, rules_ruleset(w->rules), w->rule, &how, &sink, err);
    if (rc == ERR_OK) {
        take_alerts(w, &sink);
    }
    memory_sink_release(&sink);
    return rc;
}

/* ---- looser rules --------------------------------------------------------------------------- */

/* *fires: the changed rule compiles and gives a match that the rule does not give. */
static enum err try_change(struct why *w, const struct mutation *m, bool *fires,
                           struct why_reason *ret, struct error *err)
{
    const struct compilation *c = w->rules->compilation;
    const struct why_evaluation how = {0};
    struct error why_not = ERROR_INIT;
    struct memory_sink sink;
    *fires = false;
    buf_clear(&w->text);
    mutation_apply(c, m, &w->text);
    struct fyke_rules *changed = rules_with_text(
        w->rules, sources_get(&c->sources, m->span.file)->path, buf_slice(&w->text), &why_not);
    if (!changed) {
        return ERR_OK;
    }
    memory_sink_init(&sink);
    enum err rc = why_evaluate(&w->events, rules_ruleset(changed), w->rule, &how, &sink, err);
    if (rc == ERR_OK) {
        *fires = find_new(w, &sink, ret);
    }
    memory_sink_release(&sink);
    fyke_rules_free(changed);
    return rc;
}

static void set_length(struct why *w, struct mutation *m, int64_t ns)
{
    char text[DURATION_TEXT_MAX];
    duration_format((struct duration){ns}, text);
    m->text = mutation_is_inserted(m)
                  ? slice_of(arena_printf(&w->result->arena, "  out of order by %s\n", text))
                  : arena_copy(&w->result->arena, slice_of(text));
}

/* Between what the rule says (which is not enough) and what was tried (which is). */
static enum err cut_down(struct why *w, struct why_reason *r, int64_t enough, struct error *err)
{
    int64_t low = r->change.length.ns, high = enough;
    bool shorter = r->change.kind == MUTATION_GAP || r->change.kind == MUTATION_SILENCE;
    while ((shorter ? low - high : high - low) > FINENESS_NS) {
        struct why_reason tried = *r;
        bool fires;
        int64_t middle = low + (high - low) / 2;
        middle -= middle % FINENESS_NS;
        if (middle == low || middle == high) {
            break;
        }
        set_length(w, &tried.change, middle);
        FYKE_TRY(try_change(w, &tried.change, &fires, &tried, err));
        if (fires) {
            *r = tried;
            high = middle;
        } else {
            low = middle;
        }
    }
    r->needed = (struct duration){high};
    return ERR_OK;
}

static bool has_length(const struct mutation *m)
{
    return m->kind == MUTATION_WINDOW || m->kind == MUTATION_GAP || m->kind == MUTATION_SILENCE ||
           m->kind == MUTATION_LATENESS;
}

/* How far the events of the declaration were late at most; 0: none was. */
static int64_t most_late(const struct why *w, struct slice source)
{
    int64_t most = 0;
    for (size_t i = 0; i < w->result->n_late; i++) {
        const struct why_late *l = &w->result->late[i];
        most = slice_eq(l->source, source) && l->by.ns > most ? l->by.ns : most;
    }
    return most;
}

static enum err try_reason(struct why *w, const struct mutation *m, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf words = BUF_INIT;
    struct why_reason r = {.change = *m};
    bool fires;
    if (m->kind == MUTATION_LATENESS) {
        /* Enough for every late event of the key. */
        r.change.tried.ns = m->length.ns + most_late(w, m->step);
        r.change.tried.ns += (FINENESS_NS - r.change.tried.ns % FINENESS_NS) % FINENESS_NS;
        set_length(w, &r.change, r.change.tried.ns);
    }
    FYKE_TRY(try_change(w, &r.change, &fires, &r, err));
    if (!fires) {
        return ERR_OK;
    }
    if (has_length(m)) {
        FYKE_TRY(cut_down(w, &r, r.change.tried.ns, err));
    }
    mutation_words(w->rules->compilation, &r.change, &words);
    r.words = arena_copy(&w->result->arena, buf_slice(&words));
    if (m->kind == MUTATION_CONDITION) {
        const struct rule_file *file = sources_get(&w->rules->compilation->sources, m->span.file);
        FYKE_TRY(why_find_actual(&w->events, rules_ruleset(w->rules), w->rule,
                                 source_text(file, m->condition->span), r.alert,
                                 &w->result->arena, &r.actual, err));
    }
    VEC_PUSH(w->result->reasons, w->result->n_reasons, w->result->cap_reasons) = r;
    return ERR_OK;
}

/* Counts are tried from the largest that is too small: the first one that fires is enough. */
static enum err try_all(struct why *w, const struct mutations *all, struct error *err)
{
    const struct span *counted = NULL;
    for (uint32_t i = 0; i < all->n; i++) {
        const struct mutation *m = &all->items[i];
        const volatile sig_atomic_t *stop = w->events.config->stop;
        size_t before = w->result->n_reasons;
        bool is_status = m->kind == MUTATION_STATUS;
        bool settled = counted && m->kind == MUTATION_COUNT && counted->start == m->span.start &&
                       counted->file == m->span.file;
        bool needs_late = m->kind == MUTATION_LATENESS && most_late(w, m->step) == 0;
        if (settled || needs_late || is_status != w->result->disabled || (stop && *stop)) {
            continue;
        }
        FYKE_TRY(try_reason(w, m, err));
        if (m->kind == MUTATION_COUNT && w->result->n_reasons > before) {
            counted = &m->span;
        }
    }
    return ERR_OK;
}

/* *fires: with so many open starts it gives a match that it does not give. */
static enum err try_starts(struct why *w, uint32_t starts, bool *fires, struct why_reason *ret,
                           struct error *err)
{
    const struct why_evaluation how = {.max_runs = starts};
    struct memory_sink sink;
    memory_sink_init(&sink);
    enum err rc = why_evaluate(&w->events, rules_ruleset(w->rules), w->rule, &how, &sink, err);
    *fires = rc == ERR_OK && find_new(w, &sink, ret);
    memory_sink_release(&sink);
    return rc;
}

/* Starts that a cap has dropped: how many must be allowed? */
static enum err try_cap(struct why *w, struct error *err)
{
    struct why_reason r = {.capped = true}, tried = r;
    uint32_t low = w->events.config->options.max_runs, high = low;
    bool fires = false;
    while (!fires && high < MOST_STARTS) {
        low = high;
        high = high > MOST_STARTS / 2 ? MOST_STARTS : 2 * high;
        FYKE_TRY(try_starts(w, high, &fires, &r, err));
    }
    while (fires && high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        bool enough;
        tried = r;
        FYKE_TRY(try_starts(w, middle, &enough, &tried, err));
        r = enough ? tried : r;
        *(enough ? &high : &low) = middle;
    }
    if (fires) {
        r.starts = high;
        r.words = slice_of(arena_printf(&w->result->arena, "`--max-runs %u` as `--max-runs %u`",
                                        w->events.config->options.max_runs, high));
        VEC_PUSH(w->result->reasons, w->result->n_reasons, w->result->cap_reasons) = r;
    }
    return ERR_OK;
}

static int later_first(const void *a, const void *b)
{
    const struct why_reason *x = a, *y = b;
    if (x->detected.ns != y->detected.ns) {
        return x->detected.ns > y->detected.ns ? -1 : 1;
    }
    return x->change.span.start < y->change.span.start ? -1 : 1;
}

/* ---- the longest part ----------------------------------------------------------------------- */

static const struct ast_rule *tree_of(const struct why *w)
{
    const struct compilation *c = w->rules->compilation;
    for (uint32_t i = 0; i < c->n_files; i++) {
        for (const struct ast_decl *d = c->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_RULE &&
                slice_eq_str(d->rule.name->text, w->events.config->rule)) {
                return &d->rule;
            }
        }
    }
    return NULL;
}

static size_t events_in(struct why *w, struct slice alert)
{
    struct json_span item, list;
    size_t n = 0;
    if (json_view_set(&w->view, alert)) {
        list = json_view_get(w->view.root, "evidence");
        struct json_walk items = json_walk_into(list);
        while (list.kind == JSON_ARRAY && json_walk_item(&items, &item)) {
            n++;
        }
    }
    return n;
}

/* What the rule would say if it told of parts whose window has closed; it needs a window for that. */
static enum err find_furthest(struct why *w, struct error *err)
{
    const struct ast_rule *rule = tree_of(w);
    const struct compilation *c = w->rules->compilation;
    const struct why_evaluation how = {.flush = true};
    struct error ignored = ERROR_INIT;
    struct memory_sink sink;
    size_t most = 0;
    if (!rule || !rule->head || !rule->head->within || rule->emits->on_timeout) {
        return ERR_OK;
    }
    struct span at = {rule->emits->span.file, rule->emits->span.start, rule->emits->span.start};
    const struct mutation m = {.span = at, .text = SLICE_LIT("on timeout emit alert {} ")};
    buf_clear(&w->text);
    mutation_apply(c, &m, &w->text);
    struct fyke_rules *telling = rules_with_text(
        w->rules, sources_get(&c->sources, at.file)->path, buf_slice(&w->text), &ignored);
    if (!telling) {
        return ERR_OK;
    }
    memory_sink_init(&sink);
    enum err rc = why_evaluate(&w->events, rules_ruleset(telling), w->rule, &how, &sink, err);
    for (size_t i = 0; rc == ERR_OK && i < sink.n_alerts; i++) {
        size_t n = is_ours(w, &sink, i) && kind_is(w, "timeout")
                       ? events_in(w, memory_sink_value(&sink, i))
                       : 0;
        if (n > 0 && n >= most) {
            most = n;
            w->result->furthest = arena_copy(&w->result->arena, memory_sink_value(&sink, i));
        }
    }
    memory_sink_release(&sink);
    fyke_rules_free(telling);
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static enum err ask(struct why *w, struct error *err)
{
    const struct mutate_options o = {.times = LOOSE, .every_count = true, .surroundings = true};
    struct mutations all;
    FYKE_TRY(why_events_read(&w->events, err));
    FYKE_TRY(evaluate_as_is(w, err));
    if (w->result->fired) {
        return ERR_OK;
    }
    mutations_of(w->rules->compilation, slice_of(w->events.config->rule), &o, &w->scratch, &all);
    FYKE_TRY(try_all(w, &all, err));
    if (w->result->capped) {
        FYKE_TRY(try_cap(w, err));
    }
    if (w->result->n_reasons > 1) {
        qsort(w->result->reasons, w->result->n_reasons, sizeof(*w->result->reasons), later_first);
    }
    if (w->result->n_reasons == 0) {
        FYKE_TRY(why_find_nearest(&w->events, rules_ruleset(w->rules), w->rule, w->result, err));
    }
    return find_furthest(w, err);
}

enum err why_find_rule(const struct ruleset *rs, const char *name, uint32_t *ret,
                       struct error *err)
{
    for (*ret = 0; *ret < rs->n_rules; ++*ret) {
        if (slice_eq_str(rs->rules[*ret].name, name)) {
            return ERR_OK;
        }
    }
    return error_set(err, ERR_USAGE, "no rule '%s'", name);
}

enum fyke_result why_run(const struct fyke_rules *rules, const struct why_config *c,
                         struct why_result *ret)
{
    struct error err = ERROR_INIT;
    struct ruleset part;
    struct why w = {.result = ret, .rules = rules};
    why_result_init(ret);
    enum err rc = why_find_rule(rules_ruleset(rules), c->rule, &w.rule, &err);
    if (rc != ERR_OK) {
        return last_error_set(&err);
    }
    arena_init(&w.scratch);
    json_view_init(&w.view);
    ret->keyed = rules_ruleset(rules)->rules[w.rule].n_key > 0;
    ret->disabled = rule_is_disabled(&rules_ruleset(rules)->rules[w.rule]);
    ret->shadow = rule_is_shadow(&rules_ruleset(rules)->rules[w.rule]);
    ruleset_subset(rules_ruleset(rules), w.rule, NULL, &part);
    why_events_init(&w.events, c, &part, &rules_ruleset(rules)->rules[w.rule], ret);
    rc = ask(&w, &err);
    why_events_release(&w.events);
    ruleset_subset_release(&part);
    json_view_release(&w.view);
    buf_release(&w.text);
    arena_release(&w.scratch);
    return rc == ERR_OK ? FYKE_OK : last_error_set(&err);
}
