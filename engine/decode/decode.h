/* Record → events: finds and type-checks every declared field, keeps those that rules name.
 *
 * Whether a record is valid depends on its bytes and the declarations alone, never on which rules
 * are loaded (formats.md section 1): every declared field is checked even when it is not kept.
 * Payload: one JSON object per RFC 8259 in valid UTF-8. Duplicate keys: docs/decisions.md. Messages
 * in Avro or Protobuf become such an object first (payload_codec.h).
 *
 * Thread rule: a decoder belongs to one thread; several may exist over one rule set. */
#ifndef FYKE_ENGINE_DECODE_DECODE_H
#define FYKE_ENGINE_DECODE_DECODE_H

#include <stdint.h>

#include "base/arena.h"
#include "engine/record.h"
#include "nfa/event.h"
#include "nfa/rule.h"

struct decoder;

enum decode_result {
    DECODE_EVENTS,    /* one event or more */
    DECODE_TOMBSTONE, /* null payload */
    DECODE_UNCLAIMED, /* valid, fits no declaration (`where` of all of them false) */
    DECODE_INVALID,   /* reason says why, field where it helps */
};

enum invalid_reason {
    INVALID_NONE,
    INVALID_ENVELOPE,     /* the source could not make a record of it */
    INVALID_TOO_LONG,
    INVALID_NOT_JSON,
    INVALID_UTF8,
    INVALID_NOT_OBJECT,
    INVALID_TOO_DEEP,
    INVALID_NO_TIME,      /* event time absent or null */
    INVALID_BAD_TIME,     /* unreadable or outside 1678..2262 */
    INVALID_TOO_FAR_AHEAD,/* `at most D ahead` of the record's own timestamp */
    INVALID_MISSING_FIELD,/* a required field is absent or null */
    INVALID_BAD_VALUE,    /* a required field has the wrong type */
    INVALID_NOT_IN_FORMAT,/* the bytes are no message of the schema */
    INVALID_BYTES_LEFT,   /* the message goes on behind what the schema describes */
    INVALID_REASON_COUNT
};

const char *invalid_reason_name(enum invalid_reason reason);

/* Most topics have no more declarations. */
#define DECODED_FEW 2

struct decoded {
    enum decode_result result;
    enum invalid_reason reason;
    uint32_t decl;         /* the declaration that refused it */
    uint32_t field;        /* slot; UINT32_MAX: the whole record */
    size_t position;       /* byte in the payload where it was seen; 0 for a field of a message
                            * that is not JSON */
    uint32_t n_events;
    struct event **events; /* in order of declaration; `few` or memory of `arena` */
    struct event *few[DECODED_FEW];
    uint32_t bad_values;   /* optional fields that were undecodable (now missing) */
    bool has_schema_id;    /* the message names the schema that it was written with … */
    uint32_t schema_id;    /* … by its id in a registry */
};

/* How a record is decoded never shows in what comes out; tests and measurements compare them. */
enum decode_way {
    DECODE_BEST,     /* what the machine can */
    DECODE_PORTABLE, /* the same without vector instructions */
    DECODE_GENERAL,  /* without short cuts for what records mostly look like */
};

struct decode_limits {
    size_t max_value_bytes; /* larger payloads are INVALID_TOO_LONG (default 8 MiB) */
    uint32_t max_depth;     /* nesting of JSON (default 128) */
    enum decode_way way;
};

struct decoder *decoder_new(const struct ruleset *rs, struct decode_limits limits);
void decoder_free(struct decoder *d);
/* Lists, lookups and geoip that conditions and computed fields read. */
struct eval_env;
void decoder_set_env(struct decoder *d, const struct eval_env *env);
/* Events and their text are allocated in `arena`; they do not point into the record. */
void decoder_decode(struct decoder *d, const struct record *r, struct arena *arena,
                    struct decoded *ret);

#endif
