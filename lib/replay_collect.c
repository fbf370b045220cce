#include "lib/replay_collect.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/out/match_id.h"
#include "lib/replay_alerts.h"

/* ---- events --------------------------------------------------------------------------------- */

static bool in_range(const struct replay_result *r, struct etime t)
{
    return !etime_lt(t, r->from) && etime_lt(t, r->to);
}

void replay_collect_event(void *ctx, enum event_fate fate, const struct event *e,
                          const struct record *record)
{
    struct replay_collect *c = ctx;
    struct replay_result *r = c->result;
    if (c->config->pace && in_range(r, e->time)) {
        c->config->pace(c->config->pace_ctx, e->time);
    }
    replay_labels_event(&c->labels, fate, in_range(r, e->time), e, record);
    if (r->data_first.ns == INT64_MIN || etime_lt(e->time, r->data_first)) {
        r->data_first = e->time;
    }
    if (r->data_last.ns == INT64_MIN || etime_lt(r->data_last, e->time)) {
        r->data_last = e->time;
    }
    bool counts = in_range(r, e->time);
    if (fate == FATE_LATE) {
        r->late_in_range += counts;
    } else if (counts) {
        r->events++;
        replay_days_add(&r->event_days, e->time, 1);
    } else if (fate == FATE_EVALUATED) {
        uint64_t *edge = etime_lt(e->time, r->from) ? &r->warm_events : &r->cool_events;
        ++*edge;
    }
}

/* ---- alerts --------------------------------------------------------------------------------- */

struct seen {
    struct replay_rule *rule;
    const struct out_record *record;
    bool is_match, is_timeout;
    struct etime detected;
};

static struct json_span evidence_of(const struct out_record *r)
{
    return r->evidence.len == 0 ? (struct json_span){.kind = JSON_NONE}
                                : (struct json_span){.kind = JSON_ARRAY,
                                                     .ptr = r->evidence.ptr,
                                                     .len = (uint32_t)r->evidence.len};
}

static void note_edge(struct replay_collect *c, const struct seen *a, bool behind)
{
    struct replay_result *r = c->result;
    uint64_t before = behind ? a->rule->ends_behind : a->rule->begun_before;
    if (before >= REPLAY_EXAMPLES) {
        return;
    }
    struct replay_edge *e = &VEC_PUSH(r->edges, r->n_edges, r->cap_edges);
    *e = (struct replay_edge){.rule = a->rule->index,
                              .behind = behind,
                              .first = a->record->first,
                              .detected = a->detected,
                              .key = xstrndup(a->record->key.ptr, a->record->key.len)};
    size_t len = a->record->match_id.len;
    memcpy(e->match_id, a->record->match_id.ptr, len < sizeof(e->match_id) ? len : 0);
}

static void add_length(struct replay_lengths *l, struct etime from, struct etime to)
{
    VEC_PUSH(l->ns, l->n, l->cap) = etime_diff(to, from).ns;
}

/* docs/replay.md, "Digest". Parts put one by one cost more than all in one piece. */
static void digest_alert(struct replay_collect *c, const struct seen *a)
{
    struct buf *parts = &c->parts;
    buf_clear(parts);
    buf_put_blob(parts, a->record->rule);
    buf_put_blob(parts, slice_of(match_kind_name(a->record->kind)));
    buf_put_blob(parts, a->record->match_id);
    buf_put_varint(parts, sizeof(uint64_t));
    buf_put_u64be(parts, (uint64_t)a->detected.ns);
    buf_put_blob(parts, a->record->emit);
    hasher_put(&c->digest, buf_slice(parts));
}

static enum err count_alert(struct replay_collect *c, const struct seen *a, struct error *err)
{
    struct replay_rule *rule = a->rule;
    struct replay_result *r = c->result;
    struct slice key = a->record->has_key ? a->record->key : (struct slice){"", 0};
    if (r->matches >= REPLAY_MAX_MATCHES) {
        return error_set(err, ERR_LIMIT, "more than %llu matches: choose a shorter range",
                         (unsigned long long)REPLAY_MAX_MATCHES);
    }
    digest_alert(c, a);
    if (c->config->verify_against && !c->is_aside &&
        replay_settled_at(&c->settled, rule->index, key, a->detected)) {
        replay_verify_add(&c->verify, a->record->match_id, rule_is_shadow(&r->rs->rules[rule->index]));
    }
    rule->matches += a->is_match;
    rule->timeouts += a->is_timeout;
    rule->others += !a->is_match && !a->is_timeout;
    if (a->is_match || a->is_timeout) {
        r->matches++;
        struct json_span evidence = evidence_of(a->record);
        bool is_true = replay_labels_alert(&c->labels, rule->index, a->detected, evidence);
        rule->labels.true_alerts += is_true;
        if (r->alerts) {
            r->alerts->items[r->alerts->n - 1].is_true = is_true; /* just kept */
        }
        replay_labels_defer(&c->labels, rule->index, a->detected, evidence,
                            r->alerts ? r->alerts->n - 1 : SIZE_MAX, is_true);
        replay_key_counts_add(&c->keys, &rule->by_key, key);
        replay_days_add(&rule->days, a->detected, 1);
        if (a->record->has_evidence) {
            add_length(&rule->took, a->record->first, a->detected);
            add_length(&rule->waited, a->record->last, a->detected);
        }
        if (a->record->has_evidence && etime_lt(a->record->first, r->from)) {
            note_edge(c, a, false);
            rule->begun_before++;
        }
    }
    if (c->config->line && !c->is_aside && !c->config->line(c->config->line_ctx, a->record->value)) {
        return error_set(err, ERR_IO, "the receiver of matches ended the replay");
    }
    return ERR_OK;
}

