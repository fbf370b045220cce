/* Failures that are remembered: what a search from one place of the pattern depends on is written down as
 * bytes, and a place that failed with them is not searched again at this point.
 *
 * What it depends on, and where it comes from:
 *   the place                                  number of the item; the pattern around it is static
 *   the event bound last (where any later one
 *   may come next, a failure is one for all
 *   that stand behind it), links and absences
 *   that wait for the next one                 struct entry
 *   what conditions from here on read of the
 *   events bound                               the leaves of the place (live.c): values, or the events
 *   iterations still wanted of groups around   struct repeat
 *   first event of parts with a span or guard  struct part_cont
 *   of an `all of` around: its turn, where it
 *   began and stands, which events are taken,
 *   what led into it                           struct all
 *   the first event of the match               if a `without` reads names, or inside of an `all of` that
 *                                              has not bound it yet
 * Windows, deadlines and used-up events are those of the point. Nothing of it depends on what is
 * preferred, so the assignment that is found is the same as without.
 *
 * The bytes are compared, not only their hash. Room is bounded: what finds none is not remembered. */
#include "nfa/finder_memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "nfa/finder.h"

#define MAX_BYTES ((size_t)16 << 20)
#define MAX_ENTRIES (UINT32_C(1) << 18)
#define MAX_EVENTS 256 /* of one name: beyond, a key costs more than it saves */
#define MAX_PROBES 64  /* texts that share a hash come from whoever sends the events */

struct memo_entry {
    uint64_t hash;
    size_t at;
    uint32_t len;
    uint32_t failed_from; /* struct memo.place; NONE: it has not failed */
};

struct memo_slot {
    uint32_t epoch; /* taken iff it is the table's */
    uint32_t entry;
};

struct finder_memo {
    struct buf bytes; /* the keys, one behind the other */
    struct memo_entry *entries;
    size_t n, cap;
    struct memo_slot *slots;
    size_t n_slots; /* a power of two, or 0 */
    uint32_t epoch;
};

struct finder_memo *memo_new(void)
{
    struct finder_memo *m = xcalloc(1, sizeof(*m));
    m->epoch = 1;
    return m;
}

void memo_free(struct finder_memo *m)
{
    if (m) {
        buf_release(&m->bytes);
        free(m->entries);
        free(m->slots);
        free(m);
    }
}

void memo_forget(struct finder_memo *m)
{
    if (m->n == 0) {
        return;
    }
    m->n = 0;
    buf_clear(&m->bytes);
    if (++m->epoch == 0) {
        memset(m->slots, 0, m->n_slots * sizeof(*m->slots));
        m->epoch = 1;
    }
}

/* ---- the key ------------------------------------------------------------------------------------- */

static void put_events(struct finder *f, struct buf *out, int32_t slot, uint32_t from, bool *known)
{
    const struct nfa_scratch *s = f->scratch;
    uint32_t n = s->slots[slot].n, k = 0;
    buf_put_varint(out, n - from);
    if (n - from > MAX_EVENTS) {
        *known = false;
        return;
    }
    for (size_t i = 0; i < s->n_bound && n > from; i++) {
        if (f->rule->tests[s->bound[i].test].slot == slot && k++ >= from) {
            buf_put_varint(out, s->bound[i].index);
        }
    }
}

/* All of it: what equal values may not share (the places of a decimal) is told apart. */
static void put_value(struct buf *out, struct value v)
{
    buf_put_byte(out, v.kind);
    if (v.kind == VAL_DECIMAL) {
        struct decimal d = value_as_decimal(v);
        buf_put_byte(out, d.scale);
        buf_put(out, &d.coeff, sizeof(d.coeff));
    } else if (v.kind == VAL_FLOAT) {
        buf_put(out, &v.u.f, sizeof(v.u.f));
    } else if (v.kind == VAL_GEO) {
        buf_put(out, &v.u.geo, sizeof(v.u.geo));
    } else {
        value_encode(v, out);
    }
}

