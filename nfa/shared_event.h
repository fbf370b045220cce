/* One copy of an event for all rules that keep it of one key.
 *
 * A copy lies in the pool behind the number of its holders, and goes with the last of them. Its serial
 * (event.h) must stand behind that of every event that a holder keeps already; a rule for which it does
 * not gets a copy of its own.
 *
 * Ownership: whoever delivers an event to the rules of a key holds it until it has reached all of them. */
#ifndef FYKE_NFA_SHARED_EVENT_H
#define FYKE_NFA_SHARED_EVENT_H

#include "base/pool.h"
#include "nfa/event.h"

struct shared_event {
    const struct event *from; /* what is being delivered */
    uint32_t serial;          /* for the copy; 0: nothing is shared */
    struct event *copy;       /* NULL: no rule keeps it so far */
};

/* A copy of its own, or the shared one, for a rule that keeps an event with the serial `last` as its
 * latest (0: none). */
struct event *shared_event_keep(struct shared_event *s, struct pool *pool, const struct event *e,
                                uint32_t last);
/* One holder more. */
void shared_event_hold(struct event *copy);
/* One holder less. */
void shared_event_drop(struct pool *pool, struct event *copy);
/* The delivery is over. */
static inline void shared_event_end(struct shared_event *s, struct pool *pool)
{
    if (s->copy != NULL) {
        shared_event_drop(pool, s->copy);
        s->copy = NULL;
    }
}

#endif
