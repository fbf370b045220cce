#include "engine/out/alert_json.h"

#include "base/json_out.h"
#include "engine/out/alert_memo.h"
#include "engine/out/match_id.h"

static void member_time(struct json_out *j, struct slice key, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    size_t n = etime_format(t, text);
    json_known_member(j, key, slice_from(text, n));
}

static void member_int(struct json_out *j, struct slice key, int64_t v)
{
    json_known_key(j, key);
    json_int(j, v);
}

static void member_uint(struct json_out *j, struct slice key, uint64_t v)
{
    json_known_key(j, key);
    json_uint(j, v);
}

static void put_value(struct json_out *j, struct value v)
{
    value_to_json(v, json_value_place(j));
}

/* ---- head --------------------------------------------------------------------------------- */

static void put_identity(struct json_out *j, const struct match *m, struct hash128 id)
{
    const struct rule *r = m->rule;
    char plan[HASH64_HEX_MAX], hex[HASH128_HEX_MAX];
    hash64_hex(r->plan, plan);
    hash128_hex(id, hex);
    json_known_member(j, JSON_KEY("rule"), r->name);
    if (r->version >= 0) {
        member_int(j, JSON_KEY("version"), r->version);
    }
    json_known_member(j, JSON_KEY("plan"), slice_of(plan));
    json_known_member(j, JSON_KEY("kind"), slice_of(match_kind_name(m->kind)));
    json_known_member(j, JSON_KEY("match_id"), slice_of(hex));
    json_known_key(j, JSON_KEY("key"));
    json_object_begin(j);
    for (uint32_t i = 0; i < r->n_key; i++) {
        if (!value_is_missing(m->key[i])) {
            json_key(j, r->key_names[i]);
            put_value(j, m->key[i]);
        }
    }
    json_object_end(j);
}

static struct slice topic_name(const struct ruleset *rs, uint32_t topic)
{
    return topic < rs->n_topics ? rs->topics[topic].name : SLICE_LIT("");
}

static void put_coord(struct json_out *j, const struct ruleset *rs, const struct event *e)
{
    if (event_is_derived(e)) {
        uint32_t n_fields = rs->decls[e->decl].n_fields;
        json_known_member(j, JSON_KEY("rule"), event_origin(e, n_fields, EVENT_ORIGIN_RULE));
        json_known_member(j, JSON_KEY("match_id"), event_origin(e, n_fields, EVENT_ORIGIN_MATCH));
        member_int(j, JSON_KEY("n"), e->at.offset);
        return;
    }
    json_known_member(j, JSON_KEY("topic"), topic_name(rs, e->at.topic));
    member_int(j, JSON_KEY("partition"), e->at.partition);
    member_int(j, JSON_KEY("offset"), e->at.offset);
}

static void put_times(struct json_out *j, const struct ruleset *rs, const struct match *m)
{
    if (m->n_evidence > 0) {
        member_time(j, JSON_KEY("first"), m->first_at);
        member_time(j, JSON_KEY("last"), m->last_at);
    }
    member_time(j, JSON_KEY("detected"), m->detected_at);
    json_known_member(j, JSON_KEY("by"), m->by_deadline ? SLICE_LIT("deadline") : SLICE_LIT("event"));
    if (m->decided_by != NULL) {
        json_known_key(j, JSON_KEY("decided_by"));
        json_object_begin(j);
        put_coord(j, rs, m->decided_by);
        json_object_end(j);
    }
    if (m->kind == MATCH_TIMEOUT || m->kind == MATCH_OPEN) {
        json_known_member(j, JSON_KEY("step"), m->rule->tests[m->step].label);
    }
    if (m->kind == MATCH_QUIET_ENDED || m->kind == MATCH_CAPPED) {
        member_uint(j, JSON_KEY("count"), m->count);
    }
}

