/* The inside of reload.h:
 *   reload.c        wishes, what the files say, what follows from it
 *   reload_tell.c   the switch, and what is said of it
 * Private to lib/. */
#ifndef FYKE_LIB_RELOAD_PARTS_H
#define FYKE_LIB_RELOAD_PARTS_H

#include "lib/reload.h"
#include "lib/reload_read.h"
#include "lib/rule_watch.h"
#include "lib/warm.h"

struct reload {
    const struct fyke_run_config *config;
    struct later *later;
    const struct fyke_rules *first;  /* the caller's */
    struct fyke_rules *own;          /* in force instead; NULL: `first` */
    struct fyke_rules *before;       /* in force before the switch that is tried; NULL: `first` */
    struct fyke_rules *next;         /* to be in force at the next stop */
    /* The engine was opened with a set that is no longer in force: its lists are. Owned, NULL: `first`. */
    bool renewed;
    struct fyke_rules *opened;
    struct fyke_rules *replaced;     /* whose lists the engine uses up to the next batch */
    struct hash128 geoip;            /* identity of the files in use */
    struct buf texts;                /* of the set in force */
    struct buf texts_before;         /* the engine's up to the next batch */
    struct hash128 texts_of;         /* fingerprint */
    struct warm *warm;               /* of `next`, then of `own` until that runs; NULL: none */
    bool prepares;                   /* for `next` the engine was asked to prepare its stop */
    bool stopping;                   /* for `next` the engine was asked to stop; else to prepare it */
    unsigned beats;                  /* since it was asked to prepare it */
    bool trial;                      /* a switch whose engine has not run yet */

    bool wished; /* once more when the reader is through */
    enum reload_by wish_by, by; /* of the next reading, of this one */
    uint64_t settled; /* number of the reading that was looked at last */
    struct rules_reader reader;
    struct rule_watch *watch; /* NULL: none */

    struct drain *drain;
    struct reload_figures figures;
    struct reload_audit *audit;
    struct reload_outcome outcome; /* of the switch, or of the start, that is under way */
    bool under_way;
    bool begun;                    /* the first life has read something */
    double stopped_s;              /* monotonic; since when nothing is evaluated; 0: it is */
    struct hash128 offered;        /* several instances: what came of our own files last */
};

void reload_say(const struct reload *r, const char *fmt, ...) FYKE_PRINTF(2, 3);
double reload_seconds(void);
/* Frees them when the new ones run. */
void reload_free_later(struct reload *r, struct fyke_rules *rules);

/* reload_tell.c. The rules in force stay as they are: that is the record. */
void reload_tell_same(struct reload *r, enum reload_result result, struct slice reason);
/* Other contents of lists, in place of those of `was`. */
void reload_tell_contents(struct reload *r, struct hash128 was, struct engine *e);

#endif
