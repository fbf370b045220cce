/* Construction, conversion, comparison. Arithmetic is in decimal_math.c, text in decimal_text.c. */
#include "base/decimal.h"

#include <math.h>

#include "base/decimal_impl.h"

wide_half decimal_pow10(unsigned n)
{
    static const uint64_t table[] = {
        1,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000U,
    };
    return n < 20 ? table[n] : (wide_half)table[19] * table[n - 19];
}

wide_half decimal_magnitude(struct decimal d)
{
    return d.coeff < 0 ? -(wide_half)d.coeff : (wide_half)d.coeff;
}

/* Takes trailing zeros off while there are decimals. */
static void strip_zeros(wide_half *magnitude, unsigned *scale)
{
    while (*scale > 0 && *magnitude > UINT64_MAX && *magnitude % 10 == 0) {
        *magnitude /= 10;
        (*scale)--;
    }
    if (*magnitude > UINT64_MAX) {
        return;
    }
    uint64_t small = (uint64_t)*magnitude;
    while (*scale > 0 && small % 10 == 0) {
        small /= 10;
        (*scale)--;
    }
    *magnitude = small;
}

bool decimal_from_parts(bool negative, struct wide magnitude, unsigned scale, struct decimal *ret)
{
    /* Only zeros behind the point can make a number of more than 128 bits fit. */
    wide_half small;
    while (!wide_to_half(magnitude, &small)) {
        wide_half rem;
        magnitude = wide_div(magnitude, 10, &rem);
        if (scale == 0 || rem != 0) {
            return false;
        }
        scale--;
    }
    if (small == 0) {
        *ret = DECIMAL_ZERO;
        return true;
    }
    strip_zeros(&small, &scale);
    if (scale > DECIMAL_MAX_SCALE || small >= decimal_pow10(DECIMAL_MAX_DIGITS)) {
        return false;
    }
    *ret = (struct decimal){negative ? -(__int128)small : (__int128)small, (uint8_t)scale};
    return true;
}

bool decimal_make(__int128 coeff, unsigned scale, struct decimal *ret)
{
    wide_half magnitude = coeff < 0 ? -(wide_half)coeff : (wide_half)coeff;
    return decimal_from_parts(coeff < 0, wide_from(magnitude), scale, ret);
}

struct decimal decimal_from_int64(int64_t v)
{
    return (struct decimal){v, 0};
}

bool decimal_to_int64(struct decimal d, int64_t *ret)
{
    if (d.scale != 0 || d.coeff < INT64_MIN || d.coeff > INT64_MAX) {
        return false;
    }
    *ret = (int64_t)d.coeff;
    return true;
}

static int bit_length(wide_half v)
{
    uint64_t hi = (uint64_t)(v >> 64);
    uint64_t lo = (uint64_t)v;
    if (hi) {
        return 128 - __builtin_clzll(hi);
    }
    return lo ? 64 - __builtin_clzll(lo) : 0;
}

double decimal_to_double(struct decimal d)
{
    wide_half magnitude = decimal_magnitude(d);
    if (magnitude == 0) {
        return 0;
    }
    /* The quotient gets at least 63 bits: 124 bits over a divisor below 2^60. A lost remainder
     * stays visible in the lowest bit, so the one rounding below is the right one. */
    int shift = 124 - bit_length(magnitude);
    shift = shift > 0 ? shift : 0;
    wide_half divisor = decimal_pow10(d.scale);
    wide_half shifted = magnitude << shift;
    wide_half quotient = shifted / divisor;
    if (shifted % divisor != 0) {
        quotient |= 1;
    }
    double v = ldexp((double)quotient, -shift);
    return d.coeff < 0 ? -v : v;
}

struct wide decimal_scaled(struct decimal d, unsigned scale)
{
    return wide_mul(decimal_magnitude(d), decimal_pow10(scale - d.scale));
}

bool decimal_align(struct decimal a, struct decimal b, __int128 *x, __int128 *y)
{
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    return !__builtin_mul_overflow(a.coeff, (__int128)decimal_pow10(scale - a.scale), x) &&
           !__builtin_mul_overflow(b.coeff, (__int128)decimal_pow10(scale - b.scale), y);
}

static bool is_small(struct decimal d)
{
    return d.coeff == (int64_t)d.coeff;
}

/* Times a power of ten, at most 10^18, which leaves it within 128 bits. */
static __int128 small_scaled(struct decimal d, unsigned scale)
{
    return (__int128)(int64_t)d.coeff * (int64_t)decimal_pow10(scale - d.scale);
}

int decimal_cmp(struct decimal a, struct decimal b)
{
    __int128 x, y;
    if (is_small(a) && is_small(b)) { /* nearly all that there are */
        unsigned scale = a.scale > b.scale ? a.scale : b.scale;
        x = small_scaled(a, scale);
        y = small_scaled(b, scale);
        return (x > y) - (x < y);
    }
    if (decimal_align(a, b, &x, &y)) {
        return (x > y) - (x < y);
    }
    if (decimal_sign(a) != decimal_sign(b)) {
        return decimal_sign(a) < decimal_sign(b) ? -1 : 1;
    }
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    int c = wide_cmp(decimal_scaled(a, scale), decimal_scaled(b, scale));
    return a.coeff < 0 ? -c : c;
}

void decimal_encode(struct decimal d, struct buf *b)
{
    wide_half magnitude = decimal_magnitude(d);
    buf_put_byte(b, d.scale);
    buf_put_byte(b, d.coeff < 0);
    buf_put_u64be(b, (uint64_t)(magnitude >> 64));
    buf_put_u64be(b, (uint64_t)magnitude);
}

struct decimal decimal_decode(struct reader *r)
{
    unsigned scale = read_byte(r);
    unsigned negative = read_byte(r);
    uint64_t hi = read_u64be(r);
    uint64_t lo = read_u64be(r);
    struct decimal d = DECIMAL_ZERO;
    bool fits = decimal_from_parts(negative, wide_from((wide_half)hi << 64 | lo), scale, &d);
    if (r->failed || !fits || d.scale != scale || negative > 1 || (negative && d.coeff == 0)) {
        r->failed = true;
        return DECIMAL_ZERO;
    }
    return d;
}
