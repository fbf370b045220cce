/* The portable form of a state, "savepoint": no page of a database, no order of bytes of a machine.
 *
 *   "FYKESAVE" · u8 version 2 (1: without rules) · u32 length · the header's bytes
 *   { u8 1 · 24 bytes key · u32 length · the stored bytes }  in order of shard and key
 *   { u8 2 · the same }                                      pages, in order of key
 *   [ u8 3 · u32 length · the stored texts of the rules ]    where any are kept
 *   u8 0 · u64 number of them all · u64 XXH3-64 over everything in front of it */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "engine/journal/rule_text.h"
#include "lib/state_file.h"

#define MAGIC "FYKESAVE"
#define VERSION 2
#define MAX_SHARDS 4096
#define VALUE_END 0
#define VALUE_RECORD 1
#define VALUE_PAGE 2
#define VALUE_RULES 3

static enum err file_error(const char *what, const char *path, struct error *err)
{
    return error_set(err, ERR_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

/* ---- out ---------------------------------------------------------------------------------- */

struct export {
    FILE *file;
    const char *path;
    struct hasher sum;
    struct buf scratch;
    uint8_t kind; /* of what is being written: VALUE_RECORD, VALUE_PAGE */
    uint64_t n;
};

static enum err put(struct export *x, struct error *err)
{
    hasher_put(&x->sum, buf_slice(&x->scratch));
    size_t n = fwrite(x->scratch.ptr, 1, x->scratch.len, x->file);
    bool ok = n == x->scratch.len;
    buf_clear(&x->scratch);
    return ok ? ERR_OK : file_error("write", x->path, err);
}

static enum err put_value(void *ctx, const struct record_key *key, struct slice value,
                          struct error *err)
{
    struct export *x = ctx;
    x->n++;
    buf_put_byte(&x->scratch, x->kind);
    buf_put_slice(&x->scratch, record_key_slice(key));
    buf_put_u32be(&x->scratch, (uint32_t)value.len);
    buf_put_slice(&x->scratch, value);
    return put(x, err);
}

/* What changed rules have open is finished by the ones that began it. */
static enum err put_rules(struct state_file *s, struct export *x, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf rules = BUF_INIT;
    bool found;
    FYKE_TRY(store_rules(s->store, &rules, &found, err));
    if (!found) {
        return ERR_OK;
    }
    x->n++;
    buf_put_byte(&x->scratch, VALUE_RULES);
    buf_put_u32be(&x->scratch, (uint32_t)rules.len);
    buf_put_slice(&x->scratch, buf_slice(&rules));
    return put(x, err);
}

static enum err put_all(struct state_file *s, struct export *x, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf header = BUF_INIT;
    header_encode(&s->header, &header);
    buf_puts(&x->scratch, MAGIC);
    buf_put_byte(&x->scratch, VERSION);
    buf_put_u32be(&x->scratch, (uint32_t)header.len);
    buf_put_slice(&x->scratch, buf_slice(&header));
    FYKE_TRY(put(x, err));
    for (uint32_t i = 0; i <= s->header.n_shards; i++) {
        struct store_reader *r = store_reader_new(s->store, i);
        x->kind = i < s->header.n_shards ? VALUE_RECORD : VALUE_PAGE;
        enum err rc = store_each(r, put_value, x, err);
        store_reader_free(r);
        FYKE_TRY(rc);
    }
    FYKE_TRY(put_rules(s, x, err));
    buf_put_byte(&x->scratch, VALUE_END);
    buf_put_u64be(&x->scratch, x->n);
    FYKE_TRY(put(x, err));
    buf_put_u64be(&x->scratch, hasher_hash64(&x->sum));
    return put(x, err);
}

/* The file appears when it is whole. */
enum err state_file_export(struct state_file *s, const char *path, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf unfinished = BUF_INIT;
    struct state_figures figures;
    FYKE_TRY(state_file_scan(s, NULL, NULL, &figures, err));
    buf_printf(&unfinished, "%s.unfinished", path);
    struct export x = {.path = buf_cstr(&unfinished)};
    hasher_init(&x.sum);
    x.file = fopen(x.path, "wbe");
    if (x.file == NULL) {
        return file_error("write", x.path, err);
    }
    enum err rc = put_all(s, &x, err);
    bool ok = fflush(x.file) == 0 && fsync(fileno(x.file)) == 0;
    ok = fclose(x.file) == 0 && ok;
    buf_release(&x.scratch);
    if (rc == ERR_OK && (!ok || rename(x.path, path) != 0)) {
        rc = file_error("write", path, err);
    }
    if (rc != ERR_OK) {
        unlink(x.path);
    }
    return rc;
}

/* ---- in ----------------------------------------------------------------------------------- */

struct import {
    FILE *file;
    const char *path;
    struct hasher sum;
    struct buf scratch;
    struct header header;
    bool has_header;
    uint64_t n;
};

static enum err no_savepoint(const struct import *m, const char *why, struct error *err)
{
    return error_set(err, ERR_CORRUPT, "%s is no whole state: %s", m->path, why);
}

static enum err take(struct import *m, size_t n, struct reader *ret, struct error *err)
{
    buf_clear(&m->scratch);
    while (m->scratch.len < n) { /* a damaged length must not take all memory at once */
        size_t step = n - m->scratch.len < 65536 ? n - m->scratch.len : 65536;
        buf_reserve(&m->scratch, step);
        if (fread(m->scratch.ptr + m->scratch.len, 1, step, m->file) != step) {
            return no_savepoint(m, "it is cut short", err);
        }
        m->scratch.len += step;
    }
    hasher_put(&m->sum, buf_slice(&m->scratch));
    *ret = reader_of(buf_slice(&m->scratch));
    return ERR_OK;
}

static enum err take_header(struct import *m, const char *app, struct error *err)
{
    struct reader r;
    const char *why;
    FYKE_TRY(take(m, sizeof(MAGIC) - 1 + 1 + 4, &r, err));
    if (!slice_eq(read_bytes(&r, sizeof(MAGIC) - 1), SLICE_LIT(MAGIC))) {
        return no_savepoint(m, "it begins otherwise", err);
    }
    uint8_t version = read_byte(&r);
    if (version < 1 || version > VERSION) {
        return error_set(err, ERR_STATE, "%s was exported by another version of fyke: it has version %u, "
                         "this one reads 1 to %d; use the version that wrote it", m->path, version,
                         VERSION);
    }
    FYKE_TRY(take(m, read_u32be(&r), &r, err));
    FYKE_TRY(header_check_format(buf_slice(&m->scratch), m->path, err));
    if (!header_decode(buf_slice(&m->scratch), &m->header, &why)) {
        return no_savepoint(m, why, err);
    }
    m->has_header = true;
    if (m->header.n_shards < 1 || m->header.n_shards > MAX_SHARDS) {
        return no_savepoint(m, "its number of shards is none", err);
    }
    if (app != NULL) {
        m->header.app = slice_of(app);
    }
    return ERR_OK;
}

static enum err take_rules(struct import *m, struct store_txn *t, struct error *err)
{
    struct reader r;
    struct hash128 fingerprint;
    struct slice texts;
    FYKE_TRY(take(m, 4, &r, err));
    FYKE_TRY(take(m, read_u32be(&r), &r, err));
    m->n++;
    return rule_text_decode(buf_slice(&m->scratch), &fingerprint, &texts)
               ? store_put_rules(t, buf_slice(&m->scratch), err)
               : no_savepoint(m, "its rules do not decode", err);
}

static enum err take_value(struct import *m, uint8_t kind, struct store_txn *t, struct error *err)
{
    struct reader r;
    struct record_key key;
    uint32_t n = m->header.n_shards;
    FYKE_TRY(take(m, RECORD_KEY_BYTES + 4, &r, err));
    memcpy(key.bytes, read_bytes(&r, RECORD_KEY_BYTES).ptr, RECORD_KEY_BYTES);
    FYKE_TRY(take(m, read_u32be(&r), &r, err));
    m->n++;
    return store_put(t, kind == VALUE_PAGE ? n : (uint32_t)(record_key_hash(&key).hi % n), &key,
                     buf_slice(&m->scratch), err);
}

static enum err take_values(struct import *m, struct store_txn *t, struct error *err)
{
    struct reader r;
    for (;;) {
        FYKE_TRY(take(m, 1, &r, err));
        uint8_t kind = read_byte(&r);
        switch (kind) {
        case VALUE_END: return ERR_OK;
        case VALUE_RECORD:
        case VALUE_PAGE: FYKE_TRY(take_value(m, kind, t, err)); break;
        case VALUE_RULES: FYKE_TRY(take_rules(m, t, err)); break;
        default: return no_savepoint(m, "it holds what is unknown", err);
        }
    }
}

static enum err take_end(struct import *m, struct error *err)
{
    struct reader r;
    FYKE_TRY(take(m, 8, &r, err));
    if (read_u64be(&r) != m->n) {
        return no_savepoint(m, "records are missing", err);
    }
    uint64_t sum = hasher_hash64(&m->sum);
    FYKE_TRY(take(m, 8, &r, err));
    return read_u64be(&r) == sum ? ERR_OK : no_savepoint(m, "its checksum is wrong", err);
}

static enum err take_all(struct import *m, struct store_txn *t, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf header = BUF_INIT;
    static const struct store_origin imported = {.position = 0};
    FYKE_TRY(take_values(m, t, err));
    FYKE_TRY(take_end(m, err));
    header_encode(&m->header, &header);
    FYKE_TRY(store_put_header(t, buf_slice(&header), err));
    return store_put_origin(t, &imported, err);
}

static enum err into_store(struct import *m, struct store *s, const char *dir, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf before = BUF_INIT;
    struct store_txn *t;
    bool found;
    FYKE_TRY(store_header(s, &before, &found, err));
    if (found) {
        return error_set(err, ERR_USAGE, "%s holds a state already", dir);
    }
    FYKE_TRY(store_open_shards(s, m->header.n_shards, err));
    FYKE_TRY(store_begin(s, &t, err));
    enum err rc = take_all(m, t, err);
    if (rc != ERR_OK) {
        store_abort(t);
        return rc;
    }
    return store_commit(t, err);
}

static enum err import_file(struct import *m, const char *dir, const char *app, struct error *err)
{
    struct store_options o = {.dir = dir, .max_shards = MAX_SHARDS};
    struct store *s;
    FYKE_TRY(take_header(m, app, err));
    FYKE_TRY(store_open(&o, &s, err));
    enum err rc = into_store(m, s, dir, err);
    store_close(s);
    return rc;
}

static enum err open_file(struct import *m, struct error *err)
{
    m->file = fopen(m->path, "rbe");
    if (m->file == NULL) {
        file_error("read", m->path, err);
        err->code = errno == ENOENT ? ERR_USAGE : ERR_IO;
        return err->code;
    }
    hasher_init(&m->sum);
    return ERR_OK;
}

static void close_file(struct import *m)
{
    fclose(m->file);
    buf_release(&m->scratch);
    if (m->has_header) {
        header_release(&m->header);
    }
}

enum err state_file_peek(const char *path, struct header *ret, struct error *err)
{
    struct import m = {.path = path};
    FYKE_TRY(open_file(&m, err));
    enum err rc = take_header(&m, NULL, err);
    if (rc == ERR_OK) {
        *ret = m.header;
        m.has_header = false;
    }
    close_file(&m);
    return rc;
}

enum err state_file_import(const char *path, const char *dir, const char *app, struct error *err)
{
    struct import m = {.path = path};
    FYKE_TRY(open_file(&m, err));
    enum err rc = import_file(&m, dir, app, err);
    close_file(&m);
    return rc;
}
