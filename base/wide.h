/* Unsigned 256-bit arithmetic for exact decimals: as much of it as they need, no more. */
#ifndef FYKE_BASE_WIDE_H
#define FYKE_BASE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

typedef unsigned __int128 wide_half;

struct wide {
    uint64_t limb[4]; /* least significant first */
};

struct wide wide_from(wide_half v);
struct wide wide_mul(wide_half a, wide_half b);
/* Wraps at 2^256. */
struct wide wide_add(struct wide a, struct wide b);
/* a >= b. */
struct wide wide_sub(struct wide a, struct wide b);
int wide_cmp(struct wide a, struct wide b);
/* Quotient, remainder in *rem; b > 0. */
struct wide wide_div(struct wide a, wide_half b, wide_half *rem);
/* False when it does not fit. */
bool wide_to_half(struct wide a, wide_half *ret);
/* The whole part of the square root. */
wide_half wide_sqrt(struct wide a);

#endif
