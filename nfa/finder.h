/* The finder: which events make a match at this point.
 *
 * Given the retained events of a key and a point in the order (an event, or a deadline), it walks
 * the pattern and returns the assignments that complete exactly there, preferred ones first
 * (language.md section 4): exact, generic, and called only when the detector cannot exclude a
 * match. It is a backtracking search in continuation style; the failures of parts that read no
 * name bound before them are remembered (rule.closed), so uncorrelated rules cost at most
 * O(items × events) per start. Those of other parts are remembered by what they read (finder_memo.c).
 *
 * Private to nfa/: state.c is the only caller. */
#ifndef FYKE_NFA_FINDER_H
#define FYKE_NFA_FINDER_H

#include "nfa/finder_memo.h"
#include "nfa/retained.h"
#include "nfa/scratch.h"
#include "nfa/state.h"

#define NONE UINT32_MAX

/* An absence that waits for the next bound event; all of them began at the event bound last. The
 * list lies in the frames of the search. */
struct pending {
    const struct pattern_absence *absence;
    const struct pending *up;
    /* Where the iterations stood when it began, for names of the iteration around it: a copy of
     * eval.iter_start on the scratch stack. NO_MARKS: it reads no such names. */
    size_t marks;
};
#define NO_MARKS SIZE_MAX

/* A link that the next bound event must respect: several when it is the first of nested groups
 * whose first parts were skipped. */
struct pending_link {
    const struct pattern_link *link;
    const struct pending_link *up;
};

/* What the next bound event must respect. Handed by value from part to part. */
struct entry {
    uint32_t prev;            /* candidate bound last in this sequence; NONE: none yet */
    struct etime after;       /* the next event must be later than this; ETIME_MIN: no matter */
    const struct pending_link *links;
    const struct pending *pending;
};

struct finder;

/* A part with a guard or a span that has begun and not ended. */
struct open_part {
    const struct pattern *part;
    size_t from; /* its events are bound[from …] */
    const struct open_part *up;
};

/* Partial search: who takes over where a part of the pattern is left unfinished. `e`: what the next
 * event would have had to respect. */
struct stop {
    bool (*run)(struct finder *f, const struct stop *s, const struct entry *e);
};

/* What is to be matched after a part. `last`: nothing more will be bound. */
struct cont {
    bool (*run)(struct finder *f, const struct cont *k, const struct entry *e);
    const struct cont *up;
    bool last;
    /* Writes what the rest depends on besides its place in the pattern; NULL: nothing. */
    void (*put)(struct finder *f, const struct cont *k, struct memo_key *key);
};

struct bound {
    uint32_t index; /* candidate */
    uint32_t test;
    uint32_t turns[PATTERN_MAX_REPEATS];
    uint32_t n_turns;
};

enum find_mode {
    FIND_PREFERRED, /* stop at the first */
    FIND_ALL,       /* `no skip`: go on until the callback says stop */
};