static void put_leaf(struct finder *f, struct memo_key *key, const struct rule_leaf *leaf)
{
    struct buf *out = key->out;
    const struct expr *e = leaf->expr;
    const struct nfa_scratch *s = f->scratch;
    uint32_t n = s->slots[e->slot].n, from = 0;
    if (e->op != EX_BOUND && e->scope >= 0) {
        from = s->iter_start[e->scope][e->slot];
    }
    if (from >= n) {
        buf_put_byte(out, 0);
        return;
    }
    f->eval->self = NULL;
    bool whole = leaf->whole || key->first;
    struct value v = whole ? VALUE_MISSING : expr_eval(e, f->eval);
    if (whole || (e->op == EX_AGG && e->agg == AGG_SUM && value_is_missing(v))) {
        buf_put_byte(out, 1); /* a sum that is too large may come back */
        put_events(f, out, e->slot, from, &key->known);
    } else {
        buf_put_byte(out, 2);
        put_value(out, v);
    }
}

static void put_leaves(struct finder *f, struct memo_key *key, uint64_t mask)
{
    for (uint64_t b = mask; b && key->known; b &= b - 1) {
        put_leaf(f, key, &f->rule->leaves[__builtin_ctzll(b)]);
    }
}

static void put_index(struct buf *out, uint32_t index)
{
    buf_put_varint(out, (uint32_t)(index + 1)); /* NONE: 0 */
}

void memo_put_entry(struct finder *f, struct memo_key *key, const struct entry *e)
{
    struct buf *out = key->out;
    put_index(out, e == key->at && key->place != MEMO_HERE ? NONE : e->prev);
    buf_put_zigzag(out, e->after.ns);
    for (const struct pending_link *l = e->links; l; l = l->up) {
        buf_put_byte(out, (uint8_t)(1 + l->link->kind));
        buf_put_zigzag(out, l->link->within.ns);
        buf_put_zigzag(out, l->link->after.ns);
        key->first |= l->link->kind == LINK_FIRST;
    }
    buf_put_byte(out, 0);
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *a = p->absence;
        buf_put_byte(out, (uint8_t)(1 + a->kind));
        buf_put_varint(out, a->test);
        buf_put_zigzag(out, a->length.ns);
        buf_put_byte(out, a->assume_quiet);
        key->live |= f->rule->test_leaves[a->test];
        key->known = key->known && p->marks == NO_MARKS;
    }
    buf_put_byte(out, 0);
}

void memo_put_taken(struct finder *f, struct memo_key *key, size_t from, uint64_t tests)
{
    const struct nfa_scratch *s = f->scratch;
    for (size_t i = from; i < s->n_bound; i++) {
        if (cand(f, s->bound[i].index)->tests & tests) {
            put_index(key->out, s->bound[i].index);
        }
    }
    buf_put_byte(key->out, 0);
}

void memo_put_extent(struct finder *f, struct memo_key *key, size_t from)
{
    const struct nfa_scratch *s = f->scratch;
    uint32_t first = NONE, first_test = 0, last = 0;
    for (size_t i = from; i < s->n_bound; i++) {
        uint32_t x = s->bound[i].index;
        if (x < first) {
            first = x;
            first_test = s->bound[i].test;
        }
        last = x > last ? x : last;
    }
    put_index(key->out, first);
    buf_put_varint(key->out, first_test);
    buf_put_varint(key->out, last);
}

static void put_key(struct finder *f, struct memo_key *key, const struct pattern_item *item,
                    const struct entry *e, const struct cont *k)
{
    const struct rule *r = f->rule;
    buf_put_varint(key->out, item->id);
    memo_put_entry(f, key, e);
    for (; k && key->known; k = k->up) {
        if (k->put) {
            k->put(f, k, key);
        }
    }
    /* Starts are tried in order: a later one leaves fewer events, so what has failed fails again; but the
     * first event itself must be among those bound. */
    bool lacks_first = r->has_all && first_bound(f) != f->first;
    put_index(key->out, r->always_live || lacks_first ? f->first : NONE);
    buf_put_byte(key->out, lacks_first);
    put_leaves(f, key, key->live | r->always_live);
}

