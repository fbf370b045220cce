/* A journal in memory (engine/journal/journal.h), or in a file so that processes can be killed: a log with
 * transactions, fencing, compaction, and faults at any call.
 *
 * The log outlives engines; each life opens a journal over it. What a crash leaves is what was
 * committed. Positions have gaps: each transaction ends with a marker, aborted ones leave holes. */
#ifndef FYKE_TESTS_SUPPORT_SIM_JOURNAL_H
#define FYKE_TESTS_SUPPORT_SIM_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/rng.h"
#include "engine/io.h"
#include "engine/journal/journal.h"

struct sim_entry {
    uint32_t task;
    char *key, *value; /* owned */
    size_t key_len, value_len;
    bool deleted;
    int64_t position;
    int64_t time; /* of the log's clock, ns */
};

struct sim_position {
    uint32_t task;
    struct partition_position at;
    uint64_t seq;
};

/* A committed alert. */
struct sim_alert {
    char *rule, *key, *value; /* owned texts; key NULL: none */
};

enum sim_fault {
    SIM_NOTHING,
    SIM_ABORT,       /* the transaction is gone: ERR_ABORTED */
    SIM_CRASH,       /* as if the process had died in front of the call */
    SIM_CRASH_AFTER, /* … behind it */
};

struct sim_log {
    struct sim_entry *entries; /* committed, in order */
    size_t n_entries, cap_entries;
    struct sim_position *positions;
    size_t n_positions, cap_positions;
    struct sim_alert *alerts;
    size_t n_alerts, cap_alerts;
    int64_t first, end;
    int64_t now;    /* the log's clock, ns */
    uint32_t epoch; /* of the writer that was opened last */
    const char *identity;
    size_t max_value_bytes;
    uint64_t commits, last_commit_bytes; /* of keys and values */
    /* The call that many calls from now fails; 0: none. Once. */
    uint64_t fault_in;
    enum sim_fault fault;
    uint64_t clean_in;     /* after so many entries that are read: sim_log_compact(…, 0); 0: never */
    bool dead;             /* crashed: every call fails until the next journal is opened */
    uint64_t calls;
    int fd;                /* -1: memory only */
    pthread_mutex_t *lock; /* owned; of everything above, as readers have threads of their own */
    unsigned warm;         /* set of tasks that are to be kept warm */
    int64_t held_task;     /* atomic: readers of its entries get none; -1: none */
    struct fault *kill_at; /* fault points of the log itself; may be NULL */
};

void sim_log_init(struct sim_log *log);
/* What the file holds; later commits are appended to it. */
void sim_log_open_file(struct sim_log *log, const char *path);
void sim_log_release(struct sim_log *log);
/* Removes entries that later ones replace, by chance, and deletions older than `keeps` ns. */
void sim_log_compact(struct sim_log *log, struct rng *rng, int64_t keeps);
/* Loses everything behind the first `n` entries. */
void sim_log_truncate(struct sim_log *log, size_t n);
/* Nobody has read for days. */
void sim_log_expire_positions(struct sim_log *log);
/* The bytes of all alerts, sorted, one per line; every one as often as it is there. */
void sim_log_alerts(const struct sim_log *log, struct buf *out);
/* Per rule and key in order of name: the alerts in order of the log. */
void sim_log_sequences(const struct sim_log *log, struct buf *out);

/* Freed by its close(). */
struct journal *sim_journal_new(struct sim_log *log);
/* What is written to it belongs to the journal's transaction; the journal's. */
struct sink *sim_journal_sink(struct journal *j);

#endif
