#include "engine/decode/decode.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/decode_field.h"
#include "engine/decode/decode_plan.h"
#include "engine/decode/decode_quick.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/json_shape.h"
#include "engine/decode/json_stops.h"
#include "engine/decode/payload_codec.h"
#include "nfa/expr.h"

#define DEFAULT_VALUE_BYTES ((size_t)8 << 20)
#define DEFAULT_DEPTH 128
/* Spans count in 32 bits, events too. */
#define MAX_VALUE_BYTES ((size_t)1 << 30)
#define MAX_DEPTH 10000
/* Of values in a message that is not JSON: reading these recurses. */
#define MAX_PAYLOAD_DEPTH 1000

struct decoder {
    struct decode_plan *plan;
    size_t max_value_bytes;
    enum decode_way way;
    struct json_scan scan;
    struct json_shape *shapes; /* per topic */
    struct json_span *found; /* per node of the topic's paths */
    char *text;              /* copy of the payload with zero bytes behind it */
    size_t text_cap;
    json_stops_fn copy;      /* notes where plain text ends; NULL: nobody does */
    uint64_t *stops;         /* of `text` */
    struct payload_codec codec;
    const char *scanned; /* the text that spans point into; NULL: not the payload's own bytes */
    struct field_room room;
    struct event *view;           /* the event being judged; its text lies elsewhere */
    enum field_verdict *verdicts; /* per slot */
    size_t *positions;            /* per slot: byte in the payload */
    bool *judged;                 /* per slot */
    struct eval_counters counters;
    struct eval eval; /* over `view` */
};

/* One declaration's look at one record. */
struct judging {
    struct decoder *d;
    const struct record *r;
    const struct plan_topic *topic;
    const struct plan_decl *decl;
    struct arena *arena; /* the event goes there */
    struct event *event; /* the result */
    uint32_t bad_values;
    enum invalid_reason reason;
    uint32_t field;
    size_t position;
};

const char *invalid_reason_name(enum invalid_reason reason)
{
    static const char *const names[INVALID_REASON_COUNT] = {
        [INVALID_NONE] = "none",
        [INVALID_ENVELOPE] = "bad_envelope",
        [INVALID_TOO_LONG] = "too_long",
        [INVALID_NOT_JSON] = "not_json",
        [INVALID_UTF8] = "bad_utf8",
        [INVALID_NOT_OBJECT] = "not_an_object",
        [INVALID_TOO_DEEP] = "too_deep",
        [INVALID_NO_TIME] = "no_time",
        [INVALID_BAD_TIME] = "bad_time",
        [INVALID_TOO_FAR_AHEAD] = "too_far_ahead",
        [INVALID_MISSING_FIELD] = "missing_field",
        [INVALID_BAD_VALUE] = "bad_value",
        [INVALID_NOT_IN_FORMAT] = "not_in_format",
        [INVALID_BYTES_LEFT] = "bytes_left",
    };
    return (unsigned)reason < INVALID_REASON_COUNT ? names[reason] : "?";
}

struct decoder *decoder_new(const struct ruleset *rs, struct decode_limits limits)
{
    struct decoder *d = xcalloc(1, sizeof(*d));
    uint32_t depth = limits.max_depth ? limits.max_depth : DEFAULT_DEPTH;
    size_t bytes = limits.max_value_bytes ? limits.max_value_bytes : DEFAULT_VALUE_BYTES;
    d->plan = decode_plan_new(rs);
    d->max_value_bytes = bytes < MAX_VALUE_BYTES ? bytes : MAX_VALUE_BYTES;
    d->way = limits.way;
    d->copy = limits.way == DECODE_BEST ? json_stops_best() : NULL;
    d->shapes = xcalloc(d->plan->n_topics ? d->plan->n_topics : 1, sizeof(*d->shapes));
    json_scan_init(&d->scan, depth < MAX_DEPTH ? depth : MAX_DEPTH);
    field_room_init(&d->room);
    payload_codec_init(&d->codec, d->max_value_bytes,
                       depth < MAX_PAYLOAD_DEPTH ? depth : MAX_PAYLOAD_DEPTH);
    size_t fields = d->plan->most_fields ? d->plan->most_fields : 1;
    d->found = xcalloc(d->plan->most_nodes ? d->plan->most_nodes : 1, sizeof(*d->found));
    d->view = xcalloc(1, sizeof(*d->view) + fields * sizeof(struct value));
    d->verdicts = xcalloc(fields, sizeof(*d->verdicts));
    d->positions = xcalloc(fields, sizeof(*d->positions));
    d->judged = xcalloc(fields, sizeof(*d->judged));
    d->eval = (struct eval){.self = d->view, .scratch = &d->room.arena, .counters = &d->counters};
    return d;
}

