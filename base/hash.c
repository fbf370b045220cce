#include "base/hash.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* the size of XXH3_state_t */
#include <xxhash.h>

static_assert(sizeof(XXH3_state_t) <= sizeof(((struct hasher *)0)->state), "state is too small");
static_assert(alignof(XXH3_state_t) <= alignof(struct hasher), "state is not aligned");

/* An empty slice may have no address, xxHash may want one. */
static const char *address(struct slice s)
{
    return s.ptr ? s.ptr : "";
}

static struct hash128 from_xxh(XXH128_hash_t h)
{
    return (struct hash128){.hi = h.high64, .lo = h.low64};
}

uint64_t hash64(struct slice s)
{
    return XXH3_64bits(address(s), s.len);
}

uint64_t hash64_seed(struct slice s, uint64_t seed)
{
    return XXH3_64bits_withSeed(address(s), s.len, seed);
}

struct hash128 hash128(struct slice s)
{
    return from_xxh(XXH3_128bits(address(s), s.len));
}

/* Four bits of each byte, the highest first, as eight digits. */
static char *put_eight(uint32_t v, char *out)
{
    uint64_t x = v;
    x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
    x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = ((x + UINT64_C(0x0606060606060606)) >> 4) & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
    x = htobe64(x);
    memcpy(out, &x, sizeof(x));
    return out + sizeof(x);
}

static char *put_hex(uint64_t v, char *out)
{
    out = put_eight((uint32_t)v, put_eight((uint32_t)(v >> 32), out));
    *out = '\0';
    return out;
}

void hash64_hex(uint64_t h, char out[HASH64_HEX_MAX])
{
    put_hex(h, out);
}

void hash128_hex(struct hash128 h, char out[HASH128_HEX_MAX])
{
    put_hex(h.lo, put_hex(h.hi, out));
}

static bool parse_hex64(const char *p, uint64_t *ret)
{
    uint64_t v = 0;
    for (int i = 0; i < 16; i++) {
        char c = p[i];
        unsigned digit;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        } else {
            return false;
        }
        v = v << 4 | digit;
    }
    *ret = v;
    return true;
}

bool hash128_parse(struct slice hex, struct hash128 *ret)
{
    struct hash128 h;
    if (hex.len != 32 || !parse_hex64(hex.ptr, &h.hi) || !parse_hex64(hex.ptr + 16, &h.lo)) {
        return false;
    }
    *ret = h;
    return true;
}

static XXH3_state_t *state(struct hasher *h)
{
    return (XXH3_state_t *)(void *)h->state;
}

void hasher_init(struct hasher *h)
{
    /* The reset leaves the input buffer as it is; zeroed, a copied state holds no stray bytes. */
    memset(h, 0, sizeof(*h));
    XXH3_INITSTATE(state(h));
    (void)XXH3_128bits_reset(state(h));
}

void hasher_put(struct hasher *h, struct slice s)
{
    (void)XXH3_128bits_update(state(h), address(s), s.len);
}

void hasher_put_part(struct hasher *h, struct slice s)
{
    char head[10];
    size_t n = 0;
    uint64_t v = s.len;
    while (v >= 0x80) {
        head[n++] = (char)(v | 0x80);
        v >>= 7;
    }
    head[n++] = (char)v;
    hasher_put(h, slice_from(head, n));
    hasher_put(h, s);
}

uint64_t hasher_hash64(const struct hasher *h)
{
    return XXH3_64bits_digest((const XXH3_state_t *)(const void *)h->state);
}

struct hash128 hasher_hash128(const struct hasher *h)
{
    return from_xxh(XXH3_128bits_digest((const XXH3_state_t *)(const void *)h->state));
}
