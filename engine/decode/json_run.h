/* How far plain text and numbers go in a JSON text. Each stands here twice, for any machine and with
 * SSE2, which every x86-64 has; a caller says which. Texts end with JSON_PAD_BYTES zero bytes, which
 * end every run. Where a whole text is scanned with vectors, its stops are known (json_stops.h).
 *
 * AVX2 was tried here and was dearer (docs/performance.md): strings in events are short, so a run
 * costs the latency of one step, and a step of two SSE2 words takes 32 bytes already. */
#ifndef FYKE_ENGINE_DECODE_JSON_RUN_H
#define FYKE_ENGINE_DECODE_JSON_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool json_is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* How many bytes from `p` on are plain ASCII of a string: neither quote nor backslash nor control
 * nor above 0x7F. Eight bytes at a time: a byte's high bit tells that it stops, and what borrows
 * put above the lowest one does not matter. */
static inline size_t json_plain_run_portable(const unsigned char *p)
{
    size_t n = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (;; n += 8) {
        uint64_t x;
        memcpy(&x, p + n, sizeof(x));
        uint64_t stops = (x | (x - ones * 0x20) | ((x ^ ones * '"') - ones) |
                          ((x ^ ones * '\\') - ones)) & (ones * 0x80);
        if (stops != 0) {
            return n + ((unsigned)__builtin_ctzll(stops) >> 3);
        }
    }
#else
    while (json_is_plain(p[n])) {
        n++;
    }
    return n;
#endif
}

/* What is behind the number at `p`, which begins with a digit or a minus; NULL: it is none.
 * *real: it has a fraction or an exponent. */
static inline const unsigned char *json_number_end_portable(const unsigned char *p, bool *real)
{
    const unsigned char *from;
    *real = false;
    p += *p == '-';
    from = p;
    while (*p >= '0' && *p <= '9') {
        p++;
    }
    if (p == from || (*from == '0' && p - from > 1)) {
        return NULL;
    }
    if (*p == '.') {
        *real = true;
        from = ++p;
        while (*p >= '0' && *p <= '9') {
            p++;
        }
        if (p == from) {
            return NULL;
        }
    }
    if (*p == 'e' || *p == 'E') {
        *real = true;
        p++;
        p += *p == '+' || *p == '-';
        from = p;
        while (*p >= '0' && *p <= '9') {
            p++;
        }
        if (p == from) {
            return NULL;
        }
    }
    return p;
}

#ifdef __SSE2__

static inline unsigned json_stops_of(__m128i v)
{
    /* signed: bytes above 0x7F are less than a blank, too */
    __m128i stops = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                                 _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                              _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
    return (unsigned)_mm_movemask_epi8(stops);
}

static inline size_t json_plain_run_sse2(const unsigned char *p)
{
    for (size_t n = 0;; n += 32) {
        const __m128i *at = (const __m128i *)(const void *)(p + n);
        unsigned stops = json_stops_of(_mm_loadu_si128(at)) |
                         json_stops_of(_mm_loadu_si128(at + 1)) << 16;
        if (stops != 0) {
            return n + (unsigned)__builtin_ctz(stops);
        }
    }
}

/* Digits, perhaps a point and digits, all within 16 bytes: no loop, so no branch depends on how
 * many digits there are. Whatever else comes is left to the loops above. */
static inline const unsigned char *json_number_end_sse2(const unsigned char *p, bool *real)
{
    const unsigned char *digits = p + (*p == '-');
    __m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)digits),
                             _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(9)), v);
    unsigned others = ~(unsigned)_mm_movemask_epi8(is_digit) & 0xFFFF;
    if (others == 0) {
        return json_number_end_portable(p, real);
    }
    unsigned whole = (unsigned)__builtin_ctz(others), end = whole;
    if (digits[whole] == '.') {
        others &= others - 1;
        if (others == 0) {
            return json_number_end_portable(p, real);
        }
        end = (unsigned)__builtin_ctz(others);
        *real = true;
        if (end == whole + 1) {
            return NULL;
        }
    } else {
        *real = false;
    }
    if (whole == 0 || (digits[0] == '0' && whole > 1)) {
        return NULL;
    }
    if ((digits[end] | 0x20) == 'e') {
        return json_number_end_portable(p, real);
    }
    return digits + end;
}

#else

static inline size_t json_plain_run_sse2(const unsigned char *p)
{
    return json_plain_run_portable(p);
}

static inline const unsigned char *json_number_end_sse2(const unsigned char *p, bool *real)
{
    return json_number_end_portable(p, real);
}

#endif

#endif