struct finder {
    const struct rule *rule;
    struct retained *events;
    struct nfa_scratch *scratch;
    struct eval *eval;
    uint32_t n;            /* candidates that may be looked at: 0 … n-1 */
    uint32_t lowest;       /* candidates before it are used up */
    uint64_t positions;    /* counted events so far */
    bool at_deadline;
    bool last_is_point;    /* the event that binds last is the point */
    uint64_t early;        /* tests after which conditions on the point can be judged */
    bool has_ranges;       /* the scratch's bound what can be bound */
    const struct detect_avoid *avoid; /* of the last step, whose event is the point; NULL */
    uint32_t avoid_test;   /* of the run that must not have avoid_value */
    struct value avoid_value;
    const struct expr *run_limit; /* a condition of the last step that a longer run does not fulfil either */
    uint32_t limited_test; /* of that run; NO_TEST: none */
    uint32_t skip_test;    /* whose events are refused by the point alone; NO_TEST: none */
    const uint8_t *item_of_test; /* candidate.ends is kept; NULL: it is not */
    uint32_t last_begin, last_end; /* the event that binds last lies between */
    uint32_t point;        /* index of the event; NONE at a deadline */
    struct etime now;      /* its time, or the deadline */
    struct etime history_begin;
    uint32_t first;        /* the match must begin with this candidate */
    struct duration tail;  /* deadline mode: see last_fits() */
    bool tail_known;
    const struct pattern *pinned; /* a part of `all of`, a step, that can only bind one of … */
    uint32_t pin_begin, pin_end;  /* … these */
    uint32_t all_depth;    /* inside how many `all of` */
    struct nfa_work *work;
    uint64_t steps_left;   /* tests that may still be evaluated at this point */
    bool exhausted;        /* none is left: nothing that is found counts any more */
    uint64_t n_completed;  /* assignments that were complete */
    uint64_t n_before;     /* the same when the search began */
    bool remembers;        /* failures of parts that read names bound before */
    uint32_t jump;         /* what failed reads nothing of the root's items from there on: they need not
                              be chosen anew; NONE: mostly */
    bool dry;              /* only ask whether the rest can be matched; nothing is reported */
    /* Search for the longest part (finder_partial.c). */
    bool partial;
    const struct open_part *open;
    const struct stop *stop;
    uint32_t behind;       /* at most so many events can be bound behind the root's item at hand */
    uint32_t *turn;        /* per group: current iteration */
    /* result of the completed assignment, valid inside `found` */
    struct etime completed;
    bool by_deadline;
    uint32_t decided_by;   /* NONE mostly */
    bool (*found)(struct finder *f); /* true: stop */
    void *found_ctx;
};

/* The event can be the last one of the root's item that the test stands for, as far as was known when
 * the walks took it. */
static inline bool could_end_item(const struct finder *f, uint32_t test, uint32_t index)
{
    uint8_t item = f->item_of_test ? f->item_of_test[test] : UINT8_MAX;
    return item == UINT8_MAX || (retained_at(f->events, index)->ends & (UINT64_C(1) << item));
}

/* Candidates that the point refused are not asked again (finder_skip.c). */
uint32_t skip_refused(struct finder *f, uint32_t i, uint32_t end);
void refuse(struct finder *f, uint32_t index);
/* What the point asks of an event of the step alone, judged once per point; it refuses the others. */
bool fits_point(struct finder *f, uint32_t test, uint32_t index);
/* What the point asks of the run at hand fails, and fails the more the longer the run is. */
void find_run_limit(struct finder *f);
bool run_is_over(struct finder *f, uint32_t test);
/* The event has the value that no event of its run may have: every run with it fails at the point. */
void find_avoided(struct finder *f);
bool is_avoided(struct finder *f, uint32_t test, uint32_t index);
/* What the detector knows about the events of the test: [*begin, *end) shrinks. */
void narrow(const struct finder *f, uint32_t test, uint32_t *begin, uint32_t *end);

/* Before the first search at a point, when the members above `turn` are set. */
void finder_ready(struct finder *f);
/* Looks for matches that begin with candidate f->first and complete at the point. True iff the
 * search was stopped by `found`. */
bool finder_search(struct finder *f);

/* Looks for the longest part of a match that begins with candidate f->first and that no event up to
 * f->now has killed; of equal ones the preferred (language.md section 4, Timeout). True iff there
 * is one: it is then bound, absences and all, until finder_partial_done(). */
bool finder_search_partial(struct finder *f);
void finder_partial_done(struct finder *f);

/* ---- between the files of the finder ------------------------------------------------------ */

bool match_node(struct finder *f, const struct pattern *p, const struct entry *e,
                const struct cont *k);
bool match_count(struct finder *f, const struct pattern *p, const struct entry *e,
                 const struct cont *k);
bool match_repeat(struct finder *f, const struct pattern *p, const struct entry *e,
                  const struct cont *k);
bool match_all(struct finder *f, const struct pattern *p, const struct entry *e,
               const struct cont *k);

static inline const struct candidate *cand(const struct finder *f, uint32_t i)
{
    return retained_at(f->events, i);
}
static inline struct etime cand_time(const struct finder *f, uint32_t i)
{
    return cand(f, i)->time;
}

