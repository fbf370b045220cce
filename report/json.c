/* One object: docs/replay.md, "As JSON". */
#include <stdlib.h>

#include "report/funnel.h"
#include "report/json_parts.h"
#include "report/near.h"
#include "report/parts.h"

static void put_count(struct json_out *j, const char *key, uint64_t n)
{
    json_key(j, slice_of(key));
    json_uint(j, n);
}

/* null: open. */
void json_put_time(struct json_out *j, const char *key, struct etime t)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_key(j, slice_of(key));
    if (t.ns == INT64_MIN || t.ns == INT64_MAX) {
        json_nil(j);
        return;
    }
    put_moment(t, "", "", &text);
    json_text(j, buf_slice(&text));
}

static void put_seconds(struct json_out *j, const char *key, int64_t ns)
{
    json_key(j, slice_of(key));
    if (ns == INT64_MAX) {
        json_nil(j);
    } else {
        json_double(j, (double)ns / (double)NS_PER_S);
    }
}

void json_put_double_member(struct json_out *j, const char *key, double v)
{
    json_key(j, slice_of(key));
    json_double(j, v);
}

void json_put_per_day(struct json_out *j, const struct replay_result *r, uint64_t alerts)
{
    json_key(j, SLICE_LIT("per_day"));
    if (replay_has_rate(r)) {
        json_double(j, replay_per_day(r, alerts));
    } else {
        json_nil(j);
    }
}

static void put_days(struct json_out *j, const char *key, const struct replay_days *d)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_key(j, slice_of(key));
    json_object_begin(j);
    for (size_t i = 0; i < d->n; i++) {
        buf_clear(&text);
        put_day(d->items[i].day, &text);
        json_key(j, buf_slice(&text));
        json_uint(j, d->items[i].n);
    }
    json_object_end(j);
}

void json_put_lengths(struct json_out *j, const char *key, const struct replay_lengths *l)
{
    json_key(j, slice_of(key));
    json_object_begin(j);
    if (l->n > 0) {
        put_seconds(j, "p50", replay_percentile(l, 50));
        put_seconds(j, "p95", replay_percentile(l, 95));
        put_seconds(j, "p99", replay_percentile(l, 99));
        put_seconds(j, "max", replay_percentile(l, 100));
    }
    json_object_end(j);
}

static void put_top(struct json_out *j, const struct replay_rule *rule)
{
    json_key(j, SLICE_LIT("top_keys"));
    json_array_begin(j);
    for (size_t i = 0; i < rule->n_top; i++) {
        json_object_begin(j);
        json_member_string(j, "key", rule->top[i].text);
        put_count(j, "matches", rule->top[i].n);
        json_object_end(j);
    }
    json_array_end(j);
}

/* null: of nothing. */
static void put_ratio(struct json_out *j, const char *key, uint64_t part, uint64_t whole)
{
    json_key(j, slice_of(key));
    if (whole == 0) {
        json_nil(j);
    } else {
        json_double(j, (double)part / (double)whole);
    }
}

void json_put_figures(struct json_out *j, const struct replay_result *r,
                      const struct replay_label_figures *f, uint64_t alerts)
{
    put_count(j, "true_alerts", f->true_alerts);
    put_count(j, "false_alerts", alerts - f->true_alerts);
    put_ratio(j, "precision", f->true_alerts, alerts);
    put_count(j, "events", f->events);
    put_count(j, "found", f->found);
    put_ratio(j, "recall", f->found, f->events);
    put_count(j, "episodes", f->episodes);
    put_count(j, "episodes_found", f->episodes_found);
    put_ratio(j, "episode_recall", f->episodes_found, f->episodes);
    if (r->label_options.amount) {
        json_key(j, SLICE_LIT("amount"));
        json_decimal(j, f->amount);
        json_key(j, SLICE_LIT("found_amount"));
        json_decimal(j, f->found_amount);
        json_put_double_member(j, "benefit", replay_benefit(r, f, alerts));
    }
}

static void put_labels(struct json_out *j, const struct replay_result *r)
{
    const struct replay_label_figures *f = &r->labels;
    json_key(j, SLICE_LIT("labels"));
    json_object_begin(j);
    json_put_figures(j, r, f, r->matches);
    put_count(j, "late", f->late);
    put_count(j, "outside", f->outside);
    put_count(j, "unread", f->unread);
    put_count(j, "foreign", f->foreign);
    json_put_lengths(j, "to_detect_s", &r->to_detect);
    json_key(j, SLICE_LIT("definitions"));
    json_array_begin(j);
    json_text(j, SLICE_LIT(REPORT_DEFINITION_1));
    json_text(j, SLICE_LIT(REPORT_DEFINITION_2));
    json_text(j, SLICE_LIT(REPORT_DEFINITION_3));
    json_array_end(j);
    json_object_end(j);
}

