/* Stored form of the header, format 7; docs/state.md has the table. The last 8 bytes are XXH3-64
 * over everything in front of them. */
#include "engine/state/header.h"

#include <inttypes.h>
#include <string.h>

#include "engine/state/header_late.h"
#include "engine/state/store_bytes.h"

#define MAGIC "FYKE"
#define CHECKSUM_BYTES 8
#define FLAG_HAS_TIME 1
#define FLAG_EMPTY 2
#define FLAG_IDLE 4
#define FLAG_RETURNED 8
#define FLAG_LAST 16
#define FLAG_PAGED 32
#define PAGED_FORMAT 5 /* from here on */
#define FLAG_HISTORY 1
#define FLAG_WAITS 2

void header_release(struct header *h)
{
    arena_release(&h->arena);
    *h = (struct header){0};
}

/* ---- out ---------------------------------------------------------------------------------- */

void header_put_rules(const struct header *h, struct buf *out)
{
    buf_put_varint(out, h->n_topics);
    for (uint32_t i = 0; i < h->n_topics; i++) {
        buf_put_blob(out, h->topics[i].name);
        buf_put_zigzag(out, h->topics[i].out_of_order.ns);
    }
    buf_put_varint(out, h->n_decls);
    for (uint32_t i = 0; i < h->n_decls; i++) {
        buf_put_blob(out, h->decls[i].name);
        buf_put_u64be(out, h->decls[i].shape);
    }
    buf_put_varint(out, h->n_slots);
    for (uint32_t i = 0; i < h->n_slots; i++) {
        const struct header_slot *s = &h->slots[i];
        buf_put_varint(out, s->slot);
        buf_put_blob(out, s->rule);
        buf_put_u64be(out, s->plan);
        buf_put_hash128(out, s->key_group);
    }
}

static void put_returned(const struct header_partition *p, struct buf *out)
{
    int64_t before = p->restart;
    buf_put_varint(out, p->n_returned);
    for (uint32_t i = 0; i < p->n_returned; i++) {
        buf_put_varint(out, (uint64_t)(p->returned[i].offset - before));
        buf_put_varint(out, p->returned[i].decl);
        buf_put_zigzag(out, p->returned[i].due.ns);
        before = p->returned[i].offset;
    }
}

static void put_last(const struct header_partition *p, struct buf *out)
{
    buf_put_varint(out, (uint64_t)(p->next_offset - p->last.offset));
    buf_put_zigzag(out, p->last.timestamp.ns);
    buf_put_u32be(out, p->last.sum);
}

static void put_partition(const struct header_partition *p, struct buf *out)
{
    buf_put_varint(out, p->topic);
    buf_put_zigzag(out, p->partition);
    buf_put_zigzag(out, p->restart);
    buf_put_zigzag(out, p->next_offset);
    buf_put_byte(out, (uint8_t)((p->has_time ? FLAG_HAS_TIME : 0) |
                                (p->empty_at_start ? FLAG_EMPTY : 0) | (p->idle ? FLAG_IDLE : 0) |
                                (p->n_returned > 0 ? FLAG_RETURNED : 0) |
                                (p->last.set ? FLAG_LAST : 0) | (p->paged ? FLAG_PAGED : 0)));
    buf_put_zigzag(out, p->max_time.ns);
    buf_put_zigzag(out, p->first_time.ns);
    buf_put_zigzag(out, p->frontier.ns);
    buf_put_zigzag(out, p->floor.ns);
    header_put_late(p, out);
    buf_put_varint(out, p->n_values);
    for (uint32_t i = 0; i < p->n_values; i++) {
        buf_put_blob(out, p->values[i].value);
        buf_put_zigzag(out, p->values[i].max_time.ns);
    }
    if (p->n_returned > 0) {
        put_returned(p, out);
    }
    if (p->last.set) {
        put_last(p, out);
    }
    if (p->paged) {
        buf_put_varint(out, p->n_paged);
        buf_put_u64be(out, p->paged_sum);
    }
}

