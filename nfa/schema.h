/* What events look like: the declarations of a rule set, resolved.
 *
 * A schema is immutable and lives in the rule set's arena. The decoder in engine/ fills events by
 * it; the compiler in dsl/ builds it. Slots: field i of a declaration is values[i] of its events. */
#ifndef FYKE_NFA_SCHEMA_H
#define FYKE_NFA_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "nfa/value.h"

struct expr;
struct payload_schema;

enum field_type {
    TYPE_BOOL,
    TYPE_INT,
    TYPE_DECIMAL,
    TYPE_FLOAT,
    TYPE_STRING,
    TYPE_TIMESTAMP,
    TYPE_DURATION, /* text in the rule language's compact form, "5m" */
    TYPE_IP,
    TYPE_CIDR,
    TYPE_GEO,
    TYPE_ENUM,
    TYPE_COUNT
};

enum time_unit { UNIT_TEXT, UNIT_S, UNIT_MS, UNIT_US, UNIT_NS };

enum field_origin {
    ORIGIN_PAYLOAD,   /* a path into the JSON value */
    ORIGIN_KEY,       /* "$key": the record's key */
    ORIGIN_TIMESTAMP, /* "$timestamp": the record's own timestamp */
    ORIGIN_HEADER,    /* "$header.x" */
    ORIGIN_COMPUTED,  /* `name : type = expr` over the event's own fields */
};

/* A path into the payload: the literal key is looked for first ("a.b"), then nested a → b.
 * A part "items[*]" collects over a list (field is a list then). */
struct path_part {
    struct slice name;
    bool each; /* name[*] */
};

struct schema_field {
    struct slice name;         /* as declared, dotted for nested: "merchant.name" */
    struct slice path_text;    /* literal key to look for first */
    struct path_part *parts;   /* nested search */
    uint32_t n_parts;
    enum field_origin origin;
    struct slice header;       /* ORIGIN_HEADER: its name */
    enum field_type type;
    bool is_list;              /* list of / set of `type` */
    bool is_set;
    enum time_unit unit;       /* timestamps: UNIT_TEXT = RFC 3339 */
    struct slice *enum_values; /* TYPE_ENUM */
    uint32_t n_enum_values;
    bool optional;
    bool is_key;        /* declared `key`: the message key holds it */
    bool is_event_time; /* exactly one per declaration with a source */
    bool keep;          /* a rule names it: decoded values are kept in the event */
    const struct expr *computed; /* ORIGIN_COMPUTED; refers to this event only */
};

/* One `event` declaration. `topics` are indexes into the rule set's topic list. */
struct schema_decl {
    struct slice name;
    uint32_t index;          /* order of first declaration: part of the total order */
    uint32_t *topics;        /* empty: derived by rules */
    uint32_t n_topics;
    bool is_derived;         /* a rule emits it */
    struct schema_field *fields;
    uint32_t n_fields;
    int32_t time_field; /* slot of the event time; -1 without source (then `at` is the engine's) */
    const struct expr *where; /* of `from topic … where`, on its own fields; NULL without */
    const struct payload_schema *payload; /* of `format avro|protobuf`; NULL: JSON */
};

/* One topic, shared by the declarations that read it (language.md 3.8). */
struct schema_topic {
    struct slice name;
    uint32_t index; /* order of first declaration: part of the total order */
    uint32_t *decls; /* declarations reading it, in order of declaration */
    uint32_t n_decls;
    const struct payload_schema *payload; /* of all declarations; NULL: JSON */
    struct duration out_of_order; /* largest stated; 0 */
    struct duration idle_after;   /* 0: never idle */
    bool follow_clock;
    struct duration at_most_ahead; /* DURATION_INFINITE: not stated */
    bool has_watermark_per;        /* `watermark per FIELD` */
    uint32_t watermark_per_slot;   /* in the declaration `watermark_per_decl` */
    uint32_t watermark_per_decl;
};

enum value_kind type_value_kind(enum field_type type);
const char *type_name(enum field_type type);

#endif
