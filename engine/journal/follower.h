/* A warm copy: the database of a task that another instance has, kept close to the end of the task's
 * changelog, so that taking the task over reads the rest only. It reads what is committed and writes
 * nothing but its directory; whether it is of use is judged when the task is opened (recover.c).
 *
 * Thread rule: one thread's; the journal is a reader of that thread's. */
#ifndef FYKE_ENGINE_JOURNAL_FOLLOWER_H
#define FYKE_ENGINE_JOURNAL_FOLLOWER_H

#include "engine/engine.h"
#include "engine/journal/journal.h"

struct follower;

struct follower_options {
    const struct engine_options *engine; /* borrowed: state_dir, sizes, clock, log */
    struct journal *reader;              /* borrowed */
    uint32_t task;
    uint32_t n_shards;
};

/* What is in the directory is gone on from where that is possible. ERR_STATE: it is no copy, and is left
 * alone. */
enum err follower_open(const struct follower_options *o, struct follower **ret,
                       struct error *err) FYKE_MUST_USE;
/* Up to the end as of now; *ret_entries: how many that were. */
enum err follower_step(struct follower *f, uint64_t *ret_entries, struct error *err) FYKE_MUST_USE;
void follower_close(struct follower *f);

#endif
