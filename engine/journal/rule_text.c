#include "engine/journal/rule_text.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/checkpoint.h"
#include "engine/state/store_bytes.h"

#define VERSION 1
#define CHECKSUM_BYTES 8

void rule_text_encode(struct hash128 fingerprint, struct slice texts, struct buf *out)
{
    size_t begin = out->len;
    buf_put_byte(out, VERSION);
    buf_put_hash128(out, fingerprint);
    buf_put_slice(out, texts);
    buf_put_u64be(out, hash64(slice_from(out->ptr + begin, out->len - begin)));
}

bool rule_text_decode(struct slice bytes, struct hash128 *fingerprint, struct slice *texts)
{
    if (bytes.len < 1 + sizeof(*fingerprint) + CHECKSUM_BYTES) {
        return false;
    }
    struct slice body = slice_from(bytes.ptr, bytes.len - CHECKSUM_BYTES);
    struct reader sum = reader_of(slice_from(bytes.ptr + body.len, CHECKSUM_BYTES));
    struct reader r = reader_of(body);
    bool known = read_byte(&r) == VERSION;
    *fingerprint = read_hash128(&r);
    *texts = read_bytes(&r, reader_left(&r));
    return known && !r.failed && read_u64be(&sum) == hash64(body);
}

struct hash128 rule_text_id(struct hash128 fingerprint, struct slice texts)
{
    struct hasher h;
    struct slice print = slice_from((const char *)&fingerprint, sizeof(fingerprint));
    hasher_init(&h);
    hasher_put_part(&h, print);
    hasher_put_part(&h, texts);
    return hasher_hash128(&h);
}

void rule_text_set(struct engine *e, struct hash128 fingerprint, struct slice texts)
{
    e->fingerprint = fingerprint;
    e->rule_texts = texts;
    e->texts_id = rule_text_id(fingerprint, texts);
}

enum err rule_text_put(struct engine *e, struct store_txn *t, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    if (e->rule_texts.len == 0 || hash128_eq(e->state->stored_rules, e->texts_id)) {
        return ERR_OK;
    }
    rule_text_encode(e->fingerprint, e->rule_texts, &bytes);
    e->state->stored_rules = e->texts_id;
    return store_put_rules(t, buf_slice(&bytes), err);
}

enum err rule_text_look(struct engine *e, struct buf *ret, struct slice *texts, bool *found,
                        struct error *err)
{
    struct hash128 fingerprint;
    FYKE_TRY(store_rules(e->state->store, ret, found, err));
    e->state->stored_rules = (struct hash128){0};
    if (*found && !rule_text_decode(buf_slice(ret), &fingerprint, texts)) {
        return error_set(err, ERR_CORRUPT, "state %s is damaged: the stored rules do not decode; "
                         "restore it from a copy or start anew with --reset-state",
                         e->options.state_dir);
    }
    if (*found) {
        e->state->stored_rules = rule_text_id(fingerprint, *texts);
    }
    *found = *found && e->state->found && hash128_eq(fingerprint, e->state->before.fingerprint);
    return ERR_OK;
}

/* ---- without rules ------------------------------------------------------------------------ */

static enum err read_texts(struct engine *e, struct buf *ret, struct hash128 *fingerprint,
                           bool *found, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct slice texts;
    FYKE_TRY(state_open_bare(e, err));
    FYKE_TRY(rule_text_look(e, &bytes, &texts, found, err));
    if (*found) {
        *fingerprint = e->state->before.fingerprint;
        buf_put_slice(ret, texts);
    }
    return ERR_OK;
}

enum err engine_stored_rules(const struct engine_options *o, struct buf *ret,
                             struct hash128 *fingerprint, bool *found, struct error *err)
{
    struct engine *e = xcalloc(1, sizeof(*e));
    e->options = *o;
    e->options.reset_state = false;
    e->n_shards = o->shards ? o->shards : ENGINE_DEFAULT_SHARDS;
    *found = false;
    enum err rc = read_texts(e, ret, fingerprint, found, err);
    state_close(e, false);
    free(e);
    return rc;
}
