/* The inside of drain.h:
 *   drain.c        which rules drain, how that is stored
 *   drain_link.c   the rule set with these beside those in force
 * Private to lib/. */
#ifndef FYKE_LIB_DRAIN_PARTS_H
#define FYKE_LIB_DRAIN_PARTS_H

#include "base/map.h"
#include "lib/drain.h"

struct old_rule {
    char *name;
    bool gone; /* does not drain any more */
};

/* An older set of which rules drain. */
struct old_set {
    struct hash128 fingerprint;
    struct buf texts;
    struct fyke_rules *rules; /* compiled for this opening; NULL: not yet */
    struct old_rule *old;
    size_t n, cap;
    size_t draining; /* of these, not gone */
};

/* Which of them a unit of the linked set is. */
struct old_place {
    size_t set, rule;
};

/* Texts of a set in force; borrowed. */
struct set_texts {
    struct hash128 fingerprint;
    struct slice texts;
};

struct drain {
    const struct fyke_run_config *config;
    struct later *later;
    bool off; /* in this life nothing drains */
    struct engine_old_rules hooks;
    const struct ruleset *base; /* as given to the engine */
    struct set_texts now, before;
    struct old_set *sets; /* oldest first */
    size_t n_sets, cap_sets;
    struct old_place *places; /* per old version of `linked` */
    struct ruleset *linked; /* what the engine runs; NULL: `base` */
    struct buf out;         /* what is stored */
    struct drain_kit *kit;  /* for the next opening; NULL: none */
    bool opened, found;     /* the first opening: there was a state … */
    struct hash128 found_under; /* … last written under this set */
    struct buf found_texts;
    struct drain_figures figures;
};

void drain_say(const struct drain *d, const char *fmt, ...) FYKE_PRINTF(2, 3);
/* It does not drain any more. */
void drain_forget(struct old_set *s, size_t i);
/* Rules of a set by their names, which are borrowed. */
void drain_index(const struct ruleset *rs, struct map *by_name);

/* drain_link.c: links what drains beside `base`. */
void drain_link(struct drain *d, const struct map *in_force);

#endif
