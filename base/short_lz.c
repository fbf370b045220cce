#include "base/short_lz.h"

#include <string.h>

#define MIN_MATCH 3
#define MAX_MATCH (MIN_MATCH + 63)
#define MAX_LITERALS 128
#define MAX_BACK 256
#define BACK 0x80
#define FROM_DICT 0xc0
#define LENGTH_MASK 0x3f

static uint32_t hash_of(const uint8_t *p)
{
    uint32_t three = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return three * UINT32_C(2654435761) >> 24;
}

void short_lz_learn(struct short_lz_dict *d, struct slice text)
{
    size_t room = SHORT_LZ_DICT_BYTES - d->n;
    size_t n = text.len < room ? text.len : room;
    if (n == 0) {
        return;
    }
    memcpy(d->bytes + d->n, text.ptr, n);
    d->n = (uint16_t)(d->n + n);
    for (uint16_t i = 0; i + MIN_MATCH <= d->n; i++) {
        d->places[hash_of(d->bytes + i)] = (uint16_t)(i + 1);
    }
}

static size_t same_bytes(const uint8_t *a, size_t a_left, const uint8_t *b, size_t b_left)
{
    size_t most = a_left < b_left ? a_left : b_left, n = 0;
    most = most < MAX_MATCH ? most : MAX_MATCH;
    while (n < most && a[n] == b[n]) {
        n++;
    }
    return n;
}

static void put_literals(struct buf *out, const uint8_t *from, size_t n)
{
    while (n > 0) {
        size_t some = n < MAX_LITERALS ? n : MAX_LITERALS;
        buf_put_byte(out, (uint8_t)(some - 1));
        buf_put(out, from, some);
        from += some;
        n -= some;
    }
}

/* The longer one of two earlier places that may begin alike. */
struct match {
    size_t len;
    uint8_t kind, place;
};

static struct match find(const struct short_lz_dict *d, const uint32_t *seen, const uint8_t *text, size_t at,
                         size_t len)
{
    struct match m = {0};
    uint32_t h = hash_of(text + at);
    if (d->places[h] != 0) {
        size_t place = d->places[h] - 1u;
        m = (struct match){same_bytes(d->bytes + place, d->n - place, text + at, len - at), FROM_DICT,
                           (uint8_t)place};
    }
    if (seen[h] != 0 && at - (seen[h] - 1) <= MAX_BACK) {
        size_t from = seen[h] - 1;
        size_t n = same_bytes(text + from, len - from, text + at, len - at);
        if (n > m.len) {
            m = (struct match){n, BACK, (uint8_t)(at - from - 1)};
        }
    }
    return m;
}

void short_lz_pack(const struct short_lz_dict *d, struct slice text, struct buf *out)
{
    const uint8_t *bytes = (const uint8_t *)text.ptr;
    uint32_t seen[SHORT_LZ_TABLE] = {0};
    size_t literals = 0, at = 0;
    while (at + MIN_MATCH <= text.len) {
        struct match m = find(d, seen, bytes, at, text.len);
        seen[hash_of(bytes + at)] = (uint32_t)at + 1;
        if (m.len < MIN_MATCH) {
            at++;
            continue;
        }
        put_literals(out, bytes + literals, at - literals);
        buf_put_byte(out, (uint8_t)(m.kind | (m.len - MIN_MATCH)));
        buf_put_byte(out, m.place);
        at += m.len;
        literals = at;
    }
    if (text.len > literals) {
        put_literals(out, bytes + literals, text.len - literals);
    }
}

/* Byte by byte: what is copied may reach into itself. */
static bool copy_back(struct buf *out, size_t begin, size_t back, size_t n)
{
    if (back > out->len - begin) {
        return false;
    }
    buf_reserve(out, n);
    for (size_t i = 0; i < n; i++) {
        out->ptr[out->len] = out->ptr[out->len - back];
        out->len++;
    }
    return true;
}

static bool unpack_token(const struct short_lz_dict *d, struct reader *r, size_t begin, struct buf *out)
{
    uint8_t token = read_byte(r);
    if (token < BACK) {
        struct slice literals = read_bytes(r, token + 1u);
        if (!r->failed) {
            buf_put_slice(out, literals);
        }
        return !r->failed;
    }
    size_t n = (token & LENGTH_MASK) + MIN_MATCH, place = read_byte(r);
    if (r->failed) {
        return false;
    }
    if (token < FROM_DICT) {
        return copy_back(out, begin, place + 1, n);
    }
    if (place + n > d->n) {
        return false;
    }
    buf_put(out, d->bytes + place, n);
    return true;
}

bool short_lz_unpack(const struct short_lz_dict *d, struct slice packed, size_t max, struct buf *out)
{
    struct reader r = reader_of(packed);
    size_t begin = out->len;
    while (reader_left(&r) > 0) {
        if (!unpack_token(d, &r, begin, out) || out->len - begin > max) {
            return false;
        }
    }
    return true;
}
