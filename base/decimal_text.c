#include "base/decimal_impl.h"

/* Far beyond what the length of any text can bring back into range. */
#define EXPONENT_LIMIT (INT64_C(1) << 60)

/* The significant digits read so far: coeff × 10^zeros, `digits` of them in coeff. Zeros are held
 * back until a digit follows, so trailing ones never count. */
struct digits {
    wide_half coeff;
    unsigned digits;
    int64_t zeros;
    bool too_many;
};

static void digits_put(struct digits *d, unsigned digit)
{
    if (digit == 0) {
        d->zeros += d->coeff != 0;
        return;
    }
    int64_t need = (int64_t)d->digits + (d->coeff != 0 ? d->zeros : 0) + 1;
    if (need > DECIMAL_MAX_DIGITS) {
        d->too_many = true;
        return;
    }
    d->coeff = d->coeff * decimal_pow10((unsigned)(need - (int64_t)d->digits)) + digit;
    d->digits = (unsigned)need;
    d->zeros = 0;
}

static bool is_digit(struct slice s, size_t at)
{
    return at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9';
}

/* One digit or more; returns how many. */
static size_t scan_run(struct slice s, size_t *at, struct digits *d)
{
    size_t begin = *at;
    while (is_digit(s, *at)) {
        digits_put(d, (unsigned)(s.ptr[*at] - '0'));
        (*at)++;
    }
    return *at - begin;
}

static bool scan_exponent(struct slice s, size_t *at, int64_t *ret)
{
    bool negative = false;
    if (*at < s.len && (s.ptr[*at] == '+' || s.ptr[*at] == '-')) {
        negative = s.ptr[*at] == '-';
        (*at)++;
    }
    if (!is_digit(s, *at)) {
        return false;
    }
    int64_t v = 0;
    for (; is_digit(s, *at); (*at)++) {
        v = v >= EXPONENT_LIMIT / 10 ? EXPONENT_LIMIT : v * 10 + (s.ptr[*at] - '0');
    }
    *ret = negative ? -v : v;
    return true;
}

/* coeff × 10^exponent, the coefficient without trailing zeros. */
static bool from_scientific(bool negative, const struct digits *d, int64_t exponent,
                            struct decimal *ret)
{
    if (d->coeff == 0) {
        *ret = DECIMAL_ZERO;
        return true;
    }
    if (d->too_many || exponent < -DECIMAL_MAX_SCALE ||
        exponent > DECIMAL_MAX_DIGITS - (int64_t)d->digits) {
        return false;
    }
    wide_half coeff = d->coeff;
    unsigned scale = 0;
    if (exponent > 0) {
        coeff *= decimal_pow10((unsigned)exponent);
    } else {
        scale = (unsigned)-exponent;
    }
    return decimal_from_parts(negative, wide_from(coeff), scale, ret);
}

bool decimal_parse(struct slice s, struct decimal *ret)
{
    size_t at = 0;
    bool negative = s.len > 0 && s.ptr[0] == '-';
    at += negative;
    struct digits d = {0};
    size_t whole_begin = at;
    size_t whole = scan_run(s, &at, &d);
    if (whole == 0 || (whole > 1 && s.ptr[whole_begin] == '0')) {
        return false;
    }
    size_t fraction = 0;
    if (at < s.len && s.ptr[at] == '.') {
        at++;
        fraction = scan_run(s, &at, &d);
        if (fraction == 0) {
            return false;
        }
    }
    int64_t exponent = 0;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        if (!scan_exponent(s, &at, &exponent)) {
            return false;
        }
    }
    return at == s.len &&
           from_scientific(negative, &d, exponent + d.zeros - (int64_t)fraction, ret);
}

size_t decimal_format(struct decimal d, char out[DECIMAL_TEXT_MAX])
{
    /* Written from the end: at least one digit before the point, `scale` behind it. */
    char text[DECIMAL_TEXT_MAX];
    size_t at = sizeof(text);
    wide_half left = decimal_magnitude(d);
    unsigned written = 0;
    do {
        if (written > 0 && written == d.scale) {
            text[--at] = '.';
        }
        text[--at] = (char)('0' + (unsigned)(left % 10));
        left /= 10;
        written++;
    } while (left != 0 || written <= d.scale);
    if (d.coeff < 0) {
        text[--at] = '-';
    }
    size_t len = sizeof(text) - at;
    memcpy(out, text + at, len);
    out[len] = '\0';
    return len;
}
