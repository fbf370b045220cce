/* Episodes of examples/fraud/rules/logins.rules. */
#include <assert.h>
#include <stdio.h>

#include "cli/gen_emit.h"
#include "cli/gen_scene.h"

#define LOGIN_MARGIN (13 * GEN_HOUR) /* beyond the 12 hours of impossible_travel */

static void login_at(struct gen_scene *s, const struct gen_user *u, const struct gen_ring *ring,
                     int64_t at_ms, const struct gen_place *place, bool success)
{
    gen_put_login(s->log, &(struct gen_login){.at_ms = at_ms,
                                              .user = u->id,
                                              .ip = ring->ip,
                                              .device = ring->device,
                                              .place = place,
                                              .success = success});
}

/* ---- brute_force_new_country ---- */

struct brute_kind {
    const char *note;
    bool attack;
    int64_t early[2];   /* failures before the burst, ms before it; 0: none */
    unsigned min_fails; /* 0: the three times of `fails` */
    unsigned max_fails;
    int64_t fails[3];     /* ms after the start of the burst */
    int64_t success_from; /* ms after the start of the burst, drawn from..to */
    int64_t success_to;
    enum { SUCCESS_ELSEWHERE, SUCCESS_SAME, SUCCESS_UNKNOWN } from;
};

static const struct brute_kind brute_kinds[] = {
    {"burst, then in from elsewhere",
     true,
     {0, 0},
     3,
     7,
     {0},
     5 * GEN_MINUTE,
     9 * GEN_MINUTE,
     SUCCESS_ELSEWHERE},
    {"third failure after exactly 5 minutes, success after exactly 15",
     true,
     {0, 0},
     0,
     0,
     {0, 140 * GEN_SECOND, 300 * GEN_SECOND},
     15 * GEN_MINUTE,
     15 * GEN_MINUTE,
     SUCCESS_ELSEWHERE},
    {"slow tries, then a burst",
     true,
     {20 * GEN_MINUTE, 9 * GEN_MINUTE},
     3,
     5,
     {0},
     5 * GEN_MINUTE,
     8 * GEN_MINUTE,
     SUCCESS_ELSEWHERE},
    {"two failures", false, {0, 0}, 2, 2, {0}, 5 * GEN_MINUTE, 6 * GEN_MINUTE, SUCCESS_ELSEWHERE},
    {"third failure just after 5 minutes",
     false,
     {0, 0},
     0,
     0,
     {0, 150 * GEN_SECOND, 300 * GEN_SECOND + 1},
     6 * GEN_MINUTE,
     9 * GEN_MINUTE,
     SUCCESS_ELSEWHERE},
    {"success from the country of the failures",
     false,
     {0, 0},
     3,
     6,
     {0},
     5 * GEN_MINUTE,
     9 * GEN_MINUTE,
     SUCCESS_SAME},
    {"success after more than 15 minutes",
     false,
     {0, 0},
     0,
     0,
     {0, 20 * GEN_SECOND, 45 * GEN_SECOND},
     15 * GEN_MINUTE + 1,
     16 * GEN_MINUTE,
     SUCCESS_ELSEWHERE},
    {"success without a country",
     false,
     {0, 0},
     3,
     5,
     {0},
     5 * GEN_MINUTE,
     8 * GEN_MINUTE,
     SUCCESS_UNKNOWN},
};
#define BRUTE_ATTACKS 3
#define BRUTE_DECOYS 5

static void brute_fails(struct gen_scene *s, const struct brute_kind *k, const struct gen_user *u,
                        const struct gen_ring *ring, const struct gen_place *from, int64_t at_ms)
{
    for (size_t i = 0; i < 2; i++) {
        if (k->early[i] > 0) {
            login_at(s, u, ring, at_ms - k->early[i], from, false);
        }
    }
    if (k->min_fails == 0) {
        for (size_t i = 0; i < 3; i++) {
            login_at(s, u, ring, at_ms + k->fails[i], from, false);
        }
        return;
    }
    int64_t n = rng_range(&s->rng, k->min_fails, k->max_fails);
    int64_t step = rng_range(&s->rng, 3 * GEN_SECOND, 4 * GEN_MINUTE / n);
    for (int64_t i = 0; i < n; i++) {
        login_at(s, u, ring, at_ms + i * step, from, false);
    }
}

