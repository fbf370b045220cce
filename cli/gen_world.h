/* The people and places of the generated traffic.
 *
 * A user is a pure function of (seed, index): nobody keeps a table, and more users never change
 * the first ones. Whole numbers only, so that every machine generates the same bytes. Addresses
 * come from ranges that nobody routes (100.64/10, 172.16/12, 198.18/15). */
#ifndef FYKE_CLI_GEN_WORLD_H
#define FYKE_CLI_GEN_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

#define GEN_SECOND INT64_C(1000)
#define GEN_MINUTE (60 * GEN_SECOND)
#define GEN_HOUR (60 * GEN_MINUTE)
#define GEN_DAY (24 * GEN_HOUR)

struct gen_city {
    const char *name;
    const char *country;
    int32_t lat_udeg; /* millionths of a degree */
    int32_t lon_udeg;
    int8_t utc_hours; /* no daylight saving: nothing here depends on it */
    uint8_t net;      /* second octet of the country's addresses */
};

/* The first GEN_HOMES are where users live, all are where they travel. */
#define GEN_HOMES 14
#define GEN_CITIES 36
extern const struct gen_city gen_cities[GEN_CITIES];

struct gen_merchant {
    const char *name;
    const char *category;
    int64_t min_cents;
    int64_t max_cents;
    unsigned weight;
    bool online;
};
extern const struct gen_merchant gen_merchants[];
const struct gen_merchant *gen_merchant_pick(struct rng *r, bool online);

struct gen_place {
    const struct gen_city *city;
    int32_t lat_udeg;
    int32_t lon_udeg;
};

struct gen_user {
    uint64_t index;
    char id[48];
    struct gen_place home;
    struct gen_place office; /* within 15 km of home */
    char ip_office[20];
    char devices[2][20];
    char cards[2][24];
    unsigned n_devices;
    unsigned n_cards;
    bool works_in_office;
};

void gen_user_make(uint64_t seed, uint64_t index, struct gen_user *ret);
/* A stream of its own for each purpose and number. */
struct rng gen_stream(uint64_t seed, const char *purpose, uint64_t number);

/* Address of a user's line at home or, `mobile`, of the carrier's shared gateway in that city. */
void gen_user_ip(const struct gen_user *u, const struct gen_city *city, bool mobile, char ret[20]);
/* A place in the city, `udeg` at most from its centre in both directions. */
struct gen_place gen_place_near(struct rng *r, const struct gen_city *city, int32_t udeg);
double gen_distance_km(const struct gen_place *a, const struct gen_place *b);

/* True with `per_mille` of a thousand. */
static inline bool gen_chance(struct rng *r, unsigned per_mille)
{
    return rng_below(r, 1000) < per_mille;
}

#endif
