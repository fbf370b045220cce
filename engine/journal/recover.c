/* Opening with a journal. The database is of use as far as it is a copy of this log and the log still
 * holds what came after it; the rest is read from the log. What is found afterwards is the state as of
 * the last commit, K, whichever way it came: the log alone, an old copy, or a copy that is whole.
 *
 * A crash in the middle is safe (copy_writer.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/journal/copy_writer.h"
#include "engine/journal/recover_parts.h"
#include "engine/state/checkpoint.h"

/* The last header is the last thing that was committed: nearly always this close to the end. */
#define TAIL_ENTRIES 1000

static void recovery_release(struct recovery *r)
{
    changelog_header_release(&r->gather);
    buf_release(&r->header);
}

/* ---- what is committed -------------------------------------------------------------------- */

/* The header of the commit that the positions are of should be the last one. What the log holds behind it
 * is not committed, and may be held back for as long as somebody's transaction stays open. Unless the
 * positions are old ones of ours: then there are later headers, which are committed. */
static enum err note_header(void *ctx, const struct journal_entry *entry, bool *done,
                            struct error *err)
{
    struct recovery *r = ctx;
    struct record_key record;
    uint32_t part;
    if (entry->deleted ||
        changelog_parse_key(entry->key, &record, &part) != CHANGELOG_HEADER) {
        return ERR_OK;
    }
    if (!changelog_header_take(&r->gather, part, entry->position, entry->value)) {
        return changelog_bad_entry(entry->position, err);
    }
    if (r->gather.complete) {
        r->found = true;
        r->seq = r->gather.seq;
        r->header_at = r->gather.first;
        buf_clear(&r->header);
        buf_put_slice(&r->header, buf_slice(&r->gather.bytes));
        r->header_end = entry->position + 1;
        *done = !r->behind && r->standing.found && r->seq == r->standing.seq;
    }
    return ERR_OK;
}

static enum err look_for_header(struct recovery *r, int64_t from, struct error *err)
{
    r->gather.next = 0;
    return r->journal->ops->read(r->journal, recovery_task(r), from, note_header, r, err);
}

static enum err look_behind(struct recovery *r, struct error *err)
{
    if (!r->found || !r->standing.found || r->seq != r->standing.seq ||
        r->header_end >= r->standing.end) {
        return ERR_OK;
    }
    r->gather.next = 0;
    r->behind = true;
    return r->journal->ops->read_decided(r->journal, recovery_task(r), r->header_end, note_header, r,
                                         err);
}

static enum err find_header(struct recovery *r, struct error *err)
{
    const struct journal_standing *s = &r->standing;
    r->found = r->behind = false;
    if (s->end - s->first > TAIL_ENTRIES) {
        FYKE_TRY(look_for_header(r, s->end - TAIL_ENTRIES, err));
    }
    FYKE_TRY(r->found ? ERR_OK : look_for_header(r, JOURNAL_BEGIN, err));
    return look_behind(r, err);
}

/* Positions expire when nobody reads for days; the header does not. */
static enum err check_standing(const struct recovery *r, struct error *err)
{
    const struct journal_standing *s = &r->standing;
    if (!s->found || (r->found && r->seq == s->seq)) {
        return ERR_OK;
    }
    if (!r->found) {
        return error_set(err, ERR_STATE, "the positions are those of commit %" PRIu64 ", but the "
                         "changelog holds no header (entries %" PRId64 " to %" PRId64 "): it was "
                         "deleted or made anew; restore it, start anew with --reset-state, or make "
                         "the state anew out of the input with --rebuild-from-input",
                         s->seq, s->first, s->end);
    }
    return error_set(err, ERR_STATE, "the positions are those of commit %" PRIu64 ", but the "
                     "changelog's last header is that of commit %" PRIu64 "; restore what was "
                     "changed, start anew with --reset-state, or make the state anew out of the "
                     "input with --rebuild-from-input", s->seq, r->seq);
}

static enum err stand(struct recovery *r, struct error *err)
{
    const struct journal_ops *ops = r->journal->ops;
    FYKE_TRY(ops->standing(r->journal, recovery_task(r), &r->standing, err));
    FYKE_TRY(find_header(r, err));
    if (r->standing.found && r->found && r->seq > r->standing.seq) {
        /* Committed since they were asked for? */
        FYKE_TRY(ops->standing(r->journal, recovery_task(r), &r->standing, err));
        FYKE_TRY(find_header(r, err));
    }
    return check_standing(r, err);
}

/* ---- reading on --------------------------------------------------------------------------- */

static enum err read_to_commit(struct recovery *r, struct copy_writer *w, struct error *err)
{
    copy_writer_begin(w);
    FYKE_TRY(r->journal->ops->read(r->journal, recovery_task(r), w->origin.position, copy_writer_take, w,
                                   err));
    if (!w->complete) {
        return error_set(err, ERR_STATE, "the changelog ended in front of commit %" PRIu64, r->seq);
    }
    r->origin = w->origin;
    r->e->restored += w->entries;
    engine_say(r->e, "state %s: %" PRIu64 " entries restored from the changelog",
               r->e->options.state_dir, w->entries);
    return ERR_OK;
}

/* Each batch writes about as much anew as there is by then, so the fewer the better. The keys, whose memory
 * it is, come when all is read. */
static size_t batch_bytes(const struct engine_options *o)
{
    return o->recovery_batch_bytes != 0 ? o->recovery_batch_bytes : o->memory_bytes / 2;
}

