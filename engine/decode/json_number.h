/* Numbers from the text of a JSON number (RFC 8259, section 6). */
#ifndef FYKE_ENGINE_DECODE_JSON_NUMBER_H
#define FYKE_ENGINE_DECODE_JSON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/decimal.h"
#include "base/slice.h"

/* The text is a JSON number as a whole. */
bool json_number_valid(struct slice text);
/* number × 10^shift, exact: false unless it is a whole value in 64 bits. "3.0" and "1e3" are. */
bool json_number_scaled(struct slice number, unsigned shift, int64_t *ret) FYKE_MUST_USE;
/* Exact; false for what no struct decimal holds. */
bool json_number_to_decimal(struct slice number, struct decimal *ret) FYKE_MUST_USE;
/* json_number_to_decimal() for up to eight digits before and behind the point, without loops; false
 * says nothing. Eight bytes behind the number's end are readable. */
bool json_number_short_decimal(const char *p, size_t len, struct decimal *ret) FYKE_MUST_USE;
/* The nearest double, ties to even; false beyond the largest finite one. */
bool json_number_to_double(struct slice number, double *ret) FYKE_MUST_USE;

#endif