/* ---- the table ----------------------------------------------------------------------------------- */

static struct memo_slot *place(struct finder_memo *m, uint64_t hash, struct slice key)
{
    size_t i = hash & (m->n_slots - 1);
    for (uint32_t probes = 0; probes < MAX_PROBES; probes++) {
        struct memo_slot *s = &m->slots[i];
        const struct memo_entry *e = s->epoch == m->epoch ? &m->entries[s->entry] : NULL;
        if (!e || (e->hash == hash && e->len == key.len &&
                   memcmp(m->bytes.ptr + e->at, key.ptr, key.len) == 0)) {
            return s;
        }
        i = (i + 1) & (m->n_slots - 1);
    }
    return NULL;
}

static void make_room(struct finder_memo *m)
{
    if (m->n_slots >= 2 * (m->n + 1)) {
        return;
    }
    struct finder_memo old = *m;
    m->n_slots = old.n_slots ? old.n_slots * 2 : 64;
    m->slots = xcalloc(m->n_slots, sizeof(*m->slots));
    for (size_t i = 0; i < m->n; i++) {
        struct memo_entry *e = &m->entries[i];
        struct memo_slot *s = place(m, e->hash, slice_from(m->bytes.ptr + e->at, e->len));
        if (s) {
            *s = (struct memo_slot){m->epoch, (uint32_t)i};
        }
    }
    free(old.slots);
}

/* The key lies at the end of the bytes, from `at` on; it stays there if it is new. */
static uint32_t enter(struct finder_memo *m, size_t at)
{
    struct slice key = slice_from(m->bytes.ptr + at, m->bytes.len - at);
    uint64_t hash = hash64(key);
    make_room(m);
    struct memo_slot *s = place(m, hash, key);
    if (s && s->epoch == m->epoch) {
        m->bytes.len = at;
        return s->entry;
    }
    if (!s) {
        m->bytes.len = at;
        return NONE;
    }
    *s = (struct memo_slot){m->epoch, (uint32_t)m->n};
    VEC_PUSH(m->entries, m->n, m->cap) =
        (struct memo_entry){hash, at, (uint32_t)key.len, NONE};
    return s->entry;
}

enum memo_place memo_place_of(const struct pattern_item *item, const struct entry *e)
{
    bool plain = item->plain && !e->pending && e->after.ns == INT64_MIN;
    for (const struct pending_link *l = e->links; l; l = l->up) {
        plain = plain && l->link->kind == LINK_LATER && duration_is_infinite(l->link->within) &&
                l->link->after.ns == 0;
    }
    return plain ? MEMO_LATER : MEMO_HERE;
}

struct memo memo_open(struct finder *f, const struct pattern_item *item, const struct entry *e,
                      const struct cont *k, enum memo_place place_by)
{
    struct finder_memo *m = f->scratch->memo;
    struct memo none = {.entry = NONE};
    if (f->partial || f->exhausted || !f->remembers) {
        return none;
    }
    if (m->n >= MAX_ENTRIES || m->bytes.len >= MAX_BYTES) {
        f->scratch->counters.unremembered++;
        return none;
    }
    size_t at = m->bytes.len;
    struct memo_key key = {.out = &m->bytes, .live = item->live, .known = true, .at = e,
                           .place = place_by};
    f->work->visits++;
    put_key(f, &key, item, e, k);
    if (!key.known) {
        m->bytes.len = at;
        return none;
    }
    uint32_t entry = enter(m, at), place = place_by == MEMO_LATER ? e->prev + 1 : 0;
    return (struct memo){.entry = entry, .place = place, .completed = f->n_completed,
                         .failed = entry != NONE && m->entries[entry].failed_from <= place};
}

bool memo_close(struct finder *f, const struct memo *memo, bool stop)
{
    if (memo->entry != NONE && !stop && !f->exhausted && f->n_completed == memo->completed) {
        struct memo_entry *e = &f->scratch->memo->entries[memo->entry];
        e->failed_from = memo->place < e->failed_from ? memo->place : e->failed_from;
    }
    return stop;
}
