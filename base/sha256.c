#include "base/sha256.h"

#include <string.h>

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t v, unsigned by)
{
    return v >> by | v << (32 - by);
}

static void mix_block(struct sha256 *h)
{
    uint32_t w[64], s[8];
    for (size_t i = 0; i < 16; i++) {
        const uint8_t *b = h->block + 4 * i;
        w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
               (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(s, h->state, sizeof(s));
    for (size_t i = 0; i < 64; i++) {
        uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
                       ((s[4] & s[5]) ^ (~s[4] & s[6])) + rounds[i] + w[i];
        uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) +
                       ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof(*s));
        s[4] += one;
        s[0] = one + two;
    }
    for (size_t i = 0; i < 8; i++) {
        h->state[i] += s[i];
    }
}

void sha256_init(struct sha256 *h)
{
    *h = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                   0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_put(struct sha256 *h, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        h->block[h->bytes++ % SHA256_BLOCK] = (uint8_t)s.ptr[i];
        if (h->bytes % SHA256_BLOCK == 0) {
            mix_block(h);
        }
    }
}

void sha256_finish(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
    char length[8];
    uint64_t bits = h->bytes * 8;
    for (size_t i = 0; i < sizeof(length); i++) {
        length[i] = (char)(uint8_t)(bits >> (56 - 8 * i));
    }
    sha256_put(h, slice_from("\x80", 1));
    while (h->bytes % SHA256_BLOCK != SHA256_BLOCK - sizeof(length)) {
        sha256_put(h, slice_from("", 1));
    }
    sha256_put(h, slice_from(length, sizeof(length)));
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void hmac_sha256(struct slice key, struct slice text, uint8_t out[SHA256_BYTES])
{
    struct sha256 h;
    uint8_t block[SHA256_BLOCK] = {0};
    char pad[SHA256_BLOCK];
    if (key.len > SHA256_BLOCK) {
        sha256_init(&h);
        sha256_put(&h, key);
        sha256_finish(&h, block);
    } else if (key.len > 0) {
        memcpy(block, key.ptr, key.len);
    }
    for (int outer = 0; outer < 2; outer++) {
        for (size_t i = 0; i < sizeof(pad); i++) {
            pad[i] = (char)(uint8_t)(block[i] ^ (outer ? 0x5c : 0x36));
        }
        sha256_init(&h);
        sha256_put(&h, slice_from(pad, sizeof(pad)));
        sha256_put(&h, outer ? slice_from((const char *)out, SHA256_BYTES) : text);
        sha256_finish(&h, out);
    }
}