static void brute_episode(struct gen_scene *s, const struct brute_kind *k)
{
    struct gen_user u;
    struct gen_ring ring;
    int64_t at = gen_scene_cast(s, 20 * GEN_MINUTE, LOGIN_MARGIN, &u);
    gen_scene_ring(s, &ring);
    /* Two runs of the table without a common country, and none where users live. */
    uint64_t tried = 21 + rng_below(&s->rng, 7);
    uint64_t entered = 28 + rng_below(&s->rng, 8);
    struct gen_place from = gen_place_near(&s->rng, &gen_cities[tried], 50000);
    struct gen_place to = gen_place_near(&s->rng, &gen_cities[entered], 50000);
    const struct gen_place *where = k->from == SUCCESS_ELSEWHERE ? &to
                                    : k->from == SUCCESS_SAME    ? &from
                                                                 : NULL;
    gen_episode_begin(s->log, "brute_force_new_country", u.id, k->attack, k->note);
    brute_fails(s, k, &u, &ring, &from, at);
    login_at(s, &u, &ring, at + rng_range(&s->rng, k->success_from, k->success_to), where, true);
    gen_episode_end(s->log);
}

void gen_plant_brute_force(struct gen_scene *s)
{
    for (size_t i = 0; i < gen_scene_attacks(s); i++) {
        brute_episode(s, &brute_kinds[i % BRUTE_ATTACKS]);
    }
    for (size_t i = 0; i < gen_scene_attacks(s) || i < BRUTE_DECOYS; i++) {
        brute_episode(s, &brute_kinds[BRUTE_ATTACKS + i % BRUTE_DECOYS]);
    }
}

/* ---- impossible_travel ---- */

struct travel_kind {
    const char *note;
    bool attack;
    int min_km, max_km;
    int min_kmh, max_kmh; /* 0: the fixed time */
    int64_t fixed_ms;
    enum { HOP, HOP_AND_BACK, HOP_FAILS, HOP_UNPLACED } form;
};

static const struct travel_kind travel_kinds[] = {
    {"far too fast", true, 2500, 9000, 1500, 6000, 0, HOP},
    {"there and back", true, 2500, 9000, 2000, 8000, 0, HOP_AND_BACK},
    {"just too fast", true, 4000, 10500, 930, 990, 0, HOP},
    {"after exactly 12 hours", true, 12000, 20000, 0, 0, 12 * GEN_HOUR, HOP},
    {"an ordinary flight", false, 4000, 9900, 840, 890, 0, HOP},
    {"the login from far away fails", false, 2500, 9000, 1500, 6000, 0, HOP_FAILS},
    {"after more than 12 hours", false, 12000, 20000, 0, 0, 12 * GEN_HOUR + 1, HOP},
    {"the login from far away has no place", false, 2500, 9000, 1500, 6000, 0, HOP_UNPLACED},
};
#define TRAVEL_ATTACKS 4
#define TRAVEL_DECOYS 4

static struct gen_place travel_goal(struct gen_scene *s, const struct travel_kind *k,
                                    const struct gen_place *home)
{
    size_t first = (size_t)rng_below(&s->rng, GEN_CITIES);
    for (size_t i = 0;; i++) {
        assert(i < GEN_CITIES);
        struct gen_place p = gen_place_near(&s->rng, &gen_cities[(first + i) % GEN_CITIES], 20000);
        double km = gen_distance_km(home, &p);
        if (km >= k->min_km && km <= k->max_km) {
            return p;
        }
    }
}

static void travel_episode(struct gen_scene *s, const struct travel_kind *k)
{
    struct gen_user u;
    struct gen_ring ring;
    int64_t at = gen_scene_cast(s, 13 * GEN_HOUR, LOGIN_MARGIN, &u);
    gen_scene_ring(s, &ring);
    struct gen_place goal = travel_goal(s, k, &u.home);
    int64_t km = (int64_t)gen_distance_km(&u.home, &goal);
    int64_t hop = k->fixed_ms;
    if (hop == 0) {
        hop = km * GEN_HOUR / rng_range(&s->rng, k->min_kmh, k->max_kmh);
    }
    struct gen_ring own = {0};
    gen_user_ip(&u, u.home.city, false, own.ip);
    snprintf(own.device, sizeof(own.device), "%s", u.devices[0]);
    if (!k->attack) {
        ring = own;
        gen_user_ip(&u, goal.city, true, ring.ip);
    }
    gen_episode_begin(s->log, "impossible_travel", u.id, k->attack, k->note);
    login_at(s, &u, &own, at, &u.home, true);
    login_at(s, &u, &ring, at + hop, k->form == HOP_UNPLACED ? NULL : &goal, k->form != HOP_FAILS);
    if (k->form == HOP_AND_BACK) {
        login_at(s, &u, &own, at + hop + rng_range(&s->rng, GEN_MINUTE, 50 * GEN_MINUTE), &u.home,
                 true);
    }
    gen_episode_end(s->log);
}

void gen_plant_travel(struct gen_scene *s)
{
    for (size_t i = 0; i < gen_scene_attacks(s); i++) {
        travel_episode(s, &travel_kinds[i % TRAVEL_ATTACKS]);
    }
    for (size_t i = 0; i < gen_scene_attacks(s) || i < TRAVEL_DECOYS; i++) {
        travel_episode(s, &travel_kinds[TRAVEL_ATTACKS + i % TRAVEL_DECOYS]);
    }
}
