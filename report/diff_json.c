/* One object: docs/replay.md, "Two rule sets". */
#include "report/diff_parts.h"
#include "report/json_parts.h"

static void put_alert(struct json_out *j, const char *key, const struct replay_alert *a)
{
    char hex[HASH128_HEX_MAX];
    json_key(j, slice_of(key));
    if (!a) {
        json_nil(j);
        return;
    }
    hash128_hex(a->match_id, hex);
    json_object_begin(j);
    json_member_string(j, "match_id", slice_of(hex));
    json_put_time(j, "first", a->has_first ? a->first : ETIME_MIN);
    json_put_time(j, "detected", a->detected);
    json_object_end(j);
}

static void put_example(struct json_out *j, const struct replay_diff *d,
                        const struct diff_example *e)
{
    json_object_begin(j);
    json_member_string(j, "class", slice_of(diff_class_name(e->class)));
    json_member_string(j, "key", diff_key(d, e));
    json_member_string(j, "kind", slice_of(diff_shown(e)->is_timeout ? "timeout" : "match"));
    put_alert(j, "before", e->was);
    put_alert(j, "after", e->is);
    if (e->was && e->is) {
        json_member_uint(j, "events_added", e->events_added);
        json_member_uint(j, "events_gone", e->events_gone);
        json_member_bool(j, "other_emit", e->other_emit);
    }
    json_object_end(j);
}

static void put_counts(struct json_out *j, const uint64_t *n)
{
    for (int c = 0; c < DIFF_CLASSES; c++) {
        json_member_uint(j, diff_class_name((enum diff_class)c), n[c]);
    }
}

static void put_labels(struct json_out *j, const char *key, const struct replay_result *r,
                       const struct replay_rule *rule)
{
    if (r->has_labels) {
        json_key(j, slice_of(key));
        json_object_begin(j);
        json_put_figures(j, r, rule ? &rule->labels : &r->labels,
                         rule ? rule->matches + rule->timeouts : r->matches);
        json_object_end(j);
    }
}

static void put_rule(struct json_out *j, const struct replay_diff *d, const struct diff_rule *r)
{
    const struct replay_rule *was = diff_figures(d->was, r->old_index);
    const struct replay_rule *is = diff_figures(d->is, r->new_index);
    json_object_begin(j);
    json_member_string(j, "rule", r->name);
    json_member_string(j, "is", slice_of(diff_fate_name(r)));
    json_member_uint(j, "before", r->was);
    json_member_uint(j, "after", r->is);
    put_counts(j, r->n);
    json_put_lengths(j, "earlier_s", &r->earlier);
    json_put_lengths(j, "later_s", &r->later);
    if (was) {
        put_labels(j, "labels_before", d->was, was);
    }
    if (is) {
        put_labels(j, "labels_after", d->is, is);
    }
    json_key(j, SLICE_LIT("examples"));
    json_array_begin(j);
    for (size_t i = 0; i < r->n_examples; i++) {
        put_example(j, d, &r->examples[i]);
    }
    json_array_end(j);
    json_object_end(j);
}

static void put_digest(struct json_out *j, const char *key, const struct replay_result *r)
{
    char hex[HASH128_HEX_MAX];
    hash128_hex(r->digest, hex);
    json_member_string(j, key, slice_of(hex));
}

void report_diff_json(const struct replay_diff *d, struct diff_names names, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    json_member_string(&j, "old", slice_of(names.was));
    json_member_string(&j, "new", slice_of(names.is));
    json_put_time(&j, "from", d->is->from);
    json_put_time(&j, "to", d->is->to);
    json_member_uint(&j, "records", d->is->records);
    json_member_uint(&j, "events", d->is->events);
    json_member_uint(&j, "before", d->was->matches);
    json_member_uint(&j, "after", d->is->matches);
    put_counts(&j, d->n);
    put_digest(&j, "digest_before", d->was);
    put_digest(&j, "digest_after", d->is);
    put_labels(&j, "labels_before", d->was, NULL);
    put_labels(&j, "labels_after", d->is, NULL);
    json_key(&j, SLICE_LIT("rules"));
    json_array_begin(&j);
    for (size_t i = 0; i < d->n_rules; i++) {
        put_rule(&j, d, &d->rules[i]);
    }
    json_array_end(&j);
    json_put_double_member(&j, "wall_s", d->is->wall_s);
    json_put_double_member(&j, "cpu_s", d->is->cpu_s);
    json_object_end(&j);
    json_line_end(&j);
}
