/* Compiled with -ffp-contract=off: fused operations would change the last bits between machines. */
#include "base/geo.h"

#include <math.h>

#define RADIANS_PER_DEGREE 0.017453292519943295

bool geo_valid(struct geo p)
{
    /* Written so that NaN is refused. */
    return p.lat >= -90 && p.lat <= 90 && p.lon >= -180 && p.lon <= 180;
}

double geo_distance_km(struct geo a, struct geo b)
{
    double lat_a = a.lat * RADIANS_PER_DEGREE;
    double lat_b = b.lat * RADIANS_PER_DEGREE;
    double sin_lat = sin((lat_b - lat_a) / 2);
    double sin_lon = sin((b.lon - a.lon) * RADIANS_PER_DEGREE / 2);
    double h = sin_lat * sin_lat + cos(lat_a) * cos(lat_b) * (sin_lon * sin_lon);
    /* Rounding may lift h just above 1 for antipodes. */
    return 2 * GEO_EARTH_RADIUS_KM * asin(sqrt(fmin(h, 1)));
}
