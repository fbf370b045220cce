/* The inside of the journal:
 *   kafka_journal.c       the operations, opening, commit      kafka_journal_sink.c  sinks
 *   kafka_journal_own.c   its own entries: identity, owner     kafka_standing.c      positions
 *   kafka_journal_reader.c  one for another thread       kafka_warm.c          tasks to keep warm
 * Private to connectors/. */
#ifndef FYKE_CONNECTORS_KAFKA_JOURNAL_PARTS_H
#define FYKE_CONNECTORS_KAFKA_JOURNAL_PARTS_H

#include "base/buf.h"
#include "connectors/kafka_changelog.h"
#include "connectors/kafka_journal.h"
#include "connectors/kafka_txn.h"

struct kafka_journal {
    struct journal base; /* first: the engine's handle */
    const struct kafka_config *config;
    struct kafka_config own; /* of a reader */
    const struct ruleset *rs;
    char *topics; /* "T1,T2" or NULL */
    struct kafka_txn txn;
    struct kafka_changelog log;
    struct kafka_target entries; /* the changelog topic */
    uint32_t n_tasks;
    bool in_group;       /* one of several instances */
    rd_kafka_consumer_group_metadata_t *group;
    bool reset;          /* positions count as none */
    struct buf identity; /* cluster, topic, identity of the log */
    struct buf owner;    /* value of our entry */
    int64_t owner_at;    /* position behind it */
};

/* Of the assignment that all further commits belong to; taken over. */
void kafka_journal_set_group(struct kafka_journal *j, rd_kafka_consumer_group_metadata_t *group);

/* kafka_journal_own.c */
/* One of several: shuts solo writers out; log and identity are there when it returns. */
enum err kafka_journal_found(struct kafka_journal *j, struct error *err) FYKE_MUST_USE;
bool kafka_journal_is_own(struct slice key);
/* Reads or writes the identity, writes the owner; in a transaction of its own. */
enum err kafka_journal_sign(struct kafka_journal *j, struct error *err) FYKE_MUST_USE;
/* The coordinator has turned us away: ERR_KAFKA, fatal, when another process owns the name; else
 * what `rc` and `err` say already. */
enum err kafka_journal_judge(struct kafka_journal *j, enum err rc, struct error *err);
/* The group has, as a member of it: ERR_KAFKA, fatal, likewise; else ERR_ABORTED, for joining anew. */
enum err kafka_journal_judge_member(struct kafka_journal *j, struct error *err);

/* kafka_standing.c */
enum err kafka_journal_standing(struct journal *base, uint32_t task, struct journal_standing *ret,
                                struct error *err);
/* Up to where the state is rebuilt; before a new log begins. */
enum err kafka_journal_ask_rebuild(struct kafka_journal *j, struct error *err) FYKE_MUST_USE;
/* "fyke2 seq=… app=…", at most 64 bytes. */
#define KAFKA_METADATA_MAX 65
/* False: it is not what the other writes for this application. */
bool kafka_metadata_read(const char *app, struct slice text, uint64_t *ret);
void kafka_metadata_write(char ret[KAFKA_METADATA_MAX], const char *app, uint64_t seq);

/* kafka_journal_reader.c */
enum err kafka_journal_reader(struct journal *base, const struct journal_reader_options *o,
                              struct journal **ret, struct error *err);

/* kafka_warm.c */
enum err kafka_journal_warm(struct journal *base, uint32_t copies, uint32_t n, bool *ret,
                            struct error *err);

/* kafka_journal.c */
enum err kafka_journal_read(struct journal *base, uint32_t task, int64_t from,
                            journal_entry_fn fn, void *ctx, struct error *err);
enum err kafka_journal_read_decided(struct journal *base, uint32_t task, int64_t from,
                                    journal_entry_fn fn, void *ctx, struct error *err);
enum err kafka_journal_append(struct kafka_journal *j, uint32_t task, struct slice key,
                              bool deleted, struct slice value, struct error *err);

#endif