void decoder_set_env(struct decoder *d, const struct eval_env *env)
{
    d->eval.env = env;
}

void decoder_free(struct decoder *d)
{
    if (!d) {
        return;
    }
    eval_release(&d->eval);
    for (uint32_t i = 0; i < d->plan->n_topics; i++) {
        json_shape_release(&d->shapes[i]);
    }
    free(d->shapes);
    decode_plan_free(d->plan);
    json_scan_release(&d->scan);
    field_room_release(&d->room);
    payload_codec_release(&d->codec);
    free(d->found);
    free(d->text);
    free(d->stops);
    free(d->view);
    free(d->verdicts);
    free(d->positions);
    free(d->judged);
    free(d);
}

static bool refuse(struct judging *j, enum invalid_reason reason, uint32_t field, size_t position)
{
    j->reason = reason;
    j->field = field;
    j->position = position;
    return false;
}

/* Decodes a field that stands in the record; once, whoever asks first. */
static void judge_field(struct judging *j, uint32_t slot)
{
    struct decoder *d = j->d;
    const struct plan_field *f = &j->decl->fields[slot];
    struct value *v = &d->view->values[slot];
    if (d->judged[slot]) {
        return;
    }
    d->judged[slot] = true;
    d->positions[slot] = 0;
    if (f->origin == ORIGIN_PAYLOAD) {
        struct json_span span;
        d->verdicts[slot] = field_from_payload(f, d->found, &d->room, &span, v);
        if (span.kind != JSON_NONE && d->scanned) {
            d->positions[slot] = (size_t)(span.ptr - d->scanned) - (span.kind == JSON_STRING);
        }
    } else {
        d->verdicts[slot] = field_from_record(f, j->r, v);
    }
    if (d->verdicts[slot] != FIELD_OK) {
        *v = VALUE_MISSING;
    } else if (f->is_time) {
        d->view->time.ns = v->u.i;
    }
}

/* Conditions and computed fields see the event as far as it is decoded. */
static struct eval *eval_of(struct judging *j)
{
    struct eval *ev = &j->d->eval;
    ev->first_at = ev->last_at = ev->detected_at = j->d->view->time;
    return ev;
}

static void compute(struct judging *j, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        uint32_t slot = j->decl->computed[i];
        const struct expr *e = j->decl->fields[slot].decl->computed;
        j->d->view->values[slot] = expr_eval(e, eval_of(j));
    }
}

/* `where` comes before everything else and sees only its own fields: one that is absent or
 * undecodable is missing there, and a declaration whose `where` is not true does not claim the
 * record, whatever else is wrong with it. */
static bool claims(struct judging *j)
{
    const struct plan_decl *p = j->decl;
    if (!p->decl->where) {
        return true;
    }
    for (uint32_t i = 0; i < p->n_where_slots; i++) {
        judge_field(j, p->where_slots[i]);
    }
    if (p->where_reads_time && j->d->verdicts[p->decl->time_field] != FIELD_OK) {
        return false;
    }
    compute(j, 0, p->n_where_computed);
    return expr_true(p->decl->where, eval_of(j));
}

/* Every declared field is judged, kept or not: rules that are loaded change nothing. */
static bool judge_all(struct judging *j)
{
    struct decoder *d = j->d;
    for (uint32_t i = 0; i < j->decl->decl->n_fields; i++) {
        const struct plan_field *f = &j->decl->fields[i];
        if (f->origin == ORIGIN_COMPUTED) {
            continue;
        }
        judge_field(j, i);
        enum field_verdict v = d->verdicts[i];
        if (v == FIELD_OK) {
            continue;
        }
        if (!f->required) {
            j->bad_values += v == FIELD_BAD;
            continue;
        }
        if (f->is_time) {
            return refuse(j, v == FIELD_BAD ? INVALID_BAD_TIME : INVALID_NO_TIME, i,
                          d->positions[i]);
        }
        return refuse(j, v == FIELD_BAD ? INVALID_BAD_VALUE : INVALID_MISSING_FIELD, i,
                      d->positions[i]);
    }
    uint32_t time_slot = (uint32_t)j->decl->decl->time_field;
    if (j->r->has_timestamp && !duration_is_infinite(j->topic->at_most_ahead) &&
        etime_lt(etime_add(j->r->timestamp, j->topic->at_most_ahead), d->view->time)) {
        return refuse(j, INVALID_TOO_FAR_AHEAD, time_slot, d->positions[time_slot]);
    }
    return true;
}

