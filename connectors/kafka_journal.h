/* The journal on Kafka (engine/journal/journal.h): one transactional producer per instance, the changelog
 * topic `<app>.changelog`, positions in the group with `fyke2 seq=… app=…` as their metadata.
 *
 * Several instances have a transactional id each (kafka_names.h); a partition of the changelog per
 * task; and the group's generation as the fence between them. Each of them shuts out whoever writes as
 * `<app>.solo`, and makes the changelog and its identity under that name, so that two that begin at one
 * time make one.
 *
 * In solo mode the transactional id is `<app>.solo`: the coordinator's epoch of that name is the
 * fence, for positions of assigned partitions have none of their own.
 *
 * Its own entries in partition 0 of the changelog, keys 00 'J' …:
 *   00 'J' 'I'  written first and once: the identity of the log. A topic that was removed and made
 *               anew, or lost its beginning, does not begin with the one that is known.
 *   00 'J' 'O' [instance]  written at each open: who owns the name now. Whoever is turned away by the
 *               coordinator looks here whether somebody else came, or only too much time went
 *               by. */
#ifndef FYKE_CONNECTORS_KAFKA_JOURNAL_H
#define FYKE_CONNECTORS_KAFKA_JOURNAL_H

#include "connectors/kafka.h"
#include "engine/journal/journal.h"

/* `c` and `rs` are the caller's until close; `topics` as for kafka_source_new(). `n_tasks` 0: solo; else
 * that of several instances, of which `c->instance_id` is one. Asks no broker. */
enum err kafka_journal_new(const struct kafka_config *c, const struct ruleset *rs,
                           const char *topics, uint32_t n_tasks, struct journal **ret,
                           struct error *err) FYKE_MUST_USE;
/* Writes to `topic` within the journal's transactions; flush does nothing, commit delivers. Closed
 * before the journal. The topic must exist. `j` must be open. */
enum err kafka_journal_sink(struct journal *j, const char *topic, struct sink **ret,
                            struct error *err) FYKE_MUST_USE;

#endif
