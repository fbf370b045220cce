/* Stored form of a measure's state, version 2. Times began, newest, start and base are relative to what is
 * near (nfa/event.h); in a head of version 1 they are from 1970.
 *
 *   head      u8 version · zigzag began · zigzag newest
 *             u8 open bucket { zigzag start · tally · u8 picked · value }
 *             varint pending · varint next number of the set · varint first segment · varint segments
 *   segment   of a set: varint n · n × { value · zigzag time · u8 pending · varint entered · varint last }
 *             else: varint n · zigzag base time · n × { zigzag time - base · value or tally }
 *   tally     varint n · moments (moments_encode)
 *
 * Bounds: counts are checked against the bytes that are there; times never fall. */
#include "nfa/measure_internal.h"

#include "base/arena.h"

#define VERSION_1 1
#define VERSION_2 2

static void put_tally(const struct tally *t, struct buf *out)
{
    buf_put_varint(out, t->n);
    moments_encode(&t->m, out);
}

static struct tally read_tally(const struct measure_state *s, struct reader *r)
{
    const struct expr *agg = s->m->nested ? s->m->agg->kids[0] : s->m->agg;
    bool sums = s->part == CLASS_TOTAL && agg->agg != AGG_COUNT;
    struct tally t = {.n = read_varint(r)};
    moments_decode(&t.m, r);
    r->failed |= t.m.n != (sums ? t.n : 0);
    return t;
}

static bool is_set(const struct measure_state *s)
{
    return s->cls == CLASS_SET;
}

void measure_encode_head(const struct measure_state *s, const struct event_near *near, struct buf *out)
{
    uint64_t first;
    uint32_t n = measure_segments(s, &first);
    buf_put_byte(out, VERSION_2);
    etime_encode((struct etime){s->began}, near->time, out);
    etime_encode((struct etime){s->newest}, near->time, out);
    buf_put_byte(out, s->open.any);
    if (s->open.any) {
        etime_encode((struct etime){s->open.start}, near->time, out);
        put_tally(&s->open.t, out);
        buf_put_byte(out, s->open.picked);
        value_encode(s->open.picked ? s->open.pick : VALUE_MISSING, out);
    }
    buf_put_varint(out, s->n_pending);
    buf_put_varint(out, s->seen.next);
    buf_put_varint(out, first);
    buf_put_varint(out, n);
}

uint32_t measure_segments(const struct measure_state *s, uint64_t *ret_first_id)
{
    if (is_set(s)) {
        *ret_first_id = 0;
        return seen_segments(&s->seen);
    }
    *ret_first_id = s->kept.n_segs ? s->kept.segs[0].id : s->kept.next_segment;
    return (uint32_t)s->kept.n_segs;
}

bool measure_segment_dirty(const struct measure_state *s, uint32_t i)
{
    return is_set(s) ? i < s->seen.cap_dirty && s->seen.dirty[i] : s->kept.segs[i].dirty;
}

static size_t first_of(const struct window *w, uint32_t segment)
{
    size_t at = 0;
    for (uint32_t i = 0; i < segment; i++) {
        at += w->segs[i].n;
    }
    return at;
}

void measure_encode_segment(const struct measure_state *s, uint32_t i, const struct event_near *near,
                            struct buf *out)
{
    if (is_set(s)) {
        seen_encode(s, i, out);
        return;
    }
    const struct window *w = &s->kept;
    size_t at = first_of(w, i);
    int64_t base = window_at(w, at)->time;
    buf_put_varint(out, w->segs[i].n);
    etime_encode((struct etime){base}, near->time, out);
    for (uint32_t k = 0; k < w->segs[i].n; k++) {
        const struct kept *item = window_at(w, at + k);
        etime_encode((struct etime){item->time}, (struct etime){base}, out);
        if (s->tallied) {
            put_tally(item->u.tally, out);
        } else {
            value_encode(item->u.v, out);
        }
    }
}

void measure_saved(struct measure_state *s)
{
    for (size_t i = 0; i < s->kept.n_segs; i++) {
        s->kept.segs[i].dirty = false;
    }
    for (size_t i = 0; i < s->seen.cap_dirty; i++) {
        s->seen.dirty[i] = false;
    }
}

/* ---- loading ------------------------------------------------------------------------------ */

/* What a kept value must be: another kind is damage. */
static bool fits(const struct expr *agg, struct value v)
{
    if (agg->agg == AGG_COUNT && value_is_missing(v)) {
        return true;
    }
    enum value_kind kind = agg->kids[0] ? (enum value_kind)agg->kids[0]->kind : VAL_TIMESTAMP;
    return v.kind == kind;
}

static bool all_fit(const struct measure_state *s)
{
    const struct expr *agg = s->m->agg;
    const struct expr *pending = s->m->nested ? agg->kids[0] : agg;
    size_t n = window_count(&s->kept);
    if (s->n_pending > n) {
        return false;
    }
    for (size_t i = 0; i < n && !s->tallied; i++) {
        if (!fits(i < n - s->n_pending ? agg : pending, window_at(&s->kept, i)->u.v)) {
            return false;
        }
    }
    return true;
}

