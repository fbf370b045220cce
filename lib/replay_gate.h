/* Gates: bounds that a replay must keep, "precision >= 80% or recall >= 0.9". */
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
    bool is_share;         /* may be bounded by a percentage */
};
const struct gate_name *gate_names(uint32_t *ret_n);

enum gate_compare { GATE_LESS, GATE_AT_MOST, GATE_EQUAL, GATE_AT_LEAST, GATE_MORE, GATE_BETWEEN };
enum gate_kind { GATE_BOUND, GATE_ALL, GATE_ANY };

struct gate {
    enum gate_kind kind;
    const struct gate *parts; /* of which all, or any, must hold */
    size_t n_parts;
    const struct gate_name *name;
    struct slice rule;  /* a rule's name, "each", or empty: all together */
    enum gate_compare compare;
    double bound, upper; /* upper: of GATE_BETWEEN, which both are part of */
    bool percent;        /* written so; `bound` is a share all the same */
    const char *text;    /* as written; borrowed */
    size_t text_len;
};

/* All must hold. */
struct gates {
    struct arena arena;
    struct gate *items;
    size_t n, cap;
};

/* What the gates of a command line may ask for. */
struct gate_scope {
    bool labels, diff;
};

/* docs/replay.md, "Gates"; appended to *gates. False: `problem` says what is wrong, with a mark below the place. */
bool gates_parse(const char *text, struct gate_scope scope, struct gates *gates, struct buf *problem);
void gates_release(struct gates *g);
/* Every rule that a gate names must be there; `old_rs`: of a diff, where rules that are gone stand; NULL. */
enum err gates_check(const struct gates *g, const struct ruleset *rs, const struct ruleset *old_rs,
                     struct error *err) FYKE_MUST_USE;
/* Are they met? Lines that say so are appended to `out`. `d`: with scope.diff. */
bool gates_judge(const struct gates *g, const struct replay_result *r, const struct replay_diff *d,
                 struct buf *out);

#endif
