/* Profiles: what a key usually does. Declarations, compiled.
 *
 * A profile follows the events of its source per key; a measure is one aggregate over the last
 * `over` of them, optionally in UTC-aligned buckets (`every`), or it is computed from several such
 * aggregates, its leaves, when it is read. The state of an aggregate lives in the record of the key
 * beside the rules that read it (measure.h), so one profile read by rules with different sets of
 * sources exists once per set: each then stands at the clock of its readers.
 *
 *   ruleset.measures   [ those with a name, profile by profile | leaves, profile by profile ] */
#ifndef FYKE_NFA_PROFILE_H
#define FYKE_NFA_PROFILE_H

#include "nfa/rule.h"

struct profile {
    uint32_t index; /* in ruleset.profiles, in order of declaration */
    struct slice name;
    struct slice *key_names;
    enum value_kind *key_kinds;
    uint32_t n_key;
    /* The alternatives of its source; an event is taken once, whichever of them it fulfils. */
    struct rule_role *roles;
    uint32_t n_roles;
    uint32_t first_measure, n_measures; /* in ruleset.measures */
};

/* Aggregates in one measure. */
#define MEASURE_MAX_LEAVES 8

struct measure {
    uint32_t index; /* in ruleset.measures */
    uint32_t profile;
    struct slice name;      /* of a leaf: "rate#1" */
    /* Computed: over EX_PROFILE of its leaves, which share its window; nothing is kept for the
     * measure itself and `agg` is NULL. NULL: one aggregate. */
    const struct expr *value;
    uint32_t first_leaf, n_leaves;
    /* EX_AGG: kids[0] the value of a source event (NULL: the event counts), kids[1] `where`,
     * kids[2] the constant. Nested: kids[0] is the EX_AGG of one bucket, without `where` outside. */
    const struct expr *agg;
    bool nested;
    bool as_set;            /* set(…), or distinct with `max`: values by when they were seen last */
    struct duration over;
    struct duration every;  /* 0: exact per event */
    struct duration warm;   /* 0: none */
    uint32_t max;           /* of a set; 0: no bound */
    struct slice full_name; /* "habits.countries" */
    uint64_t plan;          /* over its canonical text: stored state belongs to exactly one */
    struct slice canonical;
};

/* The expression that has the measure's type. */
static inline const struct expr *measure_result(const struct measure *m)
{
    return m->value ? m->value : m->agg;
}

/* Tests give measures instead of letting them follow the events. */
struct profile_given {
    uint32_t profile;
    struct value *key;      /* in the order of the profile's key */
    struct value *measures; /* one per measure of the profile; missing: not given */
};
/* Somebody looks on while the measures of a key are read, leaves among them. */
struct measure_watch {
    void (*read)(void *ctx, const struct measure *m, const struct value *key, struct etime at,
                 struct value value);
    void *ctx;
};
struct profiles_given {
    const struct profile_given *items;
    uint32_t n;
    const struct measure_watch *watch; /* NULL: nobody. With one, and items NULL, nothing is given */
};

/* The measures that an expression reads: fn(ctx, measure). */
void expr_each_measure(const struct expr *e, void (*fn)(void *ctx, uint32_t measure), void *ctx);
/* What a rule's conditions read: what is shown in alerts only is no part of its plan. */
void rule_each_condition_measure(const struct rule *rule, void (*fn)(void *ctx, uint32_t measure),
                                 void *ctx);
/* Every expression of its conditions and outputs. */
void rule_each_measure(const struct rule *rule, void (*fn)(void *ctx, uint32_t measure),
                       void *ctx);

#endif