/* Nothing stands behind the last event, nothing is open but its bucket. */
static bool is_consistent(const struct measure_state *s)
{
    size_t n = window_count(&s->kept);
    int64_t last = s->m->every.ns ? measure_bucket(s, s->newest) : s->newest;
    bool empty = s->began == NEVER;
    if (empty != (s->newest == NEVER) || (empty && (n || s->seen.n || s->open.any))) {
        return false;
    }
    if (s->open.any && (!s->m->every.ns || s->open.start != last)) {
        return false;
    }
    for (size_t i = 0; i < s->seen.n; i++) {
        const struct seen *e = &s->seen.items[i];
        if (e->time > last || (e->pending && !s->open.any) || (!e->pending && e->time == NEVER)) {
            return false;
        }
    }
    return (n == 0 || window_at(&s->kept, n - 1)->time <= last) &&
           (s->n_pending == 0 || s->open.any);
}

static bool load_item(struct measure_state *s, struct reader *r, int64_t base, bool fresh,
                      struct arena *arena)
{
    struct kept k = {.time = etime_decode(r, (struct etime){base}).ns};
    size_t n = window_count(&s->kept);
    if (n > 0 && window_at(&s->kept, n - 1)->time > k.time) {
        return false;
    }
    if (s->tallied) {
        struct tally t = read_tally(s, r);
        if (!r->failed) {
            k.u.tally = POOL_NEW(s->pool, struct tally);
            *k.u.tally = t;
            window_push(s, k, fresh);
        }
        return !r->failed;
    }
    k.u.v = value_decode(r, arena);
    if (r->failed) {
        return false;
    }
    window_push(s, k, fresh);
    return true;
}

static bool load_segment(struct measure_state *s, struct slice bytes, struct etime near,
                         struct arena *arena)
{
    struct reader r = reader_of(bytes);
    if (is_set(s)) {
        return seen_decode(s, &r, arena);
    }
    uint64_t n = read_varint(&r);
    int64_t base = etime_decode(&r, near).ns;
    if (r.failed || n == 0 || n > reader_left(&r)) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        if (!load_item(s, &r, base, i == 0, arena)) {
            return false;
        }
    }
    return reader_left(&r) == 0;
}

/* Of the value that a bucket of LAST, EXTREME holds. */
static enum value_kind picked_kind(const struct measure_state *s)
{
    const struct expr *agg = s->m->nested ? s->m->agg->kids[0] : s->m->agg;
    return agg->kids[0] ? (enum value_kind)agg->kids[0]->kind : VAL_TIMESTAMP;
}

static bool load_head(struct measure_state *s, struct reader *r, struct etime near,
                      struct arena *arena, uint64_t *first, uint64_t *n)
{
    uint32_t owned;
    s->began = etime_decode(r, near).ns;
    s->newest = etime_decode(r, near).ns;
    s->open.any = read_byte(r) != 0;
    if (s->open.any) {
        s->open.start = etime_decode(r, near).ns;
        s->open.t = read_tally(s, r);
        bool picked = read_byte(r) != 0;
        struct value v = value_decode(r, arena);
        r->failed |= picked && v.kind != picked_kind(s);
        if (!r->failed && picked) {
            s->open.pick = value_own(v, s->pool, &owned);
            s->open.picked = true;
        }
    }
    s->n_pending = read_varint(r);
    s->seen.next = read_varint(r);
    *first = read_varint(r);
    *n = read_varint(r);
    return !r->failed && reader_left(r) == 0 && s->began <= s->newest;
}

static const char *load(struct measure_state *s, const struct stored_form *from, struct arena *arena)
{
    struct reader r = reader_of(from->head);
    uint64_t first, n;
    uint8_t version = read_byte(&r);
    if (version != VERSION_1 && version != VERSION_2) {
        return "unknown version of a stored measure";
    }
    struct etime near = version == VERSION_1 ? (struct etime){0} : from->head_near.time;
    if (!load_head(s, &r, near, arena, &first, &n)) {
        return "the head of a stored measure does not decode";
    }
    s->kept.next_segment = first;
    for (uint64_t i = 0; i < n; i++) {
        struct slice bytes = from->get(from->ctx, first + i);
        if (!bytes.ptr) {
            return "a segment of a stored measure is missing";
        }
        if (!load_segment(s, bytes, from->segments_near.time, arena)) {
            return "a segment of a stored measure does not decode";
        }
    }
    if (!all_fit(s) || !seen_rebuild(s) || !is_consistent(s)) {
        return "a stored measure does not add up";
    }
    measure_recount(s);
    measure_saved(s);
    return NULL;
}

struct measure_state *measure_load(const struct measure *m, struct pool *pool,
                                   const struct stored_form *from, const char **why)
{
    struct measure_state *s = measure_new(m, pool);
    struct arena arena;
    arena_init(&arena);
    *why = load(s, from, &arena);
    arena_release(&arena);
    if (*why) {
        s->n_pending = 0;
        measure_free(s);
        return NULL;
    }
    return s;
}
