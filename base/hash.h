/* XXH3 over bytes: 64 bits for tables, 128 bits for identities. Stable across machines and
 * versions, not cryptographic. */
#ifndef FYKE_BASE_HASH_H
#define FYKE_BASE_HASH_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct hash128 {
    uint64_t hi, lo; /* hi comes first in canonical (big-endian) text and bytes */
};

uint64_t hash64(struct slice s);
uint64_t hash64_seed(struct slice s, uint64_t seed);
struct hash128 hash128(struct slice s);

static inline bool hash128_eq(struct hash128 a, struct hash128 b)
{
    return a.hi == b.hi && a.lo == b.lo;
}
static inline int hash128_cmp(struct hash128 a, struct hash128 b)
{
    if (a.hi != b.hi) {
        return a.hi < b.hi ? -1 : 1;
    }
    return a.lo < b.lo ? -1 : a.lo > b.lo;
}

/* Lower-case hex, NUL-terminated. */
#define HASH64_HEX_MAX 17
#define HASH128_HEX_MAX 33
void hash64_hex(uint64_t h, char out[HASH64_HEX_MAX]);
void hash128_hex(struct hash128 h, char out[HASH128_HEX_MAX]);
/* Exactly 32 hex digits of either case. */
bool hash128_parse(struct slice hex, struct hash128 *ret);

/* A hash over several parts without joining them; the same value as over the joined bytes.
 * Lives on the stack, needs no release. */
struct hasher {
    alignas(64) unsigned char state[576]; /* XXH3_state_t, checked in hash.c */
};

void hasher_init(struct hasher *h);
void hasher_put(struct hasher *h, struct slice s);
/* Varint length, then the bytes, as buf_put_blob() writes them: parts cannot run together. */
void hasher_put_part(struct hasher *h, struct slice s);
/* The value so far; more may be put afterwards. */
uint64_t hasher_hash64(const struct hasher *h);
struct hash128 hasher_hash128(const struct hasher *h);

#endif
