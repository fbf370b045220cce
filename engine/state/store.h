/* The state directory: one LMDB environment with a sub-database per shard, one for pages, the clocks of
 * values (clock_page.h) and what the rules are (rules_apart.h), numbered as if it were one more shard, and one
 * for the header.
 *
 * A checkpoint is one synced transaction over all of them: after a crash at any instant the
 * directory holds the last checkpoint that was finished, records and header together.
 *
 * LMDB trusts its file. So before it is opened, every page that it can reach is checked
 * (lmdb_check.h), and every value carries a checksum of its own (record_codec.h, header.h).
 *
 * Thread rule: opening and closing are the input thread's. One thread writes at a time: the input
 * thread between two barriers, or the one that writes checkpoints (checkpointer.h). A reader belongs
 * to one thread at a time; it sees the version of its first read until it is reset. */
#ifndef FYKE_ENGINE_STATE_STORE_H
#define FYKE_ENGINE_STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "engine/state/record_codec.h"
#include "engine/state/store_origin.h"

struct store;
struct store_reader;
struct store_txn;

struct store_options {
    const char *dir;
    size_t map_bytes;      /* upper bound of the file, fixed while it is open; 0: 64 GiB */
    uint32_t max_shards;
    bool reset;            /* delete what is there */
};

/* Locks the directory and opens the environment. */
enum err store_open(const struct store_options *o, struct store **ret,
                    struct error *err) FYKE_MUST_USE;
void store_close(struct store *s);
/* Deletes everything that is stored; before the shards are opened or after (they are to be opened
 * again). There must be no readers. */
enum err store_wipe(struct store *s, struct error *err) FYKE_MUST_USE;

/* The header's bytes; *found = false: nothing was ever committed. */
enum err store_header(struct store *s, struct buf *ret, bool *found,
                      struct error *err) FYKE_MUST_USE;
/* Which journal it copies; *found = false: none. The identity lies in `bytes`. */
enum err store_origin_get(struct store *s, struct buf *bytes, struct store_origin *ret, bool *found,
                          struct error *err) FYKE_MUST_USE;
/* What store_put_rules() wrote last; *found = false: nothing. */
enum err store_rules(struct store *s, struct buf *ret, bool *found, struct error *err) FYKE_MUST_USE;
/* Opens (makes) the databases of the shards and, behind them with the number n_shards, that of the
 * pages; before anything else is done with them. */
enum err store_open_shards(struct store *s, uint32_t n_shards, struct error *err) FYKE_MUST_USE;
/* Writes the file anew without what is free in it. Only closing is left afterwards. */
enum err store_compact(struct store *s, struct error *err) FYKE_MUST_USE;
/* Bytes of the file that are in use, and the bound. */
void store_figures(const struct store *s, uint64_t *used_bytes, uint64_t *map_bytes);

/* ---- reading ------------------------------------------------------------------------------ */

struct store_reader *store_reader_new(struct store *s, uint32_t shard);
void store_reader_free(struct store_reader *r);
/* Lets go of the version it reads; the next read sees the newest one. */
void store_reader_reset(struct store_reader *r);
/* *found = false: there is none. The value is valid until the reader is reset. */
enum err store_get(struct store_reader *r, const struct record_key *key, struct slice *ret,
                   bool *found, struct error *err) FYKE_MUST_USE;
/* Every value of the shard in order of key. */
typedef enum err (*store_each_fn)(void *ctx, const struct record_key *key, struct slice value,
                                  struct error *err);
enum err store_each(struct store_reader *r, store_each_fn fn, void *ctx,
                    struct error *err) FYKE_MUST_USE;

/* ---- writing ------------------------------------------------------------------------------ */

/* Errors that freed space can cure are `retriable`. */
enum err store_begin(struct store *s, struct store_txn **ret, struct error *err) FYKE_MUST_USE;
enum err store_put(struct store_txn *t, uint32_t shard, const struct record_key *key,
                   struct slice value, struct error *err) FYKE_MUST_USE;
/* Nothing happens when there is none. */
enum err store_del(struct store_txn *t, uint32_t shard, const struct record_key *key,
                   struct error *err) FYKE_MUST_USE;
/* Many values of one shard in ascending order of their keys; nothing else is written meanwhile. */
struct store_load;
enum err store_load_begin(struct store_txn *t, uint32_t shard, struct store_load **ret,
                          struct error *err) FYKE_MUST_USE;
enum err store_load_put(struct store_load *l, const struct record_key *key, struct slice value,
                        struct error *err) FYKE_MUST_USE;
/* Nothing happens when there is none. */
enum err store_load_del(struct store_load *l, const struct record_key *key, struct error *err) FYKE_MUST_USE;
void store_load_end(struct store_load *l);
enum err store_put_header(struct store_txn *t, struct slice bytes,
                          struct error *err) FYKE_MUST_USE;
enum err store_put_origin(struct store_txn *t, const struct store_origin *o,
                          struct error *err) FYKE_MUST_USE;
/* The rule set of the header (rule_text.h). */
enum err store_put_rules(struct store_txn *t, struct slice bytes, struct error *err) FYKE_MUST_USE;
/* No header fits what is written now. */
enum err store_del_header(struct store_txn *t, struct error *err) FYKE_MUST_USE;
/* Durable when it returns ERR_OK. The transaction is gone either way. */
enum err store_commit(struct store_txn *t, struct error *err) FYKE_MUST_USE;
void store_abort(struct store_txn *t);

#endif
