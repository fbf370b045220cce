#include "engine/decode/decode_quick.h"

#include "engine/decode/json_number.h"

/* Texts are copied this many bytes at a time: the payload has as many readable behind its end, and
 * so has the event while it is being made. */
#define COPY_BYTES 16
/* An event with more text is left to those who count in full width. */
#define MAX_TEXT_BYTES ((size_t)1 << 20)
/* Room for so much text need not be worked out: what is not used is not taken. */
#define PLENTY_BYTES ((size_t)2048)

static inline const struct json_span *span_of(const struct json_span *found, uint32_t literal,
                                              uint32_t nested)
{
    const struct json_span *s = &found[literal];
    return FYKE_LIKELY(s->kind != JSON_NONE) ? s : &found[nested];
}

/* `text` lies in the payload. */
static inline bool text_is(const struct json_span *text, const struct quick_text *q)
{
    uint64_t head;
    if (text->len != q->text.len) {
        return false;
    }
    memcpy(&head, text->ptr, sizeof(head));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    head = __builtin_bswap64(head);
#endif
    return (head & q->mask) == q->head &&
           (text->len <= 8 || memcmp(text->ptr + 8, q->text.ptr + 8, text->len - 8) == 0);
}

enum quick_result quick_claims(const struct plan_decl *p, const struct json_span *found)
{
    for (uint32_t i = 0; i < p->quick.n_tests; i++) {
        const struct quick_test *t = &p->quick.tests[i];
        const struct json_span *s = span_of(found, t->literal, t->nested);
        if (s->kind == JSON_STRING && s->escaped) {
            return QUICK_UNSURE;
        }
        /* absent and undecodable are missing, and nothing equals that */
        if (s->kind != JSON_STRING || !text_is(s, &t->text)) {
            return QUICK_NOT_CLAIMED;
        }
    }
    return p->quick.tests_are_all ? QUICK_CLAIMED : QUICK_UNSURE;
}

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The event under way. Never handed to what is not inlined: then it lies in registers, whatever is written. */
struct making {
    const struct record *r;
    const struct json_span *found;
    struct field_room *room;
    struct event *event;
    char *text; /* of the next value */
};

static inline void put_head(struct value *v, enum value_kind kind, uint8_t aux, uint32_t len)
{
    v->kind = (uint8_t)kind;
    v->aux = aux;
    v->aux2 = v->pad = 0;
    v->len = len;
}

static ALWAYS_INLINE void put_text(struct making *m, struct value *v, const struct json_span *s)
{
    const char *text = s->ptr;
    char *to = m->text;
    put_head(v, VAL_STRING, 0, s->len);
    v->u.dec.hi = 0;
    v->u.str = to;
    m->text += s->len;
    memcpy(to, text, COPY_BYTES);
    for (uint32_t n = COPY_BYTES; n < s->len; n += COPY_BYTES) {
        memcpy(to + n, text + n, COPY_BYTES);
    }
}

static ALWAYS_INLINE void put_number(struct value *v, enum value_kind kind, uint8_t aux,
                                     uint64_t lo, uint64_t hi)
{
    put_head(v, kind, aux, 0);
    v->u.dec.lo = lo;
    v->u.dec.hi = hi;
}

static ALWAYS_INLINE void put_nothing(struct value *v)
{
    put_number(v, VAL_MISSING, 0, 0, 0);
}

/* What decode_field.h says. Lists are not kept here, so a value is one word or text. */
static __attribute__((noinline)) bool put_other(const struct quick_field *q, const struct record *r,
                                                const struct json_span *found,
                                                struct field_room *room, struct etime *time,
                                                struct value *v)
{
    struct json_span where;
    struct value got;
    enum field_verdict verdict =
        q->field->origin == ORIGIN_PAYLOAD
            ? field_from_payload(q->field, found, room, &where, &got)
            : field_from_record(q->field, r, &got);
    if (verdict != FIELD_OK || (q->keep && got.kind == VAL_STRING)) {
        return verdict == FIELD_ABSENT && !q->required;
    }
    if (q->is_time) {
        time->ns = got.u.i;
    }
    if (q->keep) {
        *v = got;
    }
    return true;
}

static ALWAYS_INLINE bool put_time(struct making *m, const struct quick_field *q,
                                   const struct json_span *s, struct value *v)
{
    struct etime t;
    if (!etime_parse_near(slice_from(s->ptr, s->len), &m->room->day, &t) || !field_time_valid(t)) {
        return false;
    }
    if (q->is_time) {
        m->event->time = t;
    }
    if (q->keep) {
        put_number(v, VAL_TIMESTAMP, 0, (uint64_t)t.ns, 0);
    } else {
        put_nothing(v);
    }
    return true;
}

static ALWAYS_INLINE bool put_enum(struct making *m, const struct quick_field *q,
                                   const struct json_span *s, struct value *v)
{
    uint32_t i = 0;
    while (i < q->n_names && !text_is(s, &q->names[i])) {
        i++;
    }
    if (q->keep && i < q->n_names) {
        put_text(m, v, s);
    } else {
        put_nothing(v);
    }
    return i < q->n_names;
}

