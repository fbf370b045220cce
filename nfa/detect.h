/* What the detectors of the cost classes ask of a rule (the plan, compiled once) and keep for a key.
 *
 * All of them rest on one walk over the items of the pattern: per item the latest first event from
 * which a partial match waits to enter it (chain.c). A later start lives longer, so one number per
 * item stands for any number of partial matches. What the walk cannot express it leaves out, which
 * makes it say "maybe" more often and never "no" wrongly:
 *
 *   counted step      the n-th last of its events is the latest start of a run       (count.c)
 *   equality          how many events wait per distinct value of the compared field  (by_value.c)
 *   inequality        the best value that waits                                      (staircase.c)
 *   difference        the latest that waits, and the latest with another value         (differs.c)
 *   other conditions  the latest event that waits and fulfils it: each is asked once   (pairs.c)
 *   trailing absence  the events that may end a match, and what was seen after them  (open_ends.c)
 *   until             the aggregates over the longest possible run                   (registers.c)
 *
 * Serials are those of the retained events, plus one: 0 means none. Nothing here is stored: it is
 * made again from the retained events. Private to nfa/. */
#ifndef FYKE_NFA_DETECT_H
#define FYKE_NFA_DETECT_H

#include "nfa/rule.h"
#include "nfa/state.h"

enum detect_kind {
    DETECT_STEP,  /* one event: a step, or a choice between steps */
    DETECT_COUNT, /* a counted step */
    DETECT_ALL,   /* `all of`, `n of` */
    DETECT_PART,  /* anything else: only what it can begin and end with */
};

/* One item of the pattern's outermost sequence. */
struct detect_item {
    enum detect_kind kind;
    const struct pattern *node;
    uint64_t first, last;   /* tests whose event can be its first, its last */
    uint64_t kills;         /* an event that passes one of these ends the wait before the item */
    uint64_t *parts;        /* ALL: per part the tests that can begin it */
    uint32_t n_parts;
    uint32_t min;           /* COUNT, ALL: how many */
    uint32_t leading_from;  /* the items from there up to this one can be skipped */
    struct detect_register *registers; /* COUNT: what its `until` or `having` needs */
    uint32_t n_registers, first_register; /* the first one's number in the rule */
    bool registers_whole;                 /* they are all that it asks */
    struct duration gap;    /* after the event bound before it; DURATION_INFINITE */
    bool next;              /* only the very next counted event */
    bool optional;
    bool ends;              /* a match can be complete with its last event, at that event */
    uint16_t joins, avoids; /* of its events: a bit per number in the plan */
    const struct detect_join *asks; /* a field that the match's first event must have, too (sift.c); NULL: none */
};

enum detect_join_kind {
    JOIN_VALUES, /* mine op theirs, of one event */
    JOIN_RUN,    /* the same, theirs over a run of the counted step `of`: it gets harder as a run grows */
    JOIN_PART,   /* the same over single events of the run: one of them must allow it, which is not enough */
    JOIN_PAIR,   /* `whole`, any condition that reads the two events and nothing else */
    JOIN_FIRST,  /* mine op theirs, of the first event of a run that begins the match */
};

/* An event of item `at` is compared with the event of item `of`, which stands before it. */
struct detect_join {
    enum detect_join_kind kind;
    uint32_t at, of;
    int32_t slot;                /* of the event of item `of` */
    uint8_t op;                  /* EX_EQ, EX_LT, …: mine op theirs; EX_NE: JOIN_FIRST only */
    const struct expr **mine;    /* reads the event of item `at` alone */
    const struct expr **theirs;  /* reads the event of item `of` alone */
    uint32_t n;                  /* pairs; 1 unless op is EX_EQ; 0: JOIN_PAIR */
    uint64_t between;            /* the items between the two, a bit each */
    const struct expr *whole;    /* JOIN_PAIR, JOIN_RUN: the condition; NULL: it can become easier */
    const struct expr *summed;   /* JOIN_RUN over a sum: it grows unless one of these is negative */
    bool marked;                 /* what it reads of item `of` stands as a mark beside the event (sift.c) */
};

/* Conjuncts of the last step's test that can be judged as soon as an event of `test` is bound,
 * because the event that completes the match is known. */
struct detect_early {
    uint32_t test;
    bool alone; /* it reads no other name */
    const struct expr *condition;
};

