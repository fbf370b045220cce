/* Slots that several rules share. Of one kin there are mostly few: the rules that have found the same matches
 * share one. They stand together in the record, in no order. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/keys/keyspace_parts.h"
#include "engine/keys/kin_table.h"
#include "nfa/kin.h"

static const struct kin *kin_of(const struct keyspace *ks, uint32_t rule)
{
    return rule < ks->options.rs->n_units ? ks->options.kin->of_unit[rule] : NULL;
}

uint32_t keyspace_leader(const struct keyspace *ks, uint32_t rule)
{
    return kin_leader(ks->options.kin, ks->options.rs->n_units, rule);
}

bool keyspace_has_kin(const struct keyspace *ks, uint32_t rule)
{
    return kin_of(ks, rule) != NULL;
}

uint32_t keyspace_kin_slots(const struct key_record *rec, uint32_t leader, uint32_t *ret_first)
{
    uint32_t i = *ret_first = key_record_place(rec, leader);
    while (i < rec->n_slots && rec->slots[i].leader == leader) {
        i++;
    }
    return i - *ret_first;
}

/* ---- sets of places ------------------------------------------------------------------------- */

static size_t set_bytes(uint32_t n_words)
{
    return sizeof(struct key_slot_set) + n_words * sizeof(uint64_t);
}

static bool set_has(const uint64_t *words, uint32_t place)
{
    return (words[place / 64] >> place % 64 & 1) != 0;
}

static uint32_t set_first(const uint64_t *words, uint32_t n_words)
{
    for (uint32_t w = 0; w < n_words; w++) {
        if (words[w] != 0) {
            return w * 64 + (uint32_t)__builtin_ctzll(words[w]);
        }
    }
    return UINT32_MAX;
}

struct key_slot *keyspace_slot(const struct keyspace *ks, const struct key_record *rec, uint32_t rule)
{
    uint32_t first, n = keyspace_kin_slots(rec, keyspace_leader(ks, rule), &first);
    for (uint32_t i = first; i < first + n; i++) {
        struct key_slot *slot = &rec->slots[i];
        bool has = slot->set == NULL ? slot->rule == rule
                                     : set_has(slot->set->words, ks->options.kin->place[rule]);
        if (has) {
            return slot;
        }
    }
    return NULL;
}

void key_slot_each_rule(const struct keyspace *ks, const struct key_slot *slot,
                        void (*fn)(void *ctx, uint32_t rule), void *ctx)
{
    if (slot->set == NULL) {
        fn(ctx, slot->rule);
        return;
    }
    const struct kin *kin = kin_of(ks, slot->rule);
    for (uint32_t w = 0; w < slot->set->n_words; w++) {
        for (uint64_t left = slot->set->words[w]; left != 0; left &= left - 1) {
            fn(ctx, kin->rules[w * 64 + (uint32_t)__builtin_ctzll(left)]);
        }
    }
}

