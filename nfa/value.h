/* Values at run time.
 *
 * A value is 24 bytes and owns nothing: text and list items point into the event, the rule set or
 * the scratch arena of the evaluation that made it. VAL_MISSING is the third truth value and the
 * absent field at once: every operation on it gives it again unless stated otherwise.
 *
 * Enum values are text at run time; sets are lists without duplicates in order of first
 * occurrence. The checker has proven types, so an operation on the wrong kind is a bug (assert). */
#ifndef FYKE_NFA_VALUE_H
#define FYKE_NFA_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/geo.h"
#include "base/ip.h"
#include "base/slice.h"

enum value_kind {
    VAL_MISSING = 0,
    VAL_BOOL,
    VAL_INT,
    VAL_DECIMAL,
    VAL_FLOAT,
    VAL_STRING, /* also enums */
    VAL_TIMESTAMP,
    VAL_DURATION,
    VAL_IP,
    VAL_CIDR,
    VAL_GEO,
    VAL_LIST, /* also sets */
    VAL_KIND_COUNT
};

struct value {
    uint8_t kind;
    uint8_t aux;  /* decimal: scale; ip, cidr: family; */
    uint8_t aux2; /* cidr: prefix length */
    uint8_t pad;
    uint32_t len; /* string bytes, list items */
    union {
        bool b;
        int64_t i; /* int, timestamp ns, duration ns */
        double f;
        struct {
            uint64_t lo, hi;
        } dec; /* two's complement of the 128-bit coefficient */
        struct {
            double lat, lon;
        } geo;
        uint8_t ip[16];
        const char *str;
        const struct value *items;
    } u;
};

_Static_assert(sizeof(struct value) == 24, "values are copied a lot");

#define VALUE_MISSING ((struct value){0})

static inline bool value_is_missing(struct value v)
{
    return v.kind == VAL_MISSING;
}
static inline struct value value_bool(bool b)
{
    return (struct value){.kind = VAL_BOOL, .u.b = b};
}
static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = VAL_INT, .u.i = i};
}
static inline struct value value_float(double f)
{
    return (struct value){.kind = VAL_FLOAT, .u.f = f};
}
static inline struct value value_string(struct slice s)
{
    return (struct value){.kind = VAL_STRING, .len = (uint32_t)s.len, .u.str = s.ptr};
}
static inline struct value value_timestamp(struct etime t)
{
    return (struct value){.kind = VAL_TIMESTAMP, .u.i = t.ns};
}
static inline struct value value_duration(struct duration d)
{
    return (struct value){.kind = VAL_DURATION, .u.i = d.ns};
}
static inline struct value value_list(const struct value *items, uint32_t n)
{
    return (struct value){.kind = VAL_LIST, .len = n, .u.items = items};
}
struct value value_decimal(struct decimal d);
struct value value_ip(struct ip ip);
struct value value_cidr(struct cidr c);
struct value value_geo(struct geo g);

static inline struct slice value_as_slice(struct value v)
{
    return slice_from(v.u.str, v.len);
}
struct decimal value_as_decimal(struct value v);
struct ip value_as_ip(struct value v);
struct cidr value_as_cidr(struct value v);
struct geo value_as_geo(struct value v);

/* Same kind and same value; lists item by item. Missing equals missing here (for keys, sets and
 * tests of the harness; the language's `=` is expr.c's business). */
bool value_equal(struct value a, struct value b);
/* Total order over values of one kind (numbers by value, text by bytes, ip by family then bytes,
 * false < true, lists lexicographic, geo by lat then lon); missing sorts first; different kinds
 * by kind. Output order of keys uses it. */
int value_compare(struct value a, struct value b);

/* For tables in memory: equal values have equal hashes. Never stored; stored hashes are taken over
 * value_encode(). */
uint64_t value_hash(struct value v);

/* Canonical bytes: type tag, then content; equal values give equal bytes and only they do.
 * Key hashes and match_id are taken over them. Layout: docs/formats.md. */
void value_encode(struct value v, struct buf *out);
/* Decoded text and items point into the input bytes or come from `arena`. */
struct arena;
struct value value_decode(struct reader *r, struct arena *arena);

/* JSON as formats.md section 2 asks: decimals exact, durations as "5m", times RFC 3339, ip and
 * cidr as text, geo as {"lat":…,"lon":…}. Missing must not reach it. */
void value_to_json(struct value v, struct buf *out);
/* Bare text: strings as they are, everything else as in JSON without quotes. */
void value_to_text(struct value v, struct buf *out);

/* Reads text as a value of one scalar kind: string literals where another type is expected, list
 * files, casts. False: no such value. Strings are borrowed, geo and list are refused. */
bool value_from_text(enum value_kind kind, struct slice text, struct value *ret);
/* Compact form of the language, units falling: "1h30m", "500ms"; false for anything else. */
bool value_parse_duration(struct slice text, struct duration *ret);

/* A copy whose text and items live in `arena`. */
struct value value_copy(struct value v, struct arena *arena);

const char *value_kind_name(enum value_kind kind);

#endif
