/* Rules that keep the same of every key: equal but for what they say about a match and for one duration,
 * that of a part that many events must fit into (`3 Login as f … within 5m`). As long as none of them has
 * found a match that another has not, one instance stands for all.
 *
 * The longer the duration, the more a rule allows: what the rule with the longest does not find, no other
 * finds. So the instance runs with that rule, and the event that may complete a match is not decided on it:
 * it is given to copies, rule by rule, until one of them finds nothing. A copy that has found a match goes
 * its own way. What is stored of each rule is what it would have been. */
#ifndef FYKE_NFA_KIN_H
#define FYKE_NFA_KIN_H

#include "base/buf.h"
#include "nfa/state.h"

/* What one call is told about such an instance (nfa_call.kin). */
struct kin_ask {
    bool several;  /* it stands for several rules: what may complete a match is left undecided */
    bool asked;    /* there is something to decide, nothing was changed */
    bool reported; /* of one rule: a match was found, or its search was given up */
};

/* The span in which a rule may differ from its kin. */
struct kin_span {
    struct duration length; /* 0: there is none */
    uint32_t test;          /* of the part's events; NO_TEST: there is none */
};

/* False: the rule shares with none. Else rules with equal texts and equal keys can. */
bool rule_kin_text(const struct rule *rule, struct buf *out, struct kin_span *ret);
/* Rules of kin with equal texts say the same of the same match, names aside, and keep nothing of it: one search
 * does for all whose span it fits into. False: the rule is asked by itself. */
bool rule_kin_says(const struct rule *rule, struct buf *out);
/* How long the events of the part took. */
struct duration match_took(const struct match *m, const struct kin_span *span);

/* An event with these tests may complete a match and is kept, too: every rule must see it by itself. */
bool rule_kin_part(const struct rule *rule, uint64_t tests);

/* The same as it stands, for one of the rules. */
struct instance *instance_copy(const struct instance *in, const struct rule *rule);
/* From now on it runs with this one of the rules. */
void instance_become(struct instance *in, const struct rule *rule);
/* It keeps events and nothing else: it can stand for several. */
bool instance_is_plain(const struct instance *in);
/* Both are plain, of kin, and what is stored of them is equal. */
bool instance_same(const struct instance *a, const struct instance *b);
/* One more event that can begin a match is more than an instance may keep. */
bool instance_is_full(const struct instance *in, const struct nfa_call *call);

static inline bool kin_asks(const struct nfa_call *call)
{
    if (call->kin == NULL || !call->kin->several) {
        return false;
    }
    call->kin->asked = true;
    return true;
}

static inline void kin_reported(const struct nfa_call *call)
{
    if (call->kin != NULL) {
        call->kin->reported = true;
    }
}

#endif
