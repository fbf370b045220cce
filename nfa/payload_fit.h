/* Can a declared field be read from messages of a schema? The rules are those of the decoder over
 * the JSON that the codecs write (docs/formats.md, "Avro" and "Protobuf"). */
#ifndef FYKE_NFA_PAYLOAD_FIT_H
#define FYKE_NFA_PAYLOAD_FIT_H

#include "nfa/payload.h"
#include "nfa/schema.h"

enum fit_verdict { FIT_NO_FIELD, FIT_NO_TYPE, FIT_OK }; /* better ones are larger */

struct payload_fit {
    enum fit_verdict verdict;
    struct slice name;               /* FIT_NO_FIELD: what was looked for … */
    const struct payload_type *type; /* … in here; else what stands at the end of the path */
    bool is_item;                    /* `type` is that of an array's items */
};

/* A field with ORIGIN_PAYLOAD and a path. Of a union the branch that fits best counts. */
struct payload_fit payload_fit_field(const struct schema_field *f, const struct payload_type *root);
/* What to write instead, or NULL. */
const char *payload_fit_help(const struct schema_field *f, const struct payload_type *t);

#endif
