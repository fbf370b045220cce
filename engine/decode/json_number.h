/* Numbers from the text of a JSON number (RFC 8259, section 6). */
#ifndef FYKE_ENGINE_DECODE_JSON_NUMBER_H
#define FYKE_ENGINE_DECODE_JSON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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
/* At most 16 bytes without an exponent, so any decimal holds it; false says nothing. */
static inline bool json_number_is_short(const char *p, size_t len)
{
    uint64_t head, tail, letters;
    uint32_t first, last;
    if (len >= 8) {
        memcpy(&head, p, sizeof(head));
        memcpy(&tail, p + len - sizeof(tail), sizeof(tail));
        letters = head | tail;
    } else if (len >= 4) {
        memcpy(&first, p, sizeof(first));
        memcpy(&last, p + len - sizeof(last), sizeof(last));
        letters = first | last;
    } else {
        letters = len == 1 ? 0 : UINT64_MAX;
    }
    /* of what numbers are made of, only the exponent's letter has this bit */
    return len <= 16 && (letters & UINT64_C(0x4040404040404040)) == 0;
}
/* The nearest double, ties to even; false beyond the largest finite one. */
bool json_number_to_double(struct slice number, double *ret) FYKE_MUST_USE;

#endif
