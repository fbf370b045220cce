#include "cli/gen_world.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/geo.h"

const struct gen_city gen_cities[GEN_CITIES] = {
    {"Amsterdam", "NL", 52367600, 4904100, 1, 64},
    {"Rotterdam", "NL", 51924400, 4477700, 1, 64},
    {"Utrecht", "NL", 52090700, 5121400, 1, 64},
    {"Berlin", "DE", 52520000, 13405000, 1, 65},
    {"Hamburg", "DE", 53551100, 9993700, 1, 65},
    {"Paris", "FR", 48856600, 2352200, 1, 66},
    {"Lyon", "FR", 45764000, 4835700, 1, 66},
    {"London", "GB", 51507400, -127800, 0, 67},
    {"Manchester", "GB", 53480800, -2242600, 0, 67},
    {"Madrid", "ES", 40416800, -3703800, 1, 68},
    {"Milan", "IT", 45464200, 9190000, 1, 69},
    {"Brussels", "BE", 50850300, 4351700, 1, 70},
    {"Warsaw", "PL", 52229700, 21012200, 1, 71},
    {"Stockholm", "SE", 59329300, 18068600, 1, 72},
    {"Lisbon", "PT", 38722300, -9139300, 0, 73},
    {"Athens", "GR", 37983800, 23727500, 2, 74},
    {"Istanbul", "TR", 41008200, 28978400, 3, 75},
    {"Dubai", "AE", 25204800, 55270800, 4, 76},
    {"New York", "US", 40712800, -74006000, -5, 77},
    {"Chicago", "US", 41878100, -87629800, -6, 77},
    {"Los Angeles", "US", 34052200, -118243700, -8, 77},
    {"Toronto", "CA", 43653200, -79383200, -5, 78},
    {"Mexico City", "MX", 19432600, -99133200, -6, 79},
    {"Sao Paulo", "BR", -23550500, -46633300, -3, 80},
    {"Buenos Aires", "AR", -34603700, -58381600, -3, 81},
    {"Santiago", "CL", -33448900, -70669300, -4, 82},
    {"Lagos", "NG", 6524400, 3379200, 1, 83},
    {"Nairobi", "KE", -1292100, 36821900, 3, 84},
    {"Cape Town", "ZA", -33924900, 18424100, 2, 85},
    {"Mumbai", "IN", 19076000, 72877700, 5, 86},
    {"Bangkok", "TH", 13756300, 100501800, 7, 87},
    {"Singapore", "SG", 1352100, 103819800, 8, 88},
    {"Hanoi", "VN", 21027800, 105834200, 7, 89},
    {"Tokyo", "JP", 35676200, 139650300, 9, 90},
    {"Sydney", "AU", -33868800, 151209300, 10, 91},
    {"Auckland", "NZ", -36848500, 174763300, 12, 92},
};

const struct gen_merchant gen_merchants[] = {
    {"Corner Market", "grocery", 250, 9500, 300, false},
    {"Fresh Fields", "grocery", 600, 14000, 220, false},
    {"City Fuel", "fuel", 2500, 11000, 90, false},
    {"Bean House", "cafe", 280, 1900, 170, false},
    {"Trattoria Sole", "restaurant", 1400, 14500, 90, false},
    {"Metro Lines", "transport", 180, 2400, 110, false},
    {"Snack Point", "vending", 80, 420, 20, false},
    {"Thread and Co", "fashion", 1500, 24000, 60, false},
    {"Volt Electronics", "electronics", 2000, 140000, 12, false},
    {"Webshop Nine", "retail", 900, 18000, 260, true},
    {"Streamly", "subscription", 599, 1999, 60, true},
    {"Tasty Delivery", "delivery", 1200, 6500, 140, true},
    {"Skyhop", "travel", 6000, 160000, 14, true},
    {"Playforge", "games", 99, 6999, 60, true},
};

const struct gen_merchant *gen_merchant_pick(struct rng *r, bool online)
{
    uint64_t total = 0;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(gen_merchants); i++) {
        total += gen_merchants[i].online == online ? gen_merchants[i].weight : 0;
    }
    uint64_t at = rng_below(r, total);
    const struct gen_merchant *m = gen_merchants;
    for (;; m++) {
        if (m->online != online) {
            continue;
        }
        if (at < m->weight) {
            return m;
        }
        at -= m->weight;
    }
}

