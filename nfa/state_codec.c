/* Stored form of an instance, version 2. Times are relative to what is near (nfa/event.h).
 *
 *   head      u8 0x80 | flags · varint positions, then what the flags name:
 *             zigzag fired (else never) · zigzag capped_until (else not) · varint first serial (else 0)
 *             varint used up (candidates from there; else 0) · varint first segment id (else 0)
 *             varint segments (else 1)
 *             varint quiet entries · { blob per · zigzag last · varint held · u8 }
 *   segment   varint first serial · varint n · zigzag base time · n × { u8 flags · varint tests
 *             · varint position · event (event_encode, times relative to the base) }
 *
 * A head of version 1 begins with u8 1; everything stands in it, times from 1970.
 * A segment holds exactly the events kept of it, so that equal state gives equal bytes. */
#include <string.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

#define VERSION_1 1
#define VERSION_2 0x80 /* and flags: */
#define HAS_FIRED 1
#define HAS_CAPPED 2
#define HAS_SERIAL 4
#define HAS_LOWEST 8
#define HAS_SEGMENT 16
#define HAS_SEGMENTS 32
#define HAS_QUIET 64
#define HAS_ALL 0x7f
#define FLAG_REPORTED 1
#define FLAG_MATCHED 2
#define FLAG_SHOWN 4
#define FLAGS_KNOWN (FLAG_REPORTED | FLAG_MATCHED | FLAG_SHOWN)

static unsigned parts_of(const struct instance *in)
{
    const struct retained *ev = &in->events;
    return (in->fired.ns != INT64_MIN ? HAS_FIRED : 0u) |
           (in->capped_until.ns != INT64_MIN ? HAS_CAPPED : 0u) |
           (ev->first_serial != 0 ? HAS_SERIAL : 0u) | (in->lowest != 0 ? HAS_LOWEST : 0u) |
           (retained_segment_id(ev, 0) != 0 ? HAS_SEGMENT : 0u) |
           (ev->n_segs != 1 ? HAS_SEGMENTS : 0u) | (quiet_count(in) != 0 ? HAS_QUIET : 0u);
}

static void put_quiet(const struct instance *in, struct etime near, struct buf *out)
{
    buf_put_varint(out, quiet_count(in));
    for (uint32_t i = 0; i < quiet_count(in); i++) {
        const struct quiet_entry *q = &in->quiet->items[i];
        buf_put_blob(out, q->per);
        etime_encode(q->last_at, near, out);
        buf_put_varint(out, q->held);
        buf_put_byte(out, q->ended);
    }
}

static void put_varint_if(bool there, uint64_t v, struct buf *out)
{
    if (there) {
        buf_put_varint(out, v);
    }
}

static void put_time_if(bool there, struct etime t, struct etime near, struct buf *out)
{
    if (there) {
        etime_encode(t, near, out);
    }
}

void instance_encode_head(const struct instance *in, const struct event_near *near, struct buf *out)
{
    const struct retained *ev = &in->events;
    unsigned has = parts_of(in);
    buf_put_byte(out, (uint8_t)(VERSION_2 | has));
    buf_put_varint(out, in->positions);
    put_time_if(has & HAS_FIRED, in->fired, near->time, out);
    put_time_if(has & HAS_CAPPED, in->capped_until, near->time, out);
    put_varint_if(has & HAS_SERIAL, ev->first_serial, out);
    put_varint_if(has & HAS_LOWEST, in->lowest, out);
    put_varint_if(has & HAS_SEGMENT, retained_segment_id(ev, 0), out);
    put_varint_if(has & HAS_SEGMENTS, ev->n_segs, out);
    if (has & HAS_QUIET) {
        put_quiet(in, near->time, out);
    }
}

uint32_t instance_segments(const struct instance *in, uint64_t *ret_first_id)
{
    *ret_first_id = retained_segment_id(&in->events, 0);
    return in->events.n_segs;
}

bool instance_segment_dirty(const struct instance *in, uint32_t i)
{
    return in->events.segs[i].dirty;
}

static uint8_t flags_of(const struct candidate *c)
{
    return (uint8_t)((c->reported ? FLAG_REPORTED : 0) | (c->matched ? FLAG_MATCHED : 0) |
                     (c->shown ? FLAG_SHOWN : 0));
}

void instance_encode_segment(const struct instance *in, uint32_t i, const struct event_near *near,
                             struct buf *out)
{
    const struct segment *seg = &in->events.segs[i];
    uint32_t at = (uint32_t)(seg->first_serial - in->events.first_serial);
    struct event_near base = {retained_at(&in->events, at)->event->time, near->at, near->key};
    buf_put_varint(out, seg->first_serial);
    buf_put_varint(out, seg->n);
    etime_encode(base.time, near->time, out);
    for (uint32_t k = 0; k < seg->n; k++) {
        const struct candidate *c = retained_at(&in->events, at + k);
        buf_put_byte(out, flags_of(c));
        buf_put_varint(out, c->tests);
        buf_put_varint(out, c->position);
        event_encode(c->event, &base, out);
    }
}

void instance_saved(struct instance *in)
{
    retained_saved(&in->events);
}

/* ---- loading ------------------------------------------------------------------------------ */

