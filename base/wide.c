#include "base/wide.h"

#include <assert.h>

struct wide wide_from(wide_half v)
{
    return (struct wide){{(uint64_t)v, (uint64_t)(v >> 64), 0, 0}};
}

struct wide wide_mul(wide_half a, wide_half b)
{
    uint64_t x[2] = {(uint64_t)a, (uint64_t)(a >> 64)};
    uint64_t y[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    struct wide r = {{0}};
    for (int i = 0; i < 2; i++) {
        uint64_t carry = 0;
        for (int k = 0; k < 2; k++) {
            /* At most (2^64-1)^2 + 2 (2^64-1) = 2^128 - 1. */
            wide_half t = (wide_half)x[i] * y[k] + r.limb[i + k] + carry;
            r.limb[i + k] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        r.limb[i + 2] = carry;
    }
    return r;
}

struct wide wide_add(struct wide a, struct wide b)
{
    wide_half t = 0;
    for (int i = 0; i < 4; i++) {
        t += (wide_half)a.limb[i] + b.limb[i];
        a.limb[i] = (uint64_t)t;
        t >>= 64;
    }
    return a;
}

struct wide wide_sub(struct wide a, struct wide b)
{
    bool borrow = false;
    for (int i = 0; i < 4; i++) {
        uint64_t d;
        bool first = __builtin_sub_overflow(a.limb[i], b.limb[i], &d);
        bool second = __builtin_sub_overflow(d, (uint64_t)borrow, &a.limb[i]);
        borrow = first || second;
    }
    assert(!borrow);
    return a;
}

int wide_cmp(struct wide a, struct wide b)
{
    for (int i = 3; i >= 0; i--) {
        if (a.limb[i] != b.limb[i]) {
            return a.limb[i] < b.limb[i] ? -1 : 1;
        }
    }
    return 0;
}

bool wide_to_half(struct wide a, wide_half *ret)
{
    *ret = (wide_half)a.limb[1] << 64 | a.limb[0];
    return (a.limb[2] | a.limb[3]) == 0;
}

static struct wide div_limb(struct wide a, uint64_t b, wide_half *rem)
{
    wide_half r = 0;
    for (int i = 3; i >= 0; i--) {
        r = r << 64 | a.limb[i];
        a.limb[i] = (uint64_t)(r / b);
        r %= b;
    }
    *rem = r;
    return a;
}

/* Bit by bit; only for divisors above 64 bits. */
static struct wide div_bits(struct wide a, wide_half b, wide_half *rem)
{
    struct wide q = {{0}};
    wide_half r = 0;
    for (int i = 255; i >= 0; i--) {
        bool carry = r >> 127;
        r = r << 1 | (a.limb[i / 64] >> (i % 64) & 1);
        if (carry || r >= b) {
            r -= b;
            q.limb[i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
    *rem = r;
    return q;
}

struct wide wide_div(struct wide a, wide_half b, wide_half *rem)
{
    assert(b > 0);
    wide_half small;
    if (wide_to_half(a, &small)) {
        *rem = small % b;
        return wide_from(small / b);
    }
    return b <= UINT64_MAX ? div_limb(a, (uint64_t)b, rem) : div_bits(a, b, rem);
}

wide_half wide_sqrt(struct wide a)
{
    wide_half root = 0;
    for (int bit = 127; bit >= 0; bit--) {
        wide_half next = root | (wide_half)1 << bit;
        if (wide_cmp(wide_mul(next, next), a) <= 0) {
            root = next;
        }
    }
    return root;
}
