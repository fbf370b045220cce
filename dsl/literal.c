#include "dsl/literal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/ip.h"
#include "base/utf8.h"

static struct ast_literal *fail(struct literal_reader *r, const char *code, const char *message,
                                const char *help)
{
    r->error->code = code;
    r->error->message = message;
    r->error->help = help;
    return NULL;
}

struct ast_literal *literal_new(struct arena *arena, enum ast_literal_kind kind, struct span span,
                                struct slice spelling)
{
    struct ast_literal *lit = ARENA_NEW(arena, struct ast_literal);
    lit->kind = kind;
    lit->span = span;
    lit->spelling = spelling;
    return lit;
}

/* The digits without underscores; NUL-terminated. */
static struct slice plain_digits(struct arena *arena, struct slice text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_') {
            out[n++] = text.ptr[i];
        }
    }
    out[n] = 0;
    return slice_from(out, n);
}

static bool parse_int(struct slice digits, int64_t *ret)
{
    int64_t v = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] == '_') {
            continue;
        }
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, digits.ptr[i] - '0', &v)) {
            return false;
        }
    }
    *ret = v;
    return true;
}

struct ast_literal *literal_int(struct literal_reader *r, struct span span, struct slice text)
{
    int64_t v;
    r->error->span = span;
    if (!parse_int(text, &v)) {
        return fail(r, "E0105", "the number does not fit into 64 bits",
                    "the largest is 9223372036854775807; write `.0` behind it for a decimal");
    }
    struct ast_literal *lit = literal_new(r->arena, AST_LIT_INT, span, text);
    lit->int_value = v;
    lit->number = plain_digits(r->arena, text);
    return lit;
}

/* "20" is 0.20, "0.5" is 0.005: the point moves two places to the left. */
static struct slice percent_number(struct arena *arena, struct slice digits)
{
    const char *point = memchr(digits.ptr, '.', digits.len);
    size_t whole = point ? (size_t)(point - digits.ptr) : digits.len;
    struct slice fraction =
        point ? slice_from(point + 1, digits.len - whole - 1) : slice_from(digits.ptr, 0);
    const char *pad = whole == 1 ? "0" : "";
    const char *lead = whole <= 2 ? "0" : "";
    size_t front = whole > 2 ? whole - 2 : 0;
    char *out = arena_printf(arena, "%s%.*s.%s%.*s%.*s", lead, (int)front, digits.ptr, pad,
                             (int)(whole - front), digits.ptr + front, SLICE_ARG(fraction));
    return slice_of(out);
}

struct ast_literal *literal_number(struct literal_reader *r, enum ast_literal_kind kind,
                                   struct span span, struct slice text)
{
    r->error->span = span;
    struct ast_literal *lit = literal_new(r->arena, kind, span, text);
    if (text.len > 400) {
        return fail(r, "E0105", "the number is too long", NULL);
    }
    if (kind == AST_LIT_PERCENT) {
        lit->number =
            percent_number(r->arena, plain_digits(r->arena, slice_from(text.ptr, text.len - 1)));
        return lit;
    }
    lit->number = plain_digits(r->arena, text);
    if (kind == AST_LIT_FLOAT) {
        lit->float_value = strtod(lit->number.ptr, NULL);
        if (lit->float_value > 1.7976931348623157e308) {
            return fail(r, "E0105", "the number is too large for a float", NULL);
        }
    }
    return lit;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX at `at`, or -1. */
static int32_t unicode_unit(struct slice s, size_t at)
{
    int32_t v = 0;
    if (at + 4 > s.len) {
        return -1;
    }
    for (size_t i = at; i < at + 4; i++) {
        int d = hex_digit(s.ptr[i]);
        if (d < 0) {
            return -1;
        }
        v = v * 16 + d;
    }
    return v;
}

/* \uXXXX or a surrogate pair of two; returns the bytes read behind the backslash, 0 if bad. */
static size_t decode_unicode(struct slice s, size_t at, char *out, size_t *n)
{
    int32_t unit = unicode_unit(s, at + 1);
    size_t used = 5;
    if (unit <= 0) {
        return 0;
    }
    uint32_t cp = (uint32_t)unit;
    if (unit >= 0xD800 && unit < 0xDC00 && at + 6 < s.len && s.ptr[at + 5] == '\\' &&
        s.ptr[at + 6] == 'u') {
        int32_t low = unicode_unit(s, at + 7);
        if (low < 0xDC00 || low > 0xDFFF) {
            return 0;
        }
        cp = 0x10000u + (((uint32_t)unit - 0xD800u) << 10) + ((uint32_t)low - 0xDC00u);
        used = 11;
    }
    size_t len = utf8_encode(cp, out + *n);
    *n += len;
    return len == 0 ? 0 : used;
}

/* One escape at `at` (behind the backslash); returns the bytes read, 0 if it is none. */
static size_t decode_escape(struct slice s, size_t at, char *out, size_t *n)
{
    switch (s.ptr[at]) {
    case '"': out[(*n)++] = '"'; return 1;
    case '\\': out[(*n)++] = '\\'; return 1;
    case 'n': out[(*n)++] = '\n'; return 1;
    case 'r': out[(*n)++] = '\r'; return 1;
    case 't': out[(*n)++] = '\t'; return 1;
    case 'u': return decode_unicode(s, at, out, n);
    default: return 0;
    }
}

struct ast_literal *literal_string(struct literal_reader *r, struct span span, struct slice text,
                                   bool raw)
{
    r->error->span = span;
    struct ast_literal *lit = literal_new(r->arena, AST_LIT_STRING, span, text);
    size_t quotes = raw ? 2 : 1;
    struct slice inner = slice_from(text.ptr + quotes, text.len - quotes - 1);
    lit->raw = raw;
    if (raw || (inner.len > 0 ? memchr(inner.ptr, '\\', inner.len) : NULL) == NULL) {
        lit->string = inner;
        return lit;
    }
    char *out = arena_alloc(r->arena, inner.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < inner.len;) {
        if (inner.ptr[i] != '\\') {
            out[n++] = inner.ptr[i++];
            continue;
        }
        size_t used = decode_escape(inner, i + 1, out, &n);
        if (used == 0) {
            uint32_t cp;
            size_t bytes = utf8_decode(inner, i + 1, &cp);
            return fail(
                r, "E0104",
                arena_printf(r->arena, "unknown escape `\\%.*s`", (int)bytes, inner.ptr + i + 1),
                arena_printf(r->arena,
                             "write `\\\\` for a backslash, or a raw string: "
                             "`r\"%.*s\"`",
                             SLICE_ARG(inner)));
        }
        i += 1 + used;
    }
    lit->string = slice_from(out, n);
    return lit;
}

int64_t duration_unit_ns(struct slice word, bool spelled)
{
    static const struct {
        const char *compact;
        const char *full;
        int64_t ns;
    } units[] = {
        {"ms", "millisecond", NS_PER_MS},   {"s", "second", NS_PER_S},
        {"m", "minute", 60 * NS_PER_S},     {"h", "hour", 3600 * NS_PER_S},
        {"d", "day", 24 * 3600 * NS_PER_S}, {"w", "week", 7 * 24 * 3600 * NS_PER_S},
    };
    struct slice one = word;
    if (spelled && one.len > 1 && one.ptr[one.len - 1] == 's') {
        one.len--;
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(units); i++) {
        if (slice_eq_str(one, spelled ? units[i].full : units[i].compact)) {
            return units[i].ns;
        }
    }
    return 0;
}

bool duration_accumulate(int64_t *total_ns, int64_t count, int64_t unit_ns)
{
    int64_t part;
    return !__builtin_mul_overflow(count, unit_ns, &part) &&
           !__builtin_add_overflow(*total_ns, part, total_ns) && *total_ns != INT64_MAX;
}

/* The length of the leading characters that are digits (or are not). */
static size_t run_length(struct slice s, bool digits)
{
    size_t n = 0;
    while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == '_') == digits) {
        n++;
    }
    return n;
}

