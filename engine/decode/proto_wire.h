/* Protobuf's wire format: a message is a row of fields, each a number, a wire type and a value. */
#ifndef FYKE_ENGINE_DECODE_PROTO_WIRE_H
#define FYKE_ENGINE_DECODE_PROTO_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum wire_type {
    WIRE_TYPE_VARINT = 0,
    WIRE_TYPE_64 = 1,
    WIRE_TYPE_LENGTH = 2,
    WIRE_TYPE_GROUP = 3, /* its fields stand between begin and end */
    WIRE_TYPE_END_GROUP = 4,
    WIRE_TYPE_32 = 5,
};

struct wire_field {
    uint32_t number; /* 1 … 2^29 - 1 */
    uint8_t type;
    uint64_t value;             /* varints, 32 and 64 bits */
    const uint8_t *begin, *end; /* what has a length; groups */
};

/* The next field; at < end. False: malformed, and *at stands where it was seen. */
bool wire_next(const uint8_t **at, const uint8_t *end, struct wire_field *ret);
/* At most ten bytes; what is beyond 64 bits is dropped, as Protobuf's readers do. */
bool wire_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret);
uint64_t wire_little_endian(const uint8_t *p, unsigned bytes);

static inline struct slice wire_slice(const struct wire_field *f)
{
    return slice_from((const char *)f->begin, (size_t)(f->end - f->begin));
}

#endif
