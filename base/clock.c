#include "base/clock.h"

#include <stdio.h>

#define S_PER_DAY INT64_C(86400)

int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    /* Years begin in March here, so that the leap day is the last one. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + (int64_t)day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

/* A cursor over the text; every step says whether it found what it wants. */
struct scan {
    const char *p;
    const char *end;
};

static bool scan_char(struct scan *s, const char *one_of)
{
    for (; s->p < s->end && *one_of; one_of++) {
        if (*s->p == *one_of) {
            s->p++;
            return true;
        }
    }
    return false;
}

static bool scan_digits(struct scan *s, unsigned count, unsigned *ret)
{
    unsigned v = 0;
    for (unsigned i = 0; i < count; i++) {
        if (s->p == s->end || *s->p < '0' || *s->p > '9') {
            return false;
        }
        v = v * 10 + (unsigned)(*s->p++ - '0');
    }
    *ret = v;
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

static bool scan_date(struct scan *s, int64_t *days)
{
    unsigned year, month, day;
    if (!scan_digits(s, 4, &year) || !scan_char(s, "-") || !scan_digits(s, 2, &month) ||
        !scan_char(s, "-") || !scan_digits(s, 2, &day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *days = days_from_civil(year, month, day);
    return true;
}

/* ".d" to ".ddddddddd", as nanoseconds; no point is no fraction. */
static bool scan_fraction(struct scan *s, int64_t *ns)
{
    *ns = 0;
    if (!scan_char(s, ".")) {
        return true;
    }
    int64_t unit = NS_PER_S;
    unsigned digit;
    while (scan_digits(s, 1, &digit)) {
        if (unit == 1) {
            return false;
        }
        unit /= 10;
        *ns += digit * unit;
    }
    return unit != NS_PER_S;
}

static bool scan_time(struct scan *s, int64_t *seconds, int64_t *ns)
{
    unsigned hour, minute, second;
    if (!scan_digits(s, 2, &hour) || !scan_char(s, ":") || !scan_digits(s, 2, &minute) ||
        !scan_char(s, ":") || !scan_digits(s, 2, &second) || !scan_fraction(s, ns)) {
        return false;
    }
    *seconds = (int64_t)hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 59;
}

static bool scan_zone(struct scan *s, int64_t *offset_s)
{
    *offset_s = 0;
    if (scan_char(s, "Zz")) {
        return true;
    }
    bool west = s->p != s->end && *s->p == '-';
    unsigned hour, minute;
    if (!scan_char(s, "+-") || !scan_digits(s, 2, &hour) || !scan_char(s, ":") ||
        !scan_digits(s, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    *offset_s = (int64_t)(hour * 3600 + minute * 60);
    if (west) {
        *offset_s = -*offset_s;
    }
    return true;
}

/* The two outermost nanoseconds of int64 stand for "before" and "after everything" (ETIME_MIN,
 * ETIME_MAX); no event happens there. */
static bool etime_make(int64_t seconds, int64_t ns, struct etime *ret)
{
    __int128 total = (__int128)seconds * NS_PER_S + ns;
    if (total <= INT64_MIN || total >= INT64_MAX) {
        return false;
    }
    *ret = (struct etime){(int64_t)total};
    return true;
}

bool etime_parse(struct slice text, bool date_alone, struct etime *ret)
{
    if (text.len == 0) {
        return false; /* such a text may have no address to count from */
    }
    struct scan s = {text.ptr, text.ptr + text.len};
    int64_t days, seconds = 0, ns = 0, offset_s = 0;
    if (!scan_date(&s, &days)) {
        return false;
    }
    if (s.p == s.end) {
        return date_alone && etime_make(days * S_PER_DAY, 0, ret);
    }
    /* RFC 3339, 5.6: lower case and a blank instead of "T" are allowed. */
    if (!scan_char(&s, "Tt ") || !scan_time(&s, &seconds, &ns) || !scan_zone(&s, &offset_s) ||
        s.p != s.end) {
        return false;
    }
    return etime_make(days * S_PER_DAY + seconds - offset_s, ns, ret);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* "hh:mm:ss", all bytes at once: each may lie so far above the same byte of "00:00:00". */
static bool seconds_of_day(const char *text, int64_t *ret)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    const uint64_t zeros = UINT64_C(0x30303A30303A3030);
    const uint64_t room = UINT64_C(0x767A7F767A7F767D); /* 0x7F less 9, 5, 0, 9, 5, 0, 9, 2 */
    uint64_t d;
    memcpy(&d, text, sizeof(d));
    d ^= zeros;
    uint64_t pairs = d * 10 + (d >> 8); /* tens and ones, in the byte of the tens */
    unsigned hour = pairs & 0xFF, minute = (pairs >> 24) & 0xFF, second = (pairs >> 48) & 0xFF;
    *ret = (int64_t)(hour * 3600 + minute * 60 + second);
    return ((d | (d + room)) & high) == 0 && hour <= 23;
}
#else
static bool seconds_of_day(const char *text, int64_t *ret)
{
    struct scan s = {text, text + 8};
    int64_t ns;
    return scan_time(&s, ret, &ns) && s.p == s.end;
}
#endif

/* ".d" to ".ddddddddd" up to the "Z"; no text at all is no fraction. */
static bool fraction_of_second(const char *p, const char *end, int64_t *ns)
{
    int64_t unit = NS_PER_S, v = 0;
    *ns = 0;
    if (p == end) {
        return true;
    }
    if (*p != '.' || end - p < 2 || end - p > 10) {
        return false;
    }
    for (p++; p < end; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (digit > 9) {
            return false;
        }
        unit /= 10;
        v = v * 10 + digit;
    }
    *ns = v * unit;
    return true;
}

/* The form with milliseconds, whose length is always the same. */
static bool milliseconds(const char *p, int64_t *ns)
{
    unsigned a = (unsigned)(p[1] - '0'), b = (unsigned)(p[2] - '0'), c = (unsigned)(p[3] - '0');
    *ns = (int64_t)(a * 100 + b * 10 + c) * NS_PER_MS;
    return (*p == '.') & (a <= 9) & (b <= 9) & (c <= 9);
}

static bool same_date(const struct etime_day *day, const char *text)
{
    uint64_t a, b;
    uint16_t c, d;
    memcpy(&a, day->date, sizeof(a));
    memcpy(&b, text, sizeof(b));
    memcpy(&c, day->date + sizeof(a), sizeof(c));
    memcpy(&d, text + sizeof(b), sizeof(d));
    return a == b && c == d;
}

static void note_day(struct etime_day *day, const char *text)
{
    char midnight[20];
    struct etime t;
    memcpy(midnight, text, sizeof(day->date));
    memcpy(midnight + sizeof(day->date), "T00:00:00Z", 10);
    if (etime_parse(slice_from(midnight, sizeof(midnight)), false, &t)) {
        memcpy(day->date, text, sizeof(day->date));
        day->midnight_ns = t.ns;
    }
}

bool etime_parse_near(struct slice text, struct etime_day *day, struct etime *ret)
{
    const char *p = text.ptr;
    int64_t seconds, ns;
    if (text.len < 20 || p[10] != 'T' || p[text.len - 1] != 'Z') {
        return etime_parse(text, false, ret);
    }
    if (same_date(day, p) && seconds_of_day(p + 11, &seconds) &&
        (text.len == 24 ? milliseconds(p + 19, &ns)
                        : fraction_of_second(p + 19, p + text.len - 1, &ns)) &&
        !__builtin_add_overflow(day->midnight_ns, seconds * NS_PER_S + ns, &ret->ns)) {
        return ret->ns != INT64_MAX;
    }
    if (!etime_parse(text, false, ret)) {
        return false;
    }
    note_day(day, p);
    return true;
}

static char *put_digits(char *at, uint32_t v, int width)
{
    for (int i = width; i-- > 0; v /= 10) {
        at[i] = (char)('0' + v % 10);
    }
    return at + width;
}

static char *put_two(char *at, int64_t v, char behind)
{
    at[0] = (char)('0' + (uint32_t)v / 10);
    at[1] = (char)('0' + (uint32_t)v % 10);
    at[2] = behind;
    return at + 3;
}

/* The years of all times that there are have four digits. */
size_t etime_format(struct etime t, char out[ETIME_TEXT_MAX])
{
    int64_t ns = t.ns % NS_PER_S;
    int64_t seconds = t.ns / NS_PER_S;
    if (ns < 0) {
        ns += NS_PER_S;
        seconds--;
    }
    int64_t second_of_day = seconds % S_PER_DAY;
    int64_t days = seconds / S_PER_DAY;
    if (second_of_day < 0) {
        second_of_day += S_PER_DAY;
        days--;
    }
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    int digits = ns % NS_PER_MS == 0 ? 3 : ns % 1000 == 0 ? 6 : 9;
    int64_t shown = digits == 3 ? ns / NS_PER_MS : digits == 6 ? ns / 1000 : ns;
    char *at = put_digits(out, (uint32_t)year, 4);
    *at++ = '-';
    at = put_two(at, month, '-');
    at = put_two(at, day, 'T');
    at = put_two(at, second_of_day / 3600, ':');
    at = put_two(at, second_of_day / 60 % 60, ':');
    at = put_two(at, second_of_day % 60, '.');
    at = put_digits(at, (uint32_t)shown, digits);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

size_t duration_format(struct duration d, char out[DURATION_TEXT_MAX])
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {
        {86400 * UINT64_C(1000000000), "d"},
        {3600 * UINT64_C(1000000000), "h"},
        {60 * UINT64_C(1000000000), "m"},
        {UINT64_C(1000000000), "s"},
        {UINT64_C(1000000), "ms"},
        {UINT64_C(1000), "us"},
        {1, "ns"},
    };
    size_t len = 0;
    uint64_t left = d.ns < 0 ? -(uint64_t)d.ns : (uint64_t)d.ns;
    if (d.ns < 0) {
        out[len++] = '-';
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        unsigned long long count = left / units[i].ns;
        left %= units[i].ns;
        if (count) {
            len += (size_t)snprintf(out + len, DURATION_TEXT_MAX - len, "%llu%s", count,
                                    units[i].name);
        }
    }
    if (d.ns == 0) {
        len = (size_t)snprintf(out, DURATION_TEXT_MAX, "0s");
    }
    return len;
}
