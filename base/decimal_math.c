/* Exact arithmetic: fast in 128 bits when the operands allow it, else in 256. */
#include <assert.h>

#include "base/decimal_impl.h"

/* a + b, with the sign of b turned over when `negate_b`. */
static bool add_signed(struct decimal a, struct decimal b, bool negate_b, struct decimal *ret)
{
    if (negate_b) {
        b = decimal_neg(b);
    }
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    __int128 aligned_a, aligned_b, sum;
    if (decimal_align(a, b, &aligned_a, &aligned_b) &&
        !__builtin_add_overflow(aligned_a, aligned_b, &sum)) {
        return decimal_make(sum, scale, ret);
    }
    struct wide x = decimal_scaled(a, scale);
    struct wide y = decimal_scaled(b, scale);
    bool a_negative = a.coeff < 0;
    if (a_negative == (b.coeff < 0)) {
        return decimal_from_parts(a_negative, wide_add(x, y), scale, ret);
    }
    if (wide_cmp(x, y) >= 0) {
        return decimal_from_parts(a_negative, wide_sub(x, y), scale, ret);
    }
    return decimal_from_parts(!a_negative, wide_sub(y, x), scale, ret);
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *ret)
{
    return add_signed(a, b, false, ret);
}

bool decimal_sub(struct decimal a, struct decimal b, struct decimal *ret)
{
    return add_signed(a, b, true, ret);
}

bool decimal_mul(struct decimal a, struct decimal b, struct decimal *ret)
{
    unsigned scale = (unsigned)a.scale + b.scale;
    bool negative = (a.coeff < 0) != (b.coeff < 0);
    return decimal_from_parts(negative, wide_mul(decimal_magnitude(a), decimal_magnitude(b)), scale,
                              ret);
}

bool decimal_div(struct decimal a, struct decimal b, struct decimal *ret)
{
    if (b.coeff == 0) {
        return false;
    }
    /* a / b × 10^18 as one whole-number division; the exponent is 0..36. */
    unsigned exponent = DECIMAL_MAX_SCALE + (unsigned)b.scale - a.scale;
    wide_half divisor = decimal_magnitude(b);
    wide_half rem;
    struct wide q =
        wide_div(wide_mul(decimal_magnitude(a), decimal_pow10(exponent)), divisor, &rem);
    /* The divisor is below 2^127: doubling the remainder does not wrap. */
    bool up = rem * 2 > divisor || (rem * 2 == divisor && (q.limb[0] & 1));
    if (up) {
        q = wide_add(q, wide_from(1));
    }
    return decimal_from_parts((a.coeff < 0) != (b.coeff < 0), q, DECIMAL_MAX_SCALE, ret);
}

/* At the common scale the remainder is below both operands, so it always fits. */
bool decimal_rem(struct decimal a, struct decimal b, struct decimal *ret)
{
    if (b.coeff == 0) {
        return false;
    }
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    struct wide x = decimal_scaled(a, scale);
    struct wide y = decimal_scaled(b, scale);
    if (wide_cmp(x, y) < 0) {
        *ret = a;
        return true;
    }
    /* y <= x fits 128 bits: of the two only the one with fewer decimals was widened at all. */
    wide_half divisor, rem;
    bool fits = wide_to_half(y, &divisor);
    assert(fits);
    (void)fits;
    (void)wide_div(x, divisor, &rem);
    return decimal_from_parts(a.coeff < 0, wide_from(rem), scale, ret);
}

bool decimal_sqrt(struct decimal d, struct decimal *ret)
{
    if (d.coeff < 0) {
        return false;
    }
    struct wide n =
        wide_mul(decimal_magnitude(d), decimal_pow10(2 * DECIMAL_MAX_SCALE - (unsigned)d.scale));
    wide_half root = wide_sqrt(n);
    struct wide rest = wide_sub(n, wide_mul(root, root));
    /* (root + 1/2)^2 = root^2 + root + 1/4, and n is whole. */
    if (wide_cmp(rest, wide_from(root)) > 0) {
        root++;
    }
    return decimal_from_parts(false, wide_from(root), DECIMAL_MAX_SCALE, ret);
}

static bool rounds_away(wide_half quotient, wide_half rem, wide_half unit, bool negative,
                        enum decimal_rounding mode)
{
    switch (mode) {
    case DECIMAL_HALF_EVEN: return rem * 2 > unit || (rem * 2 == unit && (quotient & 1));
    case DECIMAL_HALF_UP: return rem * 2 >= unit;
    case DECIMAL_FLOOR: return negative && rem > 0;
    case DECIMAL_CEIL: return !negative && rem > 0;
    }
    return false;
}

struct decimal decimal_round(struct decimal d, unsigned places, enum decimal_rounding mode)
{
    if (d.scale <= places) {
        return d;
    }
    wide_half unit = decimal_pow10(d.scale - places);
    wide_half magnitude = decimal_magnitude(d);
    wide_half quotient = magnitude / unit;
    if (rounds_away(quotient, magnitude % unit, unit, d.coeff < 0, mode)) {
        quotient++;
    }
    /* One digit fewer than d at least, one more by the carry at most: it fits. */
    struct decimal r = d;
    bool fits = decimal_from_parts(d.coeff < 0, wide_from(quotient), places, &r);
    assert(fits);
    (void)fits;
    return r;
}

struct decimal decimal_floor(struct decimal d)
{
    return decimal_round(d, 0, DECIMAL_FLOOR);
}

struct decimal decimal_ceil(struct decimal d)
{
    return decimal_round(d, 0, DECIMAL_CEIL);
}
