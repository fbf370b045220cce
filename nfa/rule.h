/* A compiled rule and a compiled rule set: what the engine runs.
 *
 * Immutable after compilation, shared by all threads, lives in one arena (ruleset.arena). */
#ifndef FYKE_NFA_RULE_H
#define FYKE_NFA_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/slice.h"
#include "nfa/expr.h"
#include "nfa/pattern.h"
#include "nfa/schema.h"
#include "nfa/table.h"

#define RULE_MAX_TESTS 64
#define RULE_MAX_ROLES 64
#define RULE_MAX_LEVELS 32 /* rules that derive for each other */

/* One conjunct of a condition, as written. */
struct rule_condition {
    struct slice text;
    const struct expr *expr;
    bool own; /* reads the event alone, lists and lookups aside */
    struct rule_condition *sides; /* it is an `or`: what it and the `and`s in it join */
    uint32_t n_sides;
};

/* A source as written in the rule: an event declaration, or one alternative of a `let`. An event
 * has the role iff its declaration fits and the let's filter holds. `key` maps it to the rule's
 * key (several let's over one declaration may map it differently). */
struct rule_role {
    struct slice name;               /* as written: "Login", "FailedLogin" */
    uint32_t decl;
    const struct expr *filter;       /* unary; NULL: every event of the declaration */
    const struct expr **key;         /* one EX_FIELD (or computed) per key part */
    bool counted; /* named by a step or by `next no`: an event of it is a counted event */
    struct rule_condition *conditions; /* of the filter: for showing */
    uint32_t n_conditions;
};

enum test_use {
    TEST_STEP,    /* a step or counted step */
    TEST_ABSENT,  /* `no M`, `next no M` */
    TEST_GUARD,   /* `with no M` */
    TEST_WITHOUT, /* `without M` */
};

/* One event test. own: the conjuncts that read the event alone; joint: the others, evaluated with
 * the bindings of a match. Both NULL: every event of its roles passes. */
struct rule_test {
    enum test_use use;
    uint32_t number;         /* 1-based, as in evidence "#n"; 0 for `without` */
    struct slice name;       /* alias, or empty */
    struct slice label;      /* evidence step: the alias or "#n"; absent: "no Paid" */
    struct slice where;      /* its condition as written; empty: none */
    struct rule_condition *conditions; /* the conjuncts of it: for showing, what decides is below */
    uint32_t n_conditions;
    uint64_t roles;          /* bit r: role r fits */
    const struct expr *own;
    const struct quick_test *quick; /* derived: `own` once more; NULL: it is no such condition */
    const struct expr *joint;
    int32_t slot;            /* TEST_STEP: index of its events in eval.slots; else -1 */
    int32_t group;           /* innermost repeated group around it; -1 */
};

/* `until` or `having`: for showing; the pattern has what decides. */
struct rule_clause {
    struct slice word, text;
    uint32_t test;              /* of the counted step; NO_TEST: of a group */
    const struct expr *decides; /* as in the pattern */
    struct rule_condition *conditions;
    uint32_t n_conditions;
};

/* What is computed when an event is evaluated and kept with it: capture.h. */
struct rule_capture {
    const struct expr *value; /* reads the event, the key, profiles, lookups; no other event */
    uint64_t tests;           /* needed on events that pass one of these tests */
};

/* What a condition reads of events bound before: a field of one, an aggregate over several. */
struct rule_leaf {
    const struct expr *expr;
    bool whole; /* its value is not all that matters: the events are */
};

/* A repeated group: which slots an iteration renews. */
struct rule_group {
    int32_t parent;   /* enclosing repeated group or -1 */
    uint64_t slots;   /* bit s: slot s lies inside (nested ones too) */
};

/* What an event may cost: docs/classes.md. */
enum rule_class {
    CLASS_SINGLE,
    CLASS_COUNT,
    CLASS_CHAIN,
    CLASS_BY_VALUE,
    CLASS_STAIRCASE,
    CLASS_REGISTERS,
    CLASS_DEADLINE,
    CLASS_GENERAL,
    CLASS_ALL_MATCHES,
};

struct detect_plan;
struct rule_class_why;

enum match_policy {
    SKIP_PAST_LAST,
    SKIP_TO_NEXT,
    SKIP_TO_FIRST,
    SKIP_TO_LAST,
    NO_SKIP,
};

struct emit_field {
    struct slice name; /* dotted path as written */
    const struct expr *value;
};