static void put_rule(struct json_out *j, const struct replay_result *r,
                     const struct replay_rule *rule)
{
    json_object_begin(j);
    json_member_string(j, "rule", report_rule_name(r, rule->index));
    put_count(j, "matches", rule->matches);
    put_count(j, "timeouts", rule->timeouts);
    put_count(j, "others", rule->others);
    put_count(j, "keys", rule->keys);
    json_put_per_day(j, r, rule->matches + rule->timeouts);
    put_days(j, "days", &rule->days);
    json_put_lengths(j, "took_s", &rule->took);
    json_put_lengths(j, "waited_s", &rule->waited);
    put_top(j, rule);
    put_count(j, "begun_before", rule->begun_before);
    put_count(j, "ends_behind", rule->ends_behind);
    put_count(j, "warm_up", rule->warm);
    put_count(j, "operations", rule->operations);
    json_put_double_member(j, "cost_share", report_cost(r, rule));
    if (r->has_funnel) {
        funnel_put_json(j, rule);
    }
    json_member_bool(j, "hangs_together", rule->hangs_together);
    json_key(j, SLICE_LIT("unsettled_keys"));
    json_array_begin(j);
    for (size_t i = 0; i < rule->n_unsettled; i++) {
        json_text(j, rule->unsettled[i]);
    }
    json_array_end(j);
    if (r->has_labels) {
        json_key(j, SLICE_LIT("labels"));
        json_object_begin(j);
        json_put_figures(j, r, &rule->labels, rule->matches + rule->timeouts);
        json_object_end(j);
    }
    json_object_end(j);
}

static void put_edges(struct json_out *j, const struct replay_result *r)
{
    json_key(j, SLICE_LIT("edges"));
    json_array_begin(j);
    for (size_t i = 0; i < r->n_edges; i++) {
        const struct replay_edge *e = &r->edges[i];
        json_object_begin(j);
        json_member_string(j, "rule", report_rule_name(r, e->rule));
        json_member_string(j, "side", slice_of(e->behind ? "behind" : "before"));
        json_member_string(j, "key", slice_of(e->key));
        json_member_string(j, "match_id", slice_of(e->match_id));
        json_put_time(j, "first", e->first);
        json_put_time(j, "detected", e->detected);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_savepoint(struct json_out *j, const struct replay_result *r)
{
    json_key(j, SLICE_LIT("from_state"));
    json_object_begin(j);
    put_count(j, "commit", r->savepoint_commit);
    json_key(j, SLICE_LIT("begin_anew"));
    json_array_begin(j);
    for (uint32_t i = 0; i < r->n_rules; i++) {
        if (r->rules[i].begins_anew) {
            json_text(j, report_rule_name(r, i));
        }
    }
    json_array_end(j);
    json_object_end(j);
}

static void put_range(struct json_out *j, const struct replay_result *r)
{
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    replay_span_text(&r->span, r->rs, &why);
    json_put_time(j, "from", r->from);
    json_put_time(j, "to", r->to);
    json_put_time(j, "evaluated_from", r->evaluated_from);
    json_put_time(j, "evaluated_before", r->evaluated_before);
    put_seconds(j, "needed_s", r->span.need.ns);
    json_member_string(j, "needed", buf_slice(&why));
    if (r->has_savepoint) {
        put_savepoint(j, r);
    }
    json_put_time(j, "data_first", r->data_first);
    json_put_time(j, "data_last", r->data_last);
    json_member_bool(j, "reached_to", r->reached_to);
    json_member_bool(j, "reached_end", r->reached_end);
}

static void put_events(struct json_out *j, const struct replay_result *r)
{
    put_count(j, "records", r->records);
    put_count(j, "earlier_offsets", r->earlier);
    put_count(j, "removed_partitions", r->removed);
    json_member_bool(j, "slice_repeats", r->repeats);
    put_count(j, "events", r->events);
    put_count(j, "warm_up_events", r->warm_events);
    put_count(j, "cool_down_events", r->cool_events);
    put_count(j, "late", r->late_in_range);
    put_count(j, "invalid", r->invalid);
    put_days(j, "event_days", &r->event_days);
}

static void put_verified(struct json_out *j, const struct replay_verified *v)
{
    json_key(j, SLICE_LIT("verified"));
    json_object_begin(j);
    put_count(j, "same", v->same);
    put_count(j, "only_delivered", v->only_delivered);
    put_count(j, "only_replayed", v->only_replayed);
    put_count(j, "repeated", v->repeated);
    put_count(j, "other_plans", v->other_plans);
    put_count(j, "before_state", v->before_state);
    put_count(j, "unsettled", v->unsettled);
    json_key(j, SLICE_LIT("differences"));
    json_array_begin(j);
    for (size_t i = 0; i < v->n_examples; i++) {
        json_object_begin(j);
        json_member_string(j, "only", slice_of(v->examples[i].delivered ? "delivered" : "replayed"));
        json_member_string(j, "match_id", slice_of(v->examples[i].match_id));
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

void report_json(const struct replay_result *r, struct buf *out)
{
    char hex[HASH128_HEX_MAX];
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    put_range(&j, r);
    put_events(&j, r);
    put_count(&j, "matches", r->matches);
    hash128_hex(r->digest, hex);
    json_member_string(&j, "digest", slice_of(hex));
    json_key(&j, SLICE_LIT("rules"));
    json_array_begin(&j);
    for (uint32_t i = 0; i < r->n_rules; i++) {
        put_rule(&j, r, &r->rules[i]);
    }
    json_array_end(&j);
    if (r->has_labels) {
        put_labels(&j, r);
    }
    if (r->has_verified) {
        put_verified(&j, &r->verified);
    }
    if (r->near_misses) {
        near_put_json(&j, r);
    }
    put_edges(&j, r);
    json_put_double_member(&j, "wall_s", r->wall_s);
    json_put_double_member(&j, "cpu_s", r->cpu_s);
    json_object_end(&j);
    json_line_end(&j);
}
