#include "nfa/payload.h"

#include "base/buf.h"

const char *payload_format_name(enum payload_format format)
{
    switch (format) {
    case PAYLOAD_JSON: break;
    case PAYLOAD_AVRO: return "avro";
    case PAYLOAD_PROTOBUF: return "protobuf";
    }
    return "json";
}

const struct payload_field *payload_find_field(const struct payload_type *record, struct slice name)
{
    for (uint32_t i = 0; i < record->n_fields; i++) {
        if (slice_eq(record->fields[i].name, name)) {
            return &record->fields[i];
        }
    }
    return NULL;
}

static const char *meaning_words(enum payload_meaning meaning)
{
    static const char *const words[MEANING_COUNT] = {
        [MEANS_DATE] = "a date",
        [MEANS_TIME_MS] = "a time of day",
        [MEANS_TIME_US] = "a time of day",
        [MEANS_TIMESTAMP_MS] = "a timestamp-millis",
        [MEANS_TIMESTAMP_US] = "a timestamp-micros",
        [MEANS_TIMESTAMP_NS] = "a timestamp-nanos",
        [MEANS_LOCAL_MS] = "a timestamp without a zone",
        [MEANS_LOCAL_US] = "a timestamp without a zone",
        [MEANS_LOCAL_NS] = "a timestamp without a zone",
        [MEANS_DECIMAL] = "a decimal",
        [MEANS_UUID] = "a uuid",
        [MEANS_MONTHS] = "a duration in months, days and milliseconds",
        [MEANS_TIMESTAMP] = "a google.protobuf.Timestamp",
        [MEANS_DURATION] = "a google.protobuf.Duration",
    };
    return words[meaning];
}

const char *payload_type_words(const struct payload_type *t)
{
    static const char *const kinds[PAYLOAD_KIND_COUNT] = {
        [PAYLOAD_NULL] = "null",       [PAYLOAD_BOOL] = "a boolean",
        [PAYLOAD_INT] = "an integer",  [PAYLOAD_FLOAT] = "a float",
        [PAYLOAD_DOUBLE] = "a double", [PAYLOAD_BYTES] = "bytes",
        [PAYLOAD_STRING] = "a string", [PAYLOAD_FIXED] = "bytes of a fixed length",
        [PAYLOAD_ENUM] = "an enum",    [PAYLOAD_ARRAY] = "an array",
        [PAYLOAD_MAP] = "a map",       [PAYLOAD_UNION] = "a union",
        [PAYLOAD_RECORD] = "a record",
    };
    if (t->meaning == MEANS_WRAPPER && t->n_fields > 0) {
        return payload_type_words(t->fields[0].type);
    }
    const char *words = meaning_words(t->meaning);
    return words ? words : kinds[t->kind];
}

/* ---- sealing ------------------------------------------------------------------------------- */

static bool takes_no_bytes(const struct payload_type *t)
{
    if (t->kind == PAYLOAD_RECORD) {
        for (uint32_t i = 0; i < t->n_fields; i++) {
            if (!t->fields[i].type->no_bytes) {
                return false;
            }
        }
        return true;
    }
    return t->kind == PAYLOAD_NULL || (t->kind == PAYLOAD_FIXED && t->size == 0);
}

/* A type stands in front of those that it is made of, so going backwards mostly settles it in one
 * round. Records that contain themselves never take no bytes: they have no finite value. */
static void find_empty(struct payload_schema *s)
{
    bool changed = s->format == PAYLOAD_AVRO;
    while (changed) {
        changed = false;
        for (uint32_t i = s->n_types; i-- > 0;) {
            struct payload_type *t = (struct payload_type *)(uintptr_t)s->types[i];
            if (!t->no_bytes && takes_no_bytes(t)) {
                t->no_bytes = changed = true;
            }
        }
    }
}

/* Types are numbered in the order in which the walk from the root meets them. */
struct numbering {
    uint32_t *number; /* by index; 0: not met */
    const struct payload_type **order;
    uint32_t n;
};

static uint32_t number_of(struct numbering *n, const struct payload_type *t)
{
    if (n->number[t->index] == 0) {
        n->order[n->n++] = t;
        n->number[t->index] = n->n;
    }
    return n->number[t->index];
}

static void put_type(struct buf *out, struct numbering *n, const struct payload_type *t)
{
    buf_put_varint(out, (uint64_t)t->kind);
    buf_put_varint(out, (uint64_t)t->meaning);
    buf_put_varint(out, (uint64_t)t->wire);
    buf_put_varint(out, t->size);
    buf_put_varint(out, t->precision);
    buf_put_varint(out, t->scale);
    buf_put_varint(out, t->n_fields);
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const struct payload_field *f = &t->fields[i];
        buf_put_blob(out, f->name);
        buf_put_varint(out, f->number);
        buf_put_byte(out, f->presence);
        buf_put_varint(out, f->oneof);
        buf_put_varint(out, number_of(n, f->type));
    }
    buf_put_byte(out, t->closed);
    buf_put_varint(out, t->n_symbols);
    for (uint32_t i = 0; i < t->n_symbols; i++) {
        buf_put_blob(out, t->symbols[i].name);
        buf_put_zigzag(out, t->symbols[i].number);
    }
    buf_put_varint(out, t->n_branches);
    for (uint32_t i = 0; i < t->n_branches; i++) {
        buf_put_varint(out, number_of(n, t->branches[i]));
    }
    buf_put_varint(out, t->items ? number_of(n, t->items) : 0);
}

void payload_schema_seal(struct payload_schema *s, struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct numbering n = {.number = ARENA_ARRAY(arena, uint32_t, s->n_types + 1),
                          .order = ARENA_ARRAY(arena, const struct payload_type *, s->n_types + 1)};
    find_empty(s);
    buf_put_varint(&text, (uint64_t)s->format);
    buf_put_varint(&text, s->n_place);
    for (uint32_t i = 0; i < s->n_place; i++) {
        buf_put_varint(&text, s->place[i]);
    }
    number_of(&n, s->root);
    for (uint32_t i = 0; i < n.n; i++) {
        put_type(&text, &n, n.order[i]);
    }
    s->hash = hash128(buf_slice(&text));
    buf_release(&text);
}
