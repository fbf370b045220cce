/* Lives of an engine with a journal: the logs and settings of crash_life.h, with crashes and aborts
 * at any call, copies that are deleted, restored from an older one or kept, and a log that is
 * compacted meanwhile. The committed output and the state in the end are those of a calm life. */
#ifndef FYKE_TESTS_SUPPORT_JOURNAL_LIFE_H
#define FYKE_TESTS_SUPPORT_JOURNAL_LIFE_H

#include "tests/support/crash_life.h"
#include "tests/support/sim_journal.h"

struct journal_setting {
    struct setting base;      /* crash_in: between two calls */
    bool aborts_only;         /* faults are aborts: the run lives on, and its counters with it */
    unsigned fault_in;        /* every so-many-th commit meets a fault at one of its calls; 0: never */
    int64_t checkpoint_every; /* ns; 0: after each commit */
    size_t overlay_bytes;     /* 0: half of the memory */
    size_t max_value;         /* of an entry, so that headers are split; 0: the log's */
    unsigned lose_in;         /* every so-many-th crash loses the copy or finds an old one; 0: never */
    /* Instead of chance: the fault `kind` at that call, counted from the beginning; 0: by chance. */
    uint64_t fault_at;
    enum sim_fault kind;
    unsigned records; /* so many of each partition; 0: all */
};

struct journal_outcome {
    struct buf alerts, sequences; /* sim_log_alerts(), sim_log_sequences() */
    struct buf state;             /* the copy at the end */
    uint64_t calls; /* of the journal */
    uint64_t records, alerts_total, matches; /* as counted over the last run's lives */
    unsigned crashes, aborts, losses;
};

void journal_life_run(const struct ruleset *rs, const struct logs *l,
                      const struct journal_setting *s, uint64_t seed, struct journal_outcome *ret);
void journal_outcome_release(struct journal_outcome *o);

/* A calm life, then wild ones: alerts, sequences and state must be the same bytes; `alerts` and
 * `state` those of a life without a journal. Adds up crashes and aborts. */
void journal_life_same_in_all(const struct ruleset *rs, const struct logs *l, int round,
                              const struct buf *alerts, const struct buf *state,
                              struct journal_outcome *sum);

#endif
