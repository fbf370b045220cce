/* An alert as one JSON object: the bytes of docs/formats.md section 2, in its order of keys. */
#ifndef FYKE_ENGINE_OUT_ALERT_JSON_H
#define FYKE_ENGINE_OUT_ALERT_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "nfa/state.h"

struct alert_options {
    const struct ruleset *rs;
    uint32_t max_evidence;       /* entries per step; the first and the last ones are shown */
    const struct slice *fields;  /* --evidence-fields: names; NULL and n_fields 0: none */
    uint32_t n_fields;
    bool all_fields;             /* "*" */
    bool shadow;                 /* alerts of rules in status shadow go out as well */
    struct hash128 fingerprint;  /* of the rule set with its lists and lookups */
    bool show_derived;           /* a match that only derives events leaves a line too */
    bool emit_only;              /* nobody reads more of the line: there is no more in it */
};

/* Where parts of a line stand in its text; 0: they are not there. */
struct alert_places {
    size_t suppressed; /* the number */
    size_t emit, emit_len;         /* the value */
    size_t evidence, evidence_len; /* the array */
};

/* Into an empty buffer. */
struct alert_places alert_json(const struct alert_options *o, const struct match *m, struct hash128 id,
                               struct buf *out);
/* The same with a memo that was taken for the match (alert_memo.h), or NULL. */
struct alert_memo;
struct alert_places alert_json_again(const struct alert_options *o, const struct match *m,
                                     struct hash128 id, struct alert_memo *memo, struct buf *out);

#endif