static void put_metadata(struct json_out *j, const struct rule *r)
{
    if (r->severity.len > 0) {
        json_known_member(j, JSON_KEY("severity"), r->severity);
    }
    if (r->title.len > 0) {
        json_known_member(j, JSON_KEY("title"), r->title);
    }
    if (r->n_tags > 0) {
        json_known_key(j, JSON_KEY("tags"));
        json_array_begin(j);
        for (uint32_t i = 0; i < r->n_tags; i++) {
            json_text(j, r->tags[i]);
        }
        json_array_end(j);
    }
    if (rule_is_shadow(r)) {
        json_known_member(j, JSON_KEY("status"), r->status);
    }
}

/* ---- emit --------------------------------------------------------------------------------- */

static void put_fields_of(struct json_out *j, const struct emit_plan *plan,
                          const struct value *values, uint32_t n)
{
    for (uint32_t i = 0; i < plan->n_fields && i < n; i++) {
        if (!value_is_missing(values[i])) {
            json_key(j, plan->fields[i].name);
            put_value(j, values[i]);
        }
    }
}

/* A match that only derives events shows what they hold, the first event first. */
static void put_derived(struct json_out *j, const struct match *m)
{
    uint32_t n;
    const struct emit_plan *plans = rule_plans(m->rule, m->kind, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (m->derived[i] != NULL) {
            put_fields_of(j, &plans[i], m->derived[i], plans[i].n_fields);
        }
    }
}

static void put_emit(struct json_out *j, const struct match *m, struct alert_places *ret)
{
    const struct emit_plan *plan = rule_alert_plan(m->rule, m->kind);
    bool derived = plan == NULL && m->derived != NULL;
    if (!derived && (plan == NULL || plan->n_fields == 0)) {
        return;
    }
    json_known_key(j, JSON_KEY("emit"));
    ret->emit = j->buf->len;
    json_object_begin(j);
    if (derived) {
        put_derived(j, m);
    } else {
        put_fields_of(j, plan, m->emit, m->n_emit);
    }
    json_object_end(j);
    ret->emit_len = j->buf->len - ret->emit;
}

/* ---- evidence ----------------------------------------------------------------------------- */

static bool field_wanted(const struct alert_options *o, struct slice name)
{
    if (o->all_fields) {
        return true;
    }
    for (uint32_t i = 0; i < o->n_fields; i++) {
        if (slice_eq(o->fields[i], name)) {
            return true;
        }
    }
    return false;
}

static void put_fields(struct json_out *j, const struct alert_options *o, const struct event *e)
{
    const struct schema_decl *d = &o->rs->decls[e->decl];
    json_known_key(j, JSON_KEY("fields"));
    json_object_begin(j);
    for (uint32_t i = 0; i < d->n_fields && i < e->n_values; i++) {
        if (!value_is_missing(e->values[i]) && field_wanted(o, d->fields[i].name)) {
            json_key(j, d->fields[i].name);
            put_value(j, e->values[i]);
        }
    }
    json_object_end(j);
}

static void put_entry(struct json_out *j, const struct alert_options *o, const struct match *m,
                      const struct match_evidence *ev)
{
    json_object_begin(j);
    json_known_member(j, JSON_KEY("step"), m->rule->tests[ev->test].label);
    json_known_member(j, JSON_KEY("type"), o->rs->decls[ev->event->decl].name);
    put_coord(j, o->rs, ev->event);
    member_time(j, JSON_KEY("time"), ev->event->time);
    if (ev->n_turns > 0) {
        json_known_key(j, JSON_KEY("turn"));
        json_array_begin(j);
        for (uint32_t i = 0; i < ev->n_turns; i++) {
            json_uint(j, (uint64_t)ev->turns[i] + 1); /* people count from 1 */
        }
        json_array_end(j);
    }
    if (o->all_fields || o->n_fields > 0) {
        put_fields(j, o, ev->event);
    }
    json_object_end(j);
}

static void put_totals(struct json_out *j, const struct alert_options *o, const struct match *m,
                       const uint32_t *total)
{
    bool open = false;
    for (uint32_t t = 0; t < m->rule->n_tests; t++) {
        if (total[t] <= o->max_evidence) {
            continue;
        }
        if (!open) {
            json_known_key(j, JSON_KEY("evidence_total"));
            json_object_begin(j);
            open = true;
        }
        json_key(j, m->rule->tests[t].label);
        json_uint(j, total[t]);
    }
    if (open) {
        json_object_end(j);
    }
}

