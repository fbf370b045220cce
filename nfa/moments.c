#include "nfa/moments.h"

#include <assert.h>

#include "base/buf.h"

#define LIMBS 8

static struct big big_from(__int128 v)
{
    struct big r;
    uint64_t sign = v < 0 ? UINT64_MAX : 0;
    for (unsigned i = 2; i < LIMBS; i++) {
        r.w[i] = sign;
    }
    r.w[0] = (uint64_t)(unsigned __int128)v;
    r.w[1] = (uint64_t)((unsigned __int128)v >> 64);
    return r;
}

static bool big_negative(const struct big *a)
{
    return a->w[LIMBS - 1] >> 63;
}

static struct big big_add(struct big a, const struct big *b)
{
    unsigned __int128 carry = 0;
    for (unsigned i = 0; i < LIMBS; i++) {
        carry += (unsigned __int128)a.w[i] + b->w[i];
        a.w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

static struct big big_negate(struct big a)
{
    struct big one = big_from(1);
    for (unsigned i = 0; i < LIMBS; i++) {
        a.w[i] = ~a.w[i];
    }
    return big_add(a, &one);
}

static struct big big_sub(struct big a, const struct big *b)
{
    struct big minus = big_negate(*b);
    return big_add(a, &minus);
}

/* Modulo 2^512, which is the true product of signed numbers that fit. */
static struct big big_mul(const struct big *a, const struct big *b)
{
    struct big r = {{0}};
    for (unsigned i = 0; i < LIMBS; i++) {
        unsigned __int128 carry = 0;
        for (unsigned j = 0; a->w[i] && i + j < LIMBS; j++) {
            carry += (unsigned __int128)a->w[i] * b->w[j] + r.w[i + j];
            r.w[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    return r;
}

/* a >= 0, d > 0; the remainder comes back. */
static uint64_t big_divide(struct big *a, uint64_t d)
{
    unsigned __int128 rest = 0;
    for (unsigned i = LIMBS; i-- > 0;) {
        rest = rest << 64 | a->w[i];
        a->w[i] = (uint64_t)(rest / d);
        rest %= d;
    }
    return (uint64_t)rest;
}

static bool big_fits(const struct big *a, __int128 *ret)
{
    *ret = (__int128)((unsigned __int128)a->w[1] << 64 | a->w[0]);
    struct big back = big_from(*ret);
    for (unsigned i = 0; i < LIMBS; i++) {
        if (back.w[i] != a->w[i]) {
            return false;
        }
    }
    return true;
}

/* 10^e for e <= 36: the product of two powers that fit into 64 bits. */
static struct big power_of_ten(unsigned e)
{
    unsigned __int128 p = 1;
    assert(e <= 36);
    while (e-- > 0) {
        p *= 10;
    }
    return big_from((__int128)p);
}

static unsigned big_bits(const struct big *a)
{
    for (unsigned i = LIMBS; i-- > 0;) {
        if (a->w[i]) {
            return i * 64 + 64 - (unsigned)__builtin_clzll(a->w[i]);
        }
    }
    return 0;
}

static struct big bit_at(unsigned at)
{
    struct big r = {{0}};
    r.w[at / 64] = UINT64_C(1) << (at % 64);
    return r;
}

static void shift_right(struct big *a)
{
    for (unsigned i = 0; i < LIMBS; i++) {
        uint64_t above = i + 1 < LIMBS ? a->w[i + 1] << 63 : 0;
        a->w[i] = a->w[i] >> 1 | above;
    }
}

/* Digit by digit in base 2: `root` holds twice the root found so far, shifted to the place. */
static struct big big_sqrt(struct big a)
{
    struct big root = {{0}};
    unsigned bits = big_bits(&a);
    for (unsigned at = (bits + 1) / 2 * 2; bits && at + 1 > 0; at -= 2) {
        struct big bit = bit_at(at);
        struct big sum = big_add(root, &bit);
        struct big rest = big_sub(a, &sum);
        shift_right(&root);
        if (!big_negative(&rest)) {
            a = rest;
            root = big_add(root, &bit);
        }
        if (at == 0) {
            break;
        }
    }
    return root;
}

static struct big scaled(__int128 coeff, unsigned up)
{
    struct big x = big_from(coeff);
    if (up) {
        struct big factor = power_of_ten(up);
        x = big_mul(&x, &factor);
    }
    return x;
}

void moments_remove(struct moments *m, __int128 coeff, unsigned up, bool squares)
{
    struct big x = scaled(coeff, up);
    m->s1 = big_sub(m->s1, &x);
    if (squares) {
        struct big xx = big_mul(&x, &x);
        m->s2 = big_sub(m->s2, &xx);
    }
    m->n--;
}

void moments_merge(struct moments *m, const struct moments *other)
{
    m->s1 = big_add(m->s1, &other->s1);
    m->s2 = big_add(m->s2, &other->s2);
    m->n += other->n;
}

void moments_unmerge(struct moments *m, const struct moments *other)
{
    m->s1 = big_sub(m->s1, &other->s1);
    m->s2 = big_sub(m->s2, &other->s2);
    m->n -= other->n;
}

#define BIG_BYTES (LIMBS * 8)

static uint8_t byte_of(const struct big *a, unsigned i)
{
    return (uint8_t)(a->w[i / 8] >> (i % 8 * 8));
}

/* As few bytes as keep the sign. */
static void encode_big(const struct big *a, struct buf *out)
{
    uint8_t fill = big_negative(a) ? 0xff : 0;
    unsigned n = BIG_BYTES;
    while (n > 0 && byte_of(a, n - 1) == fill && (n == 1 ? fill == 0
                                                         : byte_of(a, n - 2) >> 7 == fill >> 7)) {
        n--;
    }
    buf_put_byte(out, (uint8_t)n);
    while (n-- > 0) {
        buf_put_byte(out, byte_of(a, n));
    }
}

static void decode_big(struct big *a, struct reader *r)
{
    unsigned n = read_byte(r);
    *a = (struct big){{0}};
    if (n > BIG_BYTES) {
        r->failed = true;
        return;
    }
    for (unsigned i = n; i-- > 0;) {
        uint8_t byte = read_byte(r);
        if (i == n - 1 && byte >> 7) {
            *a = big_from(-1);
        }
        a->w[i / 8] = (a->w[i / 8] & ~(UINT64_C(0xff) << (i % 8 * 8))) |
                      (uint64_t)byte << (i % 8 * 8);
    }
}

void moments_encode(const struct moments *m, struct buf *out)
{
    buf_put_varint(out, m->n);
    encode_big(&m->s1, out);
    encode_big(&m->s2, out);
}

void moments_decode(struct moments *m, struct reader *r)
{
    m->n = read_varint(r);
    decode_big(&m->s1, r);
    decode_big(&m->s2, r);
}

void moments_add(struct moments *m, __int128 coeff, unsigned up, bool squares)
{
    struct big x = scaled(coeff, up);
    m->s1 = big_add(m->s1, &x);
    if (squares) {
        struct big xx = big_mul(&x, &x);
        m->s2 = big_add(m->s2, &xx);
    }
    m->n++;
}

/* Fewer places when the number has trailing zeros and is too long otherwise. */
static bool to_decimal(struct big a, unsigned scale, struct decimal *ret)
{
    __int128 coeff;
    bool minus = big_negative(&a);
    if (big_fits(&a, &coeff)) {
        return decimal_make(coeff, scale, ret);
    }
    a = minus ? big_negate(a) : a;
    while (scale > 0) {
        if (big_divide(&a, 10) != 0) {
            return false;
        }
        scale--;
        if (big_fits(&a, &coeff)) {
            return decimal_make(minus ? -coeff : coeff, scale, ret);
        }
    }
    return false;
}

bool moments_sum(const struct moments *m, unsigned scale, struct decimal *ret)
{
    return to_decimal(m->s1, scale, ret);
}

bool moments_mean(const struct moments *m, unsigned scale, unsigned places, struct decimal *ret)
{
    assert(m->n > 0);
    struct big factor = power_of_ten(places - scale);
    struct big q = big_mul(&m->s1, &factor);
    bool minus = big_negative(&q);
    q = minus ? big_negate(q) : q;
    uint64_t rest = big_divide(&q, m->n);
    bool tie = rest == m->n - rest;
    if (rest > m->n - rest || (tie && (q.w[0] & 1))) {
        struct big one = big_from(1);
        q = big_add(q, &one);
    }
    return to_decimal(minus ? big_negate(q) : q, places, ret);
}

/* With D = 4 (n Σx² - (Σx)²) / (n (n - 1)) the whole part t of √D is twice the deviation cut to
 * half places, so (t + 1) / 2 is the deviation rounded. */
bool moments_stddev(const struct moments *m, unsigned scale, unsigned places, struct decimal *ret)
{
    assert(m->n >= 2);
    struct big n = big_from((__int128)m->n);
    struct big d = big_mul(&m->s2, &n);
    struct big square = big_mul(&m->s1, &m->s1);
    d = big_sub(d, &square);
    struct big factor = power_of_ten(2 * (places - scale));
    d = big_mul(&d, &factor);
    struct big four = big_from(4);
    d = big_mul(&d, &four);
    big_divide(&d, m->n);
    big_divide(&d, m->n - 1);
    struct big t = big_sqrt(d);
    struct big one = big_from(1);
    t = big_add(t, &one);
    shift_right(&t);
    return to_decimal(t, places, ret);
}
