/* Protobuf's binary encoding, by the descriptors that the rules state.
 *
 * Fields may stand in any order, in pieces and more than once, so a message is first taken apart
 * (what was met, in a list per field) and then written in the order of its fields. Both use one
 * stack of members that the codec keeps; members are named by their number there, since it moves
 * when it grows. Member 0 is nobody. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "engine/decode/payload_codec.h"
#include "engine/decode/proto_wire.h"

/* Members and fields that one message may make us look at, beside its bytes. */
#define MAX_WORK (UINT64_C(8) << 20)

static bool broken(struct payload_codec *c)
{
    return payload_fail(c, INVALID_NOT_IN_FORMAT);
}

static uint32_t push(struct payload_codec *c, struct proto_member m)
{
    VEC_PUSH(c->members, c->n_members, c->cap_members) = m;
    return (uint32_t)c->n_members - 1;
}

/* ---- taking apart -------------------------------------------------------------------------- */

/* Where the lists of a message's fields begin: member `heads` + i is the head of field i. A head's
 * next is the first one met, its last the latest; `winner` stands in the head of a oneof's first
 * field: the field that was met last, + 1. */
struct parted {
    const struct payload_type *type;
    uint32_t heads;
};

static bool has_number(const struct payload_type *t, uint32_t i, uint32_t number)
{
    return i < t->n_fields && t->fields[i].number == number;
}

