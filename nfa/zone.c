#include "nfa/zone.h"

#include "base/buf.h"

#define VALUE_CARRIES_ZONE 1 /* value.aux of a string */
#define DAY_S INT64_C(86400)

const struct zone zone_utc = {.name = "UTC"};

struct value zone_value(const struct zone *z)
{
    struct value v = value_string(slice_of(z->name));
    v.aux = VALUE_CARRIES_ZONE;
    return v;
}

const struct zone *zone_of_value(struct value v)
{
    if (v.kind != VAL_STRING || v.aux != VALUE_CARRIES_ZONE) {
        return NULL;
    }
    return (const struct zone *)(const void *)v.u.str;
}

/* ---- the tail rule ------------------------------------------------------------------------ */

static bool is_leap(int64_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* 0 = Sunday. */
static int64_t weekday_of(int64_t day)
{
    int64_t w = (day + 4) % 7; /* 1970-01-01 was a Thursday */
    return w < 0 ? w + 7 : w;
}

static int64_t rule_day(const struct zone_rule_day *r, int64_t year)
{
    int64_t new_year = days_from_civil(year, 1, 1);
    if (r->kind == 'J') {
        return new_year + r->day - 1 + (is_leap(year) && r->day >= 60);
    }
    if (r->kind == 'N') {
        return new_year + r->day;
    }
    int64_t first = days_from_civil(year, r->month, 1);
    int64_t next = r->month == 12 ? days_from_civil(year + 1, 1, 1)
                                  : days_from_civil(year, r->month + 1u, 1);
    int64_t day = first + (r->weekday - weekday_of(first) + 7) % 7 + (r->week - 1) * INT64_C(7);
    while (day >= next) { /* week 5: the last one */
        day -= 7;
    }
    return day;
}

static int32_t tail_offset(const struct zone *z, int64_t utc_s)
{
    if (!z->has_dst) {
        return z->standard;
    }
    int64_t local = utc_s + z->standard;
    int64_t day = local / DAY_S - (local % DAY_S < 0);
    int64_t year;
    unsigned month, mday;
    civil_from_days(day, &year, &month, &mday);
    int64_t begin = rule_day(&z->dst_begin, year) * DAY_S + z->dst_begin.seconds - z->standard;
    int64_t end = rule_day(&z->dst_end, year) * DAY_S + z->dst_end.seconds - z->dst;
    bool summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
    return summer ? z->dst : z->standard;
}

int32_t zone_offset(const struct zone *z, int64_t utc_s)
{
    if (z->n == 0 || utc_s < z->at[0]) {
        return z->n == 0 && z->has_tail ? tail_offset(z, utc_s) : z->before;
    }
    if (utc_s >= z->at[z->n - 1]) {
        return z->has_tail ? tail_offset(z, utc_s) : z->offset[z->n - 1];
    }
    uint32_t low = 0; /* at[low] <= utc_s < at[high] */
    uint32_t high = z->n - 1;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (z->at[mid] <= utc_s) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return z->offset[low];
}

/* Offsets lie within a day, so the moment lies within a day of `local_s`; between the two the
 * shown time rises except for one fall, so the offsets at both ends are the only candidates. */
int64_t zone_to_utc(const struct zone *z, int64_t local_s)
{
    int64_t early = local_s - zone_offset(z, local_s - DAY_S);
    int64_t late = local_s - zone_offset(z, local_s + DAY_S);
    int64_t first = early < late ? early : late;
    int64_t second = early < late ? late : early;
    if (first + zone_offset(z, first) == local_s) {
        return first;
    }
    if (second + zone_offset(z, second) == local_s) {
        return second;
    }
    while (second - first > 1) { /* skipped: the change lies between them */
        int64_t mid = first + (second - first) / 2;
        if (mid + zone_offset(z, mid) < local_s) {
            first = mid;
        } else {
            second = mid;
        }
    }
    return second;
}

/* ---- the footer: a POSIX TZ string, "CET-1CEST,M3.5.0,M10.5.0/3" --------------------------- */

struct cursor {
    const char *at, *end;
};

static bool at_char(struct cursor *c, char ch)
{
    if (c->at < c->end && *c->at == ch) {
        c->at++;
        return true;
    }
    return false;
}

static bool take_name(struct cursor *c)
{
    const char *begin = c->at;
    if (at_char(c, '<')) {
        while (c->at < c->end && *c->at != '>') {
            c->at++;
        }
        return at_char(c, '>');
    }
    while (c->at < c->end && (*c->at | 0x20) >= 'a' && (*c->at | 0x20) <= 'z') {
        c->at++;
    }
    return c->at - begin >= 3;
}

static bool take_uint(struct cursor *c, int32_t max, int32_t *ret)
{
    const char *begin = c->at;
    int32_t v = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && v <= max) {
        v = v * 10 + (*c->at++ - '0');
    }
    *ret = v;
    return c->at > begin && v <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct cursor *c, int32_t *ret)
{
    int32_t sign = at_char(c, '-') ? -1 : 1;
    int32_t h, m = 0, s = 0;
    if (sign > 0) {
        at_char(c, '+');
    }
    if (!take_uint(c, 167, &h)) {
        return false;
    }
    if (at_char(c, ':') && !take_uint(c, 59, &m)) {
        return false;
    }
    if (at_char(c, ':') && !take_uint(c, 59, &s)) {
        return false;
    }
    *ret = sign * (h * 3600 + m * 60 + s);
    return true;
}

