/* What the rules of a state are, where it is much: it changes when they do, so it does not stand in every
 * header but in parts beside it, among the pages. The header tells how many parts there are, and the hash over
 * all of them.
 *
 * Database key: 16 bytes of zero · number of the part (8). Pure, but for reading. */
#ifndef FYKE_ENGINE_STATE_RULES_APART_H
#define FYKE_ENGINE_STATE_RULES_APART_H

#include "engine/keys/keyspace.h"
#include "engine/state/header.h"
#include "engine/state/store.h"

#define RULES_INLINE_BYTES 1024 /* no more stands in a header */
#define RULES_PART_BYTES 8192

/* What is stored. */
struct rules_apart {
    uint32_t n;
    struct hash128 hash;
};

/* The header, whose rules are set, says where they stand; what has changed since `stored` goes to `out`. */
void rules_apart_freeze(struct header *h, struct rules_apart *stored, struct frozen *out);
/* The header with its rules, wherever they stand; the shards are open. */
enum err rules_apart_read(struct store *s, struct header *h, struct error *err) FYKE_MUST_USE;
bool rules_apart_is_part(const struct record_key *key);

#endif
