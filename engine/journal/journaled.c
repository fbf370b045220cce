#include "engine/journal/journaled.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/journal/rule_text.h"
#include "engine/state/checkpoint.h"

#define DEFAULT_BOUND ((uint64_t)256 << 20)
#define WAIT_MS 100

void journaled_begin(struct engine *e)
{
    struct journaled *j = e->state->journaled;
    j->n_dbs = e->n_shards + 1;
    j->overlays = xcalloc(j->n_dbs, sizeof(struct overlay *));
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        j->overlays[i] = overlay_new();
    }
    j->checkpointer = checkpointer_new(e->state->store, e->options.fault);
    j->last_checkpoint = engine_now(e);
    j->mark_due = true;
}

/* ---- committing --------------------------------------------------------------------------- */

static enum err too_large(const struct journal *j, size_t bytes, struct error *err)
{
    return error_set(err, ERR_LIMIT, "an entry of %zu bytes does not fit into the changelog, whose "
                     "messages take at most %zu", bytes, j->max_value_bytes);
}

enum err journaled_append(struct journaled *j, uint32_t db, const struct frozen *f,
                          struct error *err)
{
    struct journal *to = j->journal;
    for (size_t i = 0; i < f->n; i++) {
        const struct frozen_op *op = &f->ops[i];
        struct changelog_key key = db + 1 < j->n_dbs ? changelog_record_key(&op->key)
                                                     : changelog_page_key(&op->key);
        if (op->len > to->max_value_bytes) {
            return too_large(to, op->len, err);
        }
        struct slice value = op->del ? (struct slice){0}
                                     : slice_from(f->bytes.ptr + op->at, op->len);
        FYKE_TRY(to->ops->append(to, j->task, changelog_key_slice(&key), op->del, value, err));
    }
    return ERR_OK;
}

static enum err append_part(struct journaled *j, struct changelog_key key,
                            const struct changelog_part *part, struct buf *scratch,
                            struct error *err)
{
    struct journal *to = j->journal;
    buf_clear(scratch);
    changelog_encode_part(part, scratch);
    return to->ops->append(to, j->task, changelog_key_slice(&key), false, buf_slice(scratch), err);
}

/* In as many parts as the size of a message asks for. */
static enum err append_parts(struct journaled *j, struct changelog_key (*key)(uint32_t part),
                             uint64_t seq, struct slice bytes, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf scratch = BUF_INIT;
    size_t piece = j->journal->max_value_bytes - CHANGELOG_PART_OVERHEAD;
    size_t parts = (bytes.len + piece - 1) / piece;
    if (parts > CHANGELOG_MAX_PARTS) {
        return too_large(j->journal, bytes.len, err);
    }
    for (size_t i = 0; i < parts; i++) {
        size_t at = i * piece, left = bytes.len - at;
        struct changelog_part part = {
            .seq = seq,
            .parts = (uint32_t)parts,
            .bytes = slice_from(bytes.ptr + at, left < piece ? left : piece),
        };
        FYKE_TRY(append_part(j, key((uint32_t)i), &part, &scratch, err));
    }
    return ERR_OK;
}

/* No header names a rule set whose texts are not there. */
static enum err append_rules(struct engine *e, uint64_t seq, struct error *err)
{
    struct journaled *j = e->state->journaled;
    buf_clear(&j->rules_sent);
    if (e->rule_texts.len == 0 || hash128_eq(j->logged_rules, e->texts_id)) {
        return ERR_OK;
    }
    rule_text_encode(e->fingerprint, e->rule_texts, &j->rules_sent);
    FYKE_TRY(append_parts(j, changelog_rules_key, seq, buf_slice(&j->rules_sent), err));
    j->rules_sent_id = e->texts_id;
    fault_point(e->options.fault, "after-rules");
    return ERR_OK;
}

static void take_rules(struct journaled *j)
{
    if (j->rules_sent.len == 0) {
        return;
    }
    buf_release(&j->rules);
    j->rules = j->rules_sent;
    j->rules_sent = (struct buf)BUF_INIT;
    j->logged_rules = j->rules_sent_id;
}

static enum err append_mark(struct journaled *j, uint64_t seq, struct error *err)
{
    struct changelog_key key = changelog_mark_key(seq);
    return !j->mark_due ? ERR_OK
                        : j->journal->ops->append(j->journal, j->task, changelog_key_slice(&key),
                                                  true, (struct slice){0}, err);
}

