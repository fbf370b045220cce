/* Events for rules that share what they keep of a key (nfa/kin.h): tests are asked once for all, and mostly one
 * instance takes the event for all. */
#include <string.h>

#include "base/xalloc.h"
#include "engine/delivery.h"
#include "nfa/kin.h"

struct kin_event {
    struct delivery *d;
    const struct kin *kin;
    uint64_t roles, tests;
    /* Of the rule that is asked by itself. */
    struct key_slot *slot;
    uint32_t place;
};

/* ---- who finds the same ----------------------------------------------------------------------- */

static void tell_for(struct kin_event *k, const struct match *m, uint32_t place)
{
    struct shard *s = k->d->shard;
    struct match same = *m;
    same.rule = &k->d->rs->rules[k->kin->rules[place]];
    nfa_scratch_counters(k->d->call.scratch)->matches++;
    emitter_match(&s->emitter, &same);
    keyspace_kin_leave(s->keyspace, k->slot, place);
    VEC_PUSH(s->told, s->n_told, s->cap_told) = k->kin->rules[place];
}

/* The rules behind the one that has found the match, as long as it fits into their spans. */
static void tell_others(struct kin_event *k, const struct match *m)
{
    const struct kin *kin = k->kin;
    int64_t took = match_took(m, &kin->spans[k->place]).ns;
    for (uint32_t w = k->place / 64; w < kin->n_words; w++) {
        for (uint64_t left = k->slot->set->words[w]; left != 0; left &= left - 1) {
            uint32_t place = w * 64 + (uint32_t)__builtin_ctzll(left);
            if (kin->spans[place].length.ns < took) {
                return;
            }
            if (place > k->place && kin->says[place] == kin->says[k->place]) {
                tell_for(k, m, place);
            }
        }
    }
}

static void on_match(void *ctx, const struct match *m)
{
    struct kin_event *k = ctx;
    emitter_match(&k->d->shard->emitter, m);
    if (m->kind == MATCH_MATCH && k->kin->says[k->place] != 0) {
        tell_others(k, m);
    }
}

/* ---- rules by themselves ---------------------------------------------------------------------- */

static void keep_alone(struct shard *s, uint32_t rule, struct instance *in)
{
    VEC_PUSH(s->alone, s->n_alone, s->cap_alone) = (struct kin_alone){rule, in};
}

/* What the copy of a rule holds, it holds for those that have found the same. */
static void keep(struct kin_event *k, uint32_t rule, struct instance *copy)
{
    struct shard *s = k->d->shard;
    if (instance_is_empty(copy)) {
        instance_free(copy);
        s->n_told = 0;
        return;
    }
    for (size_t i = 0; i < s->n_told; i++) {
        keep_alone(s, s->told[i], instance_copy(copy, &k->d->rs->rules[s->told[i]]));
    }
    s->n_told = 0;
    keep_alone(s, rule, copy);
}

/* The rule at a place gets a copy of what is shared, and the event. False: it has found no match, and the copy
 * is gone. */
static bool try_alone(struct kin_event *k, struct key_slot *slot, uint32_t place, bool always)
{
    struct delivery *d = k->d;
    struct shard *s = d->shard;
    uint32_t rule = k->kin->rules[place];
    struct kin_ask ask = {0};
    struct instance *copy = instance_copy(slot->instance, &d->rs->rules[rule]);
    k->slot = slot;
    k->place = place;
    d->call.kin = &ask;
    if (!always) {
        d->call.on_match = on_match;
        d->call.ctx = k;
    }
    deliver_feed(d, rule, copy, k->roles, k->tests);
    d->call.on_match = emitter_match;
    d->call.ctx = &s->emitter;
    d->call.kin = NULL;
    if (!ask.reported && !always) {
        instance_free(copy);
        return false;
    }
    keyspace_kin_leave(s->keyspace, slot, place);
    keep(k, rule, copy);
    return true;
}

