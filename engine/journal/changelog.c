#include "engine/journal/changelog.h"

#include <string.h>

#include "engine/state/store_bytes.h"

#define TYPE_HEADER 0x00
#define TYPE_RECORD 0x01
#define TYPE_PAGE 0x02
#define HEADER_KEY_BYTES 4
#define MARK_KEY_BYTES 10
#define PART_VERSION 1

static struct changelog_key database_key(uint8_t type, const struct record_key *key)
{
    struct changelog_key k = {.bytes = {type}, .len = 1 + RECORD_KEY_BYTES};
    memcpy(k.bytes + 1, key->bytes, RECORD_KEY_BYTES);
    return k;
}

struct changelog_key changelog_record_key(const struct record_key *key)
{
    return database_key(TYPE_RECORD, key);
}

struct changelog_key changelog_page_key(const struct record_key *key)
{
    return database_key(TYPE_PAGE, key);
}

struct changelog_key changelog_header_key(uint32_t part)
{
    return (struct changelog_key){
        .bytes = {TYPE_HEADER, 'H', (uint8_t)(part >> 8), (uint8_t)part}, .len = HEADER_KEY_BYTES};
}

struct changelog_key changelog_rules_key(uint32_t part)
{
    return (struct changelog_key){
        .bytes = {TYPE_HEADER, 'R', (uint8_t)(part >> 8), (uint8_t)part}, .len = HEADER_KEY_BYTES};
}

struct changelog_key changelog_mark_key(uint64_t seq)
{
    struct changelog_key k = {.bytes = {TYPE_HEADER, 'D'}, .len = MARK_KEY_BYTES};
    for (unsigned i = 0; i < 8; i++) {
        k.bytes[2 + i] = (uint8_t)(seq >> (56 - 8 * i));
    }
    return k;
}

bool changelog_parse_mark(struct slice key, uint64_t *seq)
{
    if (key.len != MARK_KEY_BYTES || key.ptr[0] != TYPE_HEADER || key.ptr[1] != 'D') {
        return false;
    }
    struct reader r = reader_of(slice_from(key.ptr + 2, key.len - 2));
    *seq = read_u64be(&r);
    return true;
}

enum changelog_kind changelog_parse_key(struct slice key, struct record_key *record,
                                        uint32_t *part)
{
    const uint8_t *b = (const uint8_t *)key.ptr;
    uint64_t seq;
    if (key.len == 1 + RECORD_KEY_BYTES && (b[0] == TYPE_RECORD || b[0] == TYPE_PAGE)) {
        memcpy(record->bytes, b + 1, RECORD_KEY_BYTES);
        return b[0] == TYPE_RECORD ? CHANGELOG_RECORD : CHANGELOG_PAGE;
    }
    if (key.len == HEADER_KEY_BYTES && b[0] == TYPE_HEADER && (b[1] == 'H' || b[1] == 'R')) {
        *part = (uint32_t)b[2] << 8 | b[3];
        return b[1] == 'H' ? CHANGELOG_HEADER : CHANGELOG_RULES;
    }
    return changelog_parse_mark(key, &seq) ? CHANGELOG_MARK : CHANGELOG_UNKNOWN;
}

void changelog_encode_part(const struct changelog_part *p, struct buf *out)
{
    buf_put_byte(out, PART_VERSION);
    buf_put_u64be(out, p->seq);
    buf_put_varint(out, p->parts);
    buf_put_slice(out, p->bytes);
}

bool changelog_decode_part(struct slice value, struct changelog_part *ret)
{
    struct reader r = reader_of(value);
    r.failed |= read_byte(&r) != PART_VERSION;
    ret->seq = read_u64be(&r);
    ret->parts = read_varint32(&r);
    ret->bytes = read_bytes(&r, reader_left(&r));
    return !r.failed && ret->parts > 0 && ret->parts <= CHANGELOG_MAX_PARTS;
}

/* Compaction leaves parts of headers that were longer than those behind them: they belong to no
 * header any more and are passed over. */
bool changelog_header_take(struct changelog_header *h, uint32_t part, int64_t position,
                           struct slice value)
{
    struct changelog_part p;
    h->complete = false;
    if (!changelog_decode_part(value, &p)) {
        return false;
    }
    if (part == 0) {
        h->seq = p.seq;
        h->parts = p.parts;
        h->first = position;
        h->next = 0;
        buf_clear(&h->bytes);
    } else if (h->next == 0 || part != h->next || p.seq != h->seq || p.parts != h->parts) {
        h->next = 0;
        return true;
    }
    buf_put_slice(&h->bytes, p.bytes);
    h->next = part + 1;
    h->complete = h->next == h->parts;
    h->next = h->complete ? 0 : h->next;
    return true;
}

void changelog_header_release(struct changelog_header *h)
{
    buf_release(&h->bytes);
}
