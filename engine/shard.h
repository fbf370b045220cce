/* A shard: the keys whose hash falls into it, and the work of one pass over them.
 *
 * In a pass the input thread fills `items` in the total order, then one thread runs the shard:
 * events first, each firing the deadlines before it, then the deadlines that the clock has passed.
 * Keys are independent, so nothing depends on which shard runs when. A pass goes level by level
 * (rule.level): what one level derives stands among the items of the next.
 *
 * Thread rule: between two barriers a shard belongs to the thread that runs it. */
#ifndef FYKE_ENGINE_SHARD_H
#define FYKE_ENGINE_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace.h"
#include "engine/out/emit.h"
#include "nfa/profile.h"

/* The variants of a key group that give an event one key. An event that is in two roles for one
 * key (a transfer to oneself) is still one event there: it is delivered once, with all roles. */
struct variant_chain {
    uint32_t variant;
    const struct variant_chain *next; /* in the pass's memory */
};

struct shard_item {
    const struct event *event;
    struct key_ref key;   /* in the pass's memory */
    struct variant_chain variants;
    const struct derived *derived; /* the event is derived; NULL: input */
    struct etime due;              /* of input: when it was released (order_item) */
    const struct record *record; /* of an input event that may be refused; NULL mostly */
    bool came_after;      /* the clock had passed its place: only if the key has not */
};

/* The same without its key. */
struct shard_event {
    const struct event *event;
    const struct derived *derived;
    struct etime due;
    const struct record *record;
    bool came_after;
};

/* Where it stands, and that it is derived. Written where it is to lie: what was just written is slow to copy. */
static inline void shard_item_cause(const struct shard_item *i, struct cause *ret)
{
    ret->derived = i->derived;
    if (i->derived != NULL) {
        ret->root = i->derived->root;
        ret->at = i->derived->at;
        return;
    }
    ret->at = place_of(i->event);
    ret->root.time = i->due;
    ret->root.at = i->event->at;
    ret->root.decl = i->event->decl;
}

/* What the clock groups allow in this pass. */
struct shard_pass {
    const struct key_table *keys;
    uint32_t level;
    const struct etime *fire_before;   /* per clock group; ETIME_MIN: nothing */
    const struct etime *history_begin; /* per clock group */
    const struct etime *watermark;     /* per clock group; at the end of an input events stand behind it */
    const bool *in_order;              /* per clock group: nothing will stand behind the clock */
    struct etime listed_at;            /* of the keys in shard.due */
};

/* An item that was left out because its key had passed it. */
struct refused_item {
    const struct event *event;
    const struct record *record;
};

/* What a rule has cost here, over all its keys. */
struct shard_cost {
    uint64_t events; /* that came to it; of kin the leader's stand for all */
    uint64_t found;  /* those of them that an index (use_index.handed) had found for it */
    struct nfa_work work;
};

/* A rule that shares no more, with what it keeps from now on. */
struct kin_alone {
    uint32_t rule;
    struct instance *instance;
};

struct due_timer {
    struct etime time;
    struct key_fetch key;
};

struct shard {
    uint32_t index;
    struct shard_cost *costs; /* per unit of the rule set */
    uint64_t *looked_up;      /* per use_index: events that it was asked about */
    uint64_t *found;          /* a set of uses: those of the event at hand that are left */
    uint64_t *absent;         /* places in a kin: rules that hold nothing of the key at hand */
    struct kin_alone *alone;  /* of the event at hand */
    size_t n_alone, cap_alone;
    uint32_t *told;           /* rules that have found what another one has */
    size_t n_told, cap_told;
    struct keyspace *keyspace;
    struct emitter emitter;
    const struct profiles_given *given; /* tests: profiles are given; NULL mostly */
    struct shard_item *items;
    size_t n_items, cap_items;
    struct hash128 *due;      /* of this pass: keys whose deadlines of one time are fired by list */
    size_t n_due, cap_due;
    struct due_timer *ahead;  /* timers that the clock has passed, in order: to be fetched from memory */
    size_t n_ahead, cap_ahead;
    uint64_t fired;           /* times that deadlines or expiries of a record were due */
    uint64_t after_idle;      /* items left out because their key had passed them */
    struct refused_item *refused; /* those of this pass, in order */
    size_t n_refused, cap_refused;
    enum err rc; /* of the last pass */
    struct error error;
};

/* nfa_scratch_work() has grown since `before`. */
static inline void shard_count_work(struct shard *s, uint32_t rule, struct nfa_work before,
                                    struct nfa_work after)
{
    struct nfa_work *to = &s->costs[rule].work;
    to->tests += after.tests - before.tests;
    to->visits += after.visits - before.visits;
    to->steps += after.steps - before.steps;
}

void shard_init(struct shard *s, const struct keyspace_options *o,
                const struct key_table *keys, const struct alert_options *alerts,
                bool show_pending);
void shard_release(struct shard *s);
struct shard_item *shard_add(struct shard *s, const struct shard_item *item);
/* An event through the first variant that it is given in a level, or through another one. `memory` lives
 * as long as the pass. */
static inline void shard_add_event(struct shard *s, const struct shard_event *ev, struct key_ref key,
                                   uint32_t variant)
{
    /* Field by field: a piece of several fields that were just written waits for them. */
    struct shard_item *to = &VEC_PUSH(s->items, s->n_items, s->cap_items);
    to->event = ev->event;
    to->key.key_group = key.key_group;
    to->key.hash = key.hash;
    to->key.canonical = key.canonical;
    to->key.values = key.values;
    to->key.n_values = key.n_values;
    to->variants.variant = variant;
    to->variants.next = NULL;
    to->derived = ev->derived;
    to->due = ev->due;
    to->record = ev->record;
    to->came_after = ev->came_after;
}
void shard_add_event_more(struct shard *s, const struct shard_event *ev, struct key_ref key,
                          uint32_t variant, struct arena *memory);
/* Where the history of a rule begins: its own clock says it, also for a copy elsewhere. */
static inline struct etime shard_history(const struct shard_pass *pass, uint32_t rule)
{
    const struct ruleset *rs = pass->keys->rs;
    return pass->history_begin[rs->clock_group_of_rule[rs->rules[rule].original]];
}
/* Runs a level of the pass; the items are used up. The outcome is in s->rc. */
void shard_run(struct shard *s, const struct shard_pass *pass, struct nfa_scratch *scratch);
/* Reports what waits for deadlines only (--pending, figures). */
enum err shard_pending(struct shard *s, const struct shard_pass *pass,
                       struct nfa_scratch *scratch, struct error *err) FYKE_MUST_USE;

#endif
