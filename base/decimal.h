/* Exact decimal numbers: coeff / 10^scale with at most 38 significant digits and scale 0..18.
 *
 * Every struct decimal that this API hands out is canonical: no trailing zero digit while
 * scale > 0, zero has scale 0. So equal values have equal members, and equal encodings.
 *
 * Overflow is a value's fate, not an error: the functions return false, the rule sees a missing
 * value. `+ - *` are exact; a result that needs more than 38 digits or more than 18 decimals
 * (after trailing zeros are gone) counts as overflow and is never rounded in silence. */
#ifndef FYKE_BASE_DECIMAL_H
#define FYKE_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/slice.h"

#define DECIMAL_MAX_DIGITS 38
#define DECIMAL_MAX_SCALE 18

struct decimal {
    __int128 coeff; /* |coeff| < 10^38 */
    uint8_t scale;
};

#define DECIMAL_ZERO ((struct decimal){0, 0})

/* JSON number syntax ("-12.50", "1.5e-3"); false for other text and for values that do not fit. */
bool decimal_parse(struct slice text, struct decimal *ret) FYKE_MUST_USE;

#define DECIMAL_TEXT_MAX 48
/* Exact, without exponent or trailing zeros: "12.5", "-0.001", "0". NUL-terminated; returns the
 * length. */
size_t decimal_format(struct decimal d, char out[DECIMAL_TEXT_MAX]);

/* Canonical form of coeff / 10^scale; false when it does not fit. Any scale is accepted. */
bool decimal_make(__int128 coeff, unsigned scale, struct decimal *ret) FYKE_MUST_USE;
struct decimal decimal_from_int64(int64_t v);
/* False unless the value is whole and fits. */
bool decimal_to_int64(struct decimal d, int64_t *ret) FYKE_MUST_USE;
/* The nearest double, ties to even. */
double decimal_to_double(struct decimal d);

bool decimal_add(struct decimal a, struct decimal b, struct decimal *ret) FYKE_MUST_USE;
bool decimal_sub(struct decimal a, struct decimal b, struct decimal *ret) FYKE_MUST_USE;
bool decimal_mul(struct decimal a, struct decimal b, struct decimal *ret) FYKE_MUST_USE;
/* To 18 places, half-even; false for b = 0 and overflow. */
bool decimal_div(struct decimal a, struct decimal b, struct decimal *ret) FYKE_MUST_USE;
/* Truncated division's remainder, with a's sign, exact; false for b = 0. */
bool decimal_rem(struct decimal a, struct decimal b, struct decimal *ret) FYKE_MUST_USE;
/* To 18 places, nearest (a tie cannot occur); false for negative numbers. */
bool decimal_sqrt(struct decimal d, struct decimal *ret) FYKE_MUST_USE;

int decimal_cmp(struct decimal a, struct decimal b);
static inline bool decimal_eq(struct decimal a, struct decimal b)
{
    return a.coeff == b.coeff && a.scale == b.scale;
}
static inline int decimal_sign(struct decimal d)
{
    return d.coeff < 0 ? -1 : d.coeff > 0;
}
static inline struct decimal decimal_neg(struct decimal d)
{
    return (struct decimal){-d.coeff, d.scale};
}
static inline struct decimal decimal_abs(struct decimal d)
{
    return d.coeff < 0 ? decimal_neg(d) : d;
}

enum decimal_rounding {
    DECIMAL_HALF_EVEN,
    DECIMAL_HALF_UP, /* halves away from zero */
    DECIMAL_FLOOR,
    DECIMAL_CEIL,
};
/* To `places` decimals; never overflows, because it only ever drops digits behind the point. */
struct decimal decimal_round(struct decimal d, unsigned places, enum decimal_rounding mode);
struct decimal decimal_floor(struct decimal d);
struct decimal decimal_ceil(struct decimal d);

/* Stored form: scale byte, sign byte (0 or 1), magnitude as 16 bytes big-endian. Equal values have
 * equal bytes. Decoding refuses what is not canonical and sets r->failed. */
void decimal_encode(struct decimal d, struct buf *b);
struct decimal decimal_decode(struct reader *r);

#endif