static enum err keep_alert(struct replay_collect *c, const struct seen *a, struct error *err)
{
    struct replay_alert seen = {.rule = a->rule->index,
                                .is_timeout = a->is_timeout,
                                .counts = in_range(c->result, a->detected),
                                .has_first = a->record->has_evidence,
                                .first = a->record->first,
                                .last = a->record->last,
                                .detected = a->detected};
    return replay_alerts_add(c->result->alerts, &seen,
                             a->record->has_key ? a->record->key : (struct slice){"", 0},
                             a->record->match_id, a->record->emit,
                             evidence_of(a->record), err);
}

static bool derives(const struct rule *rule)
{
    return rule_derives(rule, MATCH_MATCH) || rule_derives(rule, MATCH_TIMEOUT);
}

static enum err sink_write(struct sink *sink, const struct out_record *record, struct error *err)
{
    struct replay_collect *c = (struct replay_collect *)sink;
    struct replay_result *r = c->result;
    struct seen a = {.record = record, .detected = record->event_time};
    a.rule = map_get(&c->rule_of, record->rule);
    if (!a.rule) {
        return error_set(err, ERR_CORRUPT, "an alert of a rule that is not here: \"%.*s\"",
                         SLICE_ARG(record->rule));
    }
    if (derives(&r->rs->rules[a.rule->index])) {
        replay_labels_match(&c->labels, record->match_id, evidence_of(record));
    }
    if (record->only_derives) {
        return ERR_OK;
    }
    a.is_match = record->kind == MATCH_MATCH;
    a.is_timeout = record->kind == MATCH_TIMEOUT;
    if (r->alerts && (a.is_match || a.is_timeout)) {
        FYKE_TRY(keep_alert(c, &a, err));
    }
    if (in_range(r, a.detected)) {
        return count_alert(c, &a, err);
    }
    bool behind = !etime_lt(a.detected, r->to);
    if (!behind) {
        a.rule->warm++;
    } else if ((a.is_match || a.is_timeout) && record->has_evidence && etime_lt(record->first, r->to) &&
               etime_lt(a.detected, r->evaluated_before)) {
        note_edge(c, &a, true);
        a.rule->ends_behind++;
    }
    return ERR_OK;
}

static enum err sink_flush(struct sink *sink, struct error *err)
{
    (void)sink;
    (void)err;
    return ERR_OK;
}

static void sink_close(struct sink *sink)
{
    (void)sink;
}

/* ---- life ----------------------------------------------------------------------------------- */

void replay_collect_init(struct replay_collect *c, const struct replay_config *config,
                         struct replay_result *result)
{
    static const struct sink_ops ops = {sink_write, sink_flush, sink_close};
    *c = (struct replay_collect){.sink = {&ops}, .config = config, .result = result};
    const struct ruleset *rs = result->rs;
    replay_verify_init(&c->verify, rs);
    hasher_init(&c->digest);
    map_init(&c->rule_of, MAP_BORROW_KEYS);
    result->rules = xcalloc(rs->n_rules + 1u, sizeof(*result->rules));
    result->n_rules = rs->n_rules;
    result->alerts = config->keep_alerts ? replay_alerts_new() : NULL;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        result->rules[i].index = i;
        map_init(&result->rules[i].by_key, MAP_COPY_KEYS);
        map_set(&c->rule_of, rs->rules[i].name, &result->rules[i]);
    }
}

static bool stands_before(const struct replay_key *a, const struct replay_key *b)
{
    return a->n != b->n ? a->n > b->n : slice_cmp(a->text, b->text) < 0;
}

static void find_top(struct replay_rule *r)
{
    for (MAP_EACH(e, &r->by_key)) {
        struct replay_key k = {e->key, (uint64_t)(uintptr_t)e->value};
        size_t at = r->n_top;
        while (at > 0 && stands_before(&k, &r->top[at - 1])) {
            at--;
        }
        if (at == REPLAY_TOP_KEYS) {
            continue;
        }
        r->n_top += r->n_top < REPLAY_TOP_KEYS;
        memmove(&r->top[at + 1], &r->top[at], (r->n_top - at - 1) * sizeof(r->top[0]));
        r->top[at] = k;
    }
    r->keys = r->by_key.n;
}

void replay_collect_finish(struct replay_collect *c)
{
    struct replay_result *r = c->result;
    replay_labels_finish(&c->labels, r);
    replay_settled_finish(&c->settled);
    replay_key_counts_finish(&c->keys);
    r->digest = hasher_hash128(&c->digest);
    for (uint32_t i = 0; i < r->n_rules; i++) {
        replay_lengths_sort(&r->rules[i].took);
        replay_lengths_sort(&r->rules[i].waited);
        find_top(&r->rules[i]);
    }
}

void replay_collect_release(struct replay_collect *c)
{
    map_release(&c->rule_of);
    buf_release(&c->parts);
    replay_labels_release(&c->labels);
    replay_verify_release(&c->verify);
    replay_settled_release(&c->settled);
}