struct emit_plan {
    bool is_event;           /* emit event NAME, else alert */
    struct slice event_name;
    struct emit_field *fields;
    uint32_t n_fields;
    /* emit event: the declaration of what it derives, and the slots there. */
    uint32_t decl;
    uint32_t *slots;         /* per field */
    int32_t *key_slots;      /* per part of the rule's key; -1: the body sets a field of its name */
    uint32_t *computed;      /* slots of its computed fields, each behind those it reads */
    uint32_t n_computed;
};

struct quiet_plan {
    bool present;
    struct duration length;
    /* `per` values: empty = the rule's key. Each is evaluated like an emit field. */
    const struct expr **per;
    uint32_t n_per;
    /* `per` leaves parts of the rule's key out: alerts of several keys share a quiet time. */
    bool apart;
    struct slice *names; /* of the n_per values; as the kinds only if apart */
    enum value_kind *kinds;
    uint32_t unit; /* the unit that keeps it, one level above the rule; 0: each key its own */
};

struct rule {
    uint32_t index;     /* in ruleset.rules: rules in order of declaration, old versions, copies */
    uint32_t original;  /* of a copy (rule_sources.h): the rule it stands for; else = index */
    bool keeps_quiet;   /* a unit that keeps the quiet time of `original`: its key are the values of
                           `per`, it reads no events */
    bool drains;        /* an old version (rule_link.h): finishes what it has open, begins nothing */
    uint32_t counts_as; /* of an old version: the rule as written whose alerts it counts among */
    uint32_t level;     /* 0: reads input events only; else one more than what derives for it */
    struct slice name;
    struct slice title, description, owner;
    struct slice severity, status; /* empty: not stated */
    struct slice *tags;
    uint32_t n_tags;
    struct slice *references;
    uint32_t n_references;
    int64_t version;    /* -1: not stated */
    uint64_t plan;      /* formats.md: first 64 bits of XXH3-128 over `canonical` */
    struct slice canonical;

    struct slice *key_names;
    enum value_kind *key_kinds;
    uint32_t n_key;     /* 0: all events share one key */

    struct rule_role *roles;
    uint32_t n_roles;
    struct rule_test *tests;
    uint32_t n_tests;
    struct rule_group *groups;
    uint32_t n_groups;
    struct rule_clause *clauses;
    uint32_t n_clauses;
    uint32_t n_slots;
    uint32_t n_caches;  /* accumulators used by its expressions */
    struct rule_capture *captures;
    uint32_t n_captures;
    uint32_t *profiles; /* profiles that it reads, ascending (rule set) */
    uint32_t n_profiles;

    struct duration window; /* head window; DURATION_INFINITE: none */
    const struct pattern *root; /* always a SEQ */
    uint64_t without;   /* bit t: test t is a `without` */
    enum match_policy policy;
    uint32_t policy_slot; /* SKIP_TO_FIRST, SKIP_TO_LAST */
    struct quiet_plan quiet;
    struct emit_plan *emits;
    uint32_t n_emits;
    struct emit_plan *timeouts; /* `on timeout emit …` */
    uint32_t n_timeouts;

    /* Derived by rule_finish() (nfa/plan.c) from the above. */
    struct duration horizon;  /* an event older than this can matter to no match; infinite: none */
    struct duration lead;     /* longest leading absence; 0: none */
    uint64_t lead_tests;      /* tests of leading absences */
    uint64_t counted_roles;   /* roles whose events are counted events */
    uint64_t step_tests;      /* tests of steps and counted steps */
    uint64_t first_tests;     /* tests whose event can be a match's first */
    uint64_t last_tests;      /* tests whose event can complete a match */
    bool quick_tests;         /* every own condition is one: nfa/quick_test.h */
    uint64_t passing_tests;   /* whose event can only end a match, at once or never (nfa/passing.c) */
    uint64_t ending_tests;    /* whose event ends all that is open of the rule (nfa/ending.c) */
    uint32_t *need;           /* per test: how many events of it every match binds */
    uint32_t need_all;        /* of all tests together */
    bool uses_counted;        /* next, in a row, next no: positions of counted events matter */
    bool keep_counted;        /* every counted event is retained: `next` may look from the deadline
                                 of a `no M for D` on */
    bool ends_with_next_no;   /* any counted event may complete a match */
    bool to_window_end;       /* a match may complete when the head window closes */
    bool has_absence;         /* alerts have `absent` */
    bool has_all;             /* has an `all of` or `n of` */
    bool last_is_free;        /* a part of `all of` may end at a deadline: last event unknown */
    struct duration *tails;   /* lengths of trailing absences: a match may complete that long after
                                 an event of a step; ascending */
    uint32_t n_tails;
    uint64_t killers;         /* `without` tests that read their event alone */
    bool *closed;             /* per root item: what follows reads no name bound before it */
    struct rule_leaf *leaves; /* at most 64 (nfa/live.c) */
    uint32_t n_leaves;
    uint64_t *test_leaves;    /* per test: those it reads */
    uint64_t always_live;     /* those a `without` reads, whatever is bound */
    uint32_t last_reads;      /* the last item, a step, reads names of root items before this one only */
    bool remembers;           /* what a search depends on can be told: failures are remembered */
    const struct detect_plan *detect; /* nfa/detect.h */
    enum rule_class class_of;
    const struct rule_class_why *class_why; /* nfa/classify.h */
    const char *detector; /* name of the class */
};