static enum err read_from_origin(struct recovery *r, struct error *err)
{
    struct copy_writer w = {.store = r->e->state->store,
                            .n_shards = r->e->n_shards,
                            .batch_bytes = batch_bytes(&r->e->options),
                            .fault = r->e->options.fault,
                            .to_commit = true,
                            .seq = r->seq,
                            .origin = r->origin};
    enum err rc = read_to_commit(r, &w, err);
    copy_writer_release(&w);
    return rc;
}

/* What the log forgot while it was read may be what the copy needed. */
static enum err read_on(struct recovery *r, struct error *err)
{
    const struct store_origin copy = r->origin;
    bool found = true;
    FYKE_TRY(read_from_origin(r, err));
    if (copy.position != JOURNAL_BEGIN) {
        FYKE_TRY(copy_mark_stands(r->journal, recovery_task(r), &r->standing, &copy, &found, err));
    }
    if (found) {
        return ERR_OK;
    }
    FYKE_TRY(recover_wipe(r, "the changelog forgot deletions while it was read", err));
    FYKE_TRY(store_open_shards(r->e->state->store, r->e->n_shards, err));
    return read_from_origin(r, err);
}

/* The number of shards says where a record lies. */
static enum err take_shards(struct recovery *r, struct error *err)
{
    struct header h;
    if (!r->found) {
        return ERR_OK;
    }
    FYKE_TRY(header_open(buf_slice(&r->header), "the changelog", "start anew with --reset-state", &h,
                         err));
    enum err rc = state_check_header(r->e, &h, err);
    r->e->n_shards = h.n_shards;
    header_release(&h);
    return rc;
}

static enum err bring_to_last_commit(struct recovery *r, struct error *err)
{
    struct engine *e = r->e;
    struct journaled *j = e->state->journaled;
    bool whole;
    FYKE_TRY(take_shards(r, err));
    FYKE_TRY(recover_judge_copy(r, &whole, err));
    if (j->begins_log) {
        FYKE_TRY(state_take_header(e, err)); /* says how many shards there are */
    }
    FYKE_TRY(store_open_shards(e->state->store, e->n_shards, err));
    if (r->found && !whole) {
        FYKE_TRY(read_on(r, err));
    }
    buf_clear(&j->identity);
    buf_put_slice(&j->identity, r->standing.identity);
    j->origin = r->origin;
    j->origin.identity = buf_slice(&j->identity);
    if (r->found) {
        return state_take_header(e, err);
    }
    if (e->state->seq < r->standing.seq) { /* an imported state has a number of its own */
        e->state->seq = r->standing.seq;
    }
    return ERR_OK;
}

/* ---- opening ------------------------------------------------------------------------------ */

static struct recovery recovery_of(struct engine *e)
{
    return (struct recovery){.e = e, .journal = e->options.journal, .header_at = JOURNAL_BEGIN};
}

/* Of several tasks none owns the journal. */
static enum err open_journal(struct recovery *r, bool reset, struct error *err)
{
    return r->e->options.in_group ? ERR_OK : r->journal->ops->open(r->journal, reset, err);
}

/* A damaged database can go when the log has everything that it had. */
static enum err open_damaged(struct recovery *r, struct store_options *o, struct error *err)
{
    struct error damage = *err;
    FYKE_TRY(open_journal(r, false, err));
    FYKE_TRY(stand(r, err));
    if (!r->found) {
        *err = damage;
        return damage.code;
    }
    engine_say(r->e, "%s", damage.text);
    engine_say(r->e, "state %s is not used: it is damaged; it is restored from the changelog",
               o->dir);
    o->reset = true;
    return store_open(o, &r->e->state->store, err);
}

static enum err open_both(struct recovery *r, struct error *err)
{
    struct engine *e = r->e;
    struct store_options o = state_store_options(e);
    enum err rc = store_open(&o, &e->state->store, err);
    if (rc == ERR_CORRUPT) {
        FYKE_TRY(open_damaged(r, &o, err));
    } else {
        FYKE_TRY(rc);
        FYKE_TRY(open_journal(r, e->options.reset_state, err));
        FYKE_TRY(stand(r, err));
    }
    return bring_to_last_commit(r, err);
}

enum err recover_open(struct engine *e, struct error *err)
{
    struct recovery r = recovery_of(e);
    e->state->journaled = xcalloc(1, sizeof(*e->state->journaled));
    e->state->journaled->journal = e->options.journal;
    e->state->journaled->task = e->options.task;
    enum err rc = open_both(&r, err);
    recovery_release(&r);
    if (rc == ERR_OK) {
        journaled_begin(e);
    }
    return rc;
}

void recover_kept(struct engine *e, const struct engine_kept *k)
{
    struct journaled *j = xcalloc(1, sizeof(*j));
    e->state->journaled = j;
    j->journal = e->options.journal;
    j->task = e->options.task;
    buf_put_slice(&j->identity, buf_slice(&k->identity));
    j->origin = k->origin;
    j->origin.identity = buf_slice(&j->identity);
    journaled_begin(e);
}

enum err recover_anew(struct engine *e, struct error *err)
{
    struct recovery r = recovery_of(e);
    engine_say(e, "%s", err->text);
    state_drop_kept_keys(e->state);
    enum err rc = recover_wipe(&r, "it is damaged", err);
    if (rc == ERR_OK) {
        rc = stand(&r, err);
    }
    if (rc == ERR_OK) {
        rc = bring_to_last_commit(&r, err);
    }
    if (rc == ERR_OK) {
        rc = state_take_rules_apart(e, err);
    }
    recovery_release(&r);
    return rc;
}