/* `agg op limit`, a comparison that every completed run makes true and that a longer run does not make
 * false (registers.c). */
struct detect_register {
    const struct expr *agg;
    const struct expr *limit; /* reads the event at hand alone */
    uint8_t op;               /* EX_GT, EX_GE, EX_EQ; for min EX_LT, EX_LE, EX_EQ */
};

/* `mine not in distinct(of.theirs)`: no event of the run that item `of` binds has the value (avoid.c). */
struct detect_avoid {
    uint32_t at, of;
    const struct expr *mine;   /* reads the event of item `at` alone */
    const struct expr *theirs; /* reads one event of the run alone */
};

struct detect_plan {
    struct detect_item *items;
    uint32_t n;
    struct detect_join *joins;
    uint32_t n_joins;
    struct detect_avoid *avoids;
    uint32_t n_avoids;
    struct detect_early *early;
    uint32_t n_early;
    uint8_t *item_of_test; /* STEP, COUNT: the item it stands for; else NO_ITEM */
    uint64_t *items_of_test; /* bit i: item i does something with an event that passes the test */
    uint32_t walked;         /* items of all walks together */
    const struct expr *unsplit; /* a condition that no join expresses; NULL: none */
    uint32_t unsplit_test;
    uint32_t n_registers;  /* of all items */
    uint32_t n_sessions;   /* `n` with a counted step, else 0 */
    bool has_several;      /* an item of several events */
    bool has_more;         /* struct detect_more */
    bool at_events;        /* the walk knows every event that can complete a match */
    const struct detect_join *few; /* few.c; NULL: always ask the walk */
    bool few_alike;                /* few.c: the second and the third item ask for the same field of the first, and no more */
    const struct detect_join *marked; /* sift.c: whose field of the first event is marked; NULL: none */
    uint64_t sifted;       /* sift.c: tests of events that stand for one item alone, which asks */
    bool has_outside;      /* a detector keeps something that does not lie in the pool */
    size_t bytes;          /* of struct detector with its arrays */
};
#define NO_ITEM UINT8_MAX

/* A partial match that waits to enter an item. */
struct detect_arm {
    uint64_t start;     /* latest first event */
    uint64_t position;  /* of the event bound last, among the counted ones */
    struct etime time;  /* of the event bound last */
};

/* A walk over the items [lo, hi); arms[hi - lo] holds what has passed the last of them. */
struct detect_walk {
    uint16_t lo, hi;
    bool main;          /* begins at events that can begin a match; else at any unused event */
    struct detect_arm *arms;
    uint64_t *entered;  /* per item: latest start that has entered it and not finished; NULL: all are of one event */
};

/* Events of a counted step one after the other, as `in a row` and `each within` ask. */
struct detect_session {
    struct etime time;
    uint64_t position;
    uint64_t first; /* its first event */
    uint32_t n;
};

struct run_register; /* registers.c */
struct avoid_state;  /* avoid.c */

/* What the last step's event asks of the event of `test` is met between these serials only. */
struct detect_range {
    uint32_t test;
    uint64_t first, last;
};

struct value_heap; /* staircase.c */

/* How many have each value (by_value.c); all 0: nobody. The slots lie in the instance's pool. */
struct value_count;
struct value_counts {
    struct value_count *slots;
    uint32_t n, n_slots; /* distinct values; a power of two */
};

struct detect_join_state {
    struct detect_walk between; /* over the items between the two; lo == hi: adjacent */
    uint64_t cursor;            /* serials before it have been entered */
    union {                     /* by the operator: detect_join_keeps() */
        struct value_counts table; /* equality */
        struct value_heap *heap;   /* inequality */
        struct {
            uint64_t latest, other; /* difference: the latest that waits, the latest of another value */
        };
    };
    uint64_t unknown;           /* JOIN_RUN, JOIN_PART, JOIN_FIRST: the latest without a value */
};

/* What rules keep that do more than bind single events one after the other. */
struct detect_more {
    uint64_t *last_seen;             /* per test: the latest event that passes it */
    struct detect_session *sessions; /* per item, if one of them is counted */
    struct run_register **registers;
    struct avoid_state **avoids;
};

struct detector {
    struct nfa_scratch *scratch; /* of the call at hand */
    const struct value *key;
    struct detect_walk main;
    struct detect_join_state *joins;
    struct detect_more *more; /* plan->has_more, else NULL */
    uint64_t fed;    /* serials before it: events that the walks have taken */
};
_Static_assert(sizeof(struct detector) == 64, "a cache line, with its arrays behind it");

