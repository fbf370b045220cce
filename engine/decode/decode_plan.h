/* What the decoder does for a topic, worked out once from the declarations: which JSON keys to
 * look for, where each field's value will then stand, in which order a declaration is judged.
 * Immutable after decode_plan_new(). */
#ifndef FYKE_ENGINE_DECODE_DECODE_PLAN_H
#define FYKE_ENGINE_DECODE_DECODE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/decode/json_paths.h"
#include "engine/decode/payload_want.h"
#include "nfa/rule.h"

struct plan_field {
    const struct schema_field *decl;
    enum field_origin origin;
    uint32_t literal;             /* node of the literal key; JSON_NO_NODE: not looked for */
    uint32_t nested;              /* node of the nested path, up to its first "[*]" */
    bool collects;                /* the path has a "[*]": the node must be an array … */
    const struct path_part *rest; /* … and these parts are followed in each of its items */
    uint32_t n_rest;
    bool required; /* event times always */
    bool is_time;
    bool wanted; /* its value is used: kept, or read by `where` or a computed field */
    bool keep;
};

/* A text that values are compared with. */
struct quick_text {
    uint64_t head, mask; /* first eight bytes as json_paths.h has them */
    struct slice text;
};

enum quick_kind {
    QUICK_NOTHING, /* computed, and nobody asks for it */
    QUICK_IS_STRING, /* nobody asks for it, but it must be one */
    QUICK_STRING,    /* kept */
    QUICK_ENUM,
    QUICK_TIME,    /* as text */
    QUICK_DECIMAL,
    QUICK_INT,
    QUICK_OTHER,   /* whatever decode_field.h makes of it */
};

struct quick_field {
    enum quick_kind kind;
    bool keep, required, is_time;
    uint32_t literal, nested; /* nodes; the same where there is one only */
    const struct plan_field *field;
    struct quick_text *names; /* QUICK_ENUM */
    uint32_t n_names;
};

/* `where` holds only if this field equals this text. */
struct quick_test {
    uint32_t literal, nested;
    struct quick_text text;
};

/* Of decode_quick.c. */
struct quick_decl {
    bool usable;               /* it can judge and make the event */
    struct quick_field *fields; /* one per slot */
    uint32_t *texts;           /* slots whose text is kept */
    uint32_t n_texts;
    struct quick_test *tests;  /* all must hold … */
    uint32_t n_tests;
    bool tests_are_all;        /* … and then `where` holds */
};

struct plan_decl {
    const struct schema_decl *decl;
    struct plan_field *fields; /* one per slot */
    uint32_t *where_slots;     /* what `where` reads, directly or through computed fields */
    uint32_t n_where_slots;
    bool where_reads_time;
    uint32_t *computed; /* wanted computed fields; a field stands behind those it reads */
    uint32_t n_computed;
    uint32_t n_where_computed; /* the first ones: `where` reads them */
    struct quick_decl quick;
};

struct plan_topic {
    struct json_paths paths;
    struct plan_decl *decls;
    uint32_t n_decls;
    struct duration at_most_ahead;
    const struct payload_schema *payload; /* NULL: JSON */
    const struct payload_want *want;      /* what of it the paths ask for */
};

struct decode_plan {
    struct arena arena;
    struct plan_topic *topics;
    uint32_t n_topics;
    uint32_t most_fields; /* of any declaration */
    uint32_t most_nodes;  /* of any topic */
};

struct decode_plan *decode_plan_new(const struct ruleset *rs);
void decode_plan_free(struct decode_plan *p);

#endif
