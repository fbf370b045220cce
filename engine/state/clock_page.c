#include "engine/state/clock_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/state/store_bytes.h"

#define VERSION 2 /* 1: without the field */
#define CHECKSUM_BYTES 8
#define OWNER_BYTES 16

struct hash128 clock_page_owner(struct slice topic, int32_t partition)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    buf_put_blob(&bytes, topic);
    buf_put_zigzag(&bytes, partition);
    return hash128(buf_slice(&bytes));
}

/* The hash and the number of a record's key, with another meaning. */
static struct record_key part_key(struct hash128 owner, uint32_t page, uint32_t part)
{
    struct record_key key = record_head_key(owner);
    for (unsigned i = 0; i < 4; i++) {
        key.bytes[OWNER_BYTES + i] = (uint8_t)(page >> (24 - 8 * i));
        key.bytes[OWNER_BYTES + 4 + i] = (uint8_t)(part >> (24 - 8 * i));
    }
    return key;
}

/* ---- out ---------------------------------------------------------------------------------- */

struct page_writer {
    struct value_clocks *clocks;
    struct hash128 owner;
    uint32_t page;
    struct value_clock_list list;
    struct buf values;
    struct frozen *out;
};

static void put_part(struct page_writer *w, uint32_t part, uint32_t n)
{
    struct value_clock_page *page = &w->clocks->pages[w->page];
    struct record_key key = part_key(w->owner, w->page, part);
    struct buf *out = &w->out->bytes;
    size_t begin = out->len;
    buf_put_byte(out, VERSION);
    buf_put_u64be(out, w->clocks->field);
    buf_put_varint(out, n);
    buf_put_slice(out, buf_slice(&w->values));
    uint64_t sum = record_checksum(&key, slice_from(out->ptr + begin, out->len - begin));
    buf_put_u64be(out, sum);
    page->sum += sum;
    VEC_PUSH(w->out->ops, w->out->n, w->out->cap) =
        (struct frozen_op){.key = key, .at = begin, .len = out->len - begin};
    buf_clear(&w->values);
}

static uint32_t put_parts(struct page_writer *w)
{
    uint32_t part = 0, n = 0;
    for (size_t i = 0; i < w->list.n; i++) {
        const struct value_clock_entry *e = w->list.items[i];
        if (n > 0 && w->values.len + e->len > CLOCK_PART_BYTES) {
            put_part(w, part++, n);
            n = 0;
        }
        buf_put_blob(&w->values, slice_from(e->value, e->len));
        buf_put_zigzag(&w->values, e->max_time.ns);
        n++;
    }
    if (n > 0) {
        put_part(w, part++, n);
    }
    return part;
}

static void freeze_page(struct page_writer *w)
{
    struct value_clock_page *page = &w->clocks->pages[w->page];
    value_clocks_list(w->clocks, w->page, &w->list);
    w->clocks->sum -= page->sum;
    page->sum = 0;
    uint32_t parts = put_parts(w);
    for (uint32_t i = parts; i < page->parts; i++) {
        VEC_PUSH(w->out->ops, w->out->n, w->out->cap) =
            (struct frozen_op){.key = part_key(w->owner, w->page, i), .del = true};
    }
    page->parts = parts;
    w->clocks->sum += page->sum;
}

void clock_pages_freeze(struct value_clocks *c, struct hash128 owner, struct frozen *out)
{
    struct page_writer w = {.clocks = c, .owner = owner, .out = out};
    const uint16_t *pages;
    size_t n = value_clocks_take_changed(c, &pages);
    for (size_t i = 0; i < n; i++) {
        w.page = pages[i];
        freeze_page(&w);
    }
    free(w.list.items);
    buf_release(&w.values);
}

/* ---- in ----------------------------------------------------------------------------------- */

/* All parts are of one field. */
static void take_field(struct value_clocks *c, struct reader *r)
{
    uint8_t version = read_byte(r);
    uint64_t field = version == 1 ? 0 : read_u64be(r);
    c->untold |= field == 0;
    r->failed |= version < 1 || version > VERSION || (field != 0 && c->field != 0 && field != c->field);
    c->field = field != 0 ? field : c->field;
}

static void take_values(struct value_clocks *c, uint32_t page, struct reader *r, struct etime newest)
{
    uint32_t n = read_count(r);
    r->failed |= n == 0;
    for (uint32_t i = 0; i < n && !r->failed; i++) {
        struct slice value = read_blob(r);
        struct etime t = read_etime(r);
        r->failed |= value.len > VALUE_CLOCK_LONGEST || etime_lt(newest, t) ||
                     value_clocks_page_of(value) != page ||
                     etime_lt(ETIME_MIN, value_clocks_get(c, value));
        if (!r->failed) {
            value_clocks_note(c, value, t, newest);
        }
    }
}

bool clock_page_take(struct value_clocks *c, const struct record_key *key, struct slice bytes,
                     struct etime newest, const char **why)
{
    uint64_t number = record_key_number(key);
    uint32_t page = (uint32_t)(number >> 32), part = (uint32_t)number;
    *why = "clocks of values do not decode";
    if (bytes.len < CHECKSUM_BYTES || page >= VALUE_CLOCK_PAGES || part != c->pages[page].parts) {
        return false;
    }
    struct slice body = slice_from(bytes.ptr, bytes.len - CHECKSUM_BYTES);
    struct reader tail = reader_of(slice_from(bytes.ptr + body.len, CHECKSUM_BYTES));
    uint64_t sum = read_u64be(&tail);
    if (sum != record_checksum(key, body)) {
        *why = "the checksum of clocks of values is wrong";
        return false;
    }
    struct reader r = reader_of(body);
    take_field(c, &r);
    take_values(c, page, &r, newest);
    value_clocks_settle(c);
    c->pages[page].parts++;
    c->pages[page].sum += sum;
    c->sum += sum;
    return !r.failed && reader_left(&r) == 0;
}