uint32_t keyspace_kin_absent(const struct keyspace *ks, const struct key_record *rec,
                             const struct kin *kin, uint64_t *set)
{
    uint32_t first, n = keyspace_kin_slots(rec, kin->leader, &first), held = 0;
    for (uint32_t i = first; i < first + n; i++) {
        const struct key_slot *slot = &rec->slots[i];
        held += key_slot_rules(slot);
        if (slot->set == NULL) {
            uint32_t place = ks->options.kin->place[slot->rule];
            set[place / 64] &= ~(UINT64_C(1) << place % 64);
            continue;
        }
        for (uint32_t w = 0; w < kin->n_words; w++) {
            set[w] &= ~slot->set->words[w];
        }
    }
    return kin->n - held;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static struct key_slot_set *set_new(struct keyspace *ks, const struct kin *kin)
{
    struct key_slot_set *set = pool_zalloc(&ks->pool, set_bytes(kin->n_words));
    set->n_words = kin->n_words;
    return set;
}

static void set_add(struct key_slot_set *set, uint32_t place)
{
    set->words[place / 64] |= UINT64_C(1) << place % 64;
    set->n++;
}

struct key_slot *keyspace_add_kin(struct keyspace *ks, struct key_record *rec,
                                  const struct kin *kin, const uint64_t *set, uint32_t n)
{
    uint32_t rule = kin->rules[set_first(set, kin->n_words)];
    struct key_slot *slot = keyspace_insert_slot(ks, rec, rule);
    slot->instance = instance_new(&ks->options.rs->rules[rule], &ks->pool);
    if (n > 1) {
        slot->set = set_new(ks, kin);
        slot->set->n = n;
        memcpy(slot->set->words, set, kin->n_words * sizeof(*set));
    }
    ks->n_instances += n;
    return slot;
}

void keyspace_kin_leave(struct keyspace *ks, struct key_slot *slot, uint32_t place)
{
    slot->set->words[place / 64] &= ~(UINT64_C(1) << place % 64);
    slot->set->n--;
    ks->n_instances--;
}

void keyspace_kin_own(struct keyspace *ks, struct key_record *rec, uint32_t rule,
                      struct instance *in)
{
    keyspace_insert_slot(ks, rec, rule)->instance = in;
    ks->n_instances++;
}

/* The set of one rule is none. */
static void settle_slot(struct keyspace *ks, struct key_slot *slot, const struct kin *kin)
{
    uint32_t rule = kin->rules[set_first(slot->set->words, kin->n_words)];
    if (slot->set->n == 1) {
        pool_free(&ks->pool, slot->set, set_bytes(kin->n_words));
        slot->set = NULL;
    }
    if (rule != slot->rule) {
        slot->rule = rule;
        slot->stale = true;
        instance_become(slot->instance, &ks->options.rs->rules[rule]);
    }
}

void keyspace_kin_settle(struct keyspace *ks, struct key_record *rec, const struct kin *kin)
{
    uint32_t first, n = keyspace_kin_slots(rec, kin->leader, &first);
    uint32_t kept = first, end = first + n;
    for (uint32_t i = first; i < end; i++) {
        struct key_slot *slot = &rec->slots[i];
        if (slot->set != NULL && slot->set->n == 0) {
            key_slot_free(slot, &ks->pool);
            continue;
        }
        if (slot->set != NULL) {
            settle_slot(ks, slot, kin);
        }
        rec->slots[kept++] = *slot;
    }
    if (kept != end) {
        memmove(&rec->slots[kept], &rec->slots[end], (rec->n_slots - end) * sizeof(*rec->slots));
        rec->n_slots -= end - kept;
        keyspace_weigh(ks, rec); /* the other slots may have nothing new to say */
    }
}

/* ---- stored form ----------------------------------------------------------------------------- */

void keyspace_kin_join(struct keyspace *ks, struct key_record *rec, struct key_slot *loaded)
{
    const struct kin *kin = kin_of(ks, loaded->rule);
    uint32_t first = 0, n = kin != NULL ? keyspace_kin_slots(rec, kin->leader, &first) : 0;
    for (uint32_t i = first; i < first + n; i++) {
        struct key_slot *slot = &rec->slots[i];
        const uint32_t *place = ks->options.kin->place;
        if (!instance_same(slot->instance, loaded->instance)) {
            continue;
        }
        if (slot->set == NULL) {
            slot->set = set_new(ks, kin);
            set_add(slot->set, place[slot->rule]);
        }
        set_add(slot->set, place[loaded->rule]);
        if (place[loaded->rule] < place[slot->rule]) {
            slot->rule = loaded->rule;
            instance_become(slot->instance, &ks->options.rs->rules[loaded->rule]);
        }
        key_slot_free(loaded, &ks->pool);
        return;
    }
    *keyspace_insert_slot(ks, rec, loaded->rule) = *loaded;
}

struct listing {
    struct keyspace *ks;
    struct key_slot *slot;
};

static void list_rule(void *ctx, uint32_t rule)
{
    struct listing *l = ctx;
    VEC_PUSH(l->ks->by_rule, l->ks->n_by_rule, l->ks->cap_by_rule) = (struct rule_slot){rule, l->slot};
}

static int by_rule(const void *x, const void *y)
{
    const struct rule_slot *a = x, *b = y;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

void keyspace_list_rules(struct keyspace *ks, const struct key_record *rec)
{
    bool in_order = true;
    ks->n_by_rule = 0;
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        struct listing l = {ks, &rec->slots[i]};
        key_slot_each_rule(ks, l.slot, list_rule, &l);
        in_order &= !keyspace_has_kin(ks, l.slot->rule);
    }
    if (!in_order) {
        qsort(ks->by_rule, ks->n_by_rule, sizeof(*ks->by_rule), by_rule);
    }
}
