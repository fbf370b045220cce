/* Points on the earth, in degrees. */
#ifndef FYKE_BASE_GEO_H
#define FYKE_BASE_GEO_H

#include <stdbool.h>

struct geo {
    double lat; /* -90..90 */
    double lon; /* -180..180 */
};

/* IUGG mean radius R1. */
#define GEO_EARTH_RADIUS_KM 6371.0088

bool geo_valid(struct geo p);
/* Great-circle distance (haversine) on the mean sphere; both points must be valid. */
double geo_distance_km(struct geo a, struct geo b);

#endif
