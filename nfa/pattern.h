/* The pattern of a rule as the finder walks it.
 *
 * A tree of nodes in the rule set's arena, immutable. Event tests stand in a table of the rule
 * (at most RULE_MAX_TESTS), because each event is tested once per test however often the pattern
 * is walked. Semantics: docs/language.md section 2 and 3; the names here are those of the text.
 *
 *   when 3 or more Fail as f within 5m then no Reset then Ok as ok
 *
 *   SEQ ── item 0: COUNT(test 0, 3..∞, span 5m)
 *       └─ item 1: absence(test 1, open) + link LATER ── STEP(test 2)
 */
#ifndef FYKE_NFA_PATTERN_H
#define FYKE_NFA_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

struct expr;

#define COUNT_UNBOUNDED UINT32_MAX
#define NO_TEST UINT32_MAX
/* Repeated groups inside repeated groups: evidence numbers an iteration per level. */
#define PATTERN_MAX_REPEATS 8

enum link_kind { LINK_LATER, LINK_FIRST, LINK_NEXT };

/* How an item follows what was bound before it: `then [first|next] [within D] [after D]`. */
struct pattern_link {
    enum link_kind kind;
    struct duration within; /* DURATION_INFINITE: none */
    struct duration after;  /* 0: none */
};

enum absence_kind {
    ABSENT_OPEN, /* `no M`: until the next bound event, or the head window's end when last */
    ABSENT_FOR,  /* `no M for D` after a step */
    ABSENT_NEXT, /* `next no M` */
    ABSENT_LEAD, /* `no M for D` before the first step; only on the rule's first item */
};

struct pattern_absence {
    enum absence_kind kind;
    uint32_t test; /* M */
    struct duration length; /* ABSENT_FOR, ABSENT_LEAD */
    bool assume_quiet;      /* ABSENT_LEAD */
};

enum pattern_kind { PAT_STEP, PAT_COUNT, PAT_SEQ, PAT_REPEAT, PAT_ANY, PAT_ALL };
enum pattern_adjacency { ADJ_NONE, ADJ_IN_A_ROW, ADJ_ANYWHERE };

struct pattern;

/* One part of a sequence. `node` is NULL only in a last item that carries absences alone. */
struct pattern_item {
    struct pattern_link link; /* unused on the first item */
    struct pattern_absence *absences;
    uint32_t n_absences;
    const struct pattern *node;
    /* Derived (nfa/live.c): its number in the rule, and which of the rule's leaves may still be read when
     * it is entered (first item of REPEAT: an iteration; ALL: when it is this part's turn); the tests of
     * the steps in it and in the items behind it. */
    uint32_t id;
    uint64_t live;
    uint64_t steps;
    bool plain;     /* any later event may begin it: fewer are left behind a later one, and that is all */
    uint32_t least; /* how many events the node binds at least */
};

struct pattern {
    enum pattern_kind kind;
    bool optional; /* may be skipped, with its link and gap; the absences before it stay */
    /* STEP, COUNT: the event test and the slot its events are bound to (= test's slot) */
    uint32_t test;
    /* COUNT, REPEAT: how often; ALL: how many of the parts (min = max = k) */
    uint32_t min, max;
    enum pattern_adjacency adjacency;
    struct duration each_within; /* COUNT: between consecutive events; DURATION_INFINITE: none */
    const struct expr *until;    /* COUNT */
    const struct expr *having;   /* COUNT, REPEAT */
    /* SEQ: items; ANY, ALL: one item per part (link, absences unused); REPEAT: items[0].node */
    struct pattern_item *items;
    uint32_t n_items;
    uint32_t group;        /* REPEAT: index of the group, for iteration scopes */
    /* guard on a part: every kind but a single STEP */
    uint32_t guard_test;   /* `with no M`; NO_TEST: none */
    struct duration span;  /* `within D` after the part; DURATION_INFINITE: none */
};

/* Is it a step in there, counted or not, that asks the test? */
bool pattern_has_step(const struct pattern *p, uint32_t test);

#endif
