/* What another engine has gathered for rules that are new becomes part of this state (engine.h, options.warmed).
 *
 * Both states have the same shards, and keys have the same hashes in both. Records of one key are made one: the
 * slots of rules and measures that are new here, with numbers of this state, beside those that stay. */
#ifndef FYKE_ENGINE_STATE_WARMED_H
#define FYKE_ENGINE_STATE_WARMED_H

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct engine;
struct frozen;
struct warmed;

/* `e`: its slots are numbered, its header is still the one that was found. *ret is to be freed, also behind an
 * error. */
enum err warmed_new(struct engine *e, struct warmed **ret, struct error *err) FYKE_MUST_USE;
/* What is to be written for a shard, added to `out`. */
enum err warmed_shard(struct warmed *w, uint32_t shard, struct frozen *out, struct error *err) FYKE_MUST_USE;
void warmed_free(struct warmed *w);

#endif
