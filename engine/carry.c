/* Counters over several lives of one run. What an aborted transaction counted is counted again when
 * its records come again; so the next life begins with the counters of the last commit. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "engine/engine_parts.h"

#define EACH_COUNTER(X)                                                                            \
    X(records) X(events) X(evaluated) X(late) X(after_idle) X(tombstones) X(unclaimed) X(repeated)  \
    X(bad_values) X(missing_key) X(derived) X(undecided) X(alerts_total) X(checkpoints)             \
    X(checkpoint_bytes) X(commits) X(commit_bytes)

struct engine_carried {
#define COUNTER(name) uint64_t name;
    EACH_COUNTER(COUNTER)
#undef COUNTER
    uint64_t invalid[INVALID_REASON_COUNT];
    struct nfa_counters nfa;
    uint32_t n_rules;
    char **rule_names; /* the next life may have other rules */
    uint64_t *rule_alerts, *rule_shadow;
    size_t n_partitions;
    struct partition_summary *partitions;
};

void engine_carried_free(struct engine_carried *c)
{
    if (c != NULL) {
        for (uint32_t i = 0; i < c->n_rules; i++) {
            free(c->rule_names[i]);
        }
        free(c->rule_names);
        free(c->rule_alerts);
        free(c->rule_shadow);
        free(c->partitions);
        free(c);
    }
}

static void add_eval(struct eval_counters *to, const struct eval_counters *from)
{
    to->division_by_zero += from->division_by_zero;
    to->overflow += from->overflow;
    to->not_a_number += from->not_a_number;
    to->regex_limit += from->regex_limit;
}

void engine_nfa_counters(const struct engine *e, struct nfa_counters *ret)
{
    struct nfa_counters now;
    workers_counters(e->workers, &now);
    add_eval(&now.eval, &e->key_eval.counters);
    for (uint32_t i = 0; i < e->n_shards; i++) {
        add_eval(&now.eval, &e->shards[i].emitter.store.counters);
    }
    *ret = e->nfa_before;
    ret->detector_calls += now.detector_calls;
    ret->finder_calls += now.finder_calls;
    ret->matches += now.matches;
    ret->timeouts += now.timeouts;
    ret->suppressed += now.suppressed;
    ret->capped += now.capped;
    ret->exhausted += now.exhausted;
    ret->truncated += now.truncated;
    add_eval(&ret->eval, &now.eval);
}

void engine_partition_summary(const struct partition *p, struct partition_summary *ret)
{
    *ret = (struct partition_summary){
        .topic = p->topic->index,
        .partition = p->id,
        .next_offset = p->next_offset,
        .max_time = p->max_time,
        .watermark = p->frontier,
        .read = p->read,
        .late = p->late,
        .invalid = p->invalid,
        .idle_advances = p->idle_advances,
    };
}

static struct engine_carried *carried_of(const struct engine *e)
{
    struct engine_carried *c = xcalloc(1, sizeof(*c));
    c->rule_names = xcalloc(e->rs->n_rules + 1u, sizeof(*c->rule_names));
    for (; c->n_rules < e->rs->n_rules; c->n_rules++) {
        struct slice name = e->rs->rules[c->n_rules].name;
        c->rule_names[c->n_rules] = xstrndup(name.ptr, name.len);
    }
    c->rule_alerts = xcalloc(c->n_rules + 1u, sizeof(*c->rule_alerts));
    c->rule_shadow = xcalloc(c->n_rules + 1u, sizeof(*c->rule_shadow));
    return c;
}

void engine_note_counters(struct engine *e)
{
    struct engine_carried *c = e->at_commit;
    if (c == NULL) {
        c = e->at_commit = carried_of(e);
    }
#define COUNTER(name) c->name = e->name;
    EACH_COUNTER(COUNTER)
#undef COUNTER
    memcpy(c->invalid, e->invalid, sizeof(c->invalid));
    engine_nfa_counters(e, &c->nfa);
    memcpy(c->rule_alerts, e->rule_alerts, c->n_rules * sizeof(*c->rule_alerts));
    memcpy(c->rule_shadow, e->rule_shadow, c->n_rules * sizeof(*c->rule_shadow));
    c->partitions = xrealloc(c->partitions, (e->n_partitions + 1) * sizeof(*c->partitions));
    c->n_partitions = e->n_partitions;
    for (size_t i = 0; i < e->n_partitions; i++) {
        engine_partition_summary(e->partitions[i], &c->partitions[i]);
    }
}

struct engine_carried *engine_carry(struct engine *e)
{
    struct engine_carried *c = e->at_commit;
    e->at_commit = NULL;
    if (c != NULL) {
        c->checkpoints = e->checkpoints;
    }
    return c;
}

void engine_begin_counters(struct engine *e)
{
    const struct engine_carried *c = e->options.carried;
    if (c == NULL) {
        return;
    }
#define COUNTER(name) e->name = c->name;
    EACH_COUNTER(COUNTER)
#undef COUNTER
    memcpy(e->invalid, c->invalid, sizeof(e->invalid));
    e->nfa_before = c->nfa;
    struct map by_name;
    map_init(&by_name, MAP_BORROW_KEYS);
    for (uint32_t i = 0; i < c->n_rules; i++) {
        map_add(&by_name, slice_of(c->rule_names[i]), &c->rule_alerts[i]);
    }
    for (uint32_t i = 0; i < e->rs->n_rules; i++) {
        const uint64_t *was = map_get(&by_name, e->rs->rules[i].name);
        if (was != NULL) {
            e->rule_alerts[i] = *was;
            e->rule_shadow[i] = c->rule_shadow[was - c->rule_alerts];
        }
    }
    map_release(&by_name);
}

void engine_begin_partition_counters(const struct engine *e, struct partition *p)
{
    const struct engine_carried *c = e->options.carried;
    for (size_t i = 0; c != NULL && i < c->n_partitions; i++) {
        const struct partition_summary *was = &c->partitions[i];
        if (was->topic == p->topic->index && was->partition == p->id) {
            p->read = was->read;
            p->late = was->late;
            p->invalid = was->invalid;
            p->idle_advances = was->idle_advances;
        }
    }
}
