/* What an error of a transaction means: over and to be begun anew, or for good. */
#ifndef FYKE_CONNECTORS_KAFKA_TXN_ERROR_H
#define FYKE_CONNECTORS_KAFKA_TXN_ERROR_H

#include "connectors/kafka_txn.h"

/* A call of the transaction interface that cannot succeed any more. */
enum err kafka_txn_failed(struct kafka_txn *t, const rd_kafka_error_t *e, const char *what,
                          struct error *err);
/* The coordinator does not let this producer begin. */
enum err kafka_txn_refused(struct kafka_txn *t, const rd_kafka_error_t *e, struct error *err);
/* A message that could not be queued; ERR_LIMIT: it is too large. */
enum err kafka_txn_unsent(struct kafka_txn *t, struct kafka_target *to,
                          const struct kafka_message *m, rd_kafka_resp_err_t code,
                          struct error *err);
/* One that was queued and not delivered: t->failed. */
enum err kafka_txn_undelivered(struct kafka_txn *t, struct error *err);
/* Asks for all topics that this producer writes to; waits a second at most. True: one is not there. */
#define KAFKA_NAME_SIZE 256
bool kafka_txn_topic_gone(struct kafka_txn *t, char ret_name[KAFKA_NAME_SIZE]);
/* The open topic of this name, if it was made a moment ago (kafka_young.h); else NULL. */
struct kafka_target *kafka_txn_young(struct kafka_txn *t, const char *name);
/* The error was returned before. */
enum err kafka_txn_again(struct kafka_txn *t, struct error *err);

#endif
