/* Exact sums and sums of squares of integers and decimals: mean and deviation do not depend on the
 * order of the values, and nothing is lost on the way.
 *
 * Numbers are integers at a fixed scale (0 or 18 places behind the point). 512 bits hold the sum
 * of 2^32 squares of 38-digit numbers at 18 places, with room for what the formulas multiply. */
#ifndef FYKE_NFA_MOMENTS_H
#define FYKE_NFA_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"

struct big {
    uint64_t w[8]; /* two's complement, least significant first */
};

struct moments {
    struct big s1, s2;
    uint64_t n;
};

/* Adds coeff * 10^up; `up` <= 18. `squares` false: only sum and mean are asked for. */
void moments_add(struct moments *m, __int128 coeff, unsigned up, bool squares);

/* Takes away what was added: exact, so nothing stays behind. */
void moments_remove(struct moments *m, __int128 coeff, unsigned up, bool squares);
void moments_merge(struct moments *m, const struct moments *other);
void moments_unmerge(struct moments *m, const struct moments *other);

/* varint n, then both sums as length and two's complement bytes, most significant first. */
struct buf;
struct reader;
void moments_encode(const struct moments *m, struct buf *out);
void moments_decode(struct moments *m, struct reader *r);

/* `scale`: of the numbers added; `places` >= scale: of the result, rounded half to even (mean) or
 * to the nearest (deviation). False: the result does not fit. */
bool moments_sum(const struct moments *m, unsigned scale, struct decimal *ret);
bool moments_mean(const struct moments *m, unsigned scale, unsigned places, struct decimal *ret);
/* Of a sample: divided by n - 1; n >= 2. */
bool moments_stddev(const struct moments *m, unsigned scale, unsigned places, struct decimal *ret);

#endif
