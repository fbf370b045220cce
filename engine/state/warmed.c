#include "engine/state/warmed.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/checkpoint.h"
#include "engine/state/slot_index.h"

#define NOT_TAKEN UINT32_MAX

struct warmed {
    struct engine *e;
    struct header header; /* of the other state */
    uint32_t *now;        /* per slot of it: the number here */
    uint32_t n_now;
    struct store_reader *ours;
    struct frozen *out;
    struct record_slots theirs, own, all; /* of the head at hand */
};

/* ---- numbers ------------------------------------------------------------------------------ */

struct matching {
    struct warmed *w;
    struct slot_index *here, *there;
};

/* Of whom something is stored already, that goes on. */
static void match(const struct matching *m, uint32_t owner, struct slice name, uint64_t plan,
                  const struct key_group *g)
{
    const struct header_slot *s = slot_index_find(m->there, name, plan, g->identity);
    if (s != NULL && s->slot < m->w->n_now &&
        slot_index_find(m->here, name, plan, g->identity) == NULL) {
        m->w->now[s->slot] = m->w->e->state->slots.of_rule[owner];
    }
}

static void match_all(const struct matching *m)
{
    const struct engine *e = m->w->e;
    for (uint32_t i = 0; i < e->rs->n_units; i++) {
        const struct rule *rule = &e->rs->rules[i];
        if (!rule_is_disabled(rule)) {
            match(m, i, rule->name, rule->plan, &e->keys.groups[e->keys.group_of_unit[i]]);
        }
    }
    for (uint32_t i = 0; i < e->keys.n_measures; i++) {
        const struct key_measure *u = &e->keys.measures[i];
        const struct measure *measure = &e->rs->measures[u->measure];
        match(m, e->rs->n_units + i, measure->full_name, measure->plan,
              &e->keys.groups[u->key_group]);
    }
}

static void number(struct warmed *w)
{
    for (uint32_t i = 0; i < w->header.n_slots; i++) {
        uint32_t slot = w->header.slots[i].slot;
        w->n_now = slot >= w->n_now ? slot + 1 : w->n_now;
    }
    w->now = xmalloc((w->n_now + 1) * sizeof(*w->now));
    for (uint32_t i = 0; i < w->n_now; i++) {
        w->now[i] = NOT_TAKEN;
    }
    struct matching m = {w, slot_index_new(&w->e->state->before), slot_index_new(&w->header)};
    match_all(&m);
    slot_index_free(m.here);
    slot_index_free(m.there);
}

static uint32_t number_now(const struct warmed *w, uint32_t slot)
{
    return slot < w->n_now ? w->now[slot] : NOT_TAKEN;
}

/* ---- life --------------------------------------------------------------------------------- */

static enum err read_header(struct warmed *w, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct engine_kept *k = w->e->options.warmed;
    const char *why;
    FYKE_TRY(engine_kept_header(k, &bytes, err));
    if (!header_decode(buf_slice(&bytes), &w->header, &why)) {
        return error_set(err, ERR_STATE, "what was gathered for new rules does not decode: %s", why);
    }
    if (w->header.n_shards != w->e->n_shards) {
        return error_set(err, ERR_STATE, "what was gathered for new rules has %u shards, the state %u",
                         w->header.n_shards, w->e->n_shards);
    }
    return rules_apart_read(k->store, &w->header, err);
}

enum err warmed_new(struct engine *e, struct warmed **ret, struct error *err)
{
    struct warmed *w = *ret = xcalloc(1, sizeof(*w));
    w->e = e;
    FYKE_TRY(read_header(w, err));
    number(w);
    return ERR_OK;
}

void warmed_free(struct warmed *w)
{
    header_release(&w->header);
    record_slots_release(&w->theirs);
    record_slots_release(&w->own);
    record_slots_release(&w->all);
    free(w->now);
    free(w);
}

/* ---- records ------------------------------------------------------------------------------ */

static enum err damaged(const char *why, struct error *err)
{
    return error_set(err, ERR_STATE, "what was gathered for new rules is damaged: %s", why);
}

