/* Events that no rule wants, as far as the event itself says: nothing of their keys is looked at, and where nothing is
 * read again after a restart they need not be put in order. */
#ifndef FYKE_ENGINE_WANTED_H
#define FYKE_ENGINE_WANTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "engine/keys/key.h"

/* What the rules of a clock group ask of an event of a declaration. */
struct wanted_ask {
    const struct key_variant **variants; /* of all levels */
    uint32_t n;
    bool always; /* it takes more than the event to know */
    /* Where nearly every event is wanted, asking does not pay. */
    uint32_t asked, refused; /* of a round */
    uint32_t unasked;        /* events that are not asked about, to come */
};

struct wanted {
    struct wanted_ask *asks; /* clock group × declaration */
    uint32_t n_decls;
};

void wanted_init(struct wanted *w, const struct key_table *keys, struct arena *arena);

static inline struct wanted_ask *wanted_ask_of(const struct wanted *w, uint32_t clock_group, uint32_t decl)
{
    return &w->asks[(size_t)clock_group * w->n_decls + decl];
}

/* False: no rule wants the event. */
bool wanted_ask_rules(struct wanted_ask *ask, const struct event *e);
/* True: a rule may want it. */
static inline bool wanted_ask(struct wanted_ask *ask, const struct event *e)
{
    if (ask->unasked > 0) {
        ask->unasked--;
        return true;
    }
    return ask->always || (ask->n > 0 && wanted_ask_rules(ask, e));
}

#endif
