#include "engine/engine_parts.h"

static void fill_partitions(struct engine *e)
{
    for (size_t i = 0; i < e->n_partitions; i++) {
        engine_partition_summary(e->partitions[i], &e->partition_summaries[i]);
    }
}

uint32_t engine_partition_figures(struct engine *e, const struct partition_summary **ret)
{
    fill_partitions(e);
    *ret = e->partition_summaries;
    return (uint32_t)e->n_partitions;
}

static void add_state(struct engine *e, struct engine_summary *s)
{
    for (uint32_t i = 0; i < e->n_shards; i++) {
        struct keyspace_figures f;
        keyspace_figures(e->shards[i].keyspace, &f);
        s->live_keys += f.keys;
        s->live_events += f.events;
        s->live_bytes += f.bytes;
        s->evicted += f.evicted;
        s->loaded += f.loaded;
        s->resting_keys += f.resting;
        s->rested += f.rested;
        s->woken += f.woken;
    }
}

static uint64_t forgotten(const struct engine *e)
{
    uint64_t n = 0;
    for (size_t i = 0; i < e->n_partitions; i++) {
        n += e->partitions[i]->values.forgotten;
    }
    return n;
}

void engine_summary(struct engine *e, struct engine_summary *ret)
{
    *ret = (struct engine_summary){
        .records = e->records,
        .events = e->events,
        .evaluated = e->evaluated,
        .late = e->late,
        .after_idle = e->after_idle,
        .tombstones = e->tombstones,
        .unclaimed = e->unclaimed,
        .repeated = e->repeated,
        .bad_values = e->bad_values,
        .missing_key = e->missing_key,
        .misplaced = e->misplaced,
        .alerts = e->rule_alerts,
        .shadow = e->rule_shadow,
        .alerts_total = e->alerts_total,
        .outside = e->outside,
        .derived = e->derived,
        .undecided = e->undecided,
        .pending_deadlines = e->pending,
        .deadlines = engine_fired(e),
        .slices = e->slices.n_cut,
        .clock_holds = e->clock_holds,
        .position_holds = e->position_holds,
        .values_forgotten = forgotten(e),
        .pauses = e->pauses,
        .spilled_events = e->spill.events,
        .spilled_bytes = e->spill.bytes,
        .spill_runs = e->spill.runs,
        .spill_merges = e->spill.merges,
        .most_spilled_bytes = e->spill.most_waiting_bytes,
        .partitions = e->partition_summaries,
        .n_partitions = (uint32_t)e->n_partitions,
        .checkpoints = e->checkpoints,
        .checkpoint_bytes = e->checkpoint_bytes,
        .commits = e->commits,
        .commit_bytes = e->commit_bytes,
    };
    memcpy(ret->invalid, e->invalid, sizeof(ret->invalid));
    fill_partitions(e);
    add_state(e, ret);
    const struct tables_counters *tables = tables_counters(e->tables);
    for (uint32_t i = 0; i < e->rs->n_tables; i++) {
        e->table_summaries[i] = tables_standing(e->tables, i);
    }
    ret->tables = e->table_summaries;
    ret->table_records = tables->records;
    ret->table_bad_records = tables->bad_records;
    ret->table_refreshes = tables->refreshes;
    ret->table_failures = tables->failed;
    engine_nfa_counters(e, &ret->nfa);
}
