/* Is the local database of use? It is as far as it is a copy of this log and the log still holds what
 * came after it. */
#include <inttypes.h>
#include <stdio.h>

#include "engine/journal/copy_writer.h"
#include "engine/journal/recover_parts.h"
#include "engine/state/checkpoint.h"

static enum err judge_age(const struct recovery *r, const struct store_origin *o, char *why,
                          size_t size, struct error *err)
{
    bool found;
    FYKE_TRY(copy_mark_stands(r->journal, recovery_task(r), &r->standing, o, &found, err));
    if (!found) {
        snprintf(why, size, "it is so old that the changelog may have forgotten deletions since");
    }
    return ERR_OK;
}

/* Of the database; *ret false: there is none that can be read. One of another version says more than this
 * one can judge. */
static enum err read_header(const struct recovery *r, struct buf *bytes, struct header *h, bool *ret,
                            struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf what = BUF_INIT;
    const char *damage;
    buf_printf(&what, "state %s", r->e->options.state_dir);
    FYKE_TRY(store_header(r->e->state->store, bytes, ret, err));
    if (*ret) {
        FYKE_TRY(header_check_format(buf_slice(bytes), buf_cstr(&what), err));
        *ret = header_decode(buf_slice(bytes), h, &damage);
    }
    return ERR_OK;
}

/* A whole copy holds a header; `why` stays empty when it is of use. */
static enum err judge_header(const struct recovery *r, const struct store_origin *o, char *why,
                             size_t size, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct header h;
    bool found;
    FYKE_TRY(read_header(r, &bytes, &h, &found, err));
    if (!found) {
        snprintf(why, size, "its header does not decode");
        return ERR_OK;
    }
    uint64_t seq = h.seq;
    header_release(&h);
    if (seq > r->seq) {
        return error_set(err, ERR_STATE, "state %s holds commit %" PRIu64 ", the journal's last is "
                         "%" PRIu64 ": the journal has lost commits; restore it, start anew with "
                         "--reset-state, or make the state anew out of the input with "
                         "--rebuild-from-input",
                         r->e->options.state_dir, seq, r->seq);
    }
    if (seq == r->seq && !slice_eq(buf_slice(&bytes), buf_slice(&r->header))) {
        snprintf(why, size, "its commit %" PRIu64 " is not the changelog's", seq);
    } else if (seq < r->seq && o->position > r->header_at) {
        snprintf(why, size, "it claims to know position %" PRId64 ", where commit %" PRIu64
                 " ends later", o->position, r->seq);
    }
    return ERR_OK;
}

static enum err judge_copy(const struct recovery *r, const struct store_origin *o, char *why,
                           size_t size, struct error *err)
{
    const struct journal_standing *s = &r->standing;
    if (!slice_eq(o->identity, s->identity)) {
        snprintf(why, size, "it is a copy of another changelog");
        return ERR_OK;
    }
    if (o->position < s->first || o->position > s->end) {
        snprintf(why, size, "it stands at position %" PRId64 ", the changelog holds %" PRId64
                 " to %" PRId64, o->position, s->first, s->end);
        return ERR_OK;
    }
    if (!o->torn) {
        FYKE_TRY(judge_header(r, o, why, size, err));
    } else if (o->position > r->header_at) {
        snprintf(why, size, "a recovery of it was cut short");
    }
    bool behind = o->torn || o->position <= r->header_at;
    return why[0] == '\0' && behind ? judge_age(r, o, why, size, err) : ERR_OK;
}

/* What was written without a journal is the only one of its kind: never deleted here. */
static enum err judge_foreign(const struct recovery *r, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    bool found;
    FYKE_TRY(store_header(r->e->state->store, &bytes, &found, err));
    return !found ? ERR_OK
                  : error_set(err, ERR_STATE, "state %s was written without a changelog, not "
                              "exactly once; use another directory or start anew with "
                              "--reset-state", r->e->options.state_dir);
}

/* An imported state begins the log; where there is one already it has no place. */
static enum err judge_imported(const struct recovery *r, struct error *err)
{
    if (r->found) {
        return error_set(err, ERR_STATE, "state %s was imported, but application \"%s\" stands at "
                         "commit %" PRIu64 " already; import it for another one (--app), or start "
                         "anew with --reset-state and import it then", r->e->options.state_dir,
                         r->e->options.app, r->seq);
    }
    r->e->state->journaled->begins_log = true;
    return ERR_OK;
}

static enum err nothing_committed(const struct recovery *r, const struct store_origin *o,
                                  struct error *err)
{
    if (o->torn) {
        return ERR_OK;
    }
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct header h;
    bool found;
    FYKE_TRY(read_header(r, &bytes, &h, &found, err));
    if (!found) {
        return ERR_OK;
    }
    uint64_t seq = h.seq;
    header_release(&h);
    return error_set(err, ERR_STATE, "state %s holds commit %" PRIu64 ", the journal has none: it "
                     "has lost commits; restore it or start anew with --reset-state",
                     r->e->options.state_dir, seq);
}

enum err recover_wipe(struct recovery *r, const char *why, struct error *err)
{
    engine_say(r->e, "state %s is not used: %s; it is restored from the changelog",
               r->e->options.state_dir, why);
    r->origin = (struct store_origin){.identity = r->standing.identity, .position = JOURNAL_BEGIN};
    return store_wipe(r->e->state->store, err);
}

/* *ret_whole: it stands at K. r->origin: where to read on. */
enum err recover_judge_copy(struct recovery *r, bool *ret_whole, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct store *store = r->e->state->store;
    struct store_origin o = {0};
    char why[256] = "";
    bool copy;
    *ret_whole = false;
    r->origin = (struct store_origin){.identity = r->standing.identity, .position = JOURNAL_BEGIN};
    enum err rc = store_origin_get(store, &bytes, &o, &copy, err);
    if (rc == ERR_OK && !copy) {
        return judge_foreign(r, err);
    }
    if (rc == ERR_OK && o.identity.len == 0) {
        return judge_imported(r, err);
    }
    /* A log without a commit: then what the copy says is all that is known, whichever log it is of. */
    if (!r->found) {
        FYKE_TRY(rc);
        FYKE_TRY(nothing_committed(r, &o, err));
        return recover_wipe(r, "nothing is committed", err);
    }
    rc = rc == ERR_OK ? judge_copy(r, &o, why, sizeof(why), err) : rc;
    if (rc != ERR_OK && rc != ERR_CORRUPT) {
        return rc;
    }
    if (rc == ERR_CORRUPT || why[0] != '\0') {
        return recover_wipe(r, rc == ERR_CORRUPT ? "it is damaged" : why, err);
    }
    o.identity = r->standing.identity;
    r->origin = o;
    *ret_whole = !o.torn && o.position > r->header_at;
    return ERR_OK;
}
