/* SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104): where somebody who has the result and knows what
 * may have gone in must not find it out. For tables and identities there is hash.h. */
#ifndef FYKE_BASE_SHA256_H
#define FYKE_BASE_SHA256_H

#include <stdint.h>

#include "base/slice.h"

#define SHA256_BYTES 32
#define SHA256_BLOCK 64

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; /* put so far */
    uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *h);
void sha256_put(struct sha256 *h, struct slice s);
/* Ends it. */
void sha256_finish(struct sha256 *h, uint8_t out[SHA256_BYTES]);

void hmac_sha256(struct slice key, struct slice text, uint8_t out[SHA256_BYTES]);

#endif