/* The first candidate from `i` on, before `end`, that passes the test as far as it reads the event
 * alone; `end` if none. */
static inline uint32_t next_with(const struct finder *f, uint32_t i, uint32_t end, uint32_t test)
{
    return retained_next(f->events, i, end, UINT64_C(1) << test, f->work);
}

/* The event passes the whole test with the bindings of the match at hand. */
bool test_holds(struct finder *f, uint32_t test, uint32_t index);
/* Does `until` or `having` hold, with this event as the current one? */
bool clause_holds(struct finder *f, const struct expr *e, uint32_t index);
/* The event is M of a pending absence. */
bool absence_hit(struct finder *f, const struct pending *p, uint32_t index);
/* Links, gaps and absences between e->prev and this event, before it is bound. Pushes the
 * absences that held; `absent_mark` undoes it. */
bool entry_allows(struct finder *f, const struct entry *e, uint32_t test, uint32_t index);
/* Leading absences: after binding, because they may read the event's name. */
bool lead_allows(struct finder *f, const struct entry *e, uint32_t index);
/* The first event must be f->first; nobody lies outside the head window or is bound twice. */
bool may_bind(const struct finder *f, const struct entry *e, uint32_t index, bool last);
/* The last event of a run: if nothing follows it, it must fit the point. */
bool may_bind_last(const struct finder *f, uint32_t index, bool last);
void bind_event(struct finder *f, uint32_t test, uint32_t index);
void unbind_event(struct finder *f);
/* Candidates that could be the next bound event: from entry_begin up to before entry_end. */
uint32_t entry_begin(const struct finder *f, const struct entry *e, bool last);
uint32_t entry_end(const struct finder *f, const struct entry *e, bool last);
/* `with no M` and `within D` of a part whose events are bound[from …]. `end`: a deadline that
 * ends the part, or ETIME_MIN. */
bool part_allows(struct finder *f, const struct pattern *p, uint32_t from, struct etime end);

/* No event behind candidate `after` and later than `from` up to `to` satisfies M. */
bool none_until(struct finder *f, const struct pending *p, uint32_t after, struct etime from,
                struct etime to);
/* A `without M` holds between the first bound event and the completion: before candidate `last`, or
 * up to and including the deadline `completed` (f->by_deadline). */
bool killed(struct finder *f, uint32_t first, uint32_t last, struct etime completed);
uint32_t first_bound(const struct finder *f);
/* Everything is bound: a match that is complete at the point. */
bool completes_here(struct finder *f, const struct entry *e);
/* Walks the whole pattern. */
bool match_root(struct finder *f);

/* ---- finder_partial.c: what a partial search adds to the walk ------------------------------- */

/* A part that ends with `no M for D` ends at its deadline; ETIME_MIN: at its last event. */
struct etime part_end(const struct finder *f, const struct entry *e);
/* The pattern may be left here, before the next event is bound. */
bool stop_here(struct finder *f, const struct entry *e);
/* match_node() of an optional part, not to be left before something of it is bound. */
bool match_begun(struct finder *f, const struct pattern *p, const struct entry *e,
                 const struct cont *k);
/* A run of a counted step may be left here though more could be taken. */
bool stop_in_run(struct finder *f, const struct pattern *p, uint32_t last);
/* No event up to now breaks what stands behind e->prev or a guard opened inside of `outer`. */
bool still_alive(struct finder *f, const struct entry *e, const struct open_part *outer);
/* With `more` further events of the item at hand nothing longer can come of this. */
bool not_longer(const struct finder *f, size_t more);
/* With every event behind e->prev nothing longer can come of this. */
bool rest_not_longer(const struct finder *f, const struct entry *e);
/* The same before item i of the root; remembers how long a part has come here. */
bool item_not_longer(struct finder *f, uint32_t i, const struct entry *e);
/* The search goes on with item i of the root: what can be bound behind it. */
void item_enter(struct finder *f, uint32_t i);

static inline struct entry entry_after(uint32_t index)
{
    return (struct entry){.prev = index, .after = ETIME_MIN};
}

#endif
