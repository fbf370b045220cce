/* What the messages of a topic look like when they are not JSON: a schema, resolved.
 *
 * One graph of types for Avro and Protobuf. A reader in engine/ builds it (avro_schema.c,
 * proto_schema.c) when rules are compiled, the checker compares declared fields with it, the
 * decoders follow it. Immutable; lives in the rule set's arena. Types may refer to themselves. */
#ifndef FYKE_NFA_PAYLOAD_H
#define FYKE_NFA_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/slice.h"

enum payload_format { PAYLOAD_JSON, PAYLOAD_AVRO, PAYLOAD_PROTOBUF };

enum payload_kind {
    PAYLOAD_NULL,
    PAYLOAD_BOOL,
    PAYLOAD_INT, /* whole numbers of any width */
    PAYLOAD_FLOAT,
    PAYLOAD_DOUBLE,
    PAYLOAD_BYTES,
    PAYLOAD_STRING,
    PAYLOAD_FIXED,
    PAYLOAD_ENUM,
    PAYLOAD_ARRAY,
    PAYLOAD_MAP,
    PAYLOAD_UNION,
    PAYLOAD_RECORD,
    PAYLOAD_KIND_COUNT
};

/* What a value stands for beyond its kind: Avro's logical types, Protobuf's well-known messages. */
enum payload_meaning {
    MEANS_ITSELF,
    MEANS_DATE,
    MEANS_TIME_MS,
    MEANS_TIME_US,
    MEANS_TIMESTAMP_MS,
    MEANS_TIMESTAMP_US,
    MEANS_TIMESTAMP_NS,
    MEANS_LOCAL_MS, /* a time of day and date without a zone */
    MEANS_LOCAL_US,
    MEANS_LOCAL_NS,
    MEANS_DECIMAL,
    MEANS_UUID,
    MEANS_MONTHS,    /* Avro's duration: months, days, ms */
    MEANS_TIMESTAMP, /* google.protobuf.Timestamp */
    MEANS_DURATION,  /* google.protobuf.Duration */
    MEANS_WRAPPER,   /* google.protobuf.Int64Value, …: the value in its only field */
    MEANING_COUNT
};

/* How Protobuf writes a number. */
enum payload_wire {
    WIRE_VARINT,   /* signed, ten bytes when negative */
    WIRE_UNSIGNED,
    WIRE_ZIGZAG,
    WIRE_FIXED,    /* little-endian, of the type's size */
    WIRE_SFIXED,
};

struct payload_type;

struct payload_field {
    struct slice name;
    const struct payload_type *type;
    uint32_t number; /* Protobuf */
    bool presence;   /* Protobuf: absent is absent, not the default value */
    uint32_t oneof;  /* Protobuf: place of the first field of its oneof, + 1; 0: in none */
};

struct payload_symbol {
    struct slice name;
    int32_t number; /* Avro: its place */
};

struct payload_type {
    enum payload_kind kind;
    enum payload_meaning meaning;
    enum payload_wire wire;
    uint32_t index;    /* order of appearance in the schema */
    bool no_bytes;     /* every value of it takes no bytes at all */
    bool closed;       /* enums of proto2: a number without a name is no value of the field */
    uint32_t size;     /* PAYLOAD_FIXED: bytes; PAYLOAD_INT: 4 or 8 */
    uint32_t precision, scale; /* MEANS_DECIMAL */
    struct slice name; /* of records, enums, fixed: full, with its namespace */
    struct payload_field *fields; /* records; Protobuf: ascending by number; its maps: key, value */
    uint32_t n_fields;
    struct payload_symbol *symbols; /* Protobuf: ascending by number, aliases left out */
    uint32_t n_symbols;
    const struct payload_type **branches; /* unions */
    uint32_t n_branches;
    const struct payload_type *items; /* arrays; values of maps */
};

struct payload_schema {
    enum payload_format format;
    const struct payload_type *root;
    const struct payload_type **types; /* by index */
    uint32_t n_types;
    /* Protobuf: where the message stands in its file, from outside in. */
    uint32_t *place;
    uint32_t n_place;
    struct hash128 hash; /* of the types that the root reaches: equal, messages read alike */
};

/* Fills no_bytes and the hash once all types stand. */
void payload_schema_seal(struct payload_schema *s, struct arena *arena);

/* Field of a record; NULL: it has none of this name. */
const struct payload_field *payload_find_field(const struct payload_type *record,
                                               struct slice name);
const char *payload_format_name(enum payload_format format);
/* "a long", "a timestamp (timestamp-millis)", …: how a schema's author would call it. */
const char *payload_type_words(const struct payload_type *t);

/* ---- text as schema ----------------------------------------------------------------------- */

struct payload_problem {
    bool in_text; /* start and end are bytes of the text; else it is about the file as a whole */
    uint32_t start, end;
    char text[240];
    /* There is no message of the name asked for: those that there are. */
    bool unknown_message;
    const struct slice *messages;
    uint32_t n_messages;
};

#define PAYLOAD_MAX_SCHEMA_BYTES (4u << 20)

/* The content of a schema file; NULL and a problem when it is none. `message` is empty for Avro. */
typedef const struct payload_schema *(*payload_parse)(enum payload_format format,
                                                      struct slice text, struct slice message,
                                                      struct arena *arena,
                                                      struct payload_problem *problem);

#endif
