/* Lives of an engine with a journal in memory whose rules change at given records: each version is in force
 * for what is committed behind its record. Crashes and aborts at any call of the journal, copies that are
 * lost; whatever happens, what is committed in the end is that of undisturbed lives. */
#ifndef FYKE_TESTS_SUPPORT_DRAIN_WORLD_H
#define FYKE_TESTS_SUPPORT_DRAIN_WORLD_H

#include "engine/engine.h"
#include "lib/drain.h"
#include "tests/support/sim_journal.h"

#define DRAIN_VERSIONS 16

struct drain_version {
    const char *rules;      /* behind the head */
    unsigned from;          /* in force from this record on */
    struct fyke_rules *compiled;
    struct buf texts;       /* as stored */
    int64_t begins_us;      /* how far event time had come */
};

struct drain_world {
    const char *head;
    struct drain_version versions[DRAIN_VERSIONS];
    unsigned n_versions;
    unsigned records, keys, commit_every;
    size_t memory_bytes;   /* 0: much */
    bool drop;             /* --on-change drop */
    bool lose_copies;      /* each crash loses the state directory */
    char dir[64];
    struct sim_log log;
    struct buf said;       /* by all lives */
    unsigned lives;
    struct drain_figures figures; /* of the last life */
    uint64_t drained, dropped;    /* of all */

    struct buf alerts, sequences, state; /* in the end */
    uint64_t calls;                      /* of the journal */
    uint64_t evicted;                    /* in the last life */
};

/* Events {user, at, t, n}: one each 200 ms, out of order by up to 1.5 s, no two at one time; the time in µs
 * as `at` and `t`, n below 1000. */
void drain_world_make(struct drain_world *w, const char *head);
void drain_world_version(struct drain_world *w, const char *rules, unsigned from);
/* From the first record to the last. Faults are those of `log`. */
void drain_world_run(struct drain_world *w);
/* The same world, to be run anew. */
void drain_world_like(struct drain_world *w, const struct drain_world *as);
void drain_world_end(struct drain_world *w);
bool drain_world_said(const struct drain_world *w, const char *text);

#endif
