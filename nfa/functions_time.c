/* Calendar functions: UTC, or the zone given as the last argument. */
#include <assert.h>
#include <stdio.h>

#include "nfa/functions_internal.h"
#include "nfa/zone.h"

#define HOUR_S INT64_C(3600)
#define DAY_S INT64_C(86400)

/* What the clocks and calendars of a zone show. */
struct civil {
    int64_t year;
    unsigned month, day;
    int64_t days;    /* since 1970-01-01 */
    int64_t seconds; /* of the day */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static const struct zone *zone_arg(const struct value *args, uint32_t n, uint32_t at)
{
    if (n <= at) {
        return &zone_utc;
    }
    const struct zone *z = zone_of_value(args[at]);
    assert(z); /* the compiler put it there */
    return z ? z : &zone_utc;
}

static int64_t local_seconds(struct value t, const struct zone *z)
{
    int64_t utc = floor_div(t.u.i, NS_PER_S);
    return utc + zone_offset(z, utc);
}

static struct civil civil_of(int64_t local_s)
{
    struct civil c;
    c.days = floor_div(local_s, DAY_S);
    c.seconds = local_s - c.days * DAY_S;
    civil_from_days(c.days, &c.year, &c.month, &c.day);
    return c;
}

/* 1 = Monday; 1970-01-01 was a Thursday. */
static int64_t iso_weekday(int64_t days)
{
    int64_t w = (days + 3) % 7;
    return (w < 0 ? w + 7 : w) + 1;
}

/* ISO 8601: the week belongs to the year of its Thursday. */
static int64_t iso_week(int64_t days)
{
    int64_t thursday = days - iso_weekday(days) + 4;
    int64_t year;
    unsigned month, day;
    civil_from_days(thursday, &year, &month, &day);
    return (thursday - days_from_civil(year, 1, 1)) / 7 + 1;
}

struct value fn_hour(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    return value_int(civil_of(local_seconds(args[0], zone_arg(args, n, 1))).seconds / HOUR_S);
}

struct value fn_minute(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    return value_int(civil_of(local_seconds(args[0], zone_arg(args, n, 1))).seconds / 60 % 60);
}

struct value fn_weekday(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    return value_int(iso_weekday(civil_of(local_seconds(args[0], zone_arg(args, n, 1))).days));
}

struct value fn_date(struct eval *ev, const struct value *args, uint32_t n)
{
    struct civil c = civil_of(local_seconds(args[0], zone_arg(args, n, 1)));
    return value_string(slice_of(arena_printf(ev->scratch, "%04lld-%02u-%02u", (long long)c.year,
                                              c.month, c.day)));
}

/* ---- date_part ---------------------------------------------------------------------------- */

enum date_part {
    PART_YEAR,
    PART_QUARTER,
    PART_MONTH,
    PART_WEEK,
    PART_DAY,
    PART_YEARDAY,
    PART_WEEKDAY,
    PART_HOUR,
    PART_MINUTE,
    PART_SECOND,
    PART_UNKNOWN
};

const char *const date_part_words[] = {"year",    "quarter", "month",  "week",   "day", "yearday",
                                       "weekday", "hour",    "minute", "second", NULL};

static unsigned word_at(const char *const *words, struct slice word)
{
    unsigned i = 0;
    while (words[i] && !slice_eq_str(word, words[i])) {
        i++;
    }
    return i;
}

static int64_t part_of(enum date_part part, const struct civil *c)
{
    switch (part) {
    case PART_YEAR:
        return c->year;
    case PART_QUARTER:
        return (c->month + 2) / 3;
    case PART_MONTH:
        return c->month;
    case PART_WEEK:
        return iso_week(c->days);
    case PART_DAY:
        return c->day;
    case PART_YEARDAY:
        return c->days - days_from_civil(c->year, 1, 1) + 1;
    case PART_WEEKDAY:
        return iso_weekday(c->days);
    case PART_HOUR:
        return c->seconds / HOUR_S;
    case PART_MINUTE:
        return c->seconds / 60 % 60;
    case PART_SECOND:
        return c->seconds % 60;
    case PART_UNKNOWN:
        break;
    }
    return 0;
}

struct value fn_date_part(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    enum date_part part = (enum date_part)word_at(date_part_words, value_as_slice(args[0]));
    if (part == PART_UNKNOWN) {
        return VALUE_MISSING;
    }
    struct civil c = civil_of(local_seconds(args[1], zone_arg(args, n, 2)));
    return value_int(part_of(part, &c));
}

/* ---- truncate ----------------------------------------------------------------------------- */

enum time_unit_word {
    WORD_SECOND,
    WORD_MINUTE,
    WORD_HOUR,
    WORD_DAY,
    WORD_WEEK,
    WORD_MONTH,
    WORD_QUARTER,
    WORD_YEAR,
    WORD_UNKNOWN
};

const char *const time_unit_words[] = {"second", "minute", "hour",    "day", "week",
                                       "month",  "quarter", "year", NULL};

static int64_t first_day(enum time_unit_word unit, const struct civil *c)
{
    if (unit == WORD_WEEK) {
        return c->days - (iso_weekday(c->days) - 1);
    }
    if (unit == WORD_MONTH) {
        return c->days - (c->day - 1);
    }
    if (unit == WORD_QUARTER) {
        return days_from_civil(c->year, (c->month - 1) / 3 * 3 + 1, 1);
    }
    return unit == WORD_YEAR ? days_from_civil(c->year, 1, 1) : c->days;
}

/* Hours and less keep the offset of the moment, so that the second 02:30 of a night with two of
 * them begins at the second 02:00; days and more begin when the calendar says so. */
static int64_t truncated(int64_t utc_s, enum time_unit_word unit, const struct zone *z)
{
    int64_t offset = zone_offset(z, utc_s);
    int64_t local = utc_s + offset;
    if (unit == WORD_SECOND) {
        return utc_s;
    }
    if (unit == WORD_MINUTE || unit == WORD_HOUR) {
        int64_t length = unit == WORD_MINUTE ? 60 : HOUR_S;
        return floor_div(local, length) * length - offset;
    }
    struct civil c = civil_of(local);
    return zone_to_utc(z, first_day(unit, &c) * DAY_S);
}

struct value fn_truncate(struct eval *ev, const struct value *args, uint32_t n)
{
    struct slice word = value_as_slice(args[1]);
    enum time_unit_word unit = (enum time_unit_word)word_at(time_unit_words, word);
    struct etime t;
    if (unit == WORD_UNKNOWN) {
        return VALUE_MISSING;
    }
    int64_t utc_s = truncated(floor_div(args[0].u.i, NS_PER_S), unit, zone_arg(args, n, 2));
    if (__builtin_mul_overflow(utc_s, NS_PER_S, &t.ns)) {
        return eval_overflow(ev);
    }
    return value_timestamp(t);
}
