#include "engine/state/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/state/lmdb_check.h"
#include "engine/state/lock.h"

/* Sparse: the file takes what is used, not this. The map cannot grow while transactions live. */
#define DEFAULT_MAP_BYTES ((size_t)64 << 30)
#define HEADER_DB "header"
#define PAGES_DB "pages"
#define OTHER_DBS 2 /* than shards */
#define HEADER_KEY SLICE_LIT("H")
#define ORIGIN_KEY SLICE_LIT("J")
#define RULES_KEY SLICE_LIT("R")
#define MAX_VALUE_BYTES 0xffffffffu
/* Says that something was committed here once: then an empty database is a lost one. */
#define MARK_FILE "format"
#define MARK_TEXT "fyke state 1\n"

struct store {
    char dir[PATH_MAX];
    struct dir_lock lock;
    MDB_env *env;
    MDB_dbi header;
    MDB_dbi *shards;
    uint32_t n_dbs; /* shards, then pages */
    size_t map_bytes;
    uint32_t max_shards;
    bool marked;
};

struct store_reader {
    struct store *store;
    MDB_dbi dbi;
    MDB_txn *txn; /* NULL: never begun */
    bool live;    /* txn reads a version */
};

struct store_txn {
    struct store *store;
    MDB_txn *txn;
};

/* LMDB writes to no value it is given. */
static MDB_val val_of(struct slice s)
{
    return (MDB_val){s.len, (void *)(uintptr_t)s.ptr};
}

/* ---- errors ------------------------------------------------------------------------------- */

static enum err damaged(const struct store *s, const char *what, int rc, struct error *err)
{
    return error_set(err, ERR_CORRUPT, "state %s is damaged (%s: %s); restore it from a copy or "
                     "start anew with --reset-state", s->dir, what, mdb_strerror(rc));
}

static enum err failed(const struct store *s, const char *what, int rc, struct error *err)
{
    switch (rc) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_PANIC:
        return damaged(s, what, rc, err);
    case MDB_MAP_FULL:
        error_set(err, ERR_STATE, "state %s has reached its limit of %zu MiB; the last checkpoint "
                  "stays valid", s->dir, s->map_bytes >> 20);
        err->retriable = true;
        return ERR_STATE;
    case ENOSPC:
    case EDQUOT:
        error_set(err, ERR_STATE, "cannot write state %s: %s; the last checkpoint stays valid",
                  s->dir, mdb_strerror(rc));
        err->retriable = true;
        return ERR_STATE;
    case EIO:
        return error_set(err, ERR_STATE, "cannot write state %s: %s; the last checkpoint stays "
                         "valid", s->dir, mdb_strerror(rc));
    default:
        return error_set(err, ERR_STATE, "state %s: %s: %s", s->dir, what, mdb_strerror(rc));
    }
}

/* ---- opening ------------------------------------------------------------------------------ */

static enum err file_path(const struct store *s, const char *name, char *ret, struct error *err)
{
    if (snprintf(ret, PATH_MAX, "%s/%s", s->dir, name) >= PATH_MAX) {
        return error_set(err, ERR_STATE, "the name of the state directory is too long");
    }
    return ERR_OK;
}

static enum err delete_files(const struct store *s, struct error *err)
{
    static const char *const names[] = {MARK_FILE, "data.mdb", "lock.mdb"};
    char path[PATH_MAX];
    for (size_t i = 0; i < FYKE_ARRAY_LEN(names); i++) {
        FYKE_TRY(file_path(s, names[i], path, err));
        if (unlink(path) != 0 && errno != ENOENT) {
            return error_set(err, ERR_STATE, "cannot delete %s: %s", path, strerror(errno));
        }
    }
    return ERR_OK;
}