/* The event at hand. */
struct detect_event {
    uint32_t index;
    uint64_t serial; /* plus one */
    uint64_t tests;
    uint64_t position;
    struct etime time;
    bool unused, start;
    uint64_t first_live; /* the first event that can still begin a match, plus one; 0: none */
};

/* ---- detector.c --------------------------------------------------------------- */

/* What is done for an instance that has a detector is counted here. */
struct nfa_work *detector_work(const struct instance *in);

/* What it keeps of the events that wait. */
enum detect_keeps { KEEPS_NOTHING, KEEPS_TABLE, KEEPS_HEAP, KEEPS_LATEST };
static inline enum detect_keeps detect_join_keeps(const struct detect_join *j)
{
    switch (j->kind) {
    case JOIN_PAIR: return KEEPS_NOTHING;
    case JOIN_RUN:
    case JOIN_PART: return KEEPS_HEAP;
    case JOIN_VALUES:
    case JOIN_FIRST: break;
    }
    return j->op == EX_EQ ? KEEPS_TABLE : j->op == EX_NE ? KEEPS_LATEST : KEEPS_HEAP;
}

/* ---- detect_plan.c -------------------------------------------------------------- */

size_t detect_walk_bytes(const struct detect_plan *plan, uint32_t items);
const struct detect_plan *detect_plan_new(const struct rule *rule, struct arena *arena);

/* ---- detect_joins.c ------------------------------------------------------------- */

struct detect_reads {
    bool self;      /* fields of the event under test */
    bool other;     /* aggregates, iterations, times, profiles: nothing that can be kept */
    uint64_t slots; /* names of single events */
};

void detect_reads_of(const struct expr *e, struct detect_reads *r);
uint8_t detect_mirrored(uint8_t op); /* of a comparison with its sides changed */
bool detect_is_ordered_number(uint8_t kind);
/* Joins, avoids, and conditions that can be judged early. */
void detect_set_joins(struct detect_plan *plan, const struct rule *rule, struct arena *arena);

/* ---- chain.c ---------------------------------------------------------------------------------- */

/* Lets the event pass those of the walk's items that it is anything to, a bit each; returns the latest start of
 * what it completes. */
uint64_t walk_step(struct instance *in, struct detect_walk *w, const struct detect_event *e, uint64_t items);

/* ---- count.c ---------------------------------------------------------------------------------- */

/* The latest event at which a run that ends here can begin, plus one; 0: there is no such run. */
uint64_t count_latest(struct instance *in, uint32_t item, const struct detect_event *e);
void count_session(struct instance *in, uint32_t item, const struct detect_event *e);

/* ---- registers.c ------------------------------------------------------------------------------ */

/* False: no run of the counted step that ends with this event makes its `until` or `having` true. */
bool registers_allow(struct instance *in, uint32_t item, const struct detect_event *e);
struct run_register *register_new(const struct detect_register *d);
void register_free(struct run_register *r, struct pool *pool);
/* *in_pool grows by what of it lies in the pool. */
uint64_t register_bytes(const struct run_register *r, uint64_t *in_pool);

/* ---- avoid.c ---------------------------------------------------------------------------------- */

/* An event of the counted step; `begins`: where a run of the least length begins that ends with it. */
void avoid_add(struct instance *in, uint32_t item, uint64_t begins, const struct detect_event *e);
/* False: every run has an event with the value that this one must not find. */
bool avoids_allow(struct instance *in, uint32_t item, const struct detect_event *e);
bool avoid_value(struct instance *in, const struct detect_avoid *a, bool mine, uint32_t index,
                 struct value *ret, uint64_t *ret_hash);
struct avoid_state *avoid_new(void);
void avoid_free(struct avoid_state *s);
uint64_t avoid_bytes(const struct avoid_state *s);

/* ---- few.c ------------------------------------------------------------------------------------ */

/* The comparison that decides while few events are kept; NULL: the rule is not of that kind. */
const struct detect_join *few_join(const struct detect_plan *plan, const struct rule *rule);
/* Behind sift_plan(). */
bool few_asks_alike(const struct detect_plan *plan);
bool few_are_kept(const struct instance *in, const struct nfa_call *call);
/* False: none of them has what the event appended last asks for. */
bool few_allow(struct instance *in, const struct nfa_call *call);

