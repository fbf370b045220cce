/* Shared by the decimal*.c files only. */
#ifndef FYKE_BASE_DECIMAL_IMPL_H
#define FYKE_BASE_DECIMAL_IMPL_H

#include "base/decimal.h"
#include "base/wide.h"

/* 10^n, n <= 38. */
wide_half decimal_pow10(unsigned n);
wide_half decimal_magnitude(struct decimal d);
/* |d| × 10^scale; scale >= d.scale. */
struct wide decimal_scaled(struct decimal d, unsigned scale);
/* Both as whole numbers of the finer scale; false when 128 bits are too few for one of them. */
bool decimal_align(struct decimal a, struct decimal b, __int128 *x, __int128 *y);
/* Canonical decimal of ± magnitude / 10^scale; false when it does not fit. */
bool decimal_from_parts(bool negative, struct wide magnitude, unsigned scale,
                        struct decimal *ret) FYKE_MUST_USE;

#endif
