/* Entries of a task's changelog, in order, into a database that copies it. Whatever is written is written
 * with the position up to which it goes, and marked torn where it is not the state as of a commit: a
 * crash at any instant leaves something that can be gone on from. Doing some of it twice ends the same. */
#ifndef FYKE_ENGINE_JOURNAL_COPY_WRITER_H
#define FYKE_ENGINE_JOURNAL_COPY_WRITER_H

#include "base/fault.h"
#include "engine/journal/changelog.h"
#include "engine/journal/copy_batch.h"
#include "engine/journal/journal.h"
#include "engine/state/store.h"

struct copy_writer {
    struct store *store;
    uint32_t n_shards;
    size_t batch_bytes; /* are gathered and written at a time */
    struct fault *fault;
    bool to_commit;  /* up to the commit of number `seq`; else on and on */
    uint64_t seq;
    struct store_origin origin; /* up to where; its identity is the caller's */
    uint64_t entries; /* so far */
    bool complete;    /* what was read ends with a header; with `to_commit`, that one */
    /* Private. */
    struct store_txn *txn;
    struct copy_batch batch;
    size_t taken; /* bytes since the last batch was written */
    struct changelog_header gather, rules;
};

/* Before reading from origin.position. */
void copy_writer_begin(struct copy_writer *w);
/* A journal_entry_fn; `ctx` is the writer. Done when the commit is there. */
enum err copy_writer_take(void *ctx, const struct journal_entry *entry, bool *done,
                          struct error *err);
/* What was taken and is not written yet. */
enum err copy_writer_write(struct copy_writer *w, struct error *err) FYKE_MUST_USE;
void copy_writer_release(struct copy_writer *w);

/* The log still holds every deletion behind what a copy has: `o` is its origin. */
enum err copy_mark_stands(struct journal *j, uint32_t task, const struct journal_standing *standing,
                          const struct store_origin *o, bool *found,
                          struct error *err) FYKE_MUST_USE;

enum err changelog_bad_entry(int64_t position, struct error *err);

#endif