/* ---- sift.c ----------------------------------------------------------------------------------- */

void sift_plan(struct detect_plan *plan, const struct rule *rule);
/* What is kept beside an event that passes these tests; 0: nothing is known. */
uint16_t sift_mark(const struct detect_plan *plan, const struct event *e, uint64_t tests);
/* The same of the event that asks. Two marks that are known and differ: the comparison does not hold. */
uint16_t sift_asked(const struct detect_join *j, const struct event *self);
static inline bool sift_differs(uint16_t a, uint16_t b)
{
    return a != b && a != 0 && b != 0;
}
/* False: the event, which is not kept yet, is part of no match, whatever comes. */
bool sift_lets_in(struct instance *in, const struct event *e, uint64_t tests);

/* ---- open_ends.c ------------------------------------------------------------------------------ */

/* False: no match that waits for a deadline can be complete at t. */
bool open_ends_at(struct instance *in, struct etime t);

/* ---- joins: by_value.c, staircase.c ----------------------------------------------------------- */

/* False: no event that waits has the value that this one asks for. *start: not to begin later. */
bool joins_allow(struct instance *in, uint32_t item, const struct detect_event *e, uint64_t *start);
/* Candidate `index` can be bound no more, or no more as a first event. */
void joins_forget(struct instance *in, uint32_t index);
void joins_forget_all(struct instance *in);
void joins_reported(struct instance *in, uint32_t index);
void joins_release(struct instance *in);
/* *in_pool grows by what of it lies in the pool. */
uint64_t join_bytes(const struct detect_join *j, const struct detect_join_state *s, uint64_t *in_pool);
/* The compared values of one side, and for an equality their hash; false: one is missing. */
bool join_mine(struct instance *in, const struct detect_join *j, uint32_t index,
               struct value *ret, uint64_t *ret_hash);
bool join_theirs(struct instance *in, const struct detect_join *j, uint32_t index,
                 struct value *ret, uint64_t *ret_hash);

/* The field where it stands in one of the two events; NULL: it is not there, or there is more to compute. */
const struct value *join_standing(const struct expr *e, int32_t slot, const struct event *self,
                                  const struct event *bound);
/* It compares fields for equality, and nothing is to be computed; then join_fits() asks two events. True, too, if the
 * fields are not where they are thought to be. */
bool join_is_of_fields(const struct detect_join *j);
bool join_fits(const struct detect_join *j, const struct event *self, const struct event *bound);
/* The two events fulfil the condition (mine of the event `at`). */
bool join_holds(struct instance *in, const struct detect_join *j, uint32_t of, uint32_t at);
/* differs.c: enters an event that waits; the latest before serial `end` whose value is not `mine`; 0: none. */
void differs_add(struct instance *in, const struct detect_join *j, struct detect_join_state *s,
                 uint32_t index, struct value v);
uint64_t differs_latest(struct instance *in, const struct detect_join *j,
                        struct detect_join_state *s, struct value mine);
/* pairs.c: the latest event before serial `end` that waits and fulfils the condition; 0: none. */
uint64_t pair_latest(struct instance *in, const struct detect_join *j, uint64_t end,
                     const struct detect_event *e);
/* The candidate can wait for the comparison. */
bool join_can_wait(const struct instance *in, const struct detect_join *j, uint32_t index);

void counts_add(struct value_counts *t, struct pool *pool, uint64_t hash, uint64_t serial);
void counts_remove(struct value_counts *t, uint64_t hash, uint64_t serial);
/* Nothing with this value stands outside of [*ret_first, *ret_last]; false: there is none. */
bool counts_find(const struct value_counts *t, uint64_t hash, uint64_t *ret_first,
                 uint64_t *ret_last);
void counts_free(struct value_counts *t, struct pool *pool);
uint64_t counts_bytes(const struct value_counts *t);

void heap_add(struct value_heap **h, struct value v, uint64_t serial, bool least_first);
/* The best value among those whose event `keep` accepts; false: none. Drops the others on its way. */
bool heap_best(struct value_heap *h, struct instance *in,
               bool (*keep)(struct instance *in, uint64_t serial), struct value *ret);
void heap_free(struct value_heap *h);
uint64_t heap_size(const struct value_heap *h);

#endif
