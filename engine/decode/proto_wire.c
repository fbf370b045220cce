#include "engine/decode/proto_wire.h"

#include "engine/decode/payload_codec.h"

/* Groups in groups; they left the language before anybody nested them deeper. */
#define MAX_GROUPS 32

uint64_t wire_little_endian(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    while (bytes-- > 0) {
        v = v << 8 | p[bytes];
    }
    return v;
}

bool wire_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
    uint64_t v = 0;
    const uint8_t *p = *at;
    for (unsigned shift = 0; shift < 70 && p < end; shift += 7) {
        uint8_t byte = *p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool take_fixed(const uint8_t **at, const uint8_t *end, unsigned bytes, uint64_t *ret)
{
    if ((size_t)(end - *at) < bytes) {
        return false;
    }
    *ret = wire_little_endian(*at, bytes);
    *at += bytes;
    return true;
}

static bool take_length(const uint8_t **at, const uint8_t *end, struct wire_field *f)
{
    uint64_t len;
    if (!payload_varint(at, end, &len) || len > (size_t)(end - *at)) {
        return false;
    }
    f->begin = *at;
    f->end = *at += len;
    return true;
}

/* The tag and all of the value but a group's content. */
static bool take_field(const uint8_t **at, const uint8_t *end, struct wire_field *f)
{
    uint64_t tag;
    if (!payload_varint(at, end, &tag) || tag >> 3 == 0 || tag >> 3 > (UINT32_C(1) << 29) - 1) {
        return false;
    }
    *f = (struct wire_field){.number = (uint32_t)(tag >> 3), .type = (uint8_t)(tag & 7)};
    switch (f->type) {
    case WIRE_TYPE_VARINT: return wire_varint(at, end, &f->value);
    case WIRE_TYPE_64: return take_fixed(at, end, 8, &f->value);
    case WIRE_TYPE_32: return take_fixed(at, end, 4, &f->value);
    case WIRE_TYPE_LENGTH: return take_length(at, end, f);
    case WIRE_TYPE_GROUP:
    case WIRE_TYPE_END_GROUP: return true;
    default: return false;
    }
}

/* Up to the end tag that belongs to it. */
static bool take_group(const uint8_t **at, const uint8_t *end, struct wire_field *group)
{
    uint32_t open[MAX_GROUPS];
    unsigned depth = 1;
    struct wire_field f;
    open[0] = group->number;
    group->begin = *at;
    while (*at < end) {
        group->end = *at;
        if (!take_field(at, end, &f)) {
            return false;
        }
        if (f.type == WIRE_TYPE_GROUP) {
            if (depth == MAX_GROUPS) {
                return false;
            }
            open[depth++] = f.number;
        } else if (f.type == WIRE_TYPE_END_GROUP) {
            if (f.number != open[--depth]) {
                return false;
            }
            if (depth == 0) {
                return true;
            }
        }
    }
    return false;
}

bool wire_next(const uint8_t **at, const uint8_t *end, struct wire_field *ret)
{
    if (!take_field(at, end, ret) || ret->type == WIRE_TYPE_END_GROUP) {
        return false;
    }
    return ret->type != WIRE_TYPE_GROUP || take_group(at, end, ret);
}