static int by_slot(const void *x, const void *y)
{
    const struct record_slot *a = x, *b = y;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static void take_slots(struct warmed *w, const struct record_head *head)
{
    for (uint32_t i = 0; i < head->n_slots; i++) {
        uint32_t now = number_now(w, head->slots[i].slot);
        if (now != NOT_TAKEN) {
            struct record_slot *to = &VEC_PUSH(w->all.items, w->all.n, w->all.cap);
            *to = head->slots[i];
            to->slot = now;
        }
    }
}

/* The key may have a record here; what of it stays, stays. */
static enum err add_own(struct warmed *w, const struct record_key *key, struct record_head *head,
                        struct error *err)
{
    struct record_head own;
    struct slice bytes;
    const char *why;
    bool found;
    FYKE_TRY(store_get(w->ours, key, &bytes, &found, err));
    if (!found) {
        return ERR_OK;
    }
    if (!record_decode_head(key, bytes, &w->own, &own, &why)) {
        return error_set(err, ERR_CORRUPT, "the state is damaged: %s", why);
    }
    for (uint32_t i = 0; i < own.n_slots; i++) {
        if (state_slot_stays(w->e, &own.slots[i])) {
            VEC_PUSH(w->all.items, w->all.n, w->all.cap) = own.slots[i];
        }
    }
    head->last = place_max(head->last, own.last);
    head->next_time = etime_lt(own.next_time, head->next_time) ? own.next_time : head->next_time;
    return ERR_OK;
}

static struct frozen_op *add_op(struct warmed *w, struct record_key key)
{
    struct frozen_op *op = &VEC_PUSH(w->out->ops, w->out->n, w->out->cap);
    *op = (struct frozen_op){.key = key, .at = w->out->bytes.len};
    return op;
}

static enum err take_head(struct warmed *w, const struct record_key *key, struct slice value,
                          struct error *err)
{
    struct record_head head;
    const char *why;
    if (!record_decode_head(key, value, &w->theirs, &head, &why)) {
        return damaged(why, err);
    }
    w->all.n = 0;
    take_slots(w, &head);
    if (w->all.n == 0) {
        return ERR_OK;
    }
    FYKE_TRY(add_own(w, key, &head, err));
    qsort(w->all.items, w->all.n, sizeof(*w->all.items), by_slot);
    head.slots = w->all.items;
    head.n_slots = (uint32_t)w->all.n;
    struct frozen_op *op = add_op(w, *key);
    record_encode_head(key, &head, &w->out->bytes);
    op->len = w->out->bytes.len - op->at;
    return ERR_OK;
}

static enum err take_segment(struct warmed *w, const struct record_key *key, struct slice value,
                             struct error *err)
{
    uint64_t n = record_key_number(key);
    uint32_t now = number_now(w, (uint32_t)(n >> 48) - 1);
    struct slice body;
    const char *why;
    if (now == NOT_TAKEN) {
        return ERR_OK;
    }
    if (!record_decode_segment(key, value, &body, &why)) {
        return damaged(why, err);
    }
    struct frozen_op *op =
        add_op(w, record_segment_key(record_key_hash(key), now, n & RECORD_MAX_SEGMENT));
    record_begin_segment(&w->out->bytes);
    buf_put_slice(&w->out->bytes, body);
    record_end_segment(&op->key, op->at, &w->out->bytes);
    op->len = w->out->bytes.len - op->at;
    return ERR_OK;
}

static enum err take_value(void *ctx, const struct record_key *key, struct slice value,
                           struct error *err)
{
    struct warmed *w = ctx;
    return record_key_number(key) == 0 ? take_head(w, key, value, err)
                                       : take_segment(w, key, value, err);
}

enum err warmed_shard(struct warmed *w, uint32_t shard, struct frozen *out, struct error *err)
{
    struct store_reader *theirs = store_reader_new(w->e->options.warmed->store, shard);
    w->ours = store_reader_new(w->e->state->store, shard);
    w->out = out;
    enum err rc = store_each(theirs, take_value, w, err);
    store_reader_free(w->ours);
    store_reader_free(theirs);
    return rc;
}
