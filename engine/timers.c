#include "engine/timers.h"

/* One T of one key at a time: so the position kept in the record is that of the last deadline that
 * fired, whatever the clock's steps were. */
static void fire(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                        struct nfa_call *call, struct measure_view *view)
{
    struct etime t = rec->next_time;
    struct etime before = {t.ns + 1};
    bool changed = false;
    s->fired++;
    call->key = rec->values;
    call->measures = &view->reader;
    view->rec = rec;
    view->moved = false;
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        struct instance *in = rec->slots[i].instance;
        if (in != NULL && !etime_lt(t, rec->slots[i].next)) {
            struct nfa_work work = instance_work(in);
            rec->slots[i].stale = true;
            call->history_begin = shard_history(pass, rec->slots[i].rule);
            changed |= instance_advance(in, before, call);
            shard_count_work(s, rec->slots[i].rule, work, instance_work(in));
        }
    }
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        struct measure_state *m = rec->slots[i].measure;
        changed |= m != NULL && measure_expire(m, t);
    }
    keyspace_touch(s->keyspace, rec, place_after_time(t), changed || view->moved);
    view->moved = false;
}

void timers_fire_record(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                        struct nfa_call *call, struct measure_view *view)
{
    struct place at = s->emitter.cause.at;
    s->emitter.cause.at = s->emitter.cause.root; /* not of the event that may be on its way */
    fire(s, pass, rec, call, view);
    s->emitter.cause.at = at;
}

void timers_fire_behind(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                        struct nfa_call *call, struct measure_view *view)
{
    fire(s, pass, rec, call, view);
}

enum err timers_fire(struct shard *s, const struct shard_pass *pass, uint32_t clock_group,
                     struct nfa_scratch *scratch, struct error *err)
{
    struct nfa_call call = {.scratch = scratch, .on_match = emitter_match, .ctx = &s->emitter};
    uint32_t stage = pass->keys->rs->clock_groups[clock_group].first_stage + pass->level;
    struct measure_view view;
    measure_view_init(&view, pass->keys, s->given);
    for (;;) {
        struct key_record *rec;
        FYKE_TRY(keyspace_due(s->keyspace, stage, pass->fire_before[clock_group], &rec, err));
        if (rec == NULL) {
            return ERR_OK;
        }
        timers_fire_record(s, pass, rec, &call, &view);
    }
}

enum err timers_fire_listed(struct shard *s, const struct shard_pass *pass,
                            struct nfa_scratch *scratch, struct error *err)
{
    struct nfa_call call = {.scratch = scratch, .on_match = emitter_match, .ctx = &s->emitter};
    struct measure_view view;
    size_t n = s->n_due;
    measure_view_init(&view, pass->keys, s->given);
    s->n_due = 0;
    for (size_t i = 0; i < n; i++) {
        struct key_record *rec;
        FYKE_TRY(keyspace_timed(s->keyspace, s->due[i], &rec, err));
        if (rec != NULL && rec->next_time.ns == pass->listed_at.ns) {
            timers_fire_record(s, pass, rec, &call, &view);
        }
    }
    return ERR_OK;
}
