/* How an assignment that the finder found becomes an alert. Private to nfa/. */
#ifndef FYKE_NFA_REPORT_H
#define FYKE_NFA_REPORT_H

#include "nfa/finder.h"
#include "nfa/instance.h"

/* One point in the order: an event, or a deadline. */
struct report {
    struct instance *in;
    const struct nfa_call *call;
    enum match_kind kind;
    uint64_t found;    /* matches at this point */
    bool counting;     /* no skip: only count, so that the alerts can tell what was cut off */
    uint64_t truncated;
    uint32_t last_start; /* no match that completes here begins later */
    uint32_t used_end; /* candidates before it are used up by what was found */
    bool reported;
};

void finder_begin(struct finder *f, struct report *r, struct etime now, bool at_deadline);
/* The bound events in the total order, in the call's arena. */
struct bound *bound_in_order(const struct finder *f);
/* What is bound, as an alert decided at `detected`. */
void report_fill(const struct finder *f, const struct report *r, const struct bound *sorted,
                 struct etime detected, struct match *m);

/* ---- timeout.c ---------------------------------------------------------------------------- */

/* The first events whose window closes at one deadline. */
struct timeouts {
    struct report report;
    struct finder finder;
    struct etime due; /* their time */
};

void timeouts_begin(struct timeouts *ts, struct instance *in, struct etime t,
                    const struct nfa_call *call);
/* Candidate `start`, if it is one of them and began no match. Returns true iff it was. */
bool timeouts_try(struct timeouts *ts, uint32_t start);
/* All of them. */
bool report_timeouts(struct instance *in, struct etime t, const struct nfa_call *call);

#endif
