/* What committed transactions wrote and the database of one shard does not hold yet.
 *
 *   memory → overlay (active, then the one being written) → LMDB
 *
 * A commit adds the very bytes that went to the journal. A checkpoint takes what is there: the active
 * generation becomes the one being written, and is dropped when the database holds it. So the
 * database only ever gets bytes that are committed, and nothing in between is lost to a reader.
 *
 * Thread rule: overlay_add, _freeze and _drop are the input thread's, between two barriers. Between
 * them the shard's thread and the one that writes checkpoints read side by side. */
#ifndef FYKE_ENGINE_JOURNAL_OVERLAY_H
#define FYKE_ENGINE_JOURNAL_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "engine/state/record_codec.h"

struct overlay;
struct frozen; /* keyspace.h */

struct overlay *overlay_new(void);
void overlay_free(struct overlay *o);

/* Takes operations and bytes; `f` is empty afterwards. */
void overlay_add(struct overlay *o, struct frozen *f);

enum overlay_found { OVERLAY_NONE, OVERLAY_PUT, OVERLAY_DELETED };
/* *ret is valid until the next overlay_drop(). */
enum overlay_found overlay_get(const struct overlay *o, const struct record_key *key,
                               struct slice *ret);

/* Memory of both generations, superseded bytes included. */
uint64_t overlay_bytes(const struct overlay *o);
/* Something that is not being written yet. */
bool overlay_has_active(const struct overlay *o);

/* The active generation is the one to write from now on; there must be none. */
void overlay_freeze(struct overlay *o);
/* The database holds what was being written. */
void overlay_drop(struct overlay *o);

/* `deleted`: value is empty. */
typedef enum err (*overlay_each_fn)(void *ctx, const struct record_key *key, bool deleted,
                                    struct slice value, struct error *err);
/* What is being written, in order of key. */
enum err overlay_each_frozen(const struct overlay *o, overlay_each_fn fn, void *ctx,
                             struct error *err) FYKE_MUST_USE;
/* Everything as a reader sees it, in no order. */
enum err overlay_each(const struct overlay *o, overlay_each_fn fn, void *ctx,
                      struct error *err) FYKE_MUST_USE;

#endif
