/* Three kinds of time that must never be mixed up, so each is a type of its own.
 *
 * etime     event time: when something happened, ns since 1970 UTC (1678..2262)
 * duration  a length, ns; never negative in rules
 * ptime     processing time: this machine's monotonic clock, ns. Below cli/ it is passed in. */
#ifndef FYKE_BASE_CLOCK_H
#define FYKE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct etime {
    int64_t ns;
};
struct duration {
    int64_t ns;
};
struct ptime {
    int64_t ns;
};

#define ETIME_MIN ((struct etime){INT64_MIN})
#define ETIME_MAX ((struct etime){INT64_MAX})
#define DURATION_INFINITE ((struct duration){INT64_MAX})
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

static inline int etime_cmp(struct etime a, struct etime b)
{
    return a.ns < b.ns ? -1 : a.ns > b.ns;
}
static inline bool etime_lt(struct etime a, struct etime b)
{
    return a.ns < b.ns;
}
static inline bool duration_is_infinite(struct duration d)
{
    return d.ns == INT64_MAX;
}
/* Saturating: the ends of time absorb. */
static inline struct etime etime_add(struct etime t, struct duration d)
{
    int64_t r;
    if (t.ns == INT64_MIN || t.ns == INT64_MAX) {
        return t;
    }
    if (__builtin_add_overflow(t.ns, d.ns, &r)) {
        return d.ns > 0 ? ETIME_MAX : ETIME_MIN;
    }
    return (struct etime){r};
}
static inline struct etime etime_sub(struct etime t, struct duration d)
{
    int64_t r;
    if (t.ns == INT64_MIN || t.ns == INT64_MAX) {
        return t;
    }
    if (__builtin_sub_overflow(t.ns, d.ns, &r)) {
        return d.ns > 0 ? ETIME_MIN : ETIME_MAX;
    }
    return (struct etime){r};
}
/* Saturating difference a - b. */
static inline struct duration etime_diff(struct etime a, struct etime b)
{
    int64_t r;
    if (__builtin_sub_overflow(a.ns, b.ns, &r)) {
        r = a.ns > b.ns ? INT64_MAX : INT64_MIN;
    }
    return (struct duration){r};
}

/* RFC 3339 with a zone ("Z" or ±hh:mm; date alone = midnight UTC only if `date_alone`). Digits
 * beyond nanoseconds are refused, second 60 too. Returns false for anything else or out of range. */
bool etime_parse(struct slice text, bool date_alone, struct etime *ret);

/* The day of the text that was read last: times that come one after the other share theirs. */
struct etime_day {
    char date[10]; /* "2026-01-05"; zero bytes: none yet */
    int64_t midnight_ns;
};
/* etime_parse() without a date alone; cheap for "2026-01-05T10:00:00.123Z" on *day. */
bool etime_parse_near(struct slice text, struct etime_day *day, struct etime *ret);

#define ETIME_TEXT_MAX 40
/* "2026-01-05T10:00:00.000Z": always ms, more digits (6 or 9) only when they are not zero.
 * Returns the length; the text is NUL-terminated. */
size_t etime_format(struct etime t, char out[ETIME_TEXT_MAX]);

#define DURATION_TEXT_MAX 48
/* Largest units first without blanks, weeks not used: "1d2h", "90s" prints as "1m30s", "0s". */
size_t duration_format(struct duration d, char out[DURATION_TEXT_MAX]);

/* Days since 1970-01-01 of a civil date and back (proleptic Gregorian). Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms". */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);
void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
