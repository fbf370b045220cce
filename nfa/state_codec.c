/* Stored form of an instance, version 1.
 *
 *   head      u8 version · varint positions · zigzag fired · zigzag capped_until
 *             varint first serial · varint used up (candidates from there) · varint first segment id
 *             varint segments · varint quiet entries · { blob per · zigzag last · varint held · u8 }
 *   segment   varint first serial · varint n · zigzag base time · n × { u8 flags · varint tests
 *             · varint position · event (event_encode, relative to the base) }
 *
 * A segment holds exactly the events kept of it, so that equal state gives equal bytes. */
#include <string.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

#define STATE_VERSION 1
#define FLAG_REPORTED 1
#define FLAG_MATCHED 2
#define FLAG_SHOWN 4
#define FLAGS_KNOWN (FLAG_REPORTED | FLAG_MATCHED | FLAG_SHOWN)

void instance_encode_head(const struct instance *in, struct buf *out)
{
    const struct retained *ev = &in->events;
    buf_put_byte(out, STATE_VERSION);
    buf_put_varint(out, in->positions);
    buf_put_zigzag(out, in->fired.ns);
    buf_put_zigzag(out, in->capped_until.ns);
    buf_put_varint(out, ev->first_serial);
    buf_put_varint(out, in->lowest);
    buf_put_varint(out, retained_segment_id(ev, 0));
    buf_put_varint(out, ev->n_segs);
    buf_put_varint(out, quiet_count(in));
    for (uint32_t i = 0; i < quiet_count(in); i++) {
        const struct quiet_entry *q = &in->quiet->items[i];
        buf_put_blob(out, q->per);
        buf_put_zigzag(out, q->last_at.ns);
        buf_put_varint(out, q->held);
        buf_put_byte(out, q->ended);
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

void instance_encode_segment(const struct instance *in, uint32_t i, struct buf *out)
{
    const struct segment *seg = &in->events.segs[i];
    uint32_t at = (uint32_t)(seg->first_serial - in->events.first_serial);
    struct etime base = retained_at(&in->events, at)->event->time;
    buf_put_varint(out, seg->first_serial);
    buf_put_varint(out, seg->n);
    buf_put_zigzag(out, base.ns);
    for (uint32_t k = 0; k < seg->n; k++) {
        const struct candidate *c = retained_at(&in->events, at + k);
        buf_put_byte(out, flags_of(c));
        buf_put_varint(out, c->tests);
        buf_put_varint(out, c->position);
        event_encode(c->event, base, out);
    }
}

void instance_saved(struct instance *in)
{
    retained_saved(&in->events);
}

/* ---- loading ------------------------------------------------------------------------------ */

static bool load_segment(struct instance *in, struct slice bytes, struct arena *arena)
{
    struct reader r = reader_of(bytes);
    uint64_t first = read_varint(&r);
    uint64_t n = read_varint(&r);
    struct etime base = {read_zigzag(&r)};
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
        struct event *e = event_decode(&r, base, arena);
        if (!e || r.failed || (flags & ~FLAGS_KNOWN) || (tests & ~valid) || position > POSITION_MAX ||
            e->n_values < in->rule->n_captures) {
            return false;
        }
        struct candidate *c = retained_append_to(&in->events, in->pool, e, i == 0);
        c->tests = tests;
        c->position = position & POSITION_MAX;
        c->reported = flags & FLAG_REPORTED;
        c->matched = flags & FLAG_MATCHED;
        c->shown = flags & FLAG_SHOWN;
    }
    return reader_left(&r) == 0;
}

static bool load_quiet(struct instance *in, struct reader *r)
{
    uint64_t n = read_varint(r);
    for (uint64_t i = 0; i < n && !r->failed; i++) {
        struct quiet_entry q = {.per = read_blob(r)};
        q.last_at.ns = read_zigzag(r);
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
    bool known = read_byte(&r) == STATE_VERSION;
    read_varint(&r); /* positions */
    read_zigzag(&r); /* fired */
    bool over = read_zigzag(&r) == INT64_MIN; /* capped */
    read_varint(&r); /* serial */
    read_varint(&r); /* used up */
    read_varint(&r); /* segment */
    over &= read_varint(&r) == 0;
    uint64_t n = read_varint(&r);
    for (uint64_t i = 0; i < n && !r.failed; i++) {
        read_blob(&r);
        read_zigzag(&r);
        read_varint(&r);
        over &= read_byte(&r) != 0;
    }
    return known && over && !r.failed;
}

static const char *load(struct instance *in, struct reader *r, segment_get get, void *ctx,
                        struct arena *arena)
{
    if (read_byte(r) != STATE_VERSION) {
        return "unknown version of a stored instance";
    }
    in->positions = read_varint(r);
    in->fired.ns = read_zigzag(r);
    in->capped_until.ns = read_zigzag(r);
    in->events.first_serial = read_varint(r);
    uint64_t lowest = read_varint(r);
    uint64_t id = read_varint(r);
    uint64_t segments = read_varint(r);
    if (!load_quiet(in, r)) {
        return "the head of a stored instance does not decode";
    }
    in->events.next_segment = id;
    for (uint64_t i = 0; i < segments; i++) {
        struct slice bytes = get(ctx, id + i);
        if (!bytes.ptr) {
            return "a segment of a stored instance is missing";
        }
        if (!load_segment(in, bytes, arena)) {
            return "a segment of a stored instance does not decode";
        }
        arena_reset(arena);
    }
    if (lowest > retained_count(&in->events)) {
        return "a stored instance uses up more events than it holds";
    }
    in->lowest = (uint32_t)lowest;
    instance_recount(in);
    instance_saved(in);
    return NULL;
}

struct instance *instance_load(const struct rule *rule, struct pool *pool,
                               struct nfa_scratch *scratch, struct slice head, segment_get get,
                               void *ctx, const char **why)
{
    struct instance *in = instance_new(rule, pool);
    struct reader r = reader_of(head);
    arena_reset(&scratch->arena);
    *why = load(in, &r, get, ctx, &scratch->arena);
    if (*why) {
        instance_free(in);
        return NULL;
    }
    return in;
}