static enum err check_file(struct store *s, struct error *err)
{
    char path[PATH_MAX];
    struct stat st;
    FYKE_TRY(file_path(s, MARK_FILE, path, err));
    s->marked = access(path, F_OK) == 0;
    FYKE_TRY(file_path(s, "data.mdb", path, err));
    if (s->marked && (stat(path, &st) != 0 || st.st_size == 0)) {
        return error_set(err, ERR_CORRUPT, "state %s has lost its file data.mdb; restore it from a "
                         "copy or start anew with --reset-state", s->dir);
    }
    return lmdb_check(path, err);
}

/* A directory that was deleted needs none: whoever comes next finds nothing, and what is open goes on as it
 * does when it is deleted later. */
static enum err write_mark(struct store *s, struct error *err)
{
    char path[PATH_MAX];
    FYKE_TRY(file_path(s, MARK_FILE, path, err));
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        return ERR_OK;
    }
    bool ok = fd >= 0 && write(fd, MARK_TEXT, sizeof(MARK_TEXT) - 1) == sizeof(MARK_TEXT) - 1 &&
              fsync(fd) == 0;
    int why = errno;
    if (fd >= 0) {
        close(fd);
    }
    s->marked = ok;
    return ok ? ERR_OK : error_set(err, ERR_STATE, "cannot write %s: %s", path, strerror(why));
}

static enum err open_env(struct store *s, struct error *err)
{
    int rc = mdb_env_create(&s->env);
    if (rc != 0) {
        return failed(s, "create", rc, err);
    }
    mdb_env_set_mapsize(s->env, s->map_bytes);
    mdb_env_set_maxdbs(s->env, s->max_shards + OTHER_DBS);
    mdb_env_set_maxreaders(s->env, s->max_shards + 16);
    /* Read transactions belong to shards, not to threads. */
    rc = mdb_env_open(s->env, s->dir, MDB_NOTLS, 0600);
    if (rc == ENOMEM) {
        return error_set(err, ERR_STATE, "state %s: no address space for a map of %zu MiB; allow "
                         "more (ulimit -v) or ask for a smaller one", s->dir, s->map_bytes >> 20);
    }
    if (rc != 0) {
        return failed(s, "open", rc, err);
    }
    int stale;
    rc = mdb_reader_check(s->env, &stale);
    return rc != 0 ? failed(s, "reader check", rc, err) : ERR_OK;
}

/* No databases beside the header's: the number of shards is not known yet. */
static enum err open_dbs(struct store *s, uint32_t n_dbs, struct error *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0) {
        return failed(s, "begin", rc, err);
    }
    rc = mdb_dbi_open(txn, HEADER_DB, MDB_CREATE, &s->header);
    for (uint32_t i = 0; i < n_dbs && rc == 0; i++) {
        char name[32] = PAGES_DB;
        if (i + 1 < n_dbs) {
            snprintf(name, sizeof(name), "shard.%04u", i);
        }
        rc = mdb_dbi_open(txn, name, MDB_CREATE, &s->shards[i]);
    }
    if (rc != 0) {
        mdb_txn_abort(txn);
        return failed(s, "open databases", rc, err);
    }
    rc = mdb_txn_commit(txn);
    return rc != 0 ? failed(s, "open databases", rc, err) : ERR_OK;
}

static enum err open_all(struct store *s, const struct store_options *o, struct error *err)
{
    s->map_bytes = o->map_bytes ? o->map_bytes : DEFAULT_MAP_BYTES;
    s->max_shards = o->max_shards;
    FYKE_TRY(lock_acquire(&s->lock, s->dir, err));
    if (o->reset) {
        FYKE_TRY(delete_files(s, err));
    }
    FYKE_TRY(check_file(s, err));
    FYKE_TRY(open_env(s, err));
    return open_dbs(s, 0, err);
}

enum err store_wipe(struct store *s, struct error *err)
{
    mdb_env_close(s->env);
    s->env = NULL;
    s->marked = false;
    free(s->shards);
    s->shards = NULL;
    s->n_dbs = 0;
    FYKE_TRY(delete_files(s, err));
    FYKE_TRY(open_env(s, err));
    return open_dbs(s, 0, err);
}

