/* Gates: bounds that a replay must keep, "precision >= 0.8". */
#ifndef FYKE_LIB_REPLAY_GATE_H
#define FYKE_LIB_REPLAY_GATE_H

#include "lib/replay_diff.h"

/* What must have been asked for. */
enum gate_needs { GATE_NEEDS_NOTHING, GATE_NEEDS_LABELS, GATE_NEEDS_DIFF };

struct gate_name {
    const char *name, *help;
    enum gate_needs needs;
    /* Of a rule, or of all together (NULL). False: undefined. NULL: a number of a diff. */
    bool (*value)(const struct replay_result *r, const struct replay_rule *rule, double *ret);
    enum diff_class class; /* of that; DIFF_CLASSES: all but the same */
};
const struct gate_name *gate_names(uint32_t *ret_n);

enum gate_compare { GATE_LESS, GATE_AT_MOST, GATE_EQUAL, GATE_AT_LEAST, GATE_MORE };

struct gate {
    const struct gate_name *name;
    struct slice rule;  /* a rule's name, "each", or empty: all together */
    enum gate_compare compare;
    double bound;
    const char *text;   /* as written; borrowed */
    size_t text_len;
};

/* What the gates of a command line may ask for. */
struct gate_scope {
    bool labels, diff;
};

/* "[RULE.|`RULE`.|each.]NAME OP NUMBER", several with commas or `and` between them; appended to *gates. */
enum err gate_parse(const char *text, struct gate_scope scope, struct gate **gates, size_t *n, size_t *cap,
                    struct error *err) FYKE_MUST_USE;
/* Every rule that a gate names must be there; `old_rs`: of a diff, where rules that are gone stand; NULL. */
enum err gate_check(const struct gate *g, const struct ruleset *rs, const struct ruleset *old_rs,
                    struct error *err) FYKE_MUST_USE;
/* Is it met? One line per rule that it is about is appended to `out`. `d`: with scope.diff. */
bool gate_judge(const struct gate *g, const struct replay_result *r, const struct replay_diff *d,
                struct buf *out);

#endif
