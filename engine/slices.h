/* Deadlines in slices: when the clock passes more deadlines than one pass takes, passes are cut.
 *
 * A cut stands at a time F: the pass fires what is due before F and releases no event behind F, so
 * that everything stays in the total order and a commit may come between two passes. Where more
 * than a slice is due at one time T, the keys are listed in their order and fired piece by piece;
 * groups with several levels, whose deadlines derive events, fire all of T in one pass.
 *
 * So neither answers nor their order depend on the size of a slice. Bounds: `size` times and
 * SLICES_LISTED * size keys in memory. Thread rule: the input thread's, between two barriers. */
#ifndef FYKE_ENGINE_SLICES_H
#define FYKE_ENGINE_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "engine/time/clock_group.h"
#include "nfa/value.h"

struct engine;

#define SLICE_DEADLINES 10000 /* default */
#define SLICES_LISTED 16

/* A key with a deadline at slices.at. */
struct due_key {
    const struct value *values;
    uint32_t n_values;
    uint32_t shard;
    struct hash128 hash;
};

struct slices {
    uint32_t size;
    bool cut;            /* this pass fires what is due before `before` only */
    struct etime before;
    bool full;           /* more than a slice is due at `at`: to be listed when its events are done */
    struct etime at;
    struct due_key *keys; /* listed, ascending; the first `next` are fired */
    size_t n, cap, next;
    struct arena values;
    int64_t *nearest; /* the size + 1 earliest times that are due, greatest first (heap) */
    size_t n_nearest;
    uint64_t n_cut; /* passes that were cut */
};

void slices_init(struct slices *s, uint32_t size);
void slices_release(struct slices *s);
/* Decides how far the next pass goes. */
enum err slices_plan(struct engine *e, struct error *err) FYKE_MUST_USE;
/* How far the deadlines of a clock group may fire in this pass. */
struct etime slices_before(const struct engine *e, uint32_t clock_group);
/* No event behind it is released in this pass. */
struct place slices_limit(const struct slices *s);
/* Every event that the pass allows has been taken: the listed keys that are next go to the shards. */
void slices_take(struct engine *e);
/* The first key whose deadlines at slices.at have not fired; NULL: no list. */
const struct due_key *slices_next_key(const struct slices *s);

#endif
