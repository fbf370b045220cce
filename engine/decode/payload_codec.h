/* Messages in Avro or Protobuf as the JSON text that the decoder reads.
 *
 * One way for all formats: the codec writes what the declarations name as JSON, and types, missing
 * values and reasons are the decoder's business. How each type is written: docs/formats.md.
 *
 * No input may crash it or take more than its bounds: output, nesting, bytes read. A codec keeps
 * its memory from message to message and belongs to one thread. */
#ifndef FYKE_ENGINE_DECODE_PAYLOAD_CODEC_H
#define FYKE_ENGINE_DECODE_PAYLOAD_CODEC_H

#include "base/json_out.h"
#include "engine/decode/decode.h"
#include "engine/decode/payload_want.h"
#include "engine/record.h"
#include "nfa/payload.h"

/* What was met of a Protobuf message (proto_message.c). */
struct proto_member {
    uint64_t number;            /* varints, 32 and 64 bits */
    const uint8_t *begin, *end; /* what has a length */
    uint32_t next;              /* the next one of the same field; of a head: the first; 0: none */
    uint32_t last;              /* of a head: the latest; 0: none */
    uint32_t winner;            /* of a oneof's first head: its field met last, + 1 */
    uint8_t wire;
    bool passed_over;           /* of a head: something was met that is no value of the field */
};

struct payload_codec {
    struct buf text; /* the JSON */
    struct json_out out;
    const struct payload_schema *schema;
    size_t max_bytes;   /* of the JSON */
    uint32_t max_depth; /* of values in values */
    const uint8_t *begin, *at, *end; /* of the message, behind any framing */
    uint32_t depth;
    enum invalid_reason reason;
    bool has_schema_id; /* the framing named the schema that the writer used */
    uint32_t schema_id;
    struct proto_member *members; /* a stack: of the messages being written */
    size_t n_members, cap_members;
    uint64_t work; /* members and fields that the message made us look at */
};

enum payload_result {
    PAYLOAD_TEXT,          /* codec->text is the message as JSON, with JSON_PAD_BYTES zeros behind */
    PAYLOAD_OTHER_MESSAGE, /* the framing names another message of the file */
    PAYLOAD_INVALID,       /* reason and position say why */
};

void payload_codec_init(struct payload_codec *c, size_t max_bytes, uint32_t max_depth);
void payload_codec_release(struct payload_codec *c);
enum payload_result payload_to_json(struct payload_codec *c, const struct payload_schema *schema,
                                    const struct payload_want *want, const struct record *r,
                                    size_t *position);

/* ---- shared by the codecs ------------------------------------------------------------------ */

/* Gives up on the message; false, so that callers can pass it on. The first reason counts. */
bool payload_fail(struct payload_codec *c, enum invalid_reason reason);
/* One level further into the value, or too deep. */
bool payload_enter(struct payload_codec *c);
static inline void payload_leave(struct payload_codec *c)
{
    c->depth--;
}
/* What is written so far is within the bound. */
bool payload_fits(struct payload_codec *c);
bool payload_put_text(struct payload_codec *c, struct slice text);
bool payload_put_base64(struct payload_codec *c, struct slice bytes);
/* The shortest number that reads back the same; "NaN", "Infinity", "-Infinity" as text. */
void payload_put_double(struct payload_codec *c, double v);
void payload_put_float(struct payload_codec *c, float v);
/* LEB128, at most 64 bits; moves *at. */
bool payload_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret);

/* The message between c->at and c->end; the whole of it must be taken. */
bool avro_message(struct payload_codec *c, const struct payload_type *t,
                  const struct payload_want *want);
bool proto_message(struct payload_codec *c, const struct payload_type *t,
                   const struct payload_want *want);

#endif