enum err store_open(const struct store_options *o, struct store **ret, struct error *err)
{
    struct store *s = xcalloc(1, sizeof(*s));
    s->lock = (struct dir_lock)DIR_LOCK_INIT;
    *ret = NULL;
    enum err rc = ERR_OK;
    if (snprintf(s->dir, sizeof(s->dir), "%s", o->dir) >= (int)sizeof(s->dir)) {
        rc = error_set(err, ERR_STATE, "the name of the state directory is too long");
    } else {
        rc = open_all(s, o, err);
    }
    if (rc != ERR_OK) {
        store_close(s);
        return rc;
    }
    *ret = s;
    return ERR_OK;
}

void store_close(struct store *s)
{
    if (s == NULL) {
        return;
    }
    if (s->env != NULL) {
        mdb_env_close(s->env);
    }
    lock_release(&s->lock);
    free(s->shards);
    free(s);
}

static enum err copy_compacted(struct store *s, const char *to, struct error *err)
{
    int fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_set(err, ERR_STATE, "cannot write %s: %s", to, strerror(errno));
    }
    int rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
    rc = rc == 0 && fsync(fd) != 0 ? errno : rc;
    close(fd);
    return rc != 0 ? failed(s, "compact", rc, err) : ERR_OK;
}

enum err store_compact(struct store *s, struct error *err)
{
    char from[PATH_MAX], to[PATH_MAX];
    FYKE_TRY(file_path(s, "data.mdb.new", from, err));
    FYKE_TRY(file_path(s, "data.mdb", to, err));
    enum err rc = copy_compacted(s, from, err);
    mdb_env_close(s->env);
    s->env = NULL;
    if (rc == ERR_OK && rename(from, to) != 0) {
        rc = error_set(err, ERR_STATE, "cannot replace %s: %s", to, strerror(errno));
    }
    if (rc != ERR_OK) {
        unlink(from);
        return rc;
    }
    int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    return ERR_OK;
}

enum err store_open_shards(struct store *s, uint32_t n_shards, struct error *err)
{
    s->n_dbs = n_shards + 1;
    s->shards = xcalloc(s->n_dbs, sizeof(*s->shards));
    return open_dbs(s, s->n_dbs, err);
}

void store_figures(const struct store *s, uint64_t *used_bytes, uint64_t *map_bytes)
{
    MDB_envinfo info;
    MDB_stat stat;
    mdb_env_info(s->env, &info);
    mdb_env_stat(s->env, &stat);
    *used_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    *map_bytes = s->map_bytes;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* *ret_rc: 0 or MDB_NOTFOUND. */
static enum err get_single(struct store *s, struct slice name, struct buf *ret, int *ret_rc,
                           struct error *err)
{
    MDB_txn *txn;
    MDB_val key = val_of(name), value;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0) {
        return failed(s, "begin", rc, err);
    }
    rc = mdb_get(txn, s->header, &key, &value);
    buf_clear(ret);
    if (rc == 0) {
        buf_put(ret, value.mv_data, value.mv_size);
    }
    mdb_txn_abort(txn);
    *ret_rc = rc;
    return rc == 0 || rc == MDB_NOTFOUND ? ERR_OK : failed(s, "read the header", rc, err);
}

enum err store_header(struct store *s, struct buf *ret, bool *found, struct error *err)
{
    int rc;
    FYKE_TRY(get_single(s, HEADER_KEY, ret, &rc, err));
    *found = rc == 0;
    return *found || !s->marked ? ERR_OK : damaged(s, "the header is missing", rc, err);
}

enum err store_origin_get(struct store *s, struct buf *bytes, struct store_origin *ret, bool *found,
                          struct error *err)
{
    int rc;
    FYKE_TRY(get_single(s, ORIGIN_KEY, bytes, &rc, err));
    *found = rc == 0;
    return !*found || store_origin_decode(buf_slice(bytes), ret)
               ? ERR_OK
               : damaged(s, "where it comes from", MDB_CORRUPTED, err);
}