static bool take_month_rule(struct cursor *c, struct zone_rule_day *r)
{
    int32_t month, week, weekday;
    if (!take_uint(c, 12, &month) || !at_char(c, '.') || !take_uint(c, 5, &week) ||
        !at_char(c, '.') || !take_uint(c, 6, &weekday) || month < 1 || week < 1) {
        return false;
    }
    r->month = (uint8_t)month;
    r->week = (uint8_t)week;
    r->weekday = (uint8_t)weekday;
    return true;
}

static bool take_rule(struct cursor *c, struct zone_rule_day *r)
{
    int32_t day = 0;
    if (!at_char(c, ',')) {
        return false;
    }
    if (at_char(c, 'M')) {
        r->kind = 'M';
        if (!take_month_rule(c, r)) {
            return false;
        }
    } else {
        r->kind = at_char(c, 'J') ? 'J' : 'N';
        if (!take_uint(c, 365, &day) || (r->kind == 'J' && day < 1)) {
            return false;
        }
        r->day = (uint16_t)day;
    }
    r->seconds = 7200;
    return !at_char(c, '/') || take_time(c, &r->seconds);
}

/* POSIX counts west as positive. */
static bool parse_tail(struct slice text, struct zone *z)
{
    struct cursor c = {text.ptr, text.ptr + text.len};
    int32_t west;
    if (!take_name(&c) || !take_time(&c, &west)) {
        return false;
    }
    z->standard = -west;
    z->has_tail = true;
    if (c.at == c.end) {
        return true;
    }
    if (!take_name(&c)) {
        return false;
    }
    z->dst = z->standard + 3600;
    if (c.at < c.end && *c.at != ',') {
        if (!take_time(&c, &west)) {
            return false;
        }
        z->dst = -west;
    }
    z->has_dst = true;
    return take_rule(&c, &z->dst_begin) && take_rule(&c, &z->dst_end) && c.at == c.end;
}

/* ---- TZif --------------------------------------------------------------------------------- */

struct tzif_header {
    uint8_t version;
    uint32_t n_utc, n_std, n_leap, n_time, n_type, n_char;
};

static bool read_header(struct reader *r, struct tzif_header *h)
{
    struct slice magic = read_bytes(r, 4);
    h->version = read_byte(r);
    read_bytes(r, 15);
    h->n_utc = read_u32be(r);
    h->n_std = read_u32be(r);
    h->n_leap = read_u32be(r);
    h->n_time = read_u32be(r);
    h->n_type = read_u32be(r);
    h->n_char = read_u32be(r);
    return !r->failed && slice_eq_str(magic, "TZif") && h->n_type > 0 && h->n_type <= 256 &&
           h->n_time <= 100000 && h->n_char <= 100000 && h->n_leap <= 100000 &&
           h->n_utc <= 256 && h->n_std <= 256;
}

static size_t block_rest_bytes(const struct tzif_header *h, size_t time_bytes)
{
    return h->n_char + (size_t)h->n_leap * (time_bytes + 4) + h->n_std + h->n_utc;
}

static int64_t read_time(struct reader *r, size_t time_bytes)
{
    return time_bytes == 8 ? (int64_t)read_u64be(r) : (int32_t)read_u32be(r);
}

static bool read_block(struct reader *r, const struct tzif_header *h, size_t time_bytes,
                       struct zone *z, struct arena *arena)
{
    if (reader_left(r) < (size_t)h->n_time * (time_bytes + 1) + (size_t)h->n_type * 6) {
        return false;
    }
    int64_t *at = ARENA_ARRAY(arena, int64_t, h->n_time + 1u);
    int32_t *offset = ARENA_ARRAY(arena, int32_t, h->n_time + 1u);
    for (uint32_t i = 0; i < h->n_time; i++) {
        at[i] = read_time(r, time_bytes);
        if (i && at[i] <= at[i - 1]) {
            return false;
        }
    }
    struct slice types = read_bytes(r, h->n_time);
    int32_t utoff[256];
    for (uint32_t i = 0; i < h->n_type; i++) {
        utoff[i] = (int32_t)read_u32be(r);
        read_bytes(r, 2);
        if (utoff[i] <= -DAY_S || utoff[i] >= DAY_S) {
            return false;
        }
    }
    for (uint32_t i = 0; i < h->n_time; i++) {
        uint8_t type = (uint8_t)types.ptr[i];
        if (type >= h->n_type) {
            return false;
        }
        offset[i] = utoff[type];
    }
    z->n = h->n_time;
    z->at = at;
    z->offset = offset;
    z->before = utoff[0];
    read_bytes(r, block_rest_bytes(h, time_bytes));
    return !r->failed;
}

static bool read_footer(struct reader *r, struct zone *z)
{
    if (read_byte(r) != '\n' || r->failed) {
        return false;
    }
    const uint8_t *end = memchr(r->ptr, '\n', reader_left(r));
    if (!end) {
        return false;
    }
    struct slice text = slice_from((const char *)r->ptr, (size_t)(end - r->ptr));
    return text.len == 0 || parse_tail(text, z);
}

const struct zone *zone_parse(struct slice tzif, struct slice name, struct arena *arena)
{
    struct reader r = reader_of(tzif);
    struct tzif_header h;
    struct zone *z = ARENA_NEW(arena, struct zone);
    if (name.len == 0 || name.len >= ZONE_NAME_MAX || !read_header(&r, &h)) {
        return NULL;
    }
    memcpy(z->name, name.ptr, name.len);
    if (h.version == 0) {
        return read_block(&r, &h, 4, z, arena) ? z : NULL;
    }
    read_bytes(&r, (size_t)h.n_time * 5 + (size_t)h.n_type * 6 + block_rest_bytes(&h, 4));
    bool ok = read_header(&r, &h) && read_block(&r, &h, 8, z, arena) && read_footer(&r, z);
    return ok ? z : NULL;
}
