/* Alerts of a replay as another one's are compared with: who, when, over which events. Some 80 bytes
 * each and 8 per event of evidence. */
#ifndef FYKE_LIB_REPLAY_ALERTS_H
#define FYKE_LIB_REPLAY_ALERTS_H

#include "lib/json_view.h"
#include "lib/replay.h"

/* Events of evidence in all. */
#define REPLAY_MAX_EVIDENCE UINT64_C(50000000)

struct replay_alert {
    uint32_t rule;
    uint32_t key; /* index into keys */
    bool is_timeout;
    bool counts; /* detected in the range */
    bool has_first;
    bool is_true; /* its evidence holds a labelled event; of those that count */
    struct etime first, last, detected;
    struct hash128 match_id;
    uint64_t emit;     /* hash of what it says */
    uint64_t evidence; /* hash over its events */
    size_t events;     /* of the pool: hashes of places, ascending */
    uint32_t n_events;
};

struct replay_alerts {
    struct replay_alert *items; /* in the order of the output: by time of detection */
    size_t n, cap;
    uint64_t *pool;
    size_t n_pool, cap_pool;
    struct map keys; /* key text → index + 1, in order of the first alert */
};

struct replay_alerts *replay_alerts_new(void);
void replay_alerts_free(struct replay_alerts *a);
/* `seen` has all but key, hashes and events; those come from the alert. */
enum err replay_alerts_add(struct replay_alerts *a, const struct replay_alert *seen,
                           struct slice key, struct slice match_id, struct slice emit,
                           struct json_span evidence, struct error *err) FYKE_MUST_USE;

static inline struct slice replay_alert_key(const struct replay_alerts *a,
                                            const struct replay_alert *alert)
{
    return a->keys.entries[alert->key].key;
}

#endif