/* UINT32_MAX: unknown. */
static uint32_t find_field(const struct payload_type *t, uint32_t number)
{
    uint32_t low = 0, high = t->n_fields;
    if (has_number(t, number - 1, number)) {
        return number - 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->fields[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return has_number(t, low, number) ? low : UINT32_MAX;
}

static uint8_t wire_of(const struct payload_type *t)
{
    switch (t->kind) {
    case PAYLOAD_INT:
        if (t->wire != WIRE_FIXED && t->wire != WIRE_SFIXED) {
            return WIRE_TYPE_VARINT;
        }
        return t->size == 4 ? WIRE_TYPE_32 : WIRE_TYPE_64;
    case PAYLOAD_FLOAT: return WIRE_TYPE_32;
    case PAYLOAD_DOUBLE: return WIRE_TYPE_64;
    case PAYLOAD_BOOL:
    case PAYLOAD_ENUM: return WIRE_TYPE_VARINT;
    case PAYLOAD_NULL:
    case PAYLOAD_BYTES:
    case PAYLOAD_STRING:
    case PAYLOAD_FIXED:
    case PAYLOAD_ARRAY:
    case PAYLOAD_MAP:
    case PAYLOAD_UNION:
    case PAYLOAD_RECORD:
    case PAYLOAD_KIND_COUNT: break;
    }
    return WIRE_TYPE_LENGTH;
}

/* A field on the wire with another wire type than its declaration is an unknown one. Numbers of a
 * repeated field may be packed; messages may be groups. */
static bool accepts(const struct payload_type *t, uint8_t wire)
{
    if (t->kind == PAYLOAD_ARRAY) {
        return wire == WIRE_TYPE_LENGTH || accepts(t->items, wire);
    }
    return wire == wire_of(t) || (wire == WIRE_TYPE_GROUP && t->kind == PAYLOAD_RECORD);
}

static const struct payload_symbol *find_symbol(const struct payload_type *t, uint64_t v)
{
    int32_t number = (int32_t)(uint32_t)v;
    uint32_t low = 0, high = t->n_symbols;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->symbols[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < t->n_symbols && t->symbols[low].number == number ? &t->symbols[low] : NULL;
}

/* To a closed enum a number without a name is an unknown field. */
static bool is_value(const struct payload_type *t, uint64_t v)
{
    return t->kind != PAYLOAD_ENUM || !t->closed || find_symbol(t, v);
}

static bool is_field(const struct payload_type *t, const struct wire_field *f)
{
    const struct payload_type *item = t->kind == PAYLOAD_ARRAY ? t->items : t;
    return accepts(t, f->type) && (f->type == WIRE_TYPE_LENGTH || is_value(item, f->value));
}

static struct proto_member *member(struct payload_codec *c, uint32_t i)
{
    return &c->members[i];
}

/* A member of a oneof takes the place of the others. */
static void win(struct payload_codec *c, const struct parted *p, uint32_t field)
{
    uint32_t oneof = p->type->fields[field].oneof;
    if (oneof && member(c, p->heads + oneof - 1)->winner != field + 1) {
        member(c, p->heads + oneof - 1)->winner = field + 1;
        member(c, p->heads + field)->next = member(c, p->heads + field)->last = 0;
    }
}

static bool note(struct payload_codec *c, const struct parted *p, const struct wire_field *f)
{
    uint32_t field = find_field(p->type, f->number);
    if (field == UINT32_MAX) {
        return true;
    }
    if (!is_field(p->type->fields[field].type, f)) {
        member(c, p->heads + field)->passed_over = true;
        return true;
    }
    if (++c->work > MAX_WORK) {
        return payload_fail(c, INVALID_TOO_LONG);
    }
    win(c, p, field);
    struct proto_member met = {
        .number = f->value, .begin = f->begin, .end = f->end, .wire = f->type};
    uint32_t i = push(c, met);
    struct proto_member *head = member(c, p->heads + field);
    if (head->next) {
        member(c, head->last)->next = i;
    } else {
        head->next = i;
    }
    head->last = i;
    return true;
}

static bool take_piece(struct payload_codec *c, const struct parted *p, const uint8_t *at,
                       const uint8_t *end)
{
    struct wire_field f;
    while (at < end) {
        if (!wire_next(&at, end, &f)) {
            c->at = at;
            return broken(c);
        }
        if (!note(c, p, &f)) {
            return false;
        }
    }
    return true;
}

/* The pieces of one message are merged: they stand in a list, or the first is `alone`. */
static bool take_apart(struct payload_codec *c, const struct payload_type *t, uint32_t first,
                       bool alone, struct parted *ret)
{
    *ret = (struct parted){t, (uint32_t)c->n_members};
    c->work += t->n_fields;
    if (c->work > MAX_WORK) {
        return payload_fail(c, INVALID_TOO_LONG);
    }
    for (uint32_t i = 0; i < t->n_fields; i++) {
        push(c, (struct proto_member){0});
    }
    for (uint32_t i = first; i != 0; i = alone ? 0 : member(c, i)->next) {
        if (!take_piece(c, ret, member(c, i)->begin, member(c, i)->end)) {
            return false;
        }
    }
    return true;
}

/* ---- scalars ------------------------------------------------------------------------------- */

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void put_integer(struct payload_codec *c, const struct payload_type *t, uint64_t v)
{
    bool half = t->size == 4;
    switch (t->wire) {
    case WIRE_VARINT:
    case WIRE_SFIXED: json_int(&c->out, half ? (int32_t)(uint32_t)v : (int64_t)v); break;
    case WIRE_UNSIGNED:
    case WIRE_FIXED: json_uint(&c->out, half ? (uint32_t)v : v); break;
    case WIRE_ZIGZAG: json_int(&c->out, unzigzag(half ? (uint32_t)v : v)); break;
    }
}

/* A number that the enum does not have stands as it is, which no field of it takes. */
static bool put_symbol(struct payload_codec *c, const struct payload_type *t, uint64_t v)
{
    const struct payload_symbol *s = find_symbol(t, v);
    if (s) {
        return payload_put_text(c, s->name);
    }
    json_int(&c->out, (int32_t)(uint32_t)v);
    return true;
}

static void put_floating(struct payload_codec *c, const struct payload_type *t, uint64_t bits)
{
    if (t->kind == PAYLOAD_FLOAT) {
        uint32_t half = (uint32_t)bits;
        float f;
        memcpy(&f, &half, sizeof(f));
        payload_put_float(c, f);
    } else {
        double d;
        memcpy(&d, &bits, sizeof(d));
        payload_put_double(c, d);
    }
}

static struct slice bytes_of(const struct proto_member *m)
{
    return slice_from((const char *)m->begin, m->begin ? (size_t)(m->end - m->begin) : 0);
}

/* A member of zeros is a type's default value. */
static bool put_scalar(struct payload_codec *c, const struct payload_type *t,
                       const struct proto_member *m)
{
    switch (t->kind) {
    case PAYLOAD_BOOL: json_bool(&c->out, m->number != 0); break;
    case PAYLOAD_INT: put_integer(c, t, m->number); break;
    case PAYLOAD_FLOAT:
    case PAYLOAD_DOUBLE: put_floating(c, t, m->number); break;
    case PAYLOAD_ENUM: return put_symbol(c, t, m->number);
    case PAYLOAD_STRING: return payload_put_text(c, bytes_of(m));
    case PAYLOAD_BYTES: return payload_put_base64(c, bytes_of(m));
    case PAYLOAD_NULL:
    case PAYLOAD_FIXED:
    case PAYLOAD_ARRAY:
    case PAYLOAD_MAP:
    case PAYLOAD_UNION:
    case PAYLOAD_RECORD:
    case PAYLOAD_KIND_COUNT: json_nil(&c->out); break;
    }
    return payload_fits(c);
}

/* ---- messages with a meaning --------------------------------------------------------------- */

/* The last one of a scalar field; zeros when it was not met. */
static struct proto_member last_of(struct payload_codec *c, const struct parted *p, uint32_t field)
{
    uint32_t last = member(c, p->heads + field)->last;
    return last ? *member(c, last) : (struct proto_member){0};
}

/* Seconds and nanoseconds as a time or as a length in the rules' spelling; outside of what these
 * can be, the seconds as the number they are. */
static void put_times(struct payload_codec *c, const struct parted *p)
{
    char text[ETIME_TEXT_MAX > DURATION_TEXT_MAX ? ETIME_TEXT_MAX : DURATION_TEXT_MAX];
    bool length = p->type->meaning == MEANS_DURATION;
    int64_t seconds = (int64_t)last_of(c, p, 0).number, ns;
    int64_t rest = (int32_t)(uint32_t)last_of(c, p, 1).number;
    bool ok = rest >= 0 && rest < NS_PER_S && !(length && seconds < 0) &&
              !__builtin_mul_overflow(seconds, NS_PER_S, &ns) &&
              !__builtin_add_overflow(ns, rest, &ns) && ns != INT64_MIN && ns != INT64_MAX;
    if (!ok) {
        json_int(&c->out, seconds);
        return;
    }
    if (length) {
        duration_format((struct duration){ns}, text);
    } else {
        etime_format((struct etime){ns}, text);
    }
    json_text(&c->out, slice_of(text));
}

static bool put_meaning(struct payload_codec *c, const struct parted *p)
{
    if (p->type->meaning == MEANS_WRAPPER) {
        struct proto_member m = last_of(c, p, 0);
        return put_scalar(c, p->type->fields[0].type, &m);
    }
    put_times(c, p);
    return true;
}

/* ---- messages ------------------------------------------------------------------------------ */

static bool put_message(struct payload_codec *c, const struct payload_type *t,
                        const struct payload_want *want, uint32_t first, bool alone);

/* One item: a scalar, or a message of its own. */
static bool put_item(struct payload_codec *c, const struct payload_type *t,
                     const struct payload_want *want, uint32_t i)
{
    if (t->kind == PAYLOAD_RECORD) {
        return put_message(c, t, want, i, true);
    }
    struct proto_member m = *member(c, i);
    return put_scalar(c, t, &m);
}

static bool put_packed(struct payload_codec *c, const struct payload_type *t, uint32_t i)
{
    struct proto_member m = {0};
    const uint8_t *at = member(c, i)->begin, *end = member(c, i)->end;
    uint8_t wire = wire_of(t);
    unsigned bytes = wire == WIRE_TYPE_32 ? 4 : 8;
    while (at < end) {
        if (wire == WIRE_TYPE_VARINT) {
            if (!wire_varint(&at, end, &m.number)) {
                return broken(c);
            }
        } else {
            if ((size_t)(end - at) < bytes) {
                return broken(c);
            }
            m.number = wire_little_endian(at, bytes);
            at += bytes;
        }
        if (is_value(t, m.number) && !put_scalar(c, t, &m)) {
            return false;
        }
    }
    return true;
}

static bool put_array(struct payload_codec *c, const struct payload_type *t,
                      const struct payload_want *want, uint32_t first)
{
    json_array_begin(&c->out);
    for (uint32_t i = first; i != 0; i = member(c, i)->next) {
        bool packed =
            member(c, i)->wire == WIRE_TYPE_LENGTH && wire_of(t->items) != WIRE_TYPE_LENGTH;
        if (!(packed ? put_packed(c, t->items, i) : put_item(c, t->items, want, i))) {
            return false;
        }
    }
    json_array_end(&c->out);
    return payload_fits(c);
}

static bool put_key(struct payload_codec *c, const struct payload_type *t, struct proto_member m)
{
    char text[24];
    int n = 0;
    if (t->kind == PAYLOAD_STRING) {
        if (!utf8_valid(bytes_of(&m))) {
            return payload_fail(c, INVALID_UTF8);
        }
        json_key(&c->out, bytes_of(&m));
        return true;
    }
    if (t->kind == PAYLOAD_BOOL) {
        json_key(&c->out, m.number ? SLICE_LIT("true") : SLICE_LIT("false"));
        return true;
    }
    bool half = t->size == 4, is_signed = t->wire != WIRE_UNSIGNED && t->wire != WIRE_FIXED;
    int64_t v = t->wire == WIRE_ZIGZAG ? unzigzag(half ? (uint32_t)m.number : m.number)
                : half                 ? (int32_t)(uint32_t)m.number
                                       : (int64_t)m.number;
    n = is_signed ? snprintf(text, sizeof(text), "%" PRId64, v)
                  : snprintf(text, sizeof(text), "%" PRIu64, half ? (uint32_t)m.number : m.number);
    json_key(&c->out, slice_from(text, (size_t)n));
    return true;
}

static bool put_field(struct payload_codec *c, const struct parted *p, uint32_t field,
                      const struct payload_want *want);

static bool put_entry(struct payload_codec *c, const struct parted *entry)
{
    const struct proto_member *value = member(c, entry->heads + 1);
    if (!value->next && value->passed_over && entry->type->items->kind == PAYLOAD_ENUM) {
        return true; /* a closed enum's: the entry is unknown as a whole */
    }
    return put_key(c, entry->type->fields[0].type, last_of(c, entry, 0)) &&
           put_field(c, entry, 1, &payload_want_all);
}

/* Entries are messages of a key and a value; of one key the last one counts, as in JSON. */
static bool put_map(struct payload_codec *c, const struct payload_type *t, uint32_t first)
{
    json_object_begin(&c->out);
    for (uint32_t i = first; i != 0; i = member(c, i)->next) {
        struct parted entry;
        size_t base = c->n_members;
        bool ok = payload_enter(c) && take_apart(c, t, i, true, &entry) && put_entry(c, &entry);
        payload_leave(c);
        c->n_members = base;
        if (!ok) {
            return false;
        }
    }
    json_object_end(&c->out);
    return payload_fits(c);
}

static bool put_field(struct payload_codec *c, const struct parted *p, uint32_t field,
                      const struct payload_want *want)
{
    const struct payload_type *t = p->type->fields[field].type;
    uint32_t first = member(c, p->heads + field)->next;
    if (t->kind == PAYLOAD_ARRAY) {
        return put_array(c, t, want, first);
    }
    if (t->kind == PAYLOAD_MAP) {
        return put_map(c, t, first);
    }
    if (t->kind == PAYLOAD_RECORD) {
        return put_message(c, t, want, first, false);
    }
    struct proto_member m = last_of(c, p, field);
    return put_scalar(c, t, &m);
}

/* Not there, and that means something. */
static bool is_absent(struct payload_codec *c, const struct parted *p, uint32_t field)
{
    const struct payload_field *f = &p->type->fields[field];
    if (f->oneof && member(c, p->heads + f->oneof - 1)->winner != field + 1) {
        return true;
    }
    return f->presence && member(c, p->heads + field)->next == 0;
}

static bool put_fields(struct payload_codec *c, const struct parted *p,
                       const struct payload_want *want)
{
    json_object_begin(&c->out);
    for (uint32_t i = 0; i < p->type->n_fields; i++) {
        const struct payload_want *part = payload_want_part(want, i);
        if (!part || is_absent(c, p, i)) {
            continue;
        }
        json_key(&c->out, p->type->fields[i].name);
        if (!put_field(c, p, i, part)) {
            return false;
        }
    }
    json_object_end(&c->out);
    return payload_fits(c);
}

static bool put_message(struct payload_codec *c, const struct payload_type *t,
                        const struct payload_want *want, uint32_t first, bool alone)
{
    struct parted p;
    size_t base = c->n_members;
    bool ok = payload_enter(c) && take_apart(c, t, first, alone, &p) &&
              (t->meaning != MEANS_ITSELF ? put_meaning(c, &p) : put_fields(c, &p, want));
    payload_leave(c);
    c->n_members = base;
    return ok;
}

bool proto_message(struct payload_codec *c, const struct payload_type *t,
                   const struct payload_want *want)
{
    c->n_members = 0;
    c->work = 0;
    push(c, (struct proto_member){0});
    uint32_t root = push(c, (struct proto_member){
                                .begin = c->at, .end = c->end, .wire = WIRE_TYPE_LENGTH});
    return put_message(c, t, want, root, true);
}
