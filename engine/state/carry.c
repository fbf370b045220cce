/* Counters over several lives of one run. What an aborted transaction counted is counted again when
 * its records come again; so the next life begins with the counters of the last commit. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "engine/state/carried.h"

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

void engine_nfa_counters(const struct engine *e, struct nfa_counters *ret)
{
    struct nfa_counters now;
    workers_counters(e->workers, &now);
    eval_counters_add(&now.eval, &e->key_eval.counters);
    for (uint32_t i = 0; i < e->n_shards; i++) {
        eval_counters_add(&now.eval, &e->shards[i].emitter.store.counters);
    }
    *ret = e->nfa_before;
    nfa_counters_add(ret, &now);
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

struct engine_carried *engine_carried_new(const struct ruleset *rs)
{
    struct engine_carried *c = xcalloc(1, sizeof(*c));
    c->rule_names = xcalloc(rs->n_rules + 1u, sizeof(*c->rule_names));
    for (; c->n_rules < rs->n_rules; c->n_rules++) {
        struct slice name = rs->rules[c->n_rules].name;
        c->rule_names[c->n_rules] = xstrndup(name.ptr, name.len);
    }
    c->rule_alerts = xcalloc(c->n_rules + 1u, sizeof(*c->rule_alerts));
    c->rule_shadow = xcalloc(c->n_rules + 1u, sizeof(*c->rule_shadow));
    return c;
}

void engine_count(struct engine *e, struct engine_carried *ret)
{
#define COUNTER(name) ret->name = e->name;
    ENGINE_EACH_COUNTER(COUNTER)
#undef COUNTER
    memcpy(ret->invalid, e->invalid, sizeof(ret->invalid));
    engine_nfa_counters(e, &ret->nfa);
    memcpy(ret->rule_alerts, e->rule_alerts, ret->n_rules * sizeof(*ret->rule_alerts));
    memcpy(ret->rule_shadow, e->rule_shadow, ret->n_rules * sizeof(*ret->rule_shadow));
    ret->partitions = xrealloc(ret->partitions, (e->n_partitions + 1) * sizeof(*ret->partitions));
    ret->n_partitions = e->n_partitions;
    for (size_t i = 0; i < e->n_partitions; i++) {
        engine_partition_summary(e->partitions[i], &ret->partitions[i]);
    }
}

void engine_note_counters(struct engine *e)
{
    if (e->at_commit == NULL) {
        e->at_commit = engine_carried_new(e->rs);
    }
    engine_count(e, e->at_commit);
}

/* A partition that was ours twice is one. */
static void add_partition(struct engine_carried *to, const struct partition_summary *p)
{
    for (size_t i = 0; i < to->n_partitions; i++) {
        struct partition_summary *is = &to->partitions[i];
        if (is->topic == p->topic && is->partition == p->partition) {
            struct partition_summary sum = *p;
            sum.read += is->read;
            sum.late += is->late;
            sum.invalid += is->invalid;
            sum.idle_advances += is->idle_advances;
            *is = sum;
            return;
        }
    }
    to->partitions = xrealloc(to->partitions, (to->n_partitions + 1) * sizeof(*to->partitions));
    to->partitions[to->n_partitions++] = *p;
}

/* Mostly `hint`; n_rules: there is none. */
static uint32_t find_rule(const struct engine_carried *c, const char *name, uint32_t hint)
{
    if (hint < c->n_rules && strcmp(c->rule_names[hint], name) == 0) {
        return hint;
    }
    uint32_t i = 0;
    while (i < c->n_rules && strcmp(c->rule_names[i], name) != 0) {
        i++;
    }
    return i;
}

void engine_carried_add(struct engine_carried *to, const struct engine_carried *from)
{
    if (from == NULL) {
        return;
    }
#define COUNTER(name) to->name += from->name;
    ENGINE_EACH_COUNTER(COUNTER)
#undef COUNTER
    for (int i = 0; i < INVALID_REASON_COUNT; i++) {
        to->invalid[i] += from->invalid[i];
    }
    nfa_counters_add(&to->nfa, &from->nfa);
    for (uint32_t i = 0; i < from->n_rules; i++) {
        uint32_t to_rule = find_rule(to, from->rule_names[i], i);
        if (to_rule < to->n_rules) {
            to->rule_alerts[to_rule] += from->rule_alerts[i];
            to->rule_shadow[to_rule] += from->rule_shadow[i];
        }
    }
    for (size_t i = 0; i < from->n_partitions; i++) {
        add_partition(to, &from->partitions[i]);
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
    ENGINE_EACH_COUNTER(COUNTER)
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
