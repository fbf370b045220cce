#include "engine/decode/json_number.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* A number taken apart: (-1)^negative × digits × 10^exponent. */
struct parts {
    bool negative;
    bool exact;        /* all digits are in `digits` */
    uint64_t digits;   /* without leading and trailing zeros */
    unsigned n_digits; /* 0: the number is zero */
    int64_t exponent;  /* of the last digit; saturated far outside of what can matter */
};

#define EXPONENT_FAR (INT64_MAX / 4)
#define MAX_DIGITS 19 /* always fit 64 unsigned bits */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p)) {
        p++;
    }
    return p;
}

bool json_number_valid(struct slice text)
{
    const char *p = text.ptr;
    const char *end = p + text.len;
    const char *from;
    if (p < end && *p == '-') {
        p++;
    }
    from = p;
    p = skip_digits(p, end);
    if (p == from || (*from == '0' && p - from > 1)) {
        return false;
    }
    if (p < end && *p == '.') {
        from = ++p;
        p = skip_digits(p, end);
        if (p == from) {
            return false;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        from = p;
        p = skip_digits(p, end);
        if (p == from) {
            return false;
        }
    }
    return p == end;
}

static int64_t parse_exponent(const char *p, const char *end)
{
    bool negative = *p == '-';
    int64_t v = 0;
    if (*p == '-' || *p == '+') {
        p++;
    }
    for (; p < end; p++) {
        v = v > EXPONENT_FAR / 10 ? EXPONENT_FAR : v * 10 + (*p - '0');
    }
    return negative ? -v : v;
}

/* Zeros are held back until a digit follows them: trailing ones only move the exponent. */
static struct parts take_apart(struct slice number)
{
    struct parts r = {.exact = true};
    const char *p = number.ptr;
    const char *end = p + number.len;
    int64_t held = 0, behind_point = 0;
    bool point = false;
    if (*p == '-') {
        r.negative = true;
        p++;
    }
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        behind_point += point;
        if (*p == '0') {
            held += r.n_digits > 0;
            continue;
        }
        if (held + r.n_digits + 1 > MAX_DIGITS) {
            r.exact = false;
            return r;
        }
        for (; held > 0; held--, r.n_digits++) {
            r.digits *= 10;
        }
        r.digits = r.digits * 10 + (uint64_t)(*p - '0');
        r.n_digits++;
    }
    r.exponent = held - behind_point;
    if (p < end) {
        r.exponent += parse_exponent(p + 1, end);
    }
    return r;
}

static bool apply_sign(uint64_t magnitude, bool negative, int64_t *ret)
{
    if (magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool json_number_scaled(struct slice number, unsigned shift, int64_t *ret)
{
    struct parts n = take_apart(number);
    if (!n.exact) {
        return false; /* more than 19 digits between the first and the last that is not zero */
    }
    if (n.n_digits == 0) {
        *ret = 0;
        return true;
    }
    int64_t exponent = n.exponent + (int64_t)shift;
    if (exponent < 0 || exponent + (int64_t)n.n_digits > MAX_DIGITS) {
        return false;
    }
    for (; exponent > 0; exponent--) {
        n.digits *= 10;
    }
    return apply_sign(n.digits, n.negative, ret);
}

/* Few digits need no 128-bit arithmetic, and taken apart they are canonical already. */
bool json_number_to_decimal(struct slice number, struct decimal *ret)
{
    struct parts n = take_apart(number);
    if (!n.exact || n.exponent > 0 || n.exponent < -DECIMAL_MAX_SCALE) {
        return decimal_parse(number, ret);
    }
    ret->coeff = n.negative ? -(__int128)n.digits : (__int128)n.digits;
    ret->scale = n.n_digits > 0 ? (uint8_t)-n.exponent : 0;
    return true;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Eight digits, the first one in the lowest byte, as a number (Lemire's form of a well-known
 * trick: pairs, fours, all eight). Zero bytes in front count as zeros. */
static uint64_t eight_digits(uint64_t v)
{
    v = ((v & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561) >> 8;
    v = ((v & UINT64_C(0x00FF00FF00FF00FF)) * 6553601) >> 16;
    return ((v & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001)) >> 32;
}

static uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

bool json_number_short_decimal(const char *p, size_t len, struct decimal *ret)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    const uint64_t ones = UINT64_C(0x0101010101010101);
    bool negative = *p == '-';
    p += negative;
    len -= negative;
    uint64_t head = load8(p), points = head ^ ones * '.';
    points = (points - ones) & ~points & (ones * 0x80);
    size_t whole = points ? (size_t)__builtin_ctzll(points) >> 3 : 8;
    if (whole > len || (whole == 8 && p[8] != '.')) {
        whole = len; /* a point behind the number is none of it */
    }
    if (whole == 0 || whole > 8 || len - whole > 9) {
        return false;
    }
    uint64_t shift = 8 * (8 - whole), digits = head << shift;
    uint64_t places = 0, behind = 0;
    if (whole < len) {
        places = len - whole - 1;
        if (places == 0) {
            return false;
        }
        behind = load8(p + whole + 1) << (8 * (8 - places));
        if (((behind ^ ones * '0') & (ones * 0xF0)) >> (8 * (8 - places)) != 0) {
            return false; /* an exponent */
        }
        uint64_t last = behind & (ones * 0x0F);
        size_t zeros = last ? (size_t)__builtin_clzll(last) >> 3 : places;
        places -= zeros;
        behind = zeros < 8 ? behind << (8 * zeros) : 0;
    }
    if (((digits ^ ones * '0') & (ones * 0xF0)) >> shift != 0) {
        return false;
    }
    uint64_t v = eight_digits(digits) * powers[places] + eight_digits(behind);
    ret->coeff = negative ? -(__int128)v : (__int128)v;
    ret->scale = (uint8_t)places;
    return true;
}
#else
bool json_number_short_decimal(const char *p, size_t len, struct decimal *ret)
{
    return json_number_to_decimal(slice_from(p, len), ret);
}
#endif

/* strtod follows the locale's decimal point, so it gets the C locale; and it needs an end. */
static double slow_double(struct slice number)
{
    char small[64];
    char *copy = number.len < sizeof(small) ? small : xmalloc(number.len + 1);
    memcpy(copy, number.ptr, number.len);
    copy[number.len] = '\0';
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0) {
        xalloc_die(sizeof(void *));
    }
    double v = strtod_l(copy, NULL, c);
    freelocale(c);
    if (copy != small) {
        free(copy);
    }
    return v;
}

/* Clinger, "How to read floating point numbers accurately": a product or quotient of two exact
 * doubles is rounded once, hence correctly. */
static bool fast_double(struct slice number, double *ret)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct parts n = take_apart(number);
    if (!n.exact || n.digits > (UINT64_C(1) << 53)) {
        return false;
    }
    double v = (double)n.digits;
    if (n.n_digits > 0) {
        if (n.exponent < -22 || n.exponent > 22) {
            return false;
        }
        v = n.exponent < 0 ? v / powers[-n.exponent] : v * powers[n.exponent];
    }
    *ret = n.negative ? -v : v;
    return true;
}

bool json_number_to_double(struct slice number, double *ret)
{
    if (!fast_double(number, ret)) {
        *ret = slow_double(number);
    }
    return isfinite(*ret);
}
