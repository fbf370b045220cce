#include "engine/decode/json_stops.h"

#include <stdbool.h>

size_t json_stop_far(const uint64_t *stops, size_t at)
{
    size_t word = at / 64;
    uint64_t left = stops[word] >> (at % 64) << (at % 64);
    while (left == 0) {
        left = stops[++word];
    }
    return word * 64 + (unsigned)__builtin_ctzll(left);
}

#ifdef __x86_64__
#include <immintrin.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define AVX2 __attribute__((target("avx2")))

/* Signed: bytes above 0x7F are less than any other, too. The quote changes places with the blank,
 * so that one comparison finds it and the control bytes. */
static ALWAYS_INLINE uint64_t copy16_sse2(char *to, const char *from)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, v);
    __m128i low = _mm_cmplt_epi8(_mm_xor_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8(0x21));
    __m128i stop = _mm_or_si128(low, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return (unsigned)_mm_movemask_epi8(stop);
}

static ALWAYS_INLINE uint64_t copy64_sse2(char *to, const char *from)
{
    return copy16_sse2(to, from) | copy16_sse2(to + 16, from + 16) << 16 |
           copy16_sse2(to + 32, from + 32) << 32 | copy16_sse2(to + 48, from + 48) << 48;
}

static AVX2 ALWAYS_INLINE uint64_t copy32_avx2(char *to, const char *from)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)from);
    _mm256_storeu_si256((__m256i *)(void *)to, v);
    __m256i low = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x21),
                                    _mm256_xor_si256(v, _mm256_set1_epi8(2)));
    __m256i stop = _mm256_or_si256(low, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
    return (unsigned)_mm256_movemask_epi8(stop);
}

static AVX2 ALWAYS_INLINE uint64_t copy64_avx2(char *to, const char *from)
{
    return copy32_avx2(to, from) | copy32_avx2(to + 32, from + 32) << 32;
}

/* What does not fill 64 bytes is taken with bytes before it once more, if there are some. */
#define COPY(name, copy64, target)                                                                 \
    static target void name(char *to, const char *from, size_t len, uint64_t *stops)               \
    {                                                                                              \
        size_t whole = len / 64, rest = len % 64;                                                  \
        for (size_t i = 0; i < whole; i++) {                                                       \
            stops[i] = copy64(to + i * 64, from + i * 64);                                         \
        }                                                                                          \
        stops[whole] = UINT64_MAX;                                                                 \
        stops[whole + 1] = UINT64_MAX;                                                             \
        if (whole == 0) {                                                                          \
            memset(to + rest, 0, 64);                                                              \
            if (rest != 0) {                                                                       \
                memcpy(to, from, rest);                                                            \
            }                                                                                      \
            stops[0] = copy64(to, to);                                                             \
            return;                                                                                \
        }                                                                                          \
        if (rest != 0) {                                                                           \
            uint64_t last = copy64(to + len - 64, from + len - 64);                                \
            stops[whole] = last >> (64 - rest) | UINT64_MAX << rest;                               \
        }                                                                                          \
        memset(to + len, 0, 64);                                                                   \
    }
COPY(copy_sse2, copy64_sse2, )
COPY(copy_avx2, copy64_avx2, AVX2)

json_stops_fn json_stops_sse2(void)
{
    return copy_sse2;
}

json_stops_fn json_stops_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? copy_avx2 : NULL;
}
#else
json_stops_fn json_stops_sse2(void)
{
    return NULL;
}

json_stops_fn json_stops_avx2(void)
{
    return NULL;
}
#endif

json_stops_fn json_stops_best(void)
{
    json_stops_fn best = json_stops_avx2();
    return best != NULL ? best : json_stops_sse2();
}
