#include "engine/decode/avro_logical.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define MAX_DIGITS 38
#define NS_PER_US INT64_C(1000)
#define SECONDS_PER_DAY INT64_C(86400)

/* ---- which types carry which meaning ------------------------------------------------------- */

/* Digits that a two's complement of `size` bytes always holds, as far as anybody asks. */
static bool holds_digits(uint32_t size, uint32_t precision)
{
    /* log10(2^(8n-1)) in thousandths, rounded down */
    return (uint64_t)precision * 1000 <= ((uint64_t)size * 8 - 1) * 30103 / 100;
}

static bool is_decimal(const struct payload_type *t, const struct avro_logical *l)
{
    bool kind = t->kind == PAYLOAD_BYTES || (t->kind == PAYLOAD_FIXED && t->size > 0);
    return kind && l->has_precision && !l->bad_scale && l->precision > 0 &&
           l->precision <= 1000 && l->scale <= l->precision &&
           (t->kind == PAYLOAD_BYTES || holds_digits(t->size, l->precision));
}

enum payload_meaning avro_logical_meaning(struct slice name, const struct payload_type *t,
                                          const struct avro_logical *l)
{
    static const struct {
        const char *name;
        enum payload_kind kind;
        uint32_t size;
        enum payload_meaning meaning;
    } table[] = {
        {"date", PAYLOAD_INT, 4, MEANS_DATE},
        {"time-millis", PAYLOAD_INT, 4, MEANS_TIME_MS},
        {"time-micros", PAYLOAD_INT, 8, MEANS_TIME_US},
        {"timestamp-millis", PAYLOAD_INT, 8, MEANS_TIMESTAMP_MS},
        {"timestamp-micros", PAYLOAD_INT, 8, MEANS_TIMESTAMP_US},
        {"timestamp-nanos", PAYLOAD_INT, 8, MEANS_TIMESTAMP_NS},
        {"local-timestamp-millis", PAYLOAD_INT, 8, MEANS_LOCAL_MS},
        {"local-timestamp-micros", PAYLOAD_INT, 8, MEANS_LOCAL_US},
        {"local-timestamp-nanos", PAYLOAD_INT, 8, MEANS_LOCAL_NS},
        {"uuid", PAYLOAD_STRING, 0, MEANS_UUID},
        {"uuid", PAYLOAD_FIXED, 16, MEANS_UUID},
        {"duration", PAYLOAD_FIXED, 12, MEANS_MONTHS},
    };
    if (slice_eq_str(name, "decimal")) {
        return is_decimal(t, l) ? MEANS_DECIMAL : MEANS_ITSELF;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (slice_eq_str(name, table[i].name) && t->kind == table[i].kind &&
            t->size == table[i].size) {
            return table[i].meaning;
        }
    }
    return MEANS_ITSELF;
}

/* ---- times --------------------------------------------------------------------------------- */

static void put_quoted(struct json_out *out, const char *text)
{
    json_text(out, slice_of(text));
}

static bool put_date(struct json_out *out, int64_t days)
{
    int64_t year;
    unsigned month, day;
    char text[48];
    civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) {
        return false;
    }
    snprintf(text, sizeof(text), "%04" PRId64 "-%02u-%02u", year, month, day);
    put_quoted(out, text);
    return true;
}

static bool put_time(struct json_out *out, int64_t v, int64_t per_second, int digits)
{
    char text[64];
    int64_t s = v / per_second;
    if (v < 0 || s >= SECONDS_PER_DAY) {
        return false;
    }
    snprintf(text, sizeof(text), "%02d:%02d:%02d.%0*d", (int)(s / 3600), (int)(s / 60 % 60),
             (int)(s % 60), digits, (int)(v % per_second));
    put_quoted(out, text);
    return true;
}

static bool put_timestamp(struct json_out *out, int64_t v, int64_t ns_per_unit, bool local)
{
    char text[ETIME_TEXT_MAX];
    struct etime t;
    if (__builtin_mul_overflow(v, ns_per_unit, &t.ns) || t.ns == INT64_MIN || t.ns == INT64_MAX) {
        return false;
    }
    size_t n = etime_format(t, text);
    if (local) {
        text[n - 1] = '\0'; /* without the Z */
    }
    put_quoted(out, text);
    return true;
}