static const char *const first_names[] = {
    "emma",   "noah",  "mila",  "liam",  "anna",  "lucas", "sofia", "finn",
    "julia",  "sem",   "eva",   "daan",  "sara",  "louis", "marie", "hugo",
    "lea",    "paul",  "nora",  "jonas", "ines",  "pablo", "elena", "marco",
    "giulia", "oskar", "zofia", "jan",   "alice", "tom",   "amira", "yusuf"};
static const char *const last_names[] = {
    "jansen", "devries",  "bakker",  "visser", "smit",    "meyer",   "schulz",  "weber",
    "becker", "martin",   "bernard", "petit",  "moreau",  "smith",   "jones",   "taylor",
    "brown",  "garcia",   "lopez",   "ruiz",   "rossi",   "russo",   "ferrari", "peeters",
    "maes",   "kowalski", "nowak",   "wojcik", "larsson", "nilsson", "demir",   "haddad"};

struct rng gen_stream(uint64_t seed, const char *purpose, uint64_t number)
{
    uint64_t h = seed * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x632be59bd9b4e019);
    for (const char *p = purpose; *p; p++) {
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    }
    struct rng r = rng_seed(h);
    r = rng_seed(rng_next(&r) ^ number * UINT64_C(0xbf58476d1ce4e5b9));
    return rng_seed(rng_next(&r));
}

struct gen_place gen_place_near(struct rng *r, const struct gen_city *city, int32_t udeg)
{
    struct gen_place p = {.city = city};
    p.lat_udeg = city->lat_udeg + (int32_t)rng_range(r, -udeg, udeg);
    p.lon_udeg = city->lon_udeg + (int32_t)rng_range(r, -udeg, udeg);
    return p;
}

double gen_distance_km(const struct gen_place *a, const struct gen_place *b)
{
    struct geo from = {(double)a->lat_udeg / 1e6, (double)a->lon_udeg / 1e6};
    struct geo to = {(double)b->lat_udeg / 1e6, (double)b->lon_udeg / 1e6};
    return geo_distance_km(from, to);
}

/* About 60 users share an office and its address. */
static void give_office(struct gen_user *u, struct rng *r)
{
    uint64_t office = u->index / 120;
    u->works_in_office = gen_chance(r, 500);
    u->office = gen_place_near(r, u->home.city, 50000);
    snprintf(u->ip_office, sizeof(u->ip_office), "172.%u.%u.%u",
             (unsigned)(16 + (office >> 8) % 16), (unsigned)(office & 255),
             (unsigned)(u->home.city->net));
}

void gen_user_make(uint64_t seed, uint64_t index, struct gen_user *ret)
{
    struct rng r = gen_stream(seed, "user", index);
    *ret = (struct gen_user){.index = index};
    /* Drawn one by one: the arguments of a call have no order. */
    const char *first = first_names[rng_below(&r, FYKE_ARRAY_LEN(first_names))];
    const char *last = last_names[rng_below(&r, FYKE_ARRAY_LEN(last_names))];
    snprintf(ret->id, sizeof(ret->id), "%s.%s%llu", first, last, (unsigned long long)index);
    ret->home = gen_place_near(&r, &gen_cities[rng_below(&r, GEN_HOMES)], 50000);
    give_office(ret, &r);
    ret->n_devices = 1 + (unsigned)rng_below(&r, 2);
    ret->n_cards = gen_chance(&r, 350) ? 2 : 1;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(ret->devices[i], sizeof(ret->devices[i]), "dev-%010llx",
                 (unsigned long long)(rng_next(&r) >> 24));
        snprintf(ret->cards[i], sizeof(ret->cards[i]), "tok-%012llx",
                 (unsigned long long)(rng_next(&r) >> 16));
    }
}

void gen_user_ip(const struct gen_user *u, const struct gen_city *city, bool mobile, char ret[20])
{
    unsigned net = city->net;
    if (mobile) {
        snprintf(ret, 20, "100.%u.255.%u", net, (unsigned)(u->index % 64));
        return;
    }
    snprintf(ret, 20, "100.%u.%u.%u", net, (unsigned)(u->index / 250 % 250),
             (unsigned)(u->index % 250 + 1));
}