struct ast_literal *literal_duration(struct literal_reader *r, struct span span, struct slice text)
{
    int64_t total = 0;
    int64_t last_unit = INT64_MAX;
    struct slice rest = text;
    r->error->span = span;
    while (rest.len > 0) {
        int64_t count;
        size_t digits = run_length(rest, true);
        size_t letters = run_length(slice_from(rest.ptr + digits, rest.len - digits), false);
        int64_t unit = duration_unit_ns(slice_from(rest.ptr + digits, letters), false);
        if (unit >= last_unit) {
            return fail(r, "E0105", "the units of a duration fall from left to right",
                        "write `1h30m`");
        }
        if (!parse_int(slice_from(rest.ptr, digits), &count) ||
            !duration_accumulate(&total, count, unit)) {
            return fail(r, "E0105", "the duration is longer than 292 years", NULL);
        }
        last_unit = unit;
        rest = slice_from(rest.ptr + digits + letters, rest.len - digits - letters);
    }
    struct ast_literal *lit = literal_new(r->arena, AST_LIT_DURATION, span, text);
    lit->duration.ns = total;
    return lit;
}

/* 2026-03-01T12:00:00 without a zone. */
static bool lacks_zone(struct slice text)
{
    if (text.len <= 10 || text.ptr[10] != 'T') {
        return false;
    }
    for (size_t i = 11; i < text.len; i++) {
        char c = text.ptr[i];
        if ((c < '0' || c > '9') && c != ':' && c != '.') {
            return false;
        }
    }
    return true;
}

struct ast_literal *literal_timestamp(struct literal_reader *r, struct span span, struct slice text)
{
    struct etime t;
    r->error->span = span;
    if (lacks_zone(text)) {
        return fail(r, "E0106", "a time needs a zone",
                    arena_printf(r->arena, "write `%.*sZ` for UTC, or an offset: `%.*s+01:00`",
                                 SLICE_ARG(text), SLICE_ARG(text)));
    }
    if (!etime_parse(text, true, &t)) {
        return fail(
            r, "E0106",
            arena_printf(r->arena, "there is no such date or time: `%.*s`", SLICE_ARG(text)),
            "write `2026-03-01T12:00:00Z` or `2026-03-01`; years from 1678 to 2261");
    }
    struct ast_literal *lit = literal_new(r->arena, AST_LIT_TIMESTAMP, span, text);
    lit->time = t;
    return lit;
}

struct ast_literal *literal_address(struct literal_reader *r, struct span span, struct slice text)
{
    struct ip ip;
    struct cidr cidr;
    r->error->span = span;
    if (memchr(text.ptr, '/', text.len)) {
        if (cidr_parse(text, &cidr)) {
            return literal_new(r->arena, AST_LIT_CIDR, span, text);
        }
        return fail(r, "E0107", arena_printf(r->arena, "`%.*s` is not a network", SLICE_ARG(text)),
                    "write an address and a prefix length: `10.0.0.0/8` or `fe80::/10`");
    }
    if (ip_parse(text, &ip)) {
        return literal_new(r->arena, AST_LIT_IP, span, text);
    }
    return fail(r, "E0107", arena_printf(r->arena, "`%.*s` is not an address", SLICE_ARG(text)),
                "write `10.0.0.1` or `2001:db8::1`; a time is written with its date and zone");
}
