/* The counters that outlive an engine: over the lives of a run, and over the tasks of an instance.
 * Private to engine/. */
#ifndef FYKE_ENGINE_STATE_CARRIED_H
#define FYKE_ENGINE_STATE_CARRIED_H

#include "engine/engine.h"

#define ENGINE_EACH_COUNTER(X)                                                                     \
    X(records) X(events) X(evaluated) X(late) X(after_idle) X(tombstones) X(unclaimed) X(repeated)  \
    X(bad_values) X(missing_key) X(misplaced) X(derived) X(undecided) X(alerts_total) X(checkpoints)             \
    X(checkpoint_bytes) X(commits) X(commit_bytes) X(restored) X(followed)

struct engine_carried {
#define COUNTER(name) uint64_t name;
    ENGINE_EACH_COUNTER(COUNTER)
#undef COUNTER
    uint64_t invalid[INVALID_REASON_COUNT];
    struct nfa_counters nfa;
    uint32_t n_rules;
    char **rule_names; /* the next life may have other rules */
    uint64_t *rule_alerts, *rule_shadow;
    size_t n_partitions;
    struct partition_summary *partitions;
};

struct engine_carried *engine_carried_new(const struct ruleset *rs);
/* `from` NULL: nothing. */
void engine_carried_add(struct engine_carried *to, const struct engine_carried *from);
/* As the engine counts now; `ret` is overwritten. */
void engine_count(struct engine *e, struct engine_carried *ret);

#endif
