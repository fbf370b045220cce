/* Avro's logical types: which of them a type takes, and their values as JSON text. */
#ifndef FYKE_ENGINE_DECODE_AVRO_LOGICAL_H
#define FYKE_ENGINE_DECODE_AVRO_LOGICAL_H

#include "base/json_out.h"
#include "nfa/payload.h"

struct avro_logical {
    bool has_precision, bad_scale;
    uint32_t precision, scale;
};

/* MEANS_ITSELF when the logical type is unknown or the type cannot carry it. */
enum payload_meaning avro_logical_meaning(struct slice name, const struct payload_type *t,
                                          const struct avro_logical *l);

/* A number with a meaning; what lies outside of its range stands as the number it is, which no
 * field of that type accepts. */
void avro_put_number(struct json_out *out, enum payload_meaning meaning, int64_t v);
/* Two's complement, big-endian, as the exact number; beyond 38 digits `false`, no number. */
void avro_put_decimal(struct json_out *out, struct slice bytes, uint32_t scale);
void avro_put_uuid(struct json_out *out, struct slice bytes);
/* Three little-endian numbers as an object. */
void avro_put_months(struct json_out *out, struct slice bytes);

#endif