enum err store_rules(struct store *s, struct buf *ret, bool *found, struct error *err)
{
    int rc;
    FYKE_TRY(get_single(s, RULES_KEY, ret, &rc, err));
    *found = rc == 0;
    return ERR_OK;
}

struct store_reader *store_reader_new(struct store *s, uint32_t shard)
{
    struct store_reader *r = xcalloc(1, sizeof(*r));
    assert(shard < s->n_dbs);
    r->store = s;
    r->dbi = s->shards[shard];
    return r;
}

void store_reader_free(struct store_reader *r)
{
    if (r != NULL && r->txn != NULL) {
        mdb_txn_abort(r->txn);
    }
    free(r);
}

void store_reader_reset(struct store_reader *r)
{
    if (r->live) {
        mdb_txn_reset(r->txn);
        r->live = false;
    }
}

static int reader_ready(struct store_reader *r)
{
    if (r->live) {
        return 0;
    }
    int rc = r->txn == NULL ? mdb_txn_begin(r->store->env, NULL, MDB_RDONLY, &r->txn)
                            : mdb_txn_renew(r->txn);
    r->live = rc == 0;
    return rc;
}

enum err store_get(struct store_reader *r, const struct record_key *key, struct slice *ret,
                   bool *found, struct error *err)
{
    MDB_val k = val_of(record_key_slice(key)), v;
    int rc = reader_ready(r);
    if (rc == 0) {
        rc = mdb_get(r->txn, r->dbi, &k, &v);
    }
    *found = rc == 0;
    *ret = rc == 0 ? slice_from(v.mv_data, v.mv_size) : (struct slice){0};
    return rc == 0 || rc == MDB_NOTFOUND ? ERR_OK : failed(r->store, "read", rc, err);
}

static enum err each(struct store_reader *r, MDB_cursor *cursor, store_each_fn fn, void *ctx,
                     struct error *err)
{
    MDB_val k, v;
    int rc;
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        struct record_key key;
        if (k.mv_size != RECORD_KEY_BYTES) {
            return damaged(r->store, "scan", MDB_CORRUPTED, err);
        }
        memcpy(key.bytes, k.mv_data, RECORD_KEY_BYTES);
        FYKE_TRY(fn(ctx, &key, slice_from(v.mv_data, v.mv_size), err));
    }
    return rc == MDB_NOTFOUND ? ERR_OK : failed(r->store, "scan", rc, err);
}

enum err store_each(struct store_reader *r, store_each_fn fn, void *ctx, struct error *err)
{
    MDB_cursor *cursor;
    int rc = reader_ready(r);
    if (rc == 0) {
        rc = mdb_cursor_open(r->txn, r->dbi, &cursor);
    }
    if (rc != 0) {
        return failed(r->store, "scan", rc, err);
    }
    enum err result = each(r, cursor, fn, ctx, err);
    mdb_cursor_close(cursor);
    return result;
}

/* ---- writing ------------------------------------------------------------------------------ */

enum err store_begin(struct store *s, struct store_txn **ret, struct error *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != 0) {
        return failed(s, "begin", rc, err);
    }
    *ret = xcalloc(1, sizeof(**ret));
    **ret = (struct store_txn){s, txn};
    return ERR_OK;
}

enum err store_put(struct store_txn *t, uint32_t shard, const struct record_key *key,
                   struct slice value, struct error *err)
{
    MDB_val k = val_of(record_key_slice(key)), v = val_of(value);
    if (value.len > MAX_VALUE_BYTES) {
        return error_set(err, ERR_LIMIT, "a stored value would take %zu bytes", value.len);
    }
    int rc = mdb_put(t->txn, t->store->shards[shard], &k, &v, 0);
    return rc != 0 ? failed(t->store, "write", rc, err) : ERR_OK;
}

