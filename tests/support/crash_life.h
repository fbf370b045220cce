/* Lives of an engine that end at any moment: random logs of two topics in up to three partitions, read
 * in random pieces, committed and crashed by chance. What all lives together say, and the state in the
 * end, must be those of a run that never crashed. */
#ifndef FYKE_TESTS_SUPPORT_CRASH_LIFE_H
#define FYKE_TESTS_SUPPORT_CRASH_LIFE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"
#include "nfa/rule.h"

#define CRASH_MAX_PARTITIONS 3
#define CRASH_RECORDS 150

struct line {
    uint32_t topic;
    int32_t partition;
    int64_t offset;
    char payload[1024];
};

struct logs {
    uint32_t n_partitions;
    struct line lines[CRASH_MAX_PARTITIONS][CRASH_RECORDS];
};

/* Payloads {"user","at","kind"}. `fill`: bytes of text in an event, so that a record takes several
 * segments. Times are up to `bound` + 1 ms behind. */
void logs_random(struct logs *l, struct rng *rng, int64_t bound, int fill);

#define MUCH_MEMORY ((size_t)64 << 20)

struct setting {
    uint32_t threads;
    size_t memory_bytes;
    unsigned step;      /* records between two looks at what to do */
    unsigned commit_in; /* every so-many-th look commits, by chance */
    unsigned crash_in;  /* likewise; 0: never */
    size_t buffer_bytes; /* events that wait in memory; 0: as many as there are */
    uint32_t slice;      /* deadlines per pass; 0: the default */
};

struct outcome {
    struct buf alerts; /* the different ones, sorted: the same match must come with the same bytes */
    struct buf state;
    uint64_t records;
    unsigned crashes;
};

/* Runs all of it; fails the running test on an error. */
void life_run(const struct ruleset *rs, const struct logs *l, const struct setting *s, uint64_t seed,
              struct outcome *ret);
void outcome_release(struct outcome *o);

/* A calm life, then one in each setting: alerts and state must be the same bytes. `round` is part of
 * their seeds and of what a failure says; the crashes are added to *crashes. ret: the calm one's. */
void life_same_in_all(const struct ruleset *rs, const struct logs *l,
                      const struct setting *settings, size_t n, int round, unsigned *crashes,
                      struct outcome *ret);

#endif