enum err journaled_send_header(struct engine *e, const struct header *h, struct journal_task *ret,
                               struct error *err)
{
    struct journaled *j = e->state->journaled;
    uint32_t n = 0;
    j->positions = xrealloc(j->positions, (h->n_partitions + 1) * sizeof(*j->positions));
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        const struct header_partition *p = &h->partitions[i];
        if (p->topic < e->rs->n_topics) { /* the header at start may name topics that are gone */
            j->positions[n++] =
                (struct partition_position){p->topic, p->partition, p->restart, 0, {0}};
        }
    }
    *ret = (struct journal_task){.task = j->task,
                                 .seq = h->seq,
                                 .positions = j->positions,
                                 .n_positions = n,
                                 .behind = j->origin.position};
    buf_clear(&j->sent);
    header_encode(h, &j->sent);
    e->state->told_bytes = j->sent.len;
    fault_point(e->options.fault, "before-header");
    FYKE_TRY(append_mark(j, h->seq, err));
    FYKE_TRY(append_rules(e, h->seq, err));
    return append_parts(j, changelog_header_key, h->seq, buf_slice(&j->sent), err);
}

enum err journaled_send(struct engine *e, const struct frozen *frozen, const struct header *h,
                        struct journal_task *ret, struct error *err)
{
    struct journaled *j = e->state->journaled;
    fault_point(e->options.fault, "before-append");
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        FYKE_TRY(journaled_append(j, i, &frozen[i], err));
        if (i == e->n_shards / 2) {
            fault_point(e->options.fault, "mid-append");
        }
    }
    return journaled_send_header(e, h, ret, err);
}

enum err journaled_commit(struct journal *j, struct fault *fault, struct journal_task *tasks,
                          uint32_t n, struct error *err)
{
    fault_point(fault, "before-journal-commit");
    FYKE_TRY(j->ops->commit(j, tasks, n, err));
    fault_point(fault, "after-journal-commit");
    return ERR_OK;
}

void journaled_take_header(struct engine *e, const struct journal_task *done)
{
    struct journaled *j = e->state->journaled;
    e->commits++;
    e->commit_bytes += j->sent.len;
    if (j->mark_due) {
        j->origin.mark = done->seq;
        j->origin.mark_from = j->origin.position;
        j->mark_due = false;
    }
    j->origin.position = done->position;
    take_rules(j);
    buf_clear(&j->header);
    buf_put_slice(&j->header, buf_slice(&j->sent));
    j->ahead = true;
}

void journaled_take(struct engine *e, struct frozen *frozen, const struct journal_task *done)
{
    struct journaled *j = e->state->journaled;
    journaled_take_header(e, done);
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        e->commit_bytes += frozen[i].bytes.len;
        overlay_add(j->overlays[i], &frozen[i]);
    }
    fault_point(e->options.fault, "after-overlay");
}

/* ---- checkpoints -------------------------------------------------------------------------- */

static uint64_t overlaid_bytes(const struct journaled *j)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        n += overlay_bytes(j->overlays[i]);
    }
    return n;
}

static uint64_t bound_of(const struct engine *e)
{
    const struct engine_options *o = &e->options;
    if (o->overlay_bytes != 0) {
        return o->overlay_bytes;
    }
    return o->memory_bytes != 0 ? o->memory_bytes / 2 : DEFAULT_BOUND;
}

static void freeze_rules(struct engine *e)
{
    struct journaled *j = e->state->journaled;
    buf_release(&j->rules_written);
    j->rules_written = j->rules;
    j->rules = (struct buf)BUF_INIT;
    if (j->rules_written.len > 0) {
        e->state->stored_rules = j->logged_rules;
    }
}

static struct checkpoint_job freeze_job(struct engine *e)
{
    struct journaled *j = e->state->journaled;
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        overlay_freeze(j->overlays[i]);
    }
    buf_clear(&j->header_written);
    buf_put_slice(&j->header_written, buf_slice(&j->header));
    freeze_rules(e);
    j->ahead = false;
    j->mark_due = true;
    return (struct checkpoint_job){
        .overlays = j->overlays,
        .n_dbs = j->n_dbs,
        .header = buf_slice(&j->header_written),
        .origin = j->origin,
        .rules = buf_slice(&j->rules_written),
    };
}

/* Readers must see the new version before what it replaces is gone. */
static void drop_written(struct engine *e)
{
    struct journaled *j = e->state->journaled;
    for (uint32_t i = 0; i < e->n_shards; i++) {
        keyspace_release_version(e->shards[i].keyspace);
    }
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        overlay_drop(j->overlays[i]);
    }
    e->checkpoints++;
    if (j->said_blocked) {
        engine_say(e, "the state is written again");
        j->said_blocked = false;
    }
}

static enum err take_note(struct engine *e, unsigned wait_ms, enum checkpoint_state *ret,
                          struct error *err)
{
    struct journaled *j = e->state->journaled;
    struct error why = ERROR_INIT;
    *ret = checkpointer_poll(j->checkpointer, wait_ms, &why);
    if (*ret == CHECKPOINT_DONE) {
        drop_written(e);
        *ret = CHECKPOINT_IDLE;
    } else if (*ret == CHECKPOINT_BLOCKED && !j->said_blocked) {
        engine_say(e, "%s; what is committed waits in memory, and reading will stop when it takes "
                   "half of --memory", why.text);
        j->said_blocked = true;
    } else if (*ret == CHECKPOINT_FAILED) {
        j->failed = true;
        *err = why;
        return why.code;
    }
    return ERR_OK;
}

