/* Checkpoints beside the run: a thread that writes what the overlays froze into the database, one
 * synced transaction each, with the header and the journal position as of that commit.
 *
 * The input thread hands over a job and goes on; it asks with checkpointer_poll() and drops the
 * frozen generation when the database holds it. Without space the thread says so and tries again
 * every second; every other error ends the run at the next commit.
 *
 * Thread rule: all functions are the input thread's. While a job runs, nobody else writes the
 * database. */
#ifndef FYKE_ENGINE_JOURNAL_CHECKPOINTER_H
#define FYKE_ENGINE_JOURNAL_CHECKPOINTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "engine/journal/overlay.h"
#include "engine/state/store.h"

struct checkpointer;

/* What stands in the database when it is written; all borrowed until the job is done. */
struct checkpoint_job {
    struct overlay *const *overlays; /* frozen; one per shard, and the pages */
    uint32_t n_dbs;
    struct slice header;
    struct store_origin origin;
    struct slice rules; /* empty: those that are there stay */
};

enum checkpoint_state {
    CHECKPOINT_IDLE,
    CHECKPOINT_WRITING,
    CHECKPOINT_DONE,    /* durable; told once, then idle */
    CHECKPOINT_BLOCKED, /* no space; it is being tried again */
    CHECKPOINT_FAILED,  /* for good */
};

/* Writes in the calling thread. */
enum err checkpoint_write(struct store *s, const struct checkpoint_job *job, struct fault *fault,
                          struct error *err) FYKE_MUST_USE;

struct checkpointer *checkpointer_new(struct store *s, struct fault *fault);
/* Waits for a transaction that is being written, and ends the thread. True: a job was begun that is
 * not in the database; *origin (may be NULL) is its. */
bool checkpointer_end(struct checkpointer *c, struct store_origin *origin);

/* Only when idle. */
void checkpointer_begin(struct checkpointer *c, const struct checkpoint_job *job);
/* `err` says why for BLOCKED and FAILED. Waits up to `wait_ms` while it writes or is blocked. */
enum checkpoint_state checkpointer_poll(struct checkpointer *c, unsigned wait_ms, struct error *err);

#endif
