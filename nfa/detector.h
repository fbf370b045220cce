/* May a match complete here? The counters of an instance, kept as events come, are used up and go, and the
 * detector of its rule's class, which takes events when it is asked. Never a wrong "no". Private to nfa/. */
#ifndef FYKE_NFA_DETECTOR_H
#define FYKE_NFA_DETECTOR_H

#include "nfa/state.h"

struct detector;

/* The surroundings of what follows, for values that have to be computed. */
void detector_enter(struct instance *in, const struct nfa_call *call);
/* The event appended last. */
void detector_add(struct instance *in);
/* The last one was taken off again. */
void detector_take_back(struct instance *in);
/* Its own bytes, and those of what it keeps outside of the pool, which may grow whenever it is asked. */
uint64_t detector_weight(const struct instance *in);
/* It has looked at all of them. */
bool detector_knows(const struct instance *in);
/* Candidate `index` is used up or goes; it was not used up before. */
void detector_forget(struct instance *in, uint32_t index);
/* All of them, none is left. */
void detector_forget_all(struct instance *in);
/* Candidate `index` is about to be marked as reported. */
void detector_reported(struct instance *in, uint32_t index);
/* The counters anew (after loading); the class's detector is made again when it is needed. */
void detector_recount(struct instance *in);
void detector_free(struct instance *in);
/* Without what lies in the pool. */
void detector_abandon(struct instance *in);
/* *ret_outside: of them, what does not lie in the pool. */
uint64_t detector_bytes(const struct instance *in, uint64_t *ret_outside);

/* At the candidate appended last. True: a match that completes here begins at *ret_last or before. */
bool detector_may_complete(struct instance *in, uint64_t tests, bool counted, uint32_t *ret_last,
                           const struct nfa_call *call);
/* At the deadline t, all events up to it being there. */
bool detector_may_complete_at(struct instance *in, struct etime t, const struct nfa_call *call);

#endif
