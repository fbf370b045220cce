/* Case mapping by arithmetic over the regular stretches of Unicode. */
#include "base/utf8.h"

/* Stretches where capital + delta = small letter. */
static const struct {
    uint16_t first, last; /* capitals */
    uint16_t delta;
} shifted[] = {
    {'A', 'Z', 32},       {0x00c0, 0x00d6, 32}, {0x00d8, 0x00de, 32}, {0x0386, 0x0386, 38},
    {0x0388, 0x038a, 37}, {0x038c, 0x038c, 64}, {0x038e, 0x038f, 63}, {0x0391, 0x03a1, 32},
    {0x03a3, 0x03ab, 32}, {0x0400, 0x040f, 80}, {0x0410, 0x042f, 32}, {0x0531, 0x0556, 48},
    {0xff21, 0xff3a, 32},
};

/* Stretches of pairs: each capital is followed by its small letter. */
static const struct {
    uint16_t first, last; /* first capital, last small letter */
} paired[] = {
    {0x0100, 0x012f}, {0x0132, 0x0137}, {0x0139, 0x0148}, {0x014a, 0x0177}, {0x0179, 0x017e},
    {0x0460, 0x0481}, {0x048a, 0x04bf}, {0x04c1, 0x04ce}, {0x04d0, 0x052f},
};

#define CAPITAL_Y_DIAERESIS 0x0178U
#define SMALL_Y_DIAERESIS 0x00ffU
#define FINAL_SIGMA 0x03c2U
#define SMALL_SIGMA 0x03c3U
#define CAPITAL_PALOCHKA 0x04c0U
#define SMALL_PALOCHKA 0x04cfU

uint32_t utf8_lower(uint32_t cp)
{
    if (cp < 0x80) {
        return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    }
    if (cp == CAPITAL_Y_DIAERESIS) {
        return SMALL_Y_DIAERESIS;
    }
    if (cp == CAPITAL_PALOCHKA) {
        return SMALL_PALOCHKA;
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(shifted); i++) {
        if (cp >= shifted[i].first && cp <= shifted[i].last) {
            return cp + shifted[i].delta;
        }
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(paired); i++) {
        if (cp >= paired[i].first && cp <= paired[i].last) {
            return cp + ((cp - paired[i].first) % 2 == 0);
        }
    }
    return cp;
}

uint32_t utf8_upper(uint32_t cp)
{
    if (cp < 0x80) {
        return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    }
    if (cp == SMALL_Y_DIAERESIS) {
        return CAPITAL_Y_DIAERESIS;
    }
    if (cp == SMALL_PALOCHKA) {
        return CAPITAL_PALOCHKA;
    }
    if (cp == FINAL_SIGMA) {
        cp = SMALL_SIGMA;
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(shifted); i++) {
        uint32_t capital = cp - shifted[i].delta;
        if (capital >= shifted[i].first && capital <= shifted[i].last) {
            return capital;
        }
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(paired); i++) {
        if (cp >= paired[i].first && cp <= paired[i].last) {
            return cp - ((cp - paired[i].first) % 2 == 1);
        }
    }
    return cp;
}

uint32_t utf8_fold(uint32_t cp)
{
    cp = utf8_lower(cp);
    return cp == FINAL_SIGMA ? SMALL_SIGMA : cp;
}

static void put_mapped(struct buf *b, struct slice s, uint32_t (*map)(uint32_t))
{
    buf_reserve(b, s.len);
    for (size_t i = 0; i < s.len;) {
        uint32_t cp;
        size_t n = utf8_decode(s, i, &cp);
        char out[4];
        if (cp == UTF8_BAD) {
            buf_put(b, s.ptr + i, 1);
        } else {
            buf_put(b, out, utf8_encode(map(cp), out));
        }
        i += n;
    }
}

void utf8_put_lower(struct buf *b, struct slice s)
{
    put_mapped(b, s, utf8_lower);
}

void utf8_put_upper(struct buf *b, struct slice s)
{
    put_mapped(b, s, utf8_upper);
}

void utf8_put_fold(struct buf *b, struct slice s)
{
    put_mapped(b, s, utf8_fold);
}
