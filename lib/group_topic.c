#include "lib/group_topic.h"

#include <string.h>

#include "engine/journal/rule_text.h"
#include "engine/state/store_bytes.h"

#define VERSION 1
#define PART_KEY_BYTES 4

/* ---- keys --------------------------------------------------------------------------------- */

struct slice group_force_key(void)
{
    return slice_from("\0P", 2);
}

struct slice group_part_key(uint32_t part, char ret[GROUP_KEY_MAX])
{
    ret[0] = '\0';
    ret[1] = 'S';
    ret[2] = (char)(part >> 8);
    ret[3] = (char)part;
    return slice_from(ret, PART_KEY_BYTES);
}

void group_offer_key(const char *instance, struct buf *ret)
{
    buf_put_slice(ret, slice_from("\0O", 2));
    buf_puts(ret, instance);
}

static bool is_kind(struct slice key, char kind)
{
    return key.len >= 2 && key.ptr[0] == '\0' && key.ptr[1] == kind;
}

/* ---- values ------------------------------------------------------------------------------- */

void group_force_encode(const struct group_force *f, struct buf *ret)
{
    buf_put_byte(ret, VERSION);
    buf_put_varint(ret, f->generation);
    buf_put_hash128(ret, f->fingerprint);
    buf_put_varint(ret, f->n_tasks);
    buf_put_blob(ret, buf_slice(&f->topics));
    buf_put_blob(ret, buf_slice(&f->by));
}

void group_offer_encode(const struct group_set *s, struct buf *ret)
{
    buf_put_byte(ret, VERSION);
    buf_put_hash128(ret, s->fingerprint);
    buf_put_blob(ret, s->topics);
}

static void set_buf(struct buf *to, struct slice s)
{
    buf_clear(to);
    buf_put_slice(to, s);
}

static bool take_force(struct group_view *v, struct slice value)
{
    struct reader r = reader_of(value);
    r.failed |= read_byte(&r) != VERSION;
    uint64_t generation = read_varint(&r);
    struct hash128 fingerprint = read_hash128(&r);
    uint32_t n_tasks = read_varint32(&r);
    struct slice topics = read_blob(&r), by = read_blob(&r);
    if (r.failed || generation == 0) {
        return false;
    }
    v->force.generation = generation;
    v->force.fingerprint = fingerprint;
    v->force.n_tasks = n_tasks;
    set_buf(&v->force.topics, topics);
    set_buf(&v->force.by, by);
    return true;
}

static bool take_offer(struct group_view *v, struct slice value)
{
    struct reader r = reader_of(value);
    r.failed |= read_byte(&r) != VERSION;
    struct hash128 fingerprint = read_hash128(&r);
    struct slice topics = read_blob(&r);
    if (r.failed) {
        return false;
    }
    v->has_offer = true;
    v->offered = fingerprint;
    set_buf(&v->offered_topics, topics);
    return true;
}

static bool take_part(struct group_view *v, const struct journal_entry *e)
{
    const uint8_t *b = (const uint8_t *)e->key.ptr;
    uint32_t part = (uint32_t)b[2] << 8 | b[3];
    if (!changelog_header_take(&v->gather, part, e->position, e->value)) {
        return false;
    }
    if (v->gather.complete) {
        set_buf(&v->texts, buf_slice(&v->gather.bytes));
    }
    return true;
}

/* ---- the view ----------------------------------------------------------------------------- */

void group_view_release(struct group_view *v)
{
    buf_release(&v->force.topics);
    buf_release(&v->force.by);
    buf_release(&v->offered_topics);
    buf_release(&v->texts);
    changelog_header_release(&v->gather);
}

static bool is_own_offer(const struct group_view *v, struct slice key)
{
    return is_kind(key, 'O') && slice_eq_str(slice_from(key.ptr + 2, key.len - 2), v->instance);
}

enum err group_view_take(void *view, const struct journal_entry *e, bool *done, struct error *err)
{
    struct group_view *v = view;
    bool fine = true;
    (void)done;
    if (e->deleted) {
        return ERR_OK;
    }
    if (slice_eq(e->key, group_force_key())) {
        fine = take_force(v, e->value);
    } else if (is_own_offer(v, e->key)) {
        fine = take_offer(v, e->value);
    } else if (is_kind(e->key, 'S') && e->key.len == PART_KEY_BYTES) {
        fine = take_part(v, e);
    }
    return fine ? ERR_OK
                : error_set(err, ERR_CORRUPT, "entry %lld of the topic of the rules in force does not "
                            "decode: another version of the program wrote it, or somebody else",
                            (long long)e->position);
}

const struct group_set *group_view_in_force(const struct group_view *v, struct group_set *ret)
{
    *ret = (struct group_set){v->force.fingerprint, buf_slice(&v->force.topics)};
    return v->force.generation > 0 ? ret : NULL;
}

const struct group_set *group_view_offered(const struct group_view *v, struct group_set *ret)
{
    *ret = (struct group_set){v->offered, buf_slice(&v->offered_topics)};
    return v->has_offer ? ret : NULL;
}

enum err group_view_texts(const struct group_view *v, struct slice *ret, struct error *err)
{
    struct hash128 fingerprint;
    if (!rule_text_decode(buf_slice(&v->texts), &fingerprint, ret) ||
        !hash128_eq(fingerprint, v->force.fingerprint)) {
        return error_set(err, ERR_STATE, "the texts of the rules in force (generation %llu) are not in "
                         "their topic: entries were removed from it", (unsigned long long)
                         v->force.generation);
    }
    return ERR_OK;
}
