/* Events of an order buffer that wait on disk: sorted runs.
 *
 * When the events in memory exceed their budget, those of each clock group are written as one run in
 * the total order and read back one by one, so that what a slow host or a wide bound makes wait is
 * bounded by the disk. A group has at most SPILL_RUNS runs; then they are merged into one.
 *
 * A run is a file without a name: it is unlinked as soon as it is open, so nothing is left behind by
 * a process that dies; a restart reads the events again from its sources. Its format is private to
 * one process: per event u32 length, the time of release, the record if one is kept (record_bytes.h)
 * and the event (event_encode, times from 1970).
 *
 * Thread rule: the input thread's. */
#ifndef FYKE_ENGINE_TIME_SPILL_H
#define FYKE_ENGINE_TIME_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "engine/record.h"
#include "engine/time/event_block.h"
#include "engine/time/place.h"

#define SPILL_RUNS 32

/* `time` is where the event stands in the order of release: its own time, except for one of a value
 * that had fallen silent and came back (partition_due). The record is kept where the event may yet
 * be refused; NULL mostly. */
struct order_item {
    struct etime time;
    struct event *event;
    struct event_block *block;
    const struct record *record; /* in the block */
};

static inline struct place order_item_place(const struct order_item *i)
{
    return (struct place){i->time, i->event->at, i->event->decl};
}

/* It came back behind its partition's frontier: evaluated iff its key has not passed it. */
static inline bool order_item_came_back(const struct order_item *i)
{
    return i->time.ns != i->event->time.ns;
}

struct spill_run {
    int fd;
    uint64_t at, end; /* bytes read into the window, bytes in all */
    struct buf window;
    size_t window_at;
    struct order_item head; /* the first of them, held in its block; event NULL: none is left */
    uint64_t left;          /* events, the head included */
    struct coord *low;      /* per partition the lowest offset when it was written */
    size_t n_low, cap_low;
};

/* What all groups share, and the figures. */
struct spill {
    const char *dir; /* for the files */
    struct event_blocks blocks; /* heads of runs */
    enum err rc;     /* of the last read or write that failed: nothing is released any more */
    struct error error;
    uint64_t events, bytes, runs, merges; /* written so far */
    uint64_t waiting_bytes;               /* on disk now */
    uint64_t most_waiting_bytes;
};

void spill_init(struct spill *s, const char *dir);
void spill_release(struct spill *s);

/* A run of these events, ascending; lets go of their blocks. */
enum err spill_write(struct spill *s, const struct order_item *items, size_t n,
                     struct spill_run **ret) FYKE_MUST_USE;
/* One run of all that is left in several; they are gone. */
enum err spill_merge(struct spill *s, struct spill_run **runs, size_t n,
                     struct spill_run **ret) FYKE_MUST_USE;
/* Takes the head, whose hold on its block goes to the caller, and reads the next; false: the file
 * cannot be read, s->rc says so. */
bool spill_take(struct spill *s, struct spill_run *run, struct order_item *ret);
void spill_close(struct spill *s, struct spill_run *run);

#endif