static void put_clock(const struct header_clock *c, struct buf *out)
{
    buf_put_varint(out, c->n_topics);
    for (uint32_t i = 0; i < c->n_topics; i++) {
        buf_put_varint(out, c->topics[i]);
    }
    buf_put_zigzag(out, c->watermark.ns);
    buf_put_place(out, c->limit);
    buf_put_place(out, c->released);
    buf_put_zigzag(out, c->floor.ns);
    buf_put_byte(out, (uint8_t)((c->has_history ? FLAG_HISTORY : 0) | (c->waits ? FLAG_WAITS : 0)));
    buf_put_zigzag(out, c->history_begin.ns);
}

static void put_tables(const struct header *h, struct buf *out)
{
    buf_put_varint(out, h->n_tables);
    for (uint32_t i = 0; i < h->n_tables; i++) {
        const struct header_table *t = &h->tables[i];
        buf_put_blob(out, t->name);
        buf_put_hash128(out, t->generation);
        buf_put_varint(out, t->n_offsets);
        for (uint32_t k = 0; k < t->n_offsets; k++) {
            buf_put_zigzag(out, t->offsets[k].partition);
            buf_put_zigzag(out, t->offsets[k].offset);
        }
    }
}

void header_encode(const struct header *h, struct buf *out)
{
    size_t begin = out->len;
    buf_put(out, MAGIC, 4);
    buf_put_varint(out, HEADER_FORMAT);
    buf_put_varint(out, h->seq);
    buf_put_blob(out, h->app);
    buf_put_byte(out, h->mode);
    buf_put_varint(out, h->n_shards);
    buf_put_hash128(out, h->fingerprint);
    buf_put_varint(out, h->n_apart);
    if (h->n_apart > 0) {
        buf_put_hash128(out, h->apart_hash);
    } else {
        header_put_rules(h, out);
    }
    buf_put_varint(out, h->n_partitions);
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        put_partition(&h->partitions[i], out);
    }
    buf_put_varint(out, h->n_clocks);
    for (uint32_t i = 0; i < h->n_clocks; i++) {
        put_clock(&h->clocks[i], out);
    }
    if (h->n_tables > 0) {
        put_tables(h, out);
    }
    buf_put_u64be(out, hash64(slice_from(out->ptr + begin, out->len - begin)));
}

/* ---- in ----------------------------------------------------------------------------------- */

static struct slice read_text(struct reader *r, struct arena *a)
{
    struct slice s = read_blob(r);
    return r->failed ? (struct slice){0} : arena_copy(a, s);
}

static void read_rules(struct reader *r, struct header *h)
{
    h->n_topics = read_count(r);
    h->topics = ARENA_ARRAY(&h->arena, struct header_topic, h->n_topics);
    for (uint32_t i = 0; i < h->n_topics && !r->failed; i++) {
        h->topics[i].name = read_text(r, &h->arena);
        h->topics[i].out_of_order.ns = read_zigzag(r);
    }
    h->n_decls = read_count(r);
    h->decls = ARENA_ARRAY(&h->arena, struct header_decl, h->n_decls);
    for (uint32_t i = 0; i < h->n_decls && !r->failed; i++) {
        h->decls[i].name = read_text(r, &h->arena);
        h->decls[i].shape = read_u64be(r);
    }
    h->n_slots = read_count(r);
    h->slots = ARENA_ARRAY(&h->arena, struct header_slot, h->n_slots);
    for (uint32_t i = 0; i < h->n_slots && !r->failed; i++) {
        struct header_slot *s = &h->slots[i];
        s->slot = read_varint32(r);
        s->rule = read_text(r, &h->arena);
        s->plan = read_u64be(r);
        s->key_group = read_hash128(r);
        r->failed |= i > 0 && s->slot <= h->slots[i - 1].slot;
    }
}

static void read_returned(struct reader *r, struct header_partition *p, struct arena *a)
{
    int64_t before = p->restart;
    p->n_returned = read_count(r);
    p->returned = ARENA_ARRAY(a, struct header_returned, p->n_returned);
    r->failed |= p->n_returned == 0;
    for (uint32_t i = 0; i < p->n_returned && !r->failed; i++) {
        p->returned[i].offset = before = header_read_offset(r, before, p);
        p->returned[i].decl = read_varint32(r);
        p->returned[i].due = read_etime(r);
    }
}

