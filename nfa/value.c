#include "nfa/value.h"

#include <assert.h>
#include <math.h>

#include "base/arena.h"
#include "base/hash.h"

struct value value_decimal(struct decimal d)
{
    unsigned __int128 c = (unsigned __int128)d.coeff;
    struct value v = {.kind = VAL_DECIMAL, .aux = d.scale};
    v.u.dec.lo = (uint64_t)c;
    v.u.dec.hi = (uint64_t)(c >> 64);
    return v;
}

struct decimal value_as_decimal(struct value v)
{
    assert(v.kind == VAL_DECIMAL);
    unsigned __int128 c = (unsigned __int128)v.u.dec.hi << 64 | v.u.dec.lo;
    return (struct decimal){(__int128)c, v.aux};
}

struct value value_ip(struct ip ip)
{
    struct value v = {.kind = VAL_IP, .aux = ip.family};
    memcpy(v.u.ip, ip.bytes, sizeof(v.u.ip));
    return v;
}

static struct ip ip_bytes_of(struct value v)
{
    struct ip ip = {.family = v.aux};
    memcpy(ip.bytes, v.u.ip, sizeof(ip.bytes));
    return ip;
}

struct ip value_as_ip(struct value v)
{
    assert(v.kind == VAL_IP);
    return ip_bytes_of(v);
}

struct value value_cidr(struct cidr c)
{
    struct value v = value_ip(c.ip);
    v.kind = VAL_CIDR;
    v.aux2 = c.prefix;
    return v;
}

struct cidr value_as_cidr(struct value v)
{
    assert(v.kind == VAL_CIDR);
    return (struct cidr){ip_bytes_of(v), v.aux2};
}

struct value value_geo(struct geo g)
{
    struct value v = {.kind = VAL_GEO};
    v.u.geo.lat = g.lat;
    v.u.geo.lon = g.lon;
    return v;
}

struct geo value_as_geo(struct value v)
{
    assert(v.kind == VAL_GEO);
    return (struct geo){v.u.geo.lat, v.u.geo.lon};
}

static int compare_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* A total order: NaN (which no operation hands out) before everything, -0 equals 0. */
static int compare_double(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return isnan(b) - isnan(a);
    }
    return a < b ? -1 : a > b;
}

static int compare_lists(struct value a, struct value b)
{
    uint32_t n = a.len < b.len ? a.len : b.len;
    for (uint32_t i = 0; i < n; i++) {
        int c = value_compare(a.u.items[i], b.u.items[i]);
        if (c != 0) {
            return c;
        }
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_networks(struct value a, struct value b)
{
    struct cidr x = value_as_cidr(a);
    struct cidr y = value_as_cidr(b);
    return cidr_cmp(&x, &y);
}

static int compare_ips(struct value a, struct value b)
{
    struct ip x = value_as_ip(a);
    struct ip y = value_as_ip(b);
    return ip_cmp(&x, &y);
}

int value_compare(struct value a, struct value b)
{
    if (a.kind != b.kind) {
        return a.kind < b.kind ? -1 : 1;
    }
    switch ((enum value_kind)a.kind) {
    case VAL_BOOL:
        return (int)a.u.b - (int)b.u.b;
    case VAL_INT:
    case VAL_TIMESTAMP:
    case VAL_DURATION:
        return compare_i64(a.u.i, b.u.i);
    case VAL_DECIMAL:
        return decimal_cmp(value_as_decimal(a), value_as_decimal(b));
    case VAL_FLOAT:
        return compare_double(a.u.f, b.u.f);
    case VAL_STRING:
        return slice_cmp(value_as_slice(a), value_as_slice(b));
    case VAL_IP:
        return compare_ips(a, b);
    case VAL_CIDR:
        return compare_networks(a, b);
    case VAL_GEO: {
        int c = compare_double(a.u.geo.lat, b.u.geo.lat);
        return c ? c : compare_double(a.u.geo.lon, b.u.geo.lon);
    }
    case VAL_LIST:
        return compare_lists(a, b);
    case VAL_MISSING:
    case VAL_KIND_COUNT:
        return 0;
    }
    return 0;
}

bool value_equal(struct value a, struct value b)
{
    if (a.kind != b.kind) {
        return false;
    }
    if (a.kind == VAL_STRING) {
        return slice_eq(value_as_slice(a), value_as_slice(b));
    }
    return value_compare(a, b) == 0;
}

static uint64_t hash_double(double f, uint64_t seed)
{
    f = f == 0 ? 0.0 : f; /* -0 equals 0 */
    return hash64_seed(slice_from((const char *)&f, sizeof(f)), seed);
}

static uint64_t hash_list(struct value v)
{
    uint64_t h = v.len;
    for (uint32_t i = 0; i < v.len; i++) {
        uint64_t item = value_hash(v.u.items[i]);
        h = hash64_seed(slice_from((const char *)&item, sizeof(item)), h);
    }
    return h;
}

uint64_t value_hash(struct value v)
{
    uint64_t seed = (uint64_t)v.kind << 16 | (uint64_t)v.aux << 8 | v.aux2;
    switch ((enum value_kind)v.kind) {
    case VAL_STRING:
        return hash64(value_as_slice(v));
    case VAL_FLOAT:
        return hash_double(v.u.f, seed);
    case VAL_GEO:
        return hash_double(v.u.geo.lon, hash_double(v.u.geo.lat, seed));
    case VAL_LIST:
        return hash_list(v);
    case VAL_DECIMAL:
        return hash64_seed(slice_from((const char *)&v.u.dec, sizeof(v.u.dec)), seed);
    case VAL_IP:
    case VAL_CIDR:
        return hash64_seed(slice_from((const char *)v.u.ip, sizeof(v.u.ip)), seed);
    case VAL_INT:
    case VAL_TIMESTAMP:
    case VAL_DURATION:
        return hash64_seed(slice_from((const char *)&v.u.i, sizeof(v.u.i)), seed);
    case VAL_BOOL:
        return seed + v.u.b;
    case VAL_MISSING:
    case VAL_KIND_COUNT:
        return 0;
    }
    return 0;
}

struct value value_copy(struct value v, struct arena *arena)
{
    if (v.kind == VAL_STRING) {
        return value_string(arena_copy(arena, value_as_slice(v)));
    }
    if (v.kind == VAL_LIST) {
        struct value *items = ARENA_ARRAY(arena, struct value, v.len ? v.len : 1);
        for (uint32_t i = 0; i < v.len; i++) {
            items[i] = value_copy(v.u.items[i], arena);
        }
        return value_list(items, v.len);
    }
    return v;
}

const char *value_kind_name(enum value_kind kind)
{
    static const char *const names[VAL_KIND_COUNT] = {
        [VAL_MISSING] = "missing", [VAL_BOOL] = "bool",
        [VAL_INT] = "int",         [VAL_DECIMAL] = "decimal",
        [VAL_FLOAT] = "float",     [VAL_STRING] = "string",
        [VAL_TIMESTAMP] = "timestamp", [VAL_DURATION] = "duration",
        [VAL_IP] = "ip",           [VAL_CIDR] = "cidr",
        [VAL_GEO] = "geo",         [VAL_LIST] = "list",
    };
    return (unsigned)kind < VAL_KIND_COUNT ? names[kind] : "?";
}
