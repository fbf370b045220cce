#include "engine/state/rules_apart.h"

#include "base/xalloc.h"

static struct record_key part_key(uint32_t part)
{
    struct record_key key = record_head_key((struct hash128){0});
    for (unsigned i = 0; i < 4; i++) {
        key.bytes[RECORD_KEY_BYTES - 4 + i] = (uint8_t)(part >> (24 - 8 * i));
    }
    return key;
}

bool rules_apart_is_part(const struct record_key *key)
{
    struct hash128 none = {0};
    return hash128_eq(record_key_hash(key), none);
}

/* ---- out ---------------------------------------------------------------------------------- */

static void put_parts(struct slice rules, uint32_t n, struct frozen *out)
{
    for (uint32_t i = 0; i < n; i++) {
        size_t at = (size_t)i * RULES_PART_BYTES, left = rules.len - at;
        struct frozen_op op = {.key = part_key(i), .at = out->bytes.len};
        op.len = left < RULES_PART_BYTES ? left : RULES_PART_BYTES;
        buf_put(&out->bytes, rules.ptr + at, op.len);
        VEC_PUSH(out->ops, out->n, out->cap) = op;
    }
}

void rules_apart_freeze(struct header *h, struct rules_apart *stored, struct frozen *out)
{
    FYKE_CLEANUP(buf_release) struct buf rules = BUF_INIT;
    struct rules_apart now = {0};
    header_put_rules(h, &rules);
    if (rules.len > RULES_INLINE_BYTES) {
        now.n = (uint32_t)((rules.len + RULES_PART_BYTES - 1) / RULES_PART_BYTES);
        now.hash = hash128(buf_slice(&rules));
    }
    h->n_apart = now.n;
    h->apart_hash = now.hash;
    if (now.n == stored->n && hash128_eq(now.hash, stored->hash)) {
        return;
    }
    put_parts(buf_slice(&rules), now.n, out);
    for (uint32_t i = now.n; i < stored->n; i++) {
        VEC_PUSH(out->ops, out->n, out->cap) = (struct frozen_op){.key = part_key(i), .del = true};
    }
    *stored = now;
}

/* ---- in ----------------------------------------------------------------------------------- */

static enum err damaged(struct error *err)
{
    return error_set(err, ERR_CORRUPT, "the state is damaged: what its header tells of the rules is not "
                     "what is stored; restore it from a copy or start anew with --reset-state");
}

static enum err gather(struct store_reader *r, uint32_t n, struct buf *ret, struct error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        struct record_key key = part_key(i);
        struct slice part;
        bool found;
        FYKE_TRY(store_get(r, &key, &part, &found, err));
        if (!found) {
            return damaged(err);
        }
        buf_put_slice(ret, part);
    }
    return ERR_OK;
}

enum err rules_apart_read(struct store *s, struct header *h, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf rules = BUF_INIT;
    if (h->n_apart == 0) {
        return ERR_OK;
    }
    struct store_reader *r = store_reader_new(s, h->n_shards);
    enum err rc = gather(r, h->n_apart, &rules, err);
    store_reader_free(r);
    FYKE_TRY(rc);
    return hash128_eq(hash128(buf_slice(&rules)), h->apart_hash) &&
                   header_take_rules(h, buf_slice(&rules))
               ? ERR_OK
               : damaged(err);
}