static bool put_meaning(struct json_out *out, enum payload_meaning meaning, int64_t v)
{
    switch (meaning) {
    case MEANS_DATE: return put_date(out, v);
    case MEANS_TIME_MS: return put_time(out, v, 1000, 3);
    case MEANS_TIME_US: return put_time(out, v, 1000000, 6);
    case MEANS_TIMESTAMP_MS:
    case MEANS_LOCAL_MS: return put_timestamp(out, v, NS_PER_MS, meaning == MEANS_LOCAL_MS);
    case MEANS_TIMESTAMP_US:
    case MEANS_LOCAL_US: return put_timestamp(out, v, NS_PER_US, meaning == MEANS_LOCAL_US);
    case MEANS_TIMESTAMP_NS:
    case MEANS_LOCAL_NS: return put_timestamp(out, v, 1, meaning == MEANS_LOCAL_NS);
    case MEANS_ITSELF:
    case MEANS_DECIMAL:
    case MEANS_UUID:
    case MEANS_MONTHS:
    case MEANS_TIMESTAMP:
    case MEANS_DURATION:
    case MEANS_WRAPPER:
    case MEANING_COUNT: break;
    }
    return false;
}

void avro_put_number(struct json_out *out, enum payload_meaning meaning, int64_t v)
{
    if (!put_meaning(out, meaning, v)) {
        json_int(out, v);
    }
}

/* ---- decimals ------------------------------------------------------------------------------ */

/* False: it needs more than 16 bytes. */
static bool read_integer(struct slice bytes, __int128 *ret)
{
    bool negative = bytes.len > 0 && (uint8_t)bytes.ptr[0] & 0x80;
    unsigned __int128 v = negative ? ~(unsigned __int128)0 : 0;
    size_t i = 0;
    while (bytes.len - i > 16) {
        bool sign = (uint8_t)bytes.ptr[i + 1] & 0x80;
        if ((uint8_t)bytes.ptr[i] != (negative ? 0xff : 0) || sign != negative) {
            return false;
        }
        i++;
    }
    for (; i < bytes.len; i++) {
        v = v << 8 | (uint8_t)bytes.ptr[i];
    }
    *ret = (__int128)v;
    return true;
}

/* Digits of the magnitude, lowest first; how many. */
static size_t digits_of(__int128 v, char digits[48])
{
    unsigned __int128 m = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + (int)(m % 10));
        m /= 10;
    } while (m > 0);
    return n;
}

void avro_put_decimal(struct json_out *out, struct slice bytes, uint32_t scale)
{
    char digits[48], text[96];
    __int128 v;
    size_t n, len = 0;
    if (!read_integer(bytes, &v) || (n = digits_of(v, digits)) > MAX_DIGITS) {
        json_bool(out, false);
        return;
    }
    if (scale > MAX_DIGITS) { /* 0.000…: more places than any decimal has, unless it is zero */
        json_raw(out, v == 0 ? SLICE_LIT("0") : SLICE_LIT("false"));
        return;
    }
    while (n <= scale) {
        digits[n++] = '0';
    }
    if (v < 0) {
        text[len++] = '-';
    }
    while (n > 0) {
        if (n == scale) {
            text[len++] = '.';
        }
        text[len++] = digits[--n];
    }
    json_raw(out, slice_from(text, len));
}

/* ---- uuid, duration ------------------------------------------------------------------------ */

void avro_put_uuid(struct json_out *out, struct slice bytes)
{
    static const char hex[] = "0123456789abcdef";
    char text[40];
    size_t len = 0;
    for (size_t i = 0; i < bytes.len && i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[len++] = '-';
        }
        text[len++] = hex[(uint8_t)bytes.ptr[i] >> 4];
        text[len++] = hex[(uint8_t)bytes.ptr[i] & 15];
    }
    json_text(out, slice_from(text, len));
}

void avro_put_months(struct json_out *out, struct slice bytes)
{
    static const char *const names[] = {"months", "days", "millis"};
    json_object_begin(out);
    for (size_t i = 0; i < 3; i++) {
        uint32_t v = 0;
        for (size_t k = 4; k-- > 0;) {
            v = v << 8 | (uint8_t)bytes.ptr[4 * i + k];
        }
        json_key(out, slice_of(names[i]));
        json_uint(out, v);
    }
    json_object_end(out);
}
