/* Entries of a changelog on their way into the database. They are written in order of their keys, of each key
 * the last one alone: in a log keys come in any order, and every page of the database that one of them falls
 * into is written anew, once per batch. */
#ifndef FYKE_ENGINE_JOURNAL_COPY_BATCH_H
#define FYKE_ENGINE_JOURNAL_COPY_BATCH_H

#include "base/buf.h"
#include "engine/state/store.h"

struct copy_item {
    uint64_t first; /* bytes of the key, as a number */
    uint64_t at;    /* key and value, in `bytes`; later ones stand behind */
    uint32_t len;   /* of the value */
    uint32_t db : 31, deleted : 1;
};

struct copy_batch {
    struct buf bytes;
    struct copy_item *items;
    size_t n, cap;
};

void copy_batch_release(struct copy_batch *b);
void copy_batch_put(struct copy_batch *b, uint32_t db, const struct record_key *key, struct slice value);
void copy_batch_del(struct copy_batch *b, uint32_t db, const struct record_key *key);
/* Nothing is left in it afterwards. */
enum err copy_batch_write(struct copy_batch *b, struct store_txn *t, struct error *err) FYKE_MUST_USE;

#endif
