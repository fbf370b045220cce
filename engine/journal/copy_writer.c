#include "engine/journal/copy_writer.h"

#include <inttypes.h>

enum err changelog_bad_entry(int64_t position, struct error *err)
{
    return error_set(err, ERR_CORRUPT, "the changelog's entry at %" PRId64 " does not decode",
                     position);
}

void copy_writer_begin(struct copy_writer *w)
{
    w->gather.next = w->rules.next = 0;
}

void copy_writer_release(struct copy_writer *w)
{
    store_abort(w->txn);
    w->txn = NULL;
    copy_batch_release(&w->batch);
    changelog_header_release(&w->gather);
    changelog_header_release(&w->rules);
}

enum err copy_writer_write(struct copy_writer *w, struct error *err)
{
    struct store_txn *t = w->txn;
    if (t == NULL) {
        return ERR_OK;
    }
    enum err rc = copy_batch_write(&w->batch, t, err);
    if (rc == ERR_OK) {
        rc = w->complete ? store_put_header(t, buf_slice(&w->gather.bytes), err)
                         : store_del_header(t, err);
    }
    if (rc == ERR_OK) {
        rc = store_put_origin(t, &w->origin, err);
    }
    w->txn = NULL;
    w->taken = 0;
    if (rc != ERR_OK) {
        store_abort(t);
        return rc;
    }
    rc = store_commit(t, err);
    fault_point(w->fault, "after-recovery-batch");
    return rc;
}

static uint32_t shard_of(const struct copy_writer *w, const struct record_key *key)
{
    return (uint32_t)(record_key_hash(key).hi % w->n_shards);
}

static enum err apply_value(struct copy_writer *w, uint32_t db, const struct record_key *key,
                            const struct journal_entry *entry)
{
    w->complete = false;
    if (entry->deleted) {
        copy_batch_del(&w->batch, db, key);
    } else {
        copy_batch_put(&w->batch, db, key, entry->value);
    }
    return ERR_OK;
}

static enum err apply_header(struct copy_writer *w, uint32_t part,
                             const struct journal_entry *entry, struct error *err)
{
    if (entry->deleted) {
        return ERR_OK;
    }
    if (!changelog_header_take(&w->gather, part, entry->position, entry->value)) {
        return changelog_bad_entry(entry->position, err);
    }
    w->complete = w->gather.complete && (!w->to_commit || w->gather.seq == w->seq);
    return ERR_OK;
}

static enum err apply_rules(struct copy_writer *w, uint32_t part,
                            const struct journal_entry *entry, struct error *err)
{
    w->complete = false;
    if (entry->deleted) {
        return ERR_OK;
    }
    if (!changelog_header_take(&w->rules, part, entry->position, entry->value)) {
        return changelog_bad_entry(entry->position, err);
    }
    return w->rules.complete ? store_put_rules(w->txn, buf_slice(&w->rules.bytes), err) : ERR_OK;
}

static enum err apply_mark(struct copy_writer *w, const struct journal_entry *entry)
{
    w->complete = false;
    if (changelog_parse_mark(entry->key, &w->origin.mark)) {
        w->origin.mark_from = entry->position;
    }
    return ERR_OK;
}

static enum err apply(struct copy_writer *w, const struct journal_entry *entry, struct error *err)
{
    struct record_key key;
    uint32_t part;
    switch (changelog_parse_key(entry->key, &key, &part)) {
    case CHANGELOG_RECORD: return apply_value(w, shard_of(w, &key), &key, entry);
    case CHANGELOG_PAGE: return apply_value(w, w->n_shards, &key, entry);
    case CHANGELOG_HEADER: return apply_header(w, part, entry, err);
    case CHANGELOG_RULES: return apply_rules(w, part, entry, err);
    case CHANGELOG_MARK: return apply_mark(w, entry);
    case CHANGELOG_UNKNOWN: break;
    }
    return changelog_bad_entry(entry->position, err);
}

/* Half a header, half a rule set is read again. */
static int64_t applied_up_to(const struct copy_writer *w, int64_t position)
{
    int64_t up_to = w->gather.next > 0 ? w->gather.first : position + 1;
    return w->rules.next > 0 && w->rules.first < up_to ? w->rules.first : up_to;
}

enum err copy_writer_take(void *ctx, const struct journal_entry *entry, bool *done,
                          struct error *err)
{
    struct copy_writer *w = ctx;
    if (w->txn == NULL) {
        FYKE_TRY(store_begin(w->store, &w->txn, err));
    }
    FYKE_TRY(apply(w, entry, err));
    w->entries++;
    w->taken += entry->key.len + entry->value.len + sizeof(struct copy_item);
    w->origin.position = applied_up_to(w, entry->position);
    w->origin.torn = !w->complete;
    *done = w->to_commit && w->complete;
    return *done || w->taken > w->batch_bytes ? copy_writer_write(w, err) : ERR_OK;
}

/* ---- old copies --------------------------------------------------------------------------- */

/* A deletion stays in the log for as long as it keeps them, and those that came later stay longer. So a
 * copy misses none iff one of a time that it has already is still there: its mark, a deletion of a key that
 * occurs once. No clock has a say. */
struct mark_search {
    const struct store_origin *origin;
    bool found;
};

static enum err look_at(void *ctx, const struct journal_entry *entry, bool *done, struct error *err)
{
    struct mark_search *s = ctx;
    uint64_t seq;
    (void)err;
    s->found = entry->position < s->origin->position && changelog_parse_mark(entry->key, &seq) &&
               seq == s->origin->mark;
    *done = s->found || entry->position >= s->origin->position;
    return ERR_OK;
}

enum err copy_mark_stands(struct journal *j, uint32_t task, const struct journal_standing *standing,
                          const struct store_origin *o, bool *found, struct error *err)
{
    struct mark_search s = {.origin = o};
    *found = false;
    if (o->mark == 0 || o->mark_from >= standing->end) {
        return ERR_OK;
    }
    int64_t from = o->mark_from < standing->first ? standing->first : o->mark_from;
    enum err rc = j->ops->read(j, task, from, look_at, &s, err);
    *found = s.found;
    return rc;
}
