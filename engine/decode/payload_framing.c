#include "engine/decode/payload_framing.h"

#define FRAME_BYTES 5

/* Serializers that put the schema's id into a header write the message bare. */
static bool id_is_in_header(const struct record *r)
{
    for (uint32_t i = 0; i < r->n_headers; i++) {
        if (slice_eq_str(r->headers[i].name, "__value_schema_id")) {
            return true;
        }
    }
    return false;
}

/* Never a guess that content could win: a Protobuf message cannot begin with a zero byte. An Avro
 * one can; registries count ids from 1, so two zero bytes are taken for a frame with an id below
 * 2^24, one for a bare message. */
static bool is_framed(const struct payload_codec *c, const struct record *r)
{
    bool zero = c->end - c->at >= FRAME_BYTES && c->at[0] == 0;
    if (!zero || id_is_in_header(r)) {
        return false;
    }
    return c->schema->format == PAYLOAD_PROTOBUF || c->at[1] == 0;
}

static bool zigzag(struct payload_codec *c, int64_t *ret)
{
    uint64_t v;
    if (!payload_varint(&c->at, c->end, &v)) {
        return payload_fail(c, INVALID_NOT_IN_FORMAT);
    }
    *ret = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    return true;
}

/* The places from outside in, zig-zag numbers behind their count; a count of 0 is short for the
 * first message of the file. */
static bool read_place(struct payload_codec *c, bool *same)
{
    const struct payload_schema *s = c->schema;
    int64_t n, place = 0;
    if (!zigzag(c, &n) || n < 0) {
        return payload_fail(c, INVALID_NOT_IN_FORMAT);
    }
    bool is_short = n == 0;
    n = is_short ? 1 : n;
    *same = (uint64_t)n == s->n_place;
    for (int64_t i = 0; i < n; i++) {
        if (!is_short && !zigzag(c, &place)) {
            return false;
        }
        *same = *same && (uint64_t)place == s->place[i];
    }
    return true;
}

bool payload_framing(struct payload_codec *c, const struct record *r, bool *same)
{
    if (!is_framed(c, r)) {
        return true;
    }
    c->schema_id = (uint32_t)c->at[1] << 24 | (uint32_t)c->at[2] << 16 | (uint32_t)c->at[3] << 8 |
                   c->at[4];
    c->has_schema_id = true;
    c->at += FRAME_BYTES;
    return c->schema->format != PAYLOAD_PROTOBUF || read_place(c, same);
}