enum err store_del(struct store_txn *t, uint32_t shard, const struct record_key *key,
                   struct error *err)
{
    MDB_val k = val_of(record_key_slice(key));
    int rc = mdb_del(t->txn, t->store->shards[shard], &k, NULL);
    return rc != 0 && rc != MDB_NOTFOUND ? failed(t->store, "delete", rc, err) : ERR_OK;
}

struct store_load {
    struct store *store;
    MDB_cursor *cursor;
    bool is_new; /* the shard was empty: pages are filled to the brim, and there is nothing to delete */
};

enum err store_load_begin(struct store_txn *t, uint32_t shard, struct store_load **ret, struct error *err)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    int rc = mdb_cursor_open(t->txn, t->store->shards[shard], &cursor);
    if (rc != 0) {
        return failed(t->store, "write", rc, err);
    }
    rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        mdb_cursor_close(cursor);
        return failed(t->store, "write", rc, err);
    }
    *ret = xmalloc(sizeof(**ret));
    **ret = (struct store_load){t->store, cursor, rc == MDB_NOTFOUND};
    return ERR_OK;
}

enum err store_load_put(struct store_load *l, const struct record_key *key, struct slice value,
                        struct error *err)
{
    MDB_val k = val_of(record_key_slice(key)), v = val_of(value);
    int rc = mdb_cursor_put(l->cursor, &k, &v, l->is_new ? MDB_APPEND : 0);
    return rc != 0 ? failed(l->store, "write", rc, err) : ERR_OK;
}

enum err store_load_del(struct store_load *l, const struct record_key *key, struct error *err)
{
    MDB_val k = val_of(record_key_slice(key)), v;
    int rc = l->is_new ? MDB_NOTFOUND : mdb_cursor_get(l->cursor, &k, &v, MDB_SET);
    if (rc == 0) {
        rc = mdb_cursor_del(l->cursor, 0);
    }
    return rc != 0 && rc != MDB_NOTFOUND ? failed(l->store, "delete", rc, err) : ERR_OK;
}

void store_load_end(struct store_load *l)
{
    mdb_cursor_close(l->cursor);
    free(l);
}

static enum err put_single(struct store_txn *t, struct slice name, struct slice bytes,
                           struct error *err)
{
    MDB_val k = val_of(name), v = val_of(bytes);
    int rc = mdb_put(t->txn, t->store->header, &k, &v, 0);
    return rc != 0 ? failed(t->store, "write the header", rc, err) : ERR_OK;
}

enum err store_put_header(struct store_txn *t, struct slice bytes, struct error *err)
{
    return put_single(t, HEADER_KEY, bytes, err);
}

enum err store_put_rules(struct store_txn *t, struct slice bytes, struct error *err)
{
    return put_single(t, RULES_KEY, bytes, err);
}

enum err store_put_origin(struct store_txn *t, const struct store_origin *o, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    store_origin_encode(o, &bytes);
    return put_single(t, ORIGIN_KEY, buf_slice(&bytes), err);
}

enum err store_del_header(struct store_txn *t, struct error *err)
{
    MDB_val k = val_of(HEADER_KEY);
    int rc = mdb_del(t->txn, t->store->header, &k, NULL);
    return rc != 0 && rc != MDB_NOTFOUND ? failed(t->store, "delete the header", rc, err) : ERR_OK;
}

enum err store_commit(struct store_txn *t, struct error *err)
{
    int rc = mdb_txn_commit(t->txn);
    struct store *s = t->store;
    free(t);
    if (rc != 0) {
        return failed(s, "commit", rc, err);
    }
    return s->marked ? ERR_OK : write_mark(s, err);
}

void store_abort(struct store_txn *t)
{
    if (t != NULL) {
        mdb_txn_abort(t->txn);
        free(t);
    }
}
