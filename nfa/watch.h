/* Looking on while rules ask events: for tests of rules (coverage, how far a test came), never in a
 * running engine. With a watch nothing is left unasked that a faster way knows the answer of. */
#ifndef FYKE_NFA_WATCH_H
#define FYKE_NFA_WATCH_H

#include "nfa/rule.h"

struct nfa_watch {
    /* The event is asked whether it passes the test: as far as it is read alone, or, if `bound`, with
     * the bindings of a match at hand. Conditions are evaluated with *ev, which stays as it is. */
    void (*asked)(void *ctx, const struct rule *rule, uint32_t test, const struct event *e,
                  struct eval *ev, bool bound);
    /* The event is asked whether the role's filter takes it. NULL: of no interest. */
    void (*filtered)(void *ctx, const struct rule *rule, uint32_t role, struct eval *ev);
    /* `until` or `having` of the rule's pattern is asked. NULL: of no interest. */
    void (*judged)(void *ctx, const struct rule *rule, const struct expr *e, struct eval *ev);
    void *ctx;
};

#endif