static ALWAYS_INLINE bool put_decimal(const struct quick_field *q, const struct json_span *s,
                                      struct value *v)
{
    struct decimal d;
    if (!q->keep && json_number_is_short(s->ptr, s->len)) {
        put_nothing(v);
        return true;
    }
    bool is_short = json_number_short_decimal(s->ptr, s->len, &d);
    if (!is_short && !json_number_to_decimal(slice_from(s->ptr, s->len), &d)) {
        return false;
    }
    if (q->keep) {
        put_number(v, VAL_DECIMAL, d.scale, (uint64_t)d.coeff,
                   (uint64_t)((unsigned __int128)d.coeff >> 64));
    } else {
        put_nothing(v);
    }
    return true;
}

static bool put_int(const struct quick_field *q, const struct json_span *s, struct value *v)
{
    int64_t i;
    if (!json_number_scaled(slice_from(s->ptr, s->len), 0, &i)) {
        return false;
    }
    if (q->keep) {
        put_number(v, VAL_INT, 0, (uint64_t)i, 0);
    } else {
        put_nothing(v);
    }
    return true;
}

static ALWAYS_INLINE bool is_plain_string(const struct json_span *s)
{
    return s->kind == JSON_STRING && !s->escaped;
}

static ALWAYS_INLINE bool is_number(const struct json_span *s)
{
    return s->kind == JSON_INT || s->kind == JSON_REAL;
}

/* What is not there, and what nobody is sure about. */
static bool put_rest(const struct quick_field *q, const struct json_span *s, struct value *v)
{
    put_nothing(v);
    return s->kind <= JSON_NULL && !q->required;
}

/* False: not sure that the field is right. */
static ALWAYS_INLINE bool put_field(struct making *m, const struct quick_field *q, struct value *v)
{
    const struct json_span *s;
    switch (q->kind) {
    case QUICK_IS_STRING: /* with escapes, too */
        s = span_of(m->found, q->literal, q->nested);
        put_nothing(v);
        return s->kind == JSON_STRING || put_rest(q, s, v);
    case QUICK_STRING:
        s = span_of(m->found, q->literal, q->nested);
        if (!is_plain_string(s)) {
            return put_rest(q, s, v);
        }
        put_text(m, v, s);
        return true;
    case QUICK_ENUM:
        s = span_of(m->found, q->literal, q->nested);
        return is_plain_string(s) ? put_enum(m, q, s, v) : put_rest(q, s, v);
    case QUICK_TIME:
        s = span_of(m->found, q->literal, q->nested);
        return is_plain_string(s) ? put_time(m, q, s, v) : put_rest(q, s, v);
    case QUICK_DECIMAL:
        s = span_of(m->found, q->literal, q->nested);
        return is_number(s) ? put_decimal(q, s, v) : put_rest(q, s, v);
    case QUICK_INT:
        s = span_of(m->found, q->literal, q->nested);
        return is_number(s) ? put_int(q, s, v) : put_rest(q, s, v);
    case QUICK_OTHER:
        put_nothing(v);
        return put_other(q, m->r, m->found, m->room, &m->event->time, v);
    case QUICK_NOTHING: break;
    }
    put_nothing(v);
    return true;
}

/* At most; what is no text counts, too: then the event is not made here, or the room is not used. */
static size_t text_bytes(const struct plan_decl *p, const struct json_span *found)
{
    size_t n = 0;
    for (uint32_t i = 0; i < p->quick.n_texts; i++) {
        const struct quick_field *q = &p->quick.fields[p->quick.texts[i]];
        n += span_of(found, q->literal, q->nested)->len;
    }
    return n;
}

enum quick_result quick_event(const struct plan_decl *p, const struct record *r,
                              struct duration at_most_ahead, const struct json_span *found,
                              struct field_room *room, struct arena *arena, struct event **ret)
{
    uint32_t n = p->decl->n_fields;
    size_t fixed = sizeof(struct event) + n * sizeof(struct value);
    size_t text = (size_t)found[0].len * p->quick.n_texts;
    if (text > PLENTY_BYTES) {
        text = text_bytes(p, found);
    }
    if (text > MAX_TEXT_BYTES) {
        return QUICK_UNSURE;
    }
    struct event *e = arena_room(arena, fixed + text + COPY_BYTES);
    struct making m = {r, found, room, e, (char *)e + fixed};
    const struct quick_field *q = p->quick.fields;
    for (struct value *v = e->values, *end = v + n; v < end; v++, q++) {
        if (!put_field(&m, q, v)) {
            return QUICK_UNSURE;
        }
    }
    if (r->has_timestamp && !duration_is_infinite(at_most_ahead) &&
        etime_lt(etime_add(r->timestamp, at_most_ahead), e->time)) {
        return QUICK_UNSURE;
    }
    e->at = (struct coord){r->topic, r->partition, r->offset};
    e->decl = p->decl->index;
    e->n_values = n;
    e->bytes = (uint32_t)(m.text - (char *)e);
    e->serial = 0;
    arena_take(arena, e->bytes);
    *ret = e;
    return QUICK_ACCEPTED;
}