static void read_values(struct reader *r, struct header_partition *p, struct arena *a)
{
    p->n_values = read_count(r);
    p->values = ARENA_ARRAY(a, struct header_value, p->n_values);
    for (uint32_t i = 0; i < p->n_values && !r->failed; i++) {
        p->values[i].value = read_text(r, a);
        p->values[i].max_time = read_etime(r);
    }
}

static void read_last(struct reader *r, struct header_partition *p)
{
    uint64_t back = read_varint(r);
    p->last = (struct record_mark){.set = true, .offset = p->next_offset};
    r->failed |= p->next_offset < 0 || back == 0 || back > (uint64_t)p->next_offset;
    p->last.offset -= r->failed ? 0 : (int64_t)back;
    p->last.timestamp = read_etime(r);
    p->last.sum = read_u32be(r);
}

static void read_partition(struct reader *r, struct header_partition *p, const struct header *h,
                           struct arena *a)
{
    p->topic = read_varint32(r);
    p->partition = read_zigzag32(r);
    p->restart = read_zigzag(r);
    p->next_offset = read_zigzag(r);
    uint8_t flags = read_byte(r);
    p->has_time = (flags & FLAG_HAS_TIME) != 0;
    p->empty_at_start = (flags & FLAG_EMPTY) != 0;
    p->idle = (flags & FLAG_IDLE) != 0;
    p->max_time = read_etime(r);
    p->first_time = read_etime(r);
    p->frontier = read_etime(r);
    p->floor = read_etime(r);
    int64_t between; /* every distance between two notes is at most this one */
    r->failed |= __builtin_sub_overflow(p->next_offset, p->restart, &between) || between < 0;
    header_read_late(r, p, h->format, a);
    read_values(r, p, a);
    if ((flags & FLAG_RETURNED) != 0) {
        read_returned(r, p, a);
    }
    if ((flags & FLAG_LAST) != 0) {
        read_last(r, p);
    }
    p->paged = h->format >= PAGED_FORMAT && (flags & FLAG_PAGED) != 0;
    if (p->paged) {
        p->n_paged = read_varint(r);
        p->paged_sum = read_u64be(r);
        r->failed |= p->n_values > 0;
    }
}

static void read_clock(struct reader *r, struct header_clock *c, struct arena *a)
{
    c->n_topics = read_count(r);
    c->topics = ARENA_ARRAY(a, uint32_t, c->n_topics);
    for (uint32_t i = 0; i < c->n_topics && !r->failed; i++) {
        c->topics[i] = read_varint32(r);
        r->failed |= i > 0 && c->topics[i] <= c->topics[i - 1];
    }
    c->watermark = read_etime(r);
    c->limit = read_place(r);
    c->released = read_place(r);
    c->floor = read_etime(r);
    uint8_t flags = read_byte(r);
    c->has_history = (flags & FLAG_HISTORY) != 0;
    c->waits = (flags & FLAG_WAITS) != 0;
    c->history_begin = read_etime(r);
}

static void read_standing(struct reader *r, struct header *h)
{
    h->n_partitions = read_count(r);
    h->partitions = ARENA_ARRAY(&h->arena, struct header_partition, h->n_partitions);
    for (uint32_t i = 0; i < h->n_partitions && !r->failed; i++) {
        read_partition(r, &h->partitions[i], h, &h->arena);
    }
    h->n_clocks = read_count(r);
    h->clocks = ARENA_ARRAY(&h->arena, struct header_clock, h->n_clocks);
    for (uint32_t i = 0; i < h->n_clocks && !r->failed; i++) {
        read_clock(r, &h->clocks[i], &h->arena);
    }
}

static void read_tables(struct reader *r, struct header *h)
{
    h->n_tables = read_count(r);
    h->tables = ARENA_ARRAY(&h->arena, struct header_table, h->n_tables);
    r->failed |= h->n_tables == 0;
    for (uint32_t i = 0; i < h->n_tables && !r->failed; i++) {
        struct header_table *t = &h->tables[i];
        t->name = read_text(r, &h->arena);
        t->generation = read_hash128(r);
        t->n_offsets = read_count(r);
        t->offsets = ARENA_ARRAY(&h->arena, struct header_offset, t->n_offsets);
        for (uint32_t k = 0; k < t->n_offsets && !r->failed; k++) {
            t->offsets[k].partition = read_zigzag32(r);
            t->offsets[k].offset = read_zigzag(r);
        }
    }
}