static bool checkpoint_due(const struct engine *e)
{
    const struct journaled *j = e->state->journaled;
    return j->ahead &&
           (j->hurry == HURRY_WANTED || engine_now(e).ns - j->last_checkpoint.ns >= e->options.checkpoint_every.ns ||
            overlaid_bytes(j) > bound_of(e) / 2);
}

static enum err tick(struct engine *e, unsigned wait_ms, struct error *err)
{
    struct journaled *j = e->state->journaled;
    enum checkpoint_state state;
    FYKE_TRY(take_note(e, wait_ms, &state, err));
    if (state == CHECKPOINT_IDLE && (j->hurry == HURRY_WRITING || !j->ahead)) {
        j->hurry = HURRY_NOT;
    }
    if (state == CHECKPOINT_IDLE && checkpoint_due(e)) {
        struct checkpoint_job job = freeze_job(e);
        checkpointer_begin(j->checkpointer, &job);
        j->last_checkpoint = engine_now(e);
        j->hurry = j->hurry == HURRY_WANTED ? HURRY_WRITING : HURRY_NOT;
    }
    return ERR_OK;
}

enum err journaled_tick(struct engine *e, struct error *err)
{
    return tick(e, 0, err);
}

/* No transaction is open here, so nothing times out while it waits. */
enum err journaled_settle(struct engine *e, struct error *err)
{
    struct journaled *j = e->state->journaled;
    FYKE_TRY(tick(e, 0, err));
    while (overlaid_bytes(j) > bound_of(e) && (e->stop == NULL || *e->stop == 0)) {
        FYKE_TRY(tick(e, WAIT_MS, err));
        j->journal->ops->presses(j->journal);
        if (e->options.beat != NULL) {
            e->options.beat(e->options.beat_ctx, ENGINE_WAITING);
        }
    }
    return ERR_OK;
}

/* ---- closing ------------------------------------------------------------------------------ */

static enum err write_now(struct engine *e, const struct checkpoint_job *job, struct error *err)
{
    FYKE_TRY(checkpoint_write(e->state->store, job, e->options.fault, err));
    for (uint32_t i = 0; i < job->n_dbs; i++) {
        overlay_drop(job->overlays[i]);
    }
    return ERR_OK;
}

static enum err write_rest(struct engine *e, bool pending, const struct store_origin *was,
                           struct error *err)
{
    struct journaled *j = e->state->journaled;
    if (pending) {
        struct checkpoint_job job = {j->overlays, j->n_dbs, buf_slice(&j->header_written), *was,
                                     buf_slice(&j->rules_written)};
        FYKE_TRY(write_now(e, &job, err));
    }
    if (j->ahead) {
        struct checkpoint_job job = freeze_job(e);
        FYKE_TRY(write_now(e, &job, err));
    }
    return ERR_OK;
}

static bool finish_checkpoints(struct engine *e)
{
    struct journaled *j = e->state->journaled;
    struct error err = ERROR_INIT;
    struct store_origin was = {0};
    bool pending = checkpointer_end(j->checkpointer, &was);
    j->checkpointer = NULL;
    for (uint32_t i = 0; !pending && i < j->n_dbs; i++) {
        overlay_drop(j->overlays[i]);
    }
    if (!j->failed && write_rest(e, pending, &was, &err) != ERR_OK) {
        engine_say(e, "%s; the next start will read on from the changelog", err.text);
        j->failed = true;
    }
    return !j->failed;
}

static void release(struct engine *e)
{
    struct journaled *j = e->state->journaled;
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        overlay_free(j->overlays[i]);
    }
    free(j->overlays);
    buf_release(&j->identity);
    buf_release(&j->header);
    buf_release(&j->header_written);
    buf_release(&j->rules_sent);
    buf_release(&j->rules);
    buf_release(&j->rules_written);
    buf_release(&j->sent);
    free(j->positions);
    free(j);
    e->state->journaled = NULL;
}

bool journaled_keep(struct engine *e, struct engine_kept *k)
{
    struct journaled *j = e->state->journaled;
    if (!finish_checkpoints(e)) {
        return false;
    }
    buf_put_slice(&k->identity, buf_slice(&j->identity));
    k->origin = j->origin;
    k->origin.identity = buf_slice(&k->identity);
    release(e);
    return true;
}

void journaled_close(struct engine *e, bool abandon)
{
    struct journaled *j = e->state->journaled;
    if (j == NULL) {
        return;
    }
    if (j->checkpointer != NULL && !abandon) {
        finish_checkpoints(e);
    }
    if (j->checkpointer != NULL) {
        checkpointer_end(j->checkpointer, NULL);
    }
    release(e);
}
