/* Time zones: the rules of one zone, parsed from TZif bytes (RFC 8536) by whoever may read files.
 *
 * Immutable. In expressions a zone is a constant of kind string (its name) that also carries the
 * table: the compiler makes it with zone_value(), functions get it back with zone_of_value(). */
#ifndef FYKE_NFA_ZONE_H
#define FYKE_NFA_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/slice.h"
#include "nfa/value.h"

#define ZONE_NAME_MAX 64

struct zone_rule_day {
    char kind; /* 'J' 1..365 without 29 Feb, 'N' 0..365, 'M' month.week.weekday */
    uint16_t day;
    uint8_t month, week, weekday;
    int32_t seconds; /* local time of the change, may be negative or beyond a day */
};

struct zone {
    char name[ZONE_NAME_MAX]; /* first: zone_of_value() relies on it */
    uint32_t n;               /* transitions */
    const int64_t *at;        /* seconds since 1970, rising */
    const int32_t *offset;    /* seconds east of UTC from at[i] on */
    int32_t before;           /* offset before at[0] */
    /* Rule for times from at[n - 1] on; has_tail false: offset[n - 1] stays. */
    bool has_tail, has_dst;
    int32_t standard, dst;
    struct zone_rule_day dst_begin, dst_end;
};

extern const struct zone zone_utc;

/* NULL: not a usable TZif file, or the name is too long. Copies what it needs into `arena`. */
const struct zone *zone_parse(struct slice tzif, struct slice name, struct arena *arena);

/* Seconds east of UTC at that moment (seconds since 1970). */
int32_t zone_offset(const struct zone *z, int64_t utc_s);
/* The moment at which the zone's clocks show `local_s` (as if it were UTC); the first of two, and
 * for a time that clocks skip the moment of the change. */
int64_t zone_to_utc(const struct zone *z, int64_t local_s);

struct value zone_value(const struct zone *z);
/* NULL: the value carries no zone. */
const struct zone *zone_of_value(struct value v);

#endif
