/* Stored form of the clocks of `watermark per` (docs/state.md): pages of a partition's table, each in as
 * many parts as keep it small. Where keys of records lie in shards, these lie in a database of their own.
 *
 * Database key: hash of topic and partition (16) · number of the page (4) · number of the part (4).
 * What the pages of a partition must be is told by its header: how many values there are, and the sum of
 * the parts' checksums. Pure: bytes in, bytes out. */
#ifndef FYKE_ENGINE_STATE_CLOCK_PAGE_H
#define FYKE_ENGINE_STATE_CLOCK_PAGE_H

#include "engine/keys/keyspace.h"
#include "engine/state/record_codec.h"
#include "engine/time/value_clock.h"

#define CLOCK_PART_BYTES 8192 /* or one value */

struct hash128 clock_page_owner(struct slice topic, int32_t partition);

/* Parts of the pages that have changed, and deletions of those that are no more. */
void clock_pages_freeze(struct value_clocks *c, struct hash128 owner, struct frozen *out);
/* Adds a stored part's values; `newest` is the partition's largest time. c->field becomes what the parts
 * tell. False: damaged, `*why`. */
bool clock_page_take(struct value_clocks *c, const struct record_key *key, struct slice bytes,
                     struct etime newest, const char **why);

#endif