/* Bytes of the block that event_clone_into() fills: lists grow when they are decoded, so it may be
 * more than an event's 32-bit length can say. */
static size_t block_bytes(const struct event *e)
{
    size_t bytes = sizeof(*e) + e->n_values * sizeof(struct value);
    for (uint32_t i = 0; i < e->n_values; i++) {
        const struct value *v = &e->values[i];
        if (v->kind == VAL_STRING) {
            bytes += v->len;
        }
        for (uint32_t k = 0; v->kind == VAL_LIST && k < v->len; k++) {
            bytes += sizeof(*v) + (v->u.items[k].kind == VAL_STRING ? v->u.items[k].len : 0);
        }
    }
    return bytes;
}

static bool finish_event(struct judging *j)
{
    struct event *e = j->d->view;
    compute(j, j->decl->n_where_computed, j->decl->n_computed);
    for (uint32_t i = 0; i < e->n_values; i++) {
        if (!j->decl->fields[i].keep) {
            e->values[i] = VALUE_MISSING;
        }
    }
    size_t bytes = block_bytes(e);
    if (bytes > UINT32_MAX) {
        return refuse(j, INVALID_TOO_LONG, UINT32_MAX, 0);
    }
    j->event = event_clone_into(e, arena_alloc(j->arena, bytes));
    assert(j->event->bytes == bytes);
    return true;
}

enum judgement { NOT_CLAIMED, REFUSED, ACCEPTED };

/* The whole of it, for any declaration and with what is wrong. */
static enum judgement judge_slowly(struct judging *j)
{
    const struct schema_decl *s = j->decl->decl;
    struct event *e = j->d->view;
    *e = (struct event){.at = {j->r->topic, j->r->partition, j->r->offset},
                        .decl = s->index,
                        .n_values = s->n_fields};
    memset(e->values, 0, s->n_fields * sizeof(e->values[0]));
    memset(j->d->judged, 0, s->n_fields * sizeof(j->d->judged[0]));
    if (!claims(j)) {
        return NOT_CLAIMED;
    }
    return judge_all(j) && finish_event(j) ? ACCEPTED : REFUSED;
}

static enum judgement judge(struct judging *j)
{
    struct decoder *d = j->d;
    if (d->way == DECODE_GENERAL) {
        return judge_slowly(j);
    }
    enum quick_result result = quick_claims(j->decl, d->found);
    if (result == QUICK_CLAIMED && j->decl->quick.usable) {
        result = quick_event(j->decl, j->r, j->topic->at_most_ahead, d->found, &d->room, j->arena,
                             &j->event);
    }
    if (result == QUICK_ACCEPTED) {
        return ACCEPTED;
    }
    return result == QUICK_NOT_CLAIMED ? NOT_CLAIMED : judge_slowly(j);
}

static void invalid(struct decoded *ret, enum invalid_reason reason, size_t position)
{
    ret->result = DECODE_INVALID;
    ret->reason = reason;
    ret->position = position;
}

static __attribute__((noinline)) void grow_text(struct decoder *d, size_t need)
{
    size_t cap = d->text_cap ? d->text_cap : 4096;
    while (cap < need) {
        cap *= 2;
    }
    free(d->text);
    free(d->stops);
    d->text = xmalloc(cap);
    d->stops = xcalloc(JSON_STOPS_WORDS(cap), sizeof(*d->stops));
    d->text_cap = cap;
}

/* The scanner reads in words and stops at a zero byte, so it gets a copy. */
static inline struct slice copy_text(struct decoder *d, struct slice value)
{
    size_t need = JSON_STOPS_TEXT(value.len);
    if (need > d->text_cap) {
        grow_text(d, need);
    }
    if (d->copy != NULL) {
        d->copy(d->text, value.ptr, value.len, d->stops);
    } else {
        if (value.len > 0) {
            memcpy(d->text, value.ptr, value.len);
        }
        memset(d->text + value.len, 0, JSON_PAD_BYTES);
    }
    return slice_from(d->text, value.len);
}

