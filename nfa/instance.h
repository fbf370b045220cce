/* The inside of an instance (state.h). Private to nfa/. */
#ifndef FYKE_NFA_INSTANCE_H
#define FYKE_NFA_INSTANCE_H

#include "nfa/detector.h"
#include "nfa/retained.h"
#include "nfa/state.h"

/* `quiet for D per …`: one entry per group of `per` values. It lives until its quiet time is over
 * and nothing held back remains to be told by the next alert. */
struct quiet_entry {
    struct slice per;     /* canonical bytes of the values; memory of the pool */
    struct etime last_at; /* the last alert that went out */
    uint64_t held;        /* held back since then */
    bool ended;           /* the quiet time is over, quiet_ended has gone out */
};
struct quiet_list {
    struct quiet_entry *items;
    uint32_t n, cap;
};

/* What each event reads and writes stands together, behind what it leaves alone. */
struct instance {
    struct quiet_list *quiet;  /* NULL: none so far */
    struct etime fired;        /* deadlines up to and including this time are decided */
    uint64_t positions;        /* counted events so far */
    struct retained events;
    const struct rule *rule;
    struct pool *pool;
    struct detector *detector; /* of the rule's class; NULL: not made yet, or the general one */
    struct etime capped_until; /* alerts say `capped` up to here; ETIME_MIN: not capped */
    struct etime next;         /* of one that is told: instance_next_time() */
    bool told;                 /* instance_is_told() */
    uint8_t looks;             /* few.c: since an event was kept that does not look itself */
    uint32_t lowest;           /* candidates before this index are used up */
    uint32_t live_starts;      /* candidates that can still begin a match */
    uint32_t start_hint;       /* no live start stands before this index */
    uint32_t counters[];       /* instance_have(), then instance_cursor() */
};

/* Per test: candidates not used up that pass it. */
static inline uint32_t *instance_have(struct instance *in)
{
    return in->counters;
}
/* Per tail length: the first candidate whose deadline is not fired. Found anew when asked, so that
 * asking moves it. */
static inline uint32_t *instance_cursor(const struct instance *in)
{
    return (uint32_t *)(uintptr_t)in->counters + in->rule->n_tests;
}

/* One block: the instance, its counters per test, its cursors per length. */
size_t instance_block_bytes(const struct rule *r);

/* ---- deadlines.c --------------------------------------------------------------------------- */

/* The earliest deadline at which a match may complete; ETIME_MAX: none. */
struct etime deadline_of_events(const struct instance *in);
static inline struct etime deadline_next(const struct instance *in)
{
    const struct rule *r = in->rule;
    bool any = retained_count(&in->events) > 0 && (r->n_tails > 0 || r->to_window_end || r->n_timeouts > 0);
    return any ? deadline_of_events(in) : ETIME_MAX;
}
/* Everything at T is decided. */
void deadline_passed(struct instance *in, struct etime t);
/* Cursors anew after candidates were dropped or loaded. */
void deadline_shift(struct instance *in, uint32_t dropped);
void deadline_all_gone(struct instance *in);

/* ---- report.c: runs the finder under the rule's policy -------------------------------------- */

/* Returns true iff something was reported or used up. Starts after `last` are not tried. */
bool report_at_event(struct instance *in, uint32_t last, const struct nfa_call *call);
bool report_at_deadline(struct instance *in, struct etime t, const struct nfa_call *call);
bool report_pending(struct instance *in, struct etime t, const struct nfa_call *call);

/* ---- quiet.c ------------------------------------------------------------------------------ */

/* The alert goes out (true; *suppressed is what it must tell) or is held back. */
bool quiet_allows(struct instance *in, struct slice per, struct etime at, uint64_t *suppressed);
struct etime quiet_next(const struct instance *in);
/* Quiet times that end at or before t: tells what they held. */
bool quiet_end(struct instance *in, struct etime t, const struct nfa_call *call);
/* Of an old version that keeps no event: quiet times that are over. Returns whether there were any. */
bool quiet_forget_told(struct instance *in);
static inline bool quiet_forget(struct instance *in)
{
    return in->rule->drains && quiet_forget_told(in);
}
void quiet_put(struct instance *in, struct quiet_entry entry);
void quiet_release(struct instance *in);
uint64_t quiet_bytes(const struct instance *in);
static inline uint32_t quiet_count(const struct instance *in)
{
    return in->quiet != NULL ? in->quiet->n : 0;
}

/* ---- caps.c ------------------------------------------------------------------------------- */

/* Too many open starts. */
void caps_after_event(struct instance *in, struct etime now, const struct nfa_call *call);
/* A search was given up: half of the open starts go, the oldest first. */
void caps_after_exhaustion(struct instance *in, struct etime now, const struct nfa_call *call);

/* ---- own_tests.c ---------------------------------------------------------------------------- */

/* The tests that the event passes as far as they read it alone; *e becomes what is to be kept. */
uint64_t own_tests(const struct rule *rule, const struct event **e, uint64_t roles,
                   const struct nfa_call *call);

/* ---- few.c ---------------------------------------------------------------------------------- */

/* What it does depends on these, the answers do not. */
void few_one_more(struct instance *in, uint64_t tests); /* event is kept, and passes these */
void few_searched_in_vain(struct instance *in);
void few_all_gone(struct instance *in);

/* ---- state.c ------------------------------------------------------------------------------- */

void instance_use_up(struct instance *in, uint32_t count);
void instance_mark_reported(struct instance *in, uint32_t index);
/* A match began with it; it stays a start. */
void instance_mark_matched(struct instance *in, uint32_t index);
/* The candidate can begin a match of a rule: passes a first test, unused, unreported. */
bool instance_is_start(const struct instance *in, uint32_t index);
/* The first live start; retained_count() if there is none. */
uint32_t instance_first_start(struct instance *in);
/* The first candidate that is not too old at `now`, whether or not those before it are still there. */
uint32_t instance_needed_from(const struct instance *in, struct etime now);
/* Counters and cursors anew from the candidates (after loading). */
void instance_recount(struct instance *in);
/* Emits a match without events: quiet_ended, capped. */
void instance_tell(struct instance *in, enum match_kind kind, struct etime at, uint64_t count,
                   const struct nfa_call *call);

#endif