static bool load_segment(struct instance *in, struct slice bytes, const struct event_near *near,
                         struct arena *arena)
{
    struct reader r = reader_of(bytes);
    uint64_t first = read_varint(&r);
    uint64_t n = read_varint(&r);
    struct event_near base = {etime_decode(&r, near->time), near->at, near->key};
    if (r.failed || n == 0 || n > bytes.len ||
        first != in->events.first_serial + retained_count(&in->events)) {
        return false;
    }
    uint64_t valid = in->rule->n_tests == 64 ? UINT64_MAX
                                             : (UINT64_C(1) << in->rule->n_tests) - 1;
    for (uint64_t i = 0; i < n; i++) {
        uint8_t flags = read_byte(&r);
        uint64_t tests = read_varint(&r);
        uint64_t position = read_varint(&r);
        struct event *e = event_decode(&r, &base, arena);
        if (!e || r.failed || (flags & ~FLAGS_KNOWN) || (tests & ~valid) || position > POSITION_MAX ||
            e->n_values < in->rule->n_captures) {
            return false;
        }
        struct candidate *c = retained_append_to(&in->events, in->pool, e, i == 0);
        c->tests = tests;
        c->position = position & POSITION_MAX;
        c->mark = sift_mark(in->rule->detect, e, tests) & SHORT_BYTES_MARK_MAX;
        c->reported = flags & FLAG_REPORTED;
        c->matched = flags & FLAG_MATCHED;
        c->shown = flags & FLAG_SHOWN;
    }
    return reader_left(&r) == 0;
}

/* The head but for its quiet entries, which follow. */
struct stored_head {
    uint64_t positions, first_serial, lowest, first_segment, n_segments, n_quiet;
    struct etime fired, capped_until;
    struct etime near; /* of the times of quiet entries */
    bool is_capped;
};

static uint64_t read_varint_if(struct reader *r, bool there, uint64_t otherwise)
{
    return there ? read_varint(r) : otherwise;
}

static struct etime read_time_if(struct reader *r, bool there, struct etime near)
{
    return there ? etime_decode(r, near) : ETIME_MIN;
}

static bool read_head(struct reader *r, struct etime near, struct stored_head *ret)
{
    uint8_t first = read_byte(r);
    bool is_whole = first == VERSION_1;
    unsigned has = is_whole ? HAS_ALL : first;
    if (!is_whole && (first & VERSION_2) == 0) {
        return false;
    }
    *ret = (struct stored_head){.near = is_whole ? (struct etime){0} : near};
    ret->positions = read_varint(r);
    ret->fired = read_time_if(r, has & HAS_FIRED, ret->near);
    ret->capped_until = read_time_if(r, has & HAS_CAPPED, ret->near);
    ret->is_capped = is_whole ? ret->capped_until.ns != INT64_MIN : (has & HAS_CAPPED) != 0;
    ret->first_serial = read_varint_if(r, has & HAS_SERIAL, 0);
    ret->lowest = read_varint_if(r, has & HAS_LOWEST, 0);
    ret->first_segment = read_varint_if(r, has & HAS_SEGMENT, 0);
    ret->n_segments = read_varint_if(r, has & HAS_SEGMENTS, 1);
    ret->n_quiet = read_varint_if(r, has & HAS_QUIET, 0);
    return true;
}

static bool load_quiet(struct instance *in, const struct stored_head *h, struct reader *r)
{
    for (uint64_t i = 0; i < h->n_quiet && !r->failed; i++) {
        struct quiet_entry q = {.per = read_blob(r)};
        q.last_at = etime_decode(r, h->near);
        q.held = read_varint(r);
        q.ended = read_byte(r) != 0;
        if (!r->failed) {
            quiet_put(in, q);
        }
    }
    return !r->failed && reader_left(r) == 0;
}

bool instance_head_is_over(struct slice head)
{
    struct reader r = reader_of(head);
    struct stored_head h;
    if (!read_head(&r, (struct etime){0}, &h)) {
        return false;
    }
    bool over = !h.is_capped && h.n_segments == 0;
    for (uint64_t i = 0; i < h.n_quiet && !r.failed; i++) {
        read_blob(&r);
        read_zigzag(&r);
        read_varint(&r);
        over &= read_byte(&r) != 0;
    }
    return over && !r.failed;
}

static const char *load(struct instance *in, const struct stored_form *from, struct arena *arena)
{
    struct reader r = reader_of(from->head);
    struct stored_head h;
    if (!read_head(&r, from->head_near.time, &h)) {
        return "unknown version of a stored instance";
    }
    if (!load_quiet(in, &h, &r)) {
        return "the head of a stored instance does not decode";
    }
    in->positions = h.positions;
    in->fired = h.fired;
    in->capped_until = h.capped_until;
    in->events.first_serial = h.first_serial;
    in->events.next_segment = h.first_segment;
    for (uint64_t i = 0; i < h.n_segments; i++) {
        struct slice bytes = from->get(from->ctx, h.first_segment + i);
        if (!bytes.ptr) {
            return "a segment of a stored instance is missing";
        }
        if (!load_segment(in, bytes, &from->segments_near, arena)) {
            return "a segment of a stored instance does not decode";
        }
        arena_reset(arena);
    }
    if (h.lowest > retained_count(&in->events)) {
        return "a stored instance uses up more events than it holds";
    }
    in->lowest = (uint32_t)h.lowest;
    instance_recount(in);
    instance_saved(in);
    return NULL;
}

struct instance *instance_load(const struct rule *rule, struct pool *pool,
                               struct nfa_scratch *scratch, const struct stored_form *from,
                               const char **why)
{
    struct instance *in = instance_new(rule, pool);
    arena_reset(&scratch->arena);
    *why = load(in, from, &scratch->arena);
    if (*why) {
        instance_free(in);
        return NULL;
    }
    return in;
}
