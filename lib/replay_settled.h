/* Which keys of a replay have come to rest since its warm-up began.
 *
 * The warm-up makes every single match exact. How the matches of a key hang together (a match uses up its
 * events, an alert holds others back) it cannot know when the key's events go on without a pause across all
 * of it. A key is settled for a rule behind its first gap that is longer than what the rule keeps of it:
 *
 *   begin ──[ profiles fill ]──e──e────e ─────── gap > window + quiet ───────► e   settled from the end of
 *                              the gap's first window + quiet on
 *
 * Rules whose keys hang together with others (they read what rules with a past derive, or share a quiet
 * time) are not settled before the end.
 *
 * Everything is called on the input thread; a key's events come in order of time. */
#ifndef FYKE_LIB_REPLAY_SETTLED_H
#define FYKE_LIB_REPLAY_SETTLED_H

#include "base/buf.h"
#include "engine/keys/key.h"
#include "lib/replay.h"

/* More keys than these, and all that come then are taken for unsettled. */
#define REPLAY_MAX_TRACKED 1000000

struct settled_key {
    struct etime prev;   /* of its last event so far */
    struct etime settled; /* ETIME_MAX: not yet */
};

struct settled_group {
    bool known;
    uint32_t *rules; /* that go by these keys, without copies */
    uint32_t n_rules;
    struct duration rest; /* the longest window + quiet of them */
    struct etime begin;   /* profiles are filled; what came before is not looked at */
    struct map keys;      /* text → index into items, + 1 */
    struct settled_key *items;
    size_t n, cap;
};

struct replay_settled {
    bool on;
    bool beyond; /* the range is followed, too: something is verified */
    const struct ruleset *rs;
    struct replay_result *result;
    struct replay_rule_span *spans; /* per rule */
    uint32_t *group_of;             /* per rule; UINT32_MAX: none of its keys was met */
    struct settled_group *groups;   /* by key_group.index */
    size_t n_groups, cap_groups, n_keys;
    bool full;
    struct buf text;
};

/* Off where evaluation begins with the data or a state. */
void replay_settled_init(struct replay_settled *s, struct replay_result *result, bool beyond);
void replay_settled_release(struct replay_settled *s);
/* engine_options.keyed */
void replay_settled_event(void *ctx, const struct key_group *g, const struct value *values,
                          const struct event *e);
/* Is an alert of this rule, key (as the Kafka key of an alert) and time of detection exact? */
bool replay_settled_at(const struct replay_settled *s, uint32_t rule, struct slice key,
                       struct etime detected);
/* Lists the keys that were not settled when the range began. */
void replay_settled_finish(struct replay_settled *s);

#endif
