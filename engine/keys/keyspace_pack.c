/* Records that rest: while memory is short, those used longest ago are kept as they are stored, packed
 * (base/short_lz.h), in place of everything that they are built of. An event or a deadline of the key builds
 * them anew. With a store only what it has as it stands rests, and may be evicted; without one everything may.
 *
 *   packed    u16 length, 0x8000: passed over once by the hand · short_lz of
 *             varint n · n × {varint slot, varint segments, varint first}: what the store has apart ·
 *             fields of the head (record_codec.h), in which all segments stand */
#include <stdlib.h>

#include "base/chunks.h"
#include "base/xalloc.h"
#include "engine/keys/key.h"
#include "engine/keys/keyspace_parts.h"
#include "engine/state/store_bytes.h"

#define MAX_PACKED 2048 /* longer ones rest as they are: building them would cost more than an event does */
#define MAX_RAW (4 * MAX_PACKED)
#define PASSED_OVER 0x8000
#define LENGTH_MASK 0x7fff
#define STEP 8

struct key_packed {
    uint16_t length; /* of `bytes`, and PASSED_OVER */
    uint8_t bytes[];
};

/* ---- memory: classes of 8 bytes, for much of a record would be rounding in those of the pool ---------- */

struct packed_chunk {
    struct packed_chunk *next;
};

struct packed_hole {
    struct packed_hole *next;
};

static size_t class_of(size_t bytes)
{
    return (bytes + STEP - 1) / STEP;
}

_Static_assert((sizeof(struct key_packed) + MAX_PACKED + STEP - 1) / STEP < KEY_PACKED_CLASSES, "a class each");

static void *packed_alloc(struct packed_memory *m, size_t bytes)
{
    size_t class = class_of(bytes), size = class * STEP;
    struct packed_hole *hole = m->holes[class];
    m->live_bytes += size;
    if (hole != NULL) {
        m->holes[class] = hole->next;
        return hole;
    }
    if (m->left < size) {
        struct packed_chunk *c = chunk_alloc();
        c->next = m->chunks;
        m->chunks = c;
        m->at = (char *)(c + 1);
        m->left = CHUNK_BYTES - sizeof(*c);
    }
    void *block = m->at;
    m->at += size;
    m->left -= size;
    return block;
}

static void packed_free(struct packed_memory *m, struct key_packed *p)
{
    size_t class = class_of(sizeof(*p) + (p->length & LENGTH_MASK));
    struct packed_hole *hole = (struct packed_hole *)(void *)p;
    hole->next = m->holes[class];
    m->holes[class] = hole;
    m->live_bytes -= class * STEP;
}

void packed_memory_release(struct packed_memory *m)
{
    for (struct packed_chunk *c = m->chunks, *next; c != NULL; c = next) {
        next = c->next;
        chunk_free(c);
    }
    *m = (struct packed_memory){0};
}

/* ---- packing -------------------------------------------------------------------------------- */

static void put_stored(const struct key_record *rec, struct buf *out)
{
    buf_put_varint(out, rec->n_stored);
    for (uint32_t i = 0; i < rec->n_stored; i++) {
        buf_put_varint(out, rec->stored[i].slot);
        buf_put_varint(out, rec->stored[i].n);
        buf_put_varint(out, rec->stored[i].first);
    }
}

/* The record as fields of a head, in ks->raw. */
static bool write_raw(struct keyspace *ks, const struct key_record *rec)
{
    struct record_head head;
    buf_clear(&ks->raw);
    buf_clear(&ks->packed);
    keyspace_list_rules(ks, rec);
    if (!keyspace_head_of(ks, rec, MAX_RAW, &ks->packed, &head) ||
        head.slots[head.n_slots - 1].slot >= RECORD_MAX_SLOTS) {
        return false;
    }
    put_stored(rec, &ks->raw);
    record_put_fields(&head, &ks->raw);
    return ks->raw.len <= MAX_RAW;
}

