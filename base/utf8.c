#include "base/utf8.h"

/* True when the next 8 bytes are ASCII. */
static bool ascii8(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    return (w & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_valid(struct slice s)
{
    size_t i = 0;
    while (i < s.len) {
        if (s.len - i >= 8 && ascii8(s.ptr + i)) {
            i += 8;
            continue;
        }
        uint32_t cp;
        i += utf8_decode(s, i, &cp);
        if (cp == UTF8_BAD) {
            return false;
        }
    }
    return true;
}

/* Length and smallest code point by lead byte; 0 for a byte that leads nothing. */
static size_t lead_length(unsigned lead, uint32_t *bits, uint32_t *min)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        *bits = lead & 0x1f;
        *min = 0x80;
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *bits = lead & 0x0f;
        *min = 0x800;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *bits = lead & 0x07;
        *min = 0x10000;
        return 4;
    }
    return 0;
}

static bool is_scalar(uint32_t cp)
{
    return cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
}

size_t utf8_decode(struct slice s, size_t at, uint32_t *cp)
{
    const unsigned char *p = (const unsigned char *)s.ptr + at;
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    uint32_t v = 0, min = 0;
    size_t n = lead_length(p[0], &v, &min);
    *cp = UTF8_BAD;
    if (n == 0 || s.len - at < n) {
        return 1;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 1;
        }
        v = v << 6 | (p[i] & 0x3fU);
    }
    if (v < min || !is_scalar(v)) {
        return 1;
    }
    *cp = v;
    return n;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (!is_scalar(cp)) {
        return 0;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    static const unsigned lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[n] | cp);
    return n;
}

size_t utf8_length(struct slice s)
{
    size_t n = 0;
    uint32_t cp;
    for (size_t i = 0; i < s.len;) {
        if (s.len - i >= 8 && ascii8(s.ptr + i)) {
            i += 8;
            n += 8;
        } else {
            i += utf8_decode(s, i, &cp);
            n++;
        }
    }
    return n;
}

static size_t skip_chars(struct slice s, size_t at, size_t count)
{
    uint32_t cp;
    while (count > 0 && at < s.len) {
        at += utf8_decode(s, at, &cp);
        count--;
    }
    return at;
}

struct slice utf8_substring(struct slice s, size_t from, size_t count)
{
    size_t begin = skip_chars(s, 0, from);
    size_t end = skip_chars(s, begin, count);
    return s.ptr ? slice_from(s.ptr + begin, end - begin) : s;
}
