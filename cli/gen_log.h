/* What was generated: events in the order of their making, and the episodes planted among them.
 *
 * Arrival order, partitions and offsets exist only after gen_log_arrange(). */
#ifndef FYKE_CLI_GEN_LOG_H
#define FYKE_CLI_GEN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/rng.h"

enum gen_topic { GEN_LOGINS, GEN_PAYMENTS, GEN_ACCOUNTS, GEN_ORDERS, GEN_HEARTBEATS, GEN_TOPICS };

const char *gen_topic_name(enum gen_topic t);

struct gen_event {
    int64_t at_ms;
    int64_t arrival_ms; /* when the broker saw it: at_ms plus the disorder drawn for it */
    uint64_t offset;
    size_t text; /* in gen_log.text: the key, directly followed by the payload */
    uint32_t key_bytes;
    uint32_t payload_bytes;
    uint32_t partition;
    enum gen_topic topic;
};

struct gen_episode {
    const char *rule;
    const char *key; /* in gen_log.strings */
    const char *note;
    bool attack; /* false: a decoy, the rule must stay silent */
    size_t refs; /* first of its entries in gen_log.refs */
    size_t n_refs;
};

struct gen_log {
    struct buf text;
    struct arena strings;
    struct gen_event *events;
    size_t n_events, cap_events;
    struct gen_episode *episodes;
    size_t n_episodes, cap_episodes;
    size_t *refs; /* indices into events */
    size_t n_refs, cap_refs;
    size_t *order; /* event indices by arrival; NULL before gen_log_arrange() */
    bool in_episode;
};

void gen_log_init(struct gen_log *log);
void gen_log_release(struct gen_log *log);

/* Opens one event and its JSON object; the members follow, then gen_event_end(). */
struct json_out gen_event_begin(struct gen_log *log, enum gen_topic topic, int64_t at_ms,
                                const char *key);
void gen_event_end(struct gen_log *log, struct json_out *j);

/* Every event between begin and end belongs to the episode. `rule` and `note` must be literals. */
void gen_episode_begin(struct gen_log *log, const char *rule, const char *key, bool attack,
                       const char *note);
void gen_episode_end(struct gen_log *log);

/* Draws arrival times up to `disorder_ms` after the event times, sorts by them (ties in order of
 * making) and deals out partitions by key and offsets by arrival. */
void gen_log_arrange(struct gen_log *log, struct rng *r, int64_t disorder_ms, uint32_t partitions);

struct slice gen_event_key(const struct gen_log *log, const struct gen_event *e);
struct slice gen_event_payload(const struct gen_log *log, const struct gen_event *e);

#endif