/* `status disabled`: checked, never evaluated. */
bool rule_is_disabled(const struct rule *rule);
/* `status shadow`: evaluated and counted, its alerts stay inside unless asked for. */
bool rule_is_shadow(const struct rule *rule);

/* Stands for another rule and says nothing itself. */
static inline bool rule_is_copy(const struct rule *rule)
{
    return rule->original != rule->index && !rule->keeps_quiet;
}

/* Per rule: the topics it reads (guards and profiles included, and those behind derived events),
 * for watermarks. */
struct rule_sources {
    uint32_t *topics;
    uint32_t n_topics;
};

/* Rules with the same set of topics share a watermark and a release position (engine.md 1). */
struct clock_group {
    uint32_t *topics; /* ascending */
    uint32_t n_topics;
    bool waits;       /* a rule reads what deadlines derive: nothing behind the watermark is
                         released */
    uint32_t *rules;  /* ascending; copies too */
    uint32_t n_rules;
    uint32_t first_stage; /* stage = first_stage + level of the rule */
    uint32_t n_levels;
};

struct profile; /* profile.h */
struct measure;

struct ruleset {
    struct arena arena;
    struct schema_topic *topics;
    uint32_t n_topics;
    struct schema_decl *decls;
    uint32_t n_decls;
    struct rule *rules;           /* n_units: rules as written, old versions, then copies and
                                     units that keep a quiet time */
    uint32_t n_rules;
    uint32_t n_draining;          /* old versions behind them (rule_link.h) */
    uint32_t n_units;
    struct profile *profiles;
    uint32_t n_profiles;
    struct measure *measures; /* of all profiles */
    uint32_t n_measures;
    struct rule_sources *sources; /* per unit */
    struct clock_group *clock_groups;
    uint32_t n_clock_groups;
    uint32_t *clock_group_of_rule; /* per unit */
    uint32_t n_stages;             /* of all clock groups: what runs one after the other */
    uint32_t n_levels;             /* the most of any clock group */
    struct table_decl *tables; /* lists and lookups */
    uint32_t n_tables;
    bool uses_geoip;
    struct hash128 fingerprint; /* of the files read: rules, lists, lookups */
    struct slice *files;        /* paths, in the order they were read */
    uint32_t n_files;
};

void ruleset_free(struct ruleset *rs);

/* Fills the derived members of a rule. `arena`: the rule set's. */
void rule_finish(struct rule *rule, struct arena *arena);

/* nfa/passing.c: once the detector's plan is made. */
uint64_t rule_find_passing(const struct rule *rule);
/* nfa/ending.c: once the horizon is known. */
uint64_t rule_find_ending(const struct rule *rule);

/* nfa/live.c: the leaves. */
void rule_find_leaves(struct rule *rule, struct arena *arena);

/* Names of slots' events for evidence, absences and dumps. */
void rule_dump(const struct rule *rule, struct buf *out);     /* stable text, for tests */
void rule_graphviz(const struct rule *rule, struct buf *out); /* automaton as DOT */
/* The same, each test's edge in the colour of its mark, and that of a group's `having`. */
enum rule_mark { MARK_NEVER, MARK_PARTLY, MARK_COVERED };
struct rule_marks {
    enum rule_mark tests[RULE_MAX_TESTS];
    const enum rule_mark *clauses;
};
void rule_graphviz_marked(const struct rule *rule, const struct rule_marks *marks, struct buf *out);

#endif
