#include "nfa/functions_internal.h"

#define NS_PER_HOUR (3600.0 * 1e9)

struct value fn_distance_km(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    return eval_float(ev, geo_distance_km(value_as_geo(args[0]), value_as_geo(args[1])));
}

/* The order of the two times does not matter. Staying in place takes no speed, not even in no
 * time; two places at one time are a division by zero. */
struct value fn_speed_kmh(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    double km = geo_distance_km(value_as_geo(args[0]), value_as_geo(args[2]));
    __int128 ns = (__int128)args[3].u.i - args[1].u.i;
    if (km == 0) {
        return value_float(0);
    }
    if (ns == 0) {
        return eval_zero_division(ev);
    }
    return eval_float(ev, km / ((double)(ns < 0 ? -ns : ns) / NS_PER_HOUR));
}

static double degrees(struct value v)
{
    return v.kind == VAL_DECIMAL ? decimal_to_double(value_as_decimal(v)) : v.u.f;
}

struct value fn_geo(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    struct geo g = {degrees(args[0]), degrees(args[1])};
    return geo_valid(g) ? value_geo(g) : VALUE_MISSING;
}

struct value fn_subnet(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    struct ip ip = value_as_ip(args[0]);
    struct cidr net;
    int64_t bits = args[1].u.i;
    if (bits < 0 || bits > 128 || !ip_subnet(&ip, (unsigned)bits, &net)) {
        return VALUE_MISSING;
    }
    return value_cidr(net);
}
