#include "engine/journal/follower.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "engine/journal/copy_writer.h"

#define MAX_SHARDS 4096
/* Beside the tasks that are evaluated, whose memory it must not take. */
#define BATCH_BYTES ((size_t)16 << 20)
/* What was not read for so long is judged anew (processing time; a log keeps deletions for a day). */
#define UNSURE_NS (3600 * NS_PER_S)

struct follower {
    struct follower_options options;
    struct journal_standing standing;
    struct buf identity; /* owned */
    struct copy_writer writer;
    struct ptime read_at; /* last */
};

static struct ptime now(const struct follower *f)
{
    return f->options.engine->clock.now(f->options.engine->clock.ctx);
}

/* ---- what is there ------------------------------------------------------------------------ */

static enum err not_a_copy(const struct follower *f, struct error *err)
{
    return error_set(err, ERR_STATE, "state %s is no copy of a changelog: it is not kept warm",
                     f->options.engine->state_dir);
}

static enum err is_of_use(const struct follower *f, const struct store_origin *o, bool *ret,
                          struct error *err)
{
    const struct journal_standing *s = &f->standing;
    *ret = slice_eq(o->identity, s->identity) && o->position >= s->first && o->position <= s->end;
    return !*ret || o->position == s->end
               ? ERR_OK
               : copy_mark_stands(f->options.reader, f->options.task, s, o, ret, err);
}

static enum err begin_anew(struct follower *f, struct error *err)
{
    f->writer.origin = (struct store_origin){.identity = buf_slice(&f->identity),
                                             .position = JOURNAL_BEGIN};
    return store_wipe(f->writer.store, err);
}

static enum err judge(struct follower *f, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct store *store = f->writer.store;
    struct store_origin o = {0};
    bool copy, found, fits;
    enum err rc = store_origin_get(store, &bytes, &o, &copy, err);
    if (rc == ERR_CORRUPT) {
        return begin_anew(f, err);
    }
    FYKE_TRY(rc);
    if (!copy) {
        FYKE_TRY(store_header(store, &bytes, &found, err));
        return found ? not_a_copy(f, err) : begin_anew(f, err);
    }
    if (o.identity.len == 0) {
        return not_a_copy(f, err);
    }
    FYKE_TRY(is_of_use(f, &o, &fits, err));
    if (!fits) {
        return begin_anew(f, err);
    }
    f->writer.origin = o;
    return ERR_OK;
}

static enum err open_store(struct follower *f, struct error *err)
{
    struct store_options o = {.dir = f->options.engine->state_dir,
                              .map_bytes = f->options.engine->state_map_bytes,
                              .max_shards = MAX_SHARDS};
    enum err rc = store_open(&o, &f->writer.store, err);
    if (rc == ERR_CORRUPT) {
        o.reset = true;
        rc = store_open(&o, &f->writer.store, err);
    }
    return rc;
}

static enum err open_copy(struct follower *f, struct error *err)
{
    struct journal *j = f->options.reader;
    FYKE_TRY(j->ops->standing(j, f->options.task, &f->standing, err));
    buf_put_slice(&f->identity, f->standing.identity);
    FYKE_TRY(open_store(f, err));
    FYKE_TRY(judge(f, err));
    f->writer.origin.identity = buf_slice(&f->identity);
    return store_open_shards(f->writer.store, f->writer.n_shards, err);
}

static size_t batch_bytes(const struct engine_options *o)
{
    return o->recovery_batch_bytes != 0 ? o->recovery_batch_bytes : BATCH_BYTES;
}

enum err follower_open(const struct follower_options *o, struct follower **ret, struct error *err)
{
    struct follower *f = xcalloc(1, sizeof(*f));
    f->options = *o;
    f->writer = (struct copy_writer){.n_shards = o->n_shards,
                                     .batch_bytes = batch_bytes(o->engine),
                                     .fault = o->engine->fault};
    enum err rc = open_copy(f, err);
    if (rc != ERR_OK) {
        follower_close(f);
        return rc;
    }
    f->read_at = now(f);
    *ret = f;
    return ERR_OK;
}

/* ---- following ---------------------------------------------------------------------------- */

/* The log may have forgotten deletions since. */
static enum err look_again(struct follower *f, struct error *err)
{
    struct journal *j = f->options.reader;
    bool fits;
    buf_clear(&f->identity);
    FYKE_TRY(j->ops->standing(j, f->options.task, &f->standing, err));
    buf_put_slice(&f->identity, f->standing.identity);
    f->writer.origin.identity = buf_slice(&f->identity);
    FYKE_TRY(is_of_use(f, &f->writer.origin, &fits, err));
    if (fits || f->writer.origin.position == JOURNAL_BEGIN) {
        return ERR_OK;
    }
    FYKE_TRY(begin_anew(f, err));
    return store_open_shards(f->writer.store, f->writer.n_shards, err);
}

/* What was read stays, also when reading ended with an error. */
enum err follower_step(struct follower *f, uint64_t *ret_entries, struct error *err)
{
    struct copy_writer *w = &f->writer;
    struct journal *j = f->options.reader;
    struct error writing = ERROR_INIT;
    uint64_t before = w->entries;
    if (now(f).ns - f->read_at.ns >= UNSURE_NS) {
        FYKE_TRY(look_again(f, err));
    }
    copy_writer_begin(w);
    enum err rc = j->ops->read(j, f->options.task, w->origin.position, copy_writer_take, w, err);
    *ret_entries = w->entries - before;
    enum err written = copy_writer_write(w, &writing);
    if (rc == ERR_OK && written != ERR_OK) {
        *err = writing;
        return written;
    }
    f->read_at = rc == ERR_OK ? now(f) : f->read_at;
    return rc;
}

void follower_close(struct follower *f)
{
    if (f == NULL) {
        return;
    }
    copy_writer_release(&f->writer);
    if (f->writer.store != NULL) {
        store_close(f->writer.store);
    }
    buf_release(&f->identity);
    free(f);
}
