#include "lib/state_file.h"

#include <stdio.h>
#include <unistd.h>

#include "engine/state/rules_apart.h"

#define MAX_SHARDS 4096

static enum err open_store(const char *dir, struct store **ret, struct error *err)
{
    struct store_options o = {.dir = dir, .max_shards = MAX_SHARDS};
    return store_open(&o, ret, err);
}

static enum err must_exist(const char *dir, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/data.mdb", dir);
    return access(buf_cstr(&path), R_OK) == 0
               ? ERR_OK
               : error_set(err, ERR_USAGE, "%s holds no state", dir);
}

static enum err take_header(struct state_file *s, const char *dir, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf what = BUF_INIT;
    bool found;
    FYKE_TRY(store_origin_get(s->store, &s->origin_bytes, &s->origin, &s->is_copy, err));
    if (s->is_copy && s->origin.torn) {
        return error_set(err, ERR_STATE, "state %s: its recovery was cut short; the next run "
                         "finishes it", dir);
    }
    FYKE_TRY(store_header(s->store, &bytes, &found, err));
    if (!found) {
        return error_set(err, ERR_USAGE, "%s holds no state", dir);
    }
    buf_printf(&what, "state %s", dir);
    FYKE_TRY(header_open(buf_slice(&bytes), buf_cstr(&what), "restore it from a copy", &s->header, err));
    FYKE_TRY(store_open_shards(s->store, s->header.n_shards, err));
    return rules_apart_read(s->store, &s->header, err);
}

enum err state_file_open(const char *dir, struct state_file *ret, struct error *err)
{
    *ret = (struct state_file){0};
    FYKE_TRY(must_exist(dir, err));
    enum err rc = open_store(dir, &ret->store, err);
    if (rc == ERR_OK) {
        rc = take_header(ret, dir, err);
    }
    if (rc != ERR_OK) {
        state_file_close(ret);
    }
    return rc;
}

void state_file_close(struct state_file *s)
{
    store_close(s->store);
    header_release(&s->header);
    buf_release(&s->origin_bytes);
    *s = (struct state_file){0};
}

enum err state_file_scan(struct state_file *s, state_head_fn fn, void *ctx,
                         struct state_figures *ret, struct error *err)
{
    return state_scan(s->store, &s->header, fn, ctx, ret, err);
}

enum err state_file_compact(struct state_file *s, struct error *err)
{
    return store_compact(s->store, err);
}