/* Topics that partitions and clocks speak of. */
static bool fits_rules(const struct header *h)
{
    bool fits = true;
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        fits &= h->partitions[i].topic < h->n_topics;
    }
    for (uint32_t i = 0; i < h->n_clocks; i++) {
        const struct header_clock *c = &h->clocks[i];
        fits &= c->n_topics == 0 || c->topics[c->n_topics - 1] < h->n_topics; /* ascending */
    }
    return fits;
}

bool header_take_rules(struct header *h, struct slice bytes)
{
    struct reader r = reader_of(bytes);
    read_rules(&r, h);
    return !r.failed && reader_left(&r) == 0 && fits_rules(h);
}

/* In every format there will be: MAGIC, format, …, checksum. *ret: what stands behind MAGIC. */
static const char *unwrap(struct slice bytes, struct reader *ret)
{
    if (bytes.len < 4 + 1 + CHECKSUM_BYTES || memcmp(bytes.ptr, MAGIC, 4) != 0) {
        return "the header of the state is none";
    }
    struct slice body = slice_from(bytes.ptr, bytes.len - CHECKSUM_BYTES);
    struct reader sum = reader_of(slice_from(bytes.ptr + body.len, CHECKSUM_BYTES));
    if (read_u64be(&sum) != hash64(body)) {
        return "the checksum of the state's header is wrong";
    }
    *ret = reader_of(slice_from(body.ptr + 4, body.len - 4));
    return NULL;
}

static const char *decode(struct slice bytes, struct header *h)
{
    struct reader r;
    const char *wrapping = unwrap(bytes, &r);
    if (wrapping != NULL) {
        return wrapping;
    }
    uint64_t format = read_varint(&r);
    if (format < HEADER_OLDEST || format > HEADER_FORMAT) {
        return "the state was written in another format";
    }
    h->format = format;
    h->seq = read_varint(&r);
    h->app = read_text(&r, &h->arena);
    h->mode = read_byte(&r);
    h->n_shards = read_varint32(&r);
    h->fingerprint = read_hash128(&r);
    h->n_apart = format >= PAGED_FORMAT ? read_varint32(&r) : 0;
    if (h->n_apart > 0) {
        h->apart_hash = read_hash128(&r);
    } else {
        read_rules(&r, h);
    }
    read_standing(&r, h);
    if (!r.failed && reader_left(&r) > 0) {
        read_tables(&r, h);
    }
    r.failed |= h->n_apart == 0 && !fits_rules(h);
    return r.failed || reader_left(&r) != 0 ? "the header of the state does not decode" : NULL;
}

bool header_format(struct slice bytes, uint64_t *ret)
{
    struct reader r;
    if (unwrap(bytes, &r) != NULL) {
        return false;
    }
    *ret = read_varint(&r);
    return !r.failed;
}

bool header_decode(struct slice bytes, struct header *ret, const char **why)
{
    *ret = (struct header){0};
    *why = decode(bytes, ret);
    if (*why != NULL) {
        header_release(ret);
        return false;
    }
    return true;
}

enum err header_check_format(struct slice bytes, const char *what, struct error *err)
{
    uint64_t format;
    if (!header_format(bytes, &format) || (format >= HEADER_OLDEST && format <= HEADER_FORMAT)) {
        return ERR_OK;
    }
    return error_set(err, ERR_STATE, "%s was written by another version of fyke: it has format %" PRIu64
                     ", this one reads %d to %d; use the version that wrote it, or start anew with "
                     "--reset-state", what, format, HEADER_OLDEST, HEADER_FORMAT);
}

enum err header_open(struct slice bytes, const char *what, const char *remedy, struct header *ret,
                     struct error *err)
{
    const char *why;
    FYKE_TRY(header_check_format(bytes, what, err));
    return header_decode(bytes, ret, &why)
               ? ERR_OK
               : error_set(err, ERR_CORRUPT, "%s is damaged: %s; %s", what, why, remedy);
}