static void put_evidence(struct json_out *j, const struct alert_options *o, const struct match *m,
                         struct alert_places *ret)
{
    uint32_t total[RULE_MAX_TESTS] = {0}, seen[RULE_MAX_TESTS] = {0};
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        total[m->evidence[i].test]++;
    }
    uint32_t tail = o->max_evidence / 2, head = o->max_evidence - tail;
    json_known_key(j, JSON_KEY("evidence"));
    ret->evidence = j->buf->len;
    json_array_begin(j);
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        uint32_t t = m->evidence[i].test, place = seen[t]++;
        if (total[t] <= o->max_evidence || place < head || place >= total[t] - tail) {
            put_entry(j, o, m, &m->evidence[i]);
        }
    }
    json_array_end(j);
    ret->evidence_len = j->buf->len - ret->evidence;
    put_totals(j, o, m, total);
}

static void put_absent(struct json_out *j, const struct match *m)
{
    json_known_key(j, JSON_KEY("absent"));
    json_array_begin(j);
    for (uint32_t i = 0; i < m->n_absent; i++) {
        json_object_begin(j);
        json_known_member(j, JSON_KEY("step"), m->rule->tests[m->absent[i].test].label);
        member_time(j, JSON_KEY("from"), m->absent[i].from);
        member_time(j, JSON_KEY("to"), m->absent[i].to);
        json_object_end(j);
    }
    json_array_end(j);
}

/* ---- all of it ---------------------------------------------------------------------------- */

/* The text stands between two members, with the comma in front of it. */
static void put_evidence_once(struct json_out *j, const struct alert_options *o,
                              const struct match *m, struct alert_memo *memo,
                              struct alert_places *ret)
{
    size_t begin = j->buf->len;
    if (memo != NULL && memo->text.len > 0) {
        buf_put_slice(j->buf, buf_slice(&memo->text));
        ret->evidence = begin + memo->array;
        ret->evidence_len = memo->array_len;
        return;
    }
    put_evidence(j, o, m, ret);
    if (memo != NULL) {
        buf_put(&memo->text, j->buf->ptr + begin, j->buf->len - begin);
        memo->array = ret->evidence - begin;
        memo->array_len = ret->evidence_len;
    }
}

static void put_rest(struct json_out *j, const struct alert_options *o, const struct match *m,
                     struct alert_memo *memo, struct alert_places *ret)
{
    char hex[HASH128_HEX_MAX];
    bool counted_only = m->kind == MATCH_QUIET_ENDED || m->kind == MATCH_CAPPED;
    if (!counted_only) {
        put_evidence_once(j, o, m, memo, ret);
        if (m->rule->has_absence) {
            put_absent(j, m);
        }
    }
    if (m->rule->quiet.present && m->kind == MATCH_MATCH) {
        json_known_key(j, JSON_KEY("suppressed"));
        ret->suppressed = j->buf->len;
        json_uint(j, m->suppressed);
    }
    if (m->truncated > 0) {
        member_uint(j, JSON_KEY("truncated"), m->truncated);
    }
    if (m->capped) {
        json_member_bool(j, "capped", true);
    }
    hash128_hex(o->fingerprint, hex);
    json_known_member(j, JSON_KEY("ruleset"), slice_of(hex));
}

struct alert_places alert_json(const struct alert_options *o, const struct match *m, struct hash128 id,
                               struct buf *out)
{
    return alert_json_again(o, m, id, NULL, out);
}

struct alert_places alert_json_again(const struct alert_options *o, const struct match *m,
                                     struct hash128 id, struct alert_memo *memo, struct buf *out)
{
    struct alert_places places = {0};
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    if (!o->emit_only) {
        put_identity(&j, m, id);
        put_times(&j, o->rs, m);
        put_metadata(&j, m->rule);
    }
    put_emit(&j, m, &places);
    if (!o->emit_only) {
        put_rest(&j, o, m, memo, &places);
    }
    json_object_end(&j);
    return places;
}