/* The one that allows most first: what it does not find, none behind it finds. `always`: all of them go. */
static void try_each(struct kin_event *k, struct key_slot *slot, bool always)
{
    for (uint32_t w = 0; w < slot->set->n_words; w++) {
        while (slot->set->words[w] != 0) { /* those that have had their answer are gone */
            uint32_t place = w * 64 + (uint32_t)__builtin_ctzll(slot->set->words[w]);
            if (!try_alone(k, slot, place, always)) {
                return;
            }
        }
    }
}

/* For all rules at once, as long as nothing is to be decided. */
static void feed_shared(struct kin_event *k, struct key_slot *slot)
{
    struct delivery *d = k->d;
    const struct rule *rule = &d->rs->rules[slot->rule];
    uint64_t *calls = &nfa_scratch_counters(d->call.scratch)->detector_calls;
    uint64_t after = *calls + slot->set->n;
    bool full = (k->tests & rule->first_tests) != 0 && instance_is_full(slot->instance, &d->call);
    if (full || rule_kin_part(rule, k->tests)) {
        try_each(k, slot, true);
    } else {
        struct kin_ask ask = {.several = true};
        d->call.kin = &ask;
        deliver_feed(d, slot->rule, slot->instance, k->roles, k->tests);
        d->call.kin = NULL;
        if (ask.asked) {
            try_each(k, slot, false);
        }
    }
    *calls = after;
}

static void feed_slot(struct kin_event *k, struct key_slot *slot)
{
    slot->stale = true;
    if (slot->set != NULL) {
        feed_shared(k, slot);
    } else {
        deliver_feed(k->d, slot->rule, slot->instance, k->roles, k->tests);
    }
}

/* What has gone its own way becomes slots; they move, so not before all have had the event. */
static void settle(struct kin_event *k)
{
    struct shard *s = k->d->shard;
    keyspace_kin_settle(s->keyspace, k->d->rec, k->kin);
    for (size_t i = 0; i < s->n_alone; i++) {
        keyspace_kin_own(s->keyspace, k->d->rec, s->alone[i].rule, s->alone[i].instance);
    }
    s->n_alone = 0;
}

static void feed_all(struct kin_event *k, uint32_t absent, bool begins)
{
    struct delivery *d = k->d;
    struct keyspace *ks = d->shard->keyspace;
    uint32_t first, n = keyspace_kin_slots(d->rec, k->kin->leader, &first);
    d->call.history_begin = shard_history(d->pass, k->kin->leader);
    for (uint32_t i = first; i < first + n; i++) {
        feed_slot(k, &d->rec->slots[i]);
    }
    if (n > 0) {
        settle(k);
    }
    if (absent > 0 && begins) {
        feed_slot(k, keyspace_add_kin(ks, d->rec, k->kin, d->shard->absent, absent));
        settle(k);
    } else if (absent > 0) {
        deliver_pass_by(d, absent);
    }
}

static uint32_t find_absent(const struct delivery *d, const struct kin *kin)
{
    uint64_t *set = d->shard->absent;
    memset(set, 0xff, kin->n_words * sizeof(*set));
    if (kin->n % 64 != 0) {
        set[kin->n_words - 1] = (UINT64_C(1) << kin->n % 64) - 1;
    }
    return d->known == NULL ? kin->n
                            : keyspace_kin_absent(d->shard->keyspace, d->known, kin, set);
}

enum err deliver_to_kin(struct delivery *d, const struct kin *kin, uint64_t roles,
                        struct error *err)
{
    const struct rule *leader = &d->rs->rules[kin->leader];
    struct kin_event k = {.d = d, .kin = kin, .roles = roles,
                          .tests = rule_own_tests(leader, d->item->event, roles, &d->call)};
    bool begins = rule_begins(leader, k.tests);
    d->shard->costs[kin->leader].events++;
    if (k.tests == 0) {
        return ERR_OK;
    }
    if (!d->looked) {
        FYKE_TRY(deliver_look(d, err));
    }
    uint32_t absent = find_absent(d, kin);
    if (absent == kin->n && !begins) {
        deliver_pass_by(d, absent);
        return ERR_OK;
    }
    if (d->rec == NULL) {
        FYKE_TRY(deliver_open(d, err));
    }
    feed_all(&k, absent, begins);
    return ERR_OK;
}
