#include "engine/timers.h"

#include <stdlib.h>

#include "base/xalloc.h"

/* Which slots of a record: of rules that read profiles, and profiles; or all. */
static bool is_meant(const struct shard_pass *pass, const struct key_slot *slot, bool readers)
{
    const struct ruleset *rs = pass->keys->rs;
    return !readers || slot->measure != NULL || rs->rules[slot->rule].n_profiles > 0;
}

/* One T of one key at a time: so the position kept in the record is that of the last deadline that
 * fired, whatever the clock's steps were. */
static bool fire_at(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                    struct etime t, bool readers, struct nfa_call *call, struct measure_view *view)
{
    struct etime before = {t.ns + 1};
    bool changed = false;
    s->fired++;
    call->key = rec->values;
    call->measures = &view->reader;
    view->rec = rec;
    view->moved = false;
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        struct instance *in = rec->slots[i].instance;
        if (in != NULL && is_meant(pass, &rec->slots[i], readers) &&
            !etime_lt(t, rec->slots[i].next)) {
            struct nfa_work work = nfa_scratch_work(call->scratch);
            rec->slots[i].stale = true;
            call->history_begin = shard_history(pass, rec->slots[i].rule);
            changed |= instance_advance(in, before, call);
            shard_count_work(s, rec->slots[i].rule, work, nfa_scratch_work(call->scratch));
        }
    }
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        struct measure_state *m = rec->slots[i].measure;
        changed |= m != NULL && measure_expire(m, t);
    }
    bool left = keyspace_touch(s->keyspace, rec, place_after_time(t), changed || view->moved);
    view->moved = false;
    return left;
}

static void fire(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                 struct nfa_call *call, struct measure_view *view)
{
    fire_at(s, pass, rec, rec->next_time, false, call, view);
}

void timers_fire_readers(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                         struct etime before, struct nfa_call *call, struct measure_view *view)
{
    for (bool left = true; left;) {
        struct etime t = ETIME_MAX;
        for (uint32_t i = 0; i < rec->n_slots; i++) {
            const struct key_slot *slot = &rec->slots[i];
            t = is_meant(pass, slot, true) && etime_lt(slot->next, t) ? slot->next : t;
        }
        if (!etime_lt(t, before)) {
            return;
        }
        left = fire_at(s, pass, rec, t, true, call, view);
    }
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

/* ---- what is due is known beforehand: its keys are on their way from memory while others fire -------------- */

static void note_ahead(void *ctx, struct etime t, struct hash128 hash)
{
    struct shard *s = ctx;
    VEC_PUSH(s->ahead, s->n_ahead, s->cap_ahead) = (struct due_timer){t, {hash, UINT64_MAX, NULL}};
}

static int by_time(const void *x, const void *y)
{
    const struct due_timer *a = x, *b = y;
    if (a->time.ns != b->time.ns) {
        return a->time.ns < b->time.ns ? -1 : 1;
    }
    return hash128_cmp(a->key.hash, b->key.hash);
}

static void find_ahead(struct shard *s, uint32_t stage, const struct etime *before)
{
    s->n_ahead = 0;
    keyspace_timers(s->keyspace, stage, before, note_ahead, s);
    if (s->n_ahead > 1) {
        qsort(s->ahead, s->n_ahead, sizeof(*s->ahead), by_time);
    }
}

static void prefetch_due(struct shard *s, size_t i)
{
    for (uint32_t step = 0; step < KEYSPACE_PREFETCH_STEPS; step++) {
        size_t ahead = i + (KEYSPACE_PREFETCH_STEPS - step);
        if (ahead < s->n_ahead) {
            keyspace_prefetch(s->keyspace, &s->ahead[ahead].key, step);
        }
    }
}

enum err timers_fire(struct shard *s, const struct shard_pass *pass, uint32_t clock_group,
                     struct nfa_scratch *scratch, struct error *err)
{
    struct nfa_call call = {.scratch = scratch, .on_match = emitter_match, .ctx = &s->emitter};
    uint32_t stage = pass->keys->rs->clock_groups[clock_group].first_stage + pass->level;
    struct measure_view view;
    measure_view_init(&view, pass->keys, s->given);
    find_ahead(s, stage, &pass->fire_before[clock_group]);
    for (size_t i = 0;; i++) {
        struct key_record *rec;
        prefetch_due(s, i);
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