static bool pack(struct keyspace *ks, struct key_record *rec)
{
    struct key_index *x = &ks->index;
    struct key_entry *e = rec->entry;
    if (rec->memory > MAX_RAW * 8 || !write_raw(ks, rec)) {
        return false;
    }
    buf_clear(&ks->packed);
    short_lz_pack(&x->alike, buf_slice(&ks->raw), &ks->packed);
    if (ks->packed.len > MAX_PACKED) {
        return false;
    }
    if (x->alike.n < SHORT_LZ_DICT_BYTES) {
        short_lz_learn(&x->alike, buf_slice(&ks->raw));
    }
    struct key_packed *p = packed_alloc(&x->memory, sizeof(*p) + ks->packed.len);
    p->length = (uint16_t)ks->packed.len;
    memcpy(p->bytes, ks->packed.ptr, ks->packed.len);
    keyspace_delist(ks, rec);
    keyspace_free_record(ks, rec);
    e->packed = p;
    e->rests = true;
    x->n_packed++;
    ks->n_rested++;
    return true;
}

/* What is too long to rest takes its turn again later. */
bool keyspace_rest_oldest(struct keyspace *ks)
{
    bool stored = ks->options.store != NULL;
    struct record_list *l = stored ? &ks->clean : &ks->dirty;
    struct key_record *rec = l->oldest;
    if (rec == NULL || rec->n_slots == 0 || rec->in_store != stored) {
        return false;
    }
    if (!pack(ks, rec)) {
        keyspace_used(ks, rec);
    }
    return true;
}

/* ---- building ------------------------------------------------------------------------------- */

void keyspace_drop_packed(struct keyspace *ks, struct key_entry *e)
{
    packed_free(&ks->index.memory, e->packed);
    e->rests = false;
    e->rec = NULL;
    ks->index.n_packed--;
}

static bool read_stored(struct keyspace *ks, struct reader *r)
{
    uint32_t n = read_count(r);
    ks->n_woken_slots = 0;
    for (uint32_t i = 0; i < n && !r->failed; i++) {
        struct stored_slot s = {.slot = read_varint32(r)};
        s.n = read_varint32(r);
        s.first = read_varint(r);
        VEC_PUSH(ks->woken, ks->n_woken_slots, ks->cap_woken_slots) = s;
    }
    return !r->failed;
}

static void account(struct keyspace *ks, struct key_record *rec)
{
    keyspace_weigh(ks, rec);
    ks->n_events -= rec->events; /* they were counted all the time */
    if (ks->options.store == NULL) {
        rec->dirty = true;
        ks->dirty_memory += rec->memory;
    }
    keyspace_enlist(ks, rec);
    ks->n_woken++;
}

enum err keyspace_wake(struct keyspace *ks, struct key_entry *e, struct key_record **ret, struct error *err)
{
    struct record_key key = record_head_key(e->hash);
    struct record_head head;
    struct key_packed *p = e->packed;
    struct slice packed = slice_from((const char *)p->bytes, p->length & LENGTH_MASK);
    buf_clear(&ks->raw);
    bool whole = short_lz_unpack(&ks->index.alike, packed, MAX_RAW, &ks->raw);
    struct reader r = reader_of(buf_slice(&ks->raw));
    if (!whole || !read_stored(ks, &r) || !record_read_fields(&r, &ks->decoded, &head) ||
        reader_left(&r) != 0) {
        return keyspace_damaged(&key, "it does not unpack in memory", err);
    }
    keyspace_drop_packed(ks, e);
    FYKE_TRY(keyspace_build(ks, &key, &head, ret, err));
    if (ks->options.store != NULL) {
        keyspace_note_stored(ks, *ret, ks->woken, (uint32_t)ks->n_woken_slots);
    }
    account(ks, *ret);
    return ERR_OK;
}

/* ---- evicting ------------------------------------------------------------------------------- */

/* A hand goes round the entries: what it meets a second time, unused meanwhile, is let go. */
bool keyspace_evict_packed(struct keyspace *ks)
{
    struct key_index *x = &ks->index;
    for (uint64_t looked = 0; looked < 2 * (uint64_t)x->entries.n_begun; looked++) {
        x->hand = x->hand + 1 < x->entries.n_begun ? x->hand + 1 : 0;
        struct key_entry *e = key_entry_at(&x->entries, x->hand);
        if (!e->used || !e->rests) {
            continue;
        }
        if ((e->packed->length & PASSED_OVER) == 0) {
            e->packed->length |= PASSED_OVER;
            continue;
        }
        keyspace_drop_packed(ks, e);
        keyspace_unlist(ks, e);
        return true;
    }
    return false;
}