static inline bool scan_text(struct decoder *d, struct slice text, const struct plan_topic *topic,
                      struct decoded *ret)
{
    static const enum invalid_reason reasons[] = {
        [JSON_OK] = INVALID_NONE,
        [JSON_BAD_SYNTAX] = INVALID_NOT_JSON,
        [JSON_BAD_TEXT] = INVALID_UTF8,
        [JSON_TOO_DEEP] = INVALID_TOO_DEEP,
    };
    struct json_shape *shape = &d->shapes[topic - d->plan->topics];
    bool alike = d->way != DECODE_GENERAL &&
                 json_scan_alike(&d->scan, text.ptr, text.len, &topic->paths, shape,
                                 d->copy != NULL ? d->stops : NULL, d->found);
    if (!alike && !json_scan_run(&d->scan, text.ptr, text.len, &topic->paths, d->found)) {
        invalid(ret, reasons[d->scan.error], d->scanned ? d->scan.position : 0);
        return false;
    }
    if (d->found[0].kind != JSON_OBJECT) {
        invalid(ret, INVALID_NOT_OBJECT, 0);
        return false;
    }
    return true;
}

static bool scan_message(struct decoder *d, const struct record *r,
                         const struct plan_topic *topic, struct decoded *ret)
{
    size_t position = 0;
    enum payload_result result =
        payload_to_json(&d->codec, topic->payload, topic->want, r, &position);
    ret->has_schema_id = d->codec.has_schema_id;
    ret->schema_id = d->codec.schema_id;
    d->scanned = NULL;
    switch (result) {
    case PAYLOAD_TEXT:
        return scan_text(d, copy_text(d, buf_slice(&d->codec.text)), topic, ret);
    case PAYLOAD_OTHER_MESSAGE: break; /* nobody claims it */
    case PAYLOAD_INVALID: invalid(ret, d->codec.reason, position); break;
    }
    return false;
}

/* False: *ret says what is wrong with the record as a whole. */
static bool scan_value(struct decoder *d, const struct record *r, const struct plan_topic *topic,
                       struct decoded *ret)
{
    if (r->value.len > d->max_value_bytes) {
        invalid(ret, INVALID_TOO_LONG, d->max_value_bytes);
        return false;
    }
    if (r->in_format && topic->payload) {
        return scan_message(d, r, topic, ret);
    }
    struct slice text = copy_text(d, r->value);
    d->scanned = text.ptr;
    return scan_text(d, text, topic, ret);
}

/* Room for one event for each of `n` declarations. */
static struct event **events_room(struct arena *arena, uint32_t n, struct decoded *ret)
{
    if (n <= DECODED_FEW) {
        return ret->few;
    }
    struct event **events = arena_room(arena, n * sizeof(struct event *));
    arena_take(arena, n * sizeof(struct event *));
    return events;
}

static void judge_decls(struct judging *j, struct decoded *ret)
{
    for (uint32_t i = 0; i < j->topic->n_decls; i++) {
        j->decl = &j->topic->decls[i];
        j->bad_values = 0;
        switch (judge(j)) {
        case NOT_CLAIMED: break;
        case ACCEPTED:
            if (ret->n_events == 0) {
                ret->events = events_room(j->arena, j->topic->n_decls - i, ret);
            }
            ret->events[ret->n_events++] = j->event;
            ret->bad_values += j->bad_values;
            break;
        case REFUSED:
            if (ret->reason == INVALID_NONE) {
                invalid(ret, j->reason, j->position);
                ret->decl = j->decl->decl->index;
                ret->field = j->field;
            }
            break;
        }
    }
}

void decoder_decode(struct decoder *d, const struct record *r, struct arena *arena,
                    struct decoded *ret)
{
    *ret = (struct decoded){.result = DECODE_UNCLAIMED, .field = UINT32_MAX};
    if (r->broken) {
        invalid(ret, INVALID_ENVELOPE, 0);
        return;
    }
    if (!r->has_value) {
        ret->result = DECODE_TOMBSTONE;
        return;
    }
    const struct plan_topic *topic = &d->plan->topics[r->topic];
    field_room_reset(&d->room);
    if (!scan_value(d, r, topic, ret)) {
        return;
    }
    struct judging j = {.d = d, .r = r, .topic = topic, .arena = arena};
    judge_decls(&j, ret);
    if (ret->n_events > 0) { /* a record that gave an event is not invalid */
        ret->result = DECODE_EVENTS;
        ret->reason = INVALID_NONE;
        ret->decl = 0;
        ret->field = UINT32_MAX;
        ret->position = 0;
    }
}
