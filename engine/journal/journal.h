/* The journal: where state, output and input positions become durable as one step.
 *
 * With Kafka it is one transaction of one producer: alerts and other output records, the changed
 * records of the state (changelog topic), and the positions of the inputs, committed together.
 * Whoever implements this (connectors/kafka_journal; tests: a log in memory) promises:
 *
 *   - after a crash at any instant either everything of a commit is there or nothing;
 *   - open() fences whoever wrote under this name before: a later commit of theirs fails;
 *   - read() shows committed entries only, in the order in which they were appended.
 *
 * A task is what has a time stage and a header of its own (engine.md, section 1): in solo mode the
 * whole input, number 0. Its entries lie in a part of the changelog of their own, in order.
 *
 * State never enters the local database before its commit has returned: the database holds what the
 * changelog holds, and may lag behind it (overlay.h).
 *
 * Keys that begin with the bytes 00 'J' are the journal's own; read() leaves them out.
 *
 * Errors. ERR_ABORTED: nothing of the open transaction was or will be committed; what is in memory
 * is ahead of what is durable and must be thrown away; start again from what is committed (the run
 * opens everything anew, lib/run.c). Any other error: as usual, the run ends; a crash-like end is
 * safe. Commit waits through outages for as long as the broker may still answer.
 *
 * Thread rule: all calls from the input thread; those of a reader from the thread that has it. */
#ifndef FYKE_ENGINE_JOURNAL_JOURNAL_H
#define FYKE_ENGINE_JOURNAL_JOURNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/slice.h"
#include "engine/record.h"

struct journal;
struct ruleset;

/* Behind nothing: read from the first entry that there is. */
#define JOURNAL_BEGIN INT64_C(-1)

/* What is committed for a task, by the positions of its inputs. */
struct journal_standing {
    bool found;   /* positions with our metadata exist; if not, a header in the log decides
                     (positions expire), and without one this is the first start */
    uint64_t seq; /* K, if found: number of the last commit; all partitions of the task carry it.
                     If not, commits are numbered from here on */
    /* The part of the changelog that can still be read: entries at [first, end). */
    int64_t first, end;
    struct slice identity; /* of the log as a whole (cluster, topic): a local database of another
                              one is discarded; the journal's, until close */
};

struct journal_entry {
    struct slice key;
    bool deleted;       /* value is empty */
    struct slice value;
    int64_t position;   /* of this entry; the next read begins behind it */
};

/* *done = true: no more. */
typedef enum err (*journal_entry_fn)(void *ctx, const struct journal_entry *entry, bool *done,
                                     struct error *err);

/* What one task commits beside the entries appended for it. */
struct journal_task {
    uint32_t task;
    uint64_t seq; /* of this commit; goes into the metadata of the positions */
    const struct partition_position *positions; /* B of every partition of the task */
    uint32_t n_positions;
    int64_t behind;   /* the entries of the last commit: those of this one stand behind it, or it is not
                         the log that it was (ERR_STATE); JOURNAL_BEGIN: nothing is known */
    int64_t position; /* set by commit(): behind the last entry appended for the task */
};

/* What a reader must not share with the input thread; must outlive it. */
struct journal_reader_options {
    const volatile sig_atomic_t *stop; /* non-zero: what it is about ends soon, with an error */
    void (*log)(void *ctx, const char *line);
    void *log_ctx;
};

struct journal_ops {
    /* Fences, and makes sure that the log exists and keeps what it must. Once, before anything
     * else. `reset`: a new log begins, whatever the old one held is gone, and positions count as
     * none (nothing is found). */
    enum err (*open)(struct journal *j, bool reset, struct error *err);
    /* Where a task stands. Refuses (ERR_STATE, with numbers) positions that disagree with each
     * other or were not committed by this application. */
    enum err (*standing)(struct journal *j, uint32_t task, struct journal_standing *ret,
                         struct error *err);
    /* Calls `fn` for every entry of the task at or behind `from` until it is done or the end as of
     * now is reached. Entries are valid during the call. An open transaction of a dead writer can
     * hide the end for up to the transaction time-out: waits for it, then ERR_KAFKA with numbers. */
    enum err (*read)(struct journal *j, uint32_t task, int64_t from, journal_entry_fn fn, void *ctx,
                     struct error *err);
    /* The same for what lies at or behind `from` and is decided as of now: waits for nobody's transaction. */
    enum err (*read_decided)(struct journal *j, uint32_t task, int64_t from, journal_entry_fn fn,
                             void *ctx, struct error *err);
    /* Adds to the open transaction, beginning one if there is none. The bytes are copied. */
    enum err (*append)(struct journal *j, uint32_t task, struct slice key, bool deleted,
                       struct slice value, struct error *err);
    /* Everything appended and everything written to the journal's sinks since the last commit, and
     * the positions of `tasks`, as one. */
    enum err (*commit)(struct journal *j, struct journal_task *tasks, uint32_t n,
                       struct error *err);
    /* Once per turn of the input loop, also when nothing happens: the client gets to breathe. True:
     * commit now rather than by time (half of the queue is used, or a quarter of the time that a
     * transaction may take). */
    bool (*presses)(struct journal *j);
    /* A reader's: per task, would it come here if others ended? So that each of the `n` tasks has
     * `copies` such instances, where there are enough. */
    enum err (*warm)(struct journal *j, uint32_t copies, uint32_t n, bool *ret, struct error *err);
    /* A second one over the same log, for another thread: it has standing(), read(),
     * read_decided(), warm() and close() alone. */
    enum err (*reader)(struct journal *j, const struct journal_reader_options *o,
                       struct journal **ret, struct error *err);
    /* Another engine goes on with it, without opening it, under rules that read the same topics by the same
     * numbers; nothing is open. `rs` is borrowed as the one before was. NULL: it cannot. */
    void (*again)(struct journal *j, const struct ruleset *rs);
    void (*close)(struct journal *j); /* aborts what is open */
};

struct journal {
    const struct journal_ops *ops;
    size_t max_value_bytes; /* an entry larger than this does not fit; the engine splits before */
};

#endif
