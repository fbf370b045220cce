/* One transactional producer: transactions that begin with the first message, and what their errors
 * mean. The journal's (kafka_journal.c); everything that is written by an instance goes through it.
 *
 * Errors. A transaction that cannot be committed any more is ERR_ABORTED: throw away what is in
 * memory, close, open anew. Whatever no new attempt can mend (a right that is missing, a message
 * too large) is said as such. When the coordinator turned this producer away, `fenced` is set:
 * somebody else initialised the name, or the transaction took too long; the journal tells the two
 * apart. After any of these only kafka_txn_close() makes sense. */
#ifndef FYKE_CONNECTORS_KAFKA_TXN_H
#define FYKE_CONNECTORS_KAFKA_TXN_H

#include "connectors/kafka_aside.h"
#include "connectors/kafka_left_open_parts.h"
#include "connectors/kafka_out.h"
#include "connectors/kafka_young.h"

/* What messages are sent to; must outlive the producer's last delivery report. */
struct kafka_target {
    char *name;
    const char *what; /* "alerts": for messages */
    rd_kafka_topic_t *handle;
    bool made; /* by us or another instance, perhaps a moment ago */
    struct kafka_young young; /* of one that was made, once it was seen */
    int64_t *ends; /* per partition: behind the last message delivered; NULL: not asked for */
    int64_t *lowest; /* the same: of all delivered since it was set to INT64_MAX */
    uint32_t n_ends;
    uint64_t *noted; /* per partition: number of the last transaction that wrote to it, and 1 (kafka_written.c) */
    uint32_t n_noted;
    int limit; /* of the topic (kafka_limits.h); 0: not known */
    struct kafka_txn *txn; /* that it is listed in; NULL: not yet */
    struct kafka_target *next;
};

struct kafka_txn {
    struct kafka_client client;
    struct kafka_aside *aside;
    char *id; /* transactional.id */
    bool shared; /* set before it is opened: others wait for what this one leaves open when it hangs */
    struct fault *fault;
    int timeout_ms;    /* of a transaction */
    int max_bytes;     /* of a message */
    int limit;         /* set before it is opened: what topics take (kafka_limits.h); 0: not known */
    int batch_bytes;
    struct kafka_target *targets; /* what is open; theirs */
    int queue_messages;
    int64_t queue_bytes;
    bool ready;        /* initialised */
    bool open;         /* a transaction is */
    bool broken;       /* an error that only closing can mend has been returned */
    bool fenced;
    uint64_t number;   /* of the open transaction, or of the next */
    struct kafka_written written; /* by what is open, or was when an error ended it */
    int64_t begun_ms;
    int64_t queued_bytes; /* not yet delivered */
    rd_kafka_resp_err_t failed; /* the first delivery that failed */
    struct kafka_target *failed_at;
};

/* Makes the producer; no broker is asked. */
enum err kafka_txn_open(struct kafka_txn *t, const struct kafka_config *c, const char *id,
                        struct error *err) FYKE_MUST_USE;
/* Fences, and ends what a predecessor left open. */
enum err kafka_txn_init(struct kafka_txn *t, struct error *err) FYKE_MUST_USE;
/* Asks the broker once, so that the first message need not wait for it. */
enum err kafka_target_open(struct kafka_txn *t, struct kafka_target *to,
                           struct error *err) FYKE_MUST_USE;
/* Keep `ends` and `lowest` for partitions 0 to n - 1. */
void kafka_target_partitions(struct kafka_target *to, uint32_t n);
void kafka_target_close(struct kafka_target *to);
/* Waits for room in the queue. Headers of `m` are taken or stay, as in kafka_send(). */
enum err kafka_txn_send(struct kafka_txn *t, struct kafka_target *to, struct kafka_message *m,
                        struct error *err) FYKE_MUST_USE;
/* All that was sent is delivered. */
enum err kafka_txn_flush(struct kafka_txn *t, struct error *err) FYKE_MUST_USE;
/* `offsets` NULL: none. */
enum err kafka_txn_commit(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *offsets,
                          const rd_kafka_consumer_group_metadata_t *group,
                          struct error *err) FYKE_MUST_USE;
/* The end of one that nobody is to see, `positions` and what was sent. */
enum err kafka_txn_abort(struct kafka_txn *t, const rd_kafka_topic_partition_list_t *positions,
                         const rd_kafka_consumer_group_metadata_t *group,
                         struct error *err) FYKE_MUST_USE;
/* Serves callbacks; true: the open transaction should end now. */
bool kafka_txn_presses(struct kafka_txn *t);
/* Has the coordinator had the time to abort the transaction by itself? */
bool kafka_txn_overdue(const struct kafka_txn *t);
/* Aborts what is open, as far as a broker answers within a few seconds, and forgets what is queued:
 * no delivery report comes after it, targets may go. */
void kafka_txn_close_transaction(struct kafka_txn *t);
void kafka_txn_close(struct kafka_txn *t);

#endif
