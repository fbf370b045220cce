/* Episodes of password_spray: many users, one address each time that nothing else uses. */
#include <stdio.h>

#include "cli/gen_emit.h"
#include "cli/gen_scene.h"

struct spray_kind {
    const char *note;
    bool attack;
    bool customers; /* some of the names exist */
    unsigned min_users;
    unsigned max_users; /* at most 40 */
    unsigned rounds;    /* every name is tried so often */
    int64_t min_span;   /* first to last try */
    int64_t max_span;
    unsigned succeeds; /* from this user on the logins succeed; 0: none does */
};

static const struct spray_kind spray_kinds[] = {
    {"one password, many users", true, true, 22, 38, 1, 2 * GEN_MINUTE, 9 * GEN_MINUTE, 0},
    {"twenty users in exactly 10 minutes", true, true, 20, 20, 1, 10 * GEN_MINUTE, 10 * GEN_MINUTE,
     0},
    {"two passwords, twenty to thirty users", true, false, 20, 30, 2, 3 * GEN_MINUTE,
     9 * GEN_MINUTE, 0},
    {"nineteen users, tried twice", false, false, 19, 19, 2, 2 * GEN_MINUTE, 9 * GEN_MINUTE, 0},
    {"twenty users in a little more than 10 minutes", false, true, 20, 20, 1, 10 * GEN_MINUTE + 1,
     11 * GEN_MINUTE, 0},
    {"slow: thirty users in half an hour", false, true, 30, 30, 1, 28 * GEN_MINUTE, 30 * GEN_MINUTE,
     0},
    {"a call centre in the morning: most get in", false, false, 30, 30, 1, 5 * GEN_MINUTE,
     9 * GEN_MINUTE, 9},
};
#define SPRAY_ATTACKS 3
#define SPRAY_DECOYS 4

/* Customers are taken from beyond the planted ones: one failure does nothing to them. Strangers
 * are names from a leaked list that never occur again. */
static void spray_name(struct gen_scene *s, const struct spray_kind *k, uint64_t customer,
                       struct gen_user *ret)
{
    if (k->customers && gen_chance(&s->rng, 500)) {
        gen_user_make(s->seed, customer, ret);
    } else {
        gen_user_make(s->seed, UINT64_C(100000000) + s->next_stranger++, ret);
    }
}

static void spray_tries(struct gen_scene *s, const struct spray_kind *k, const char *ip,
                        int64_t at_ms, int64_t span_ms)
{
    struct gen_user names[40];
    unsigned users = (unsigned)rng_range(&s->rng, k->min_users, k->max_users);
    uint64_t customer = s->n_quiet + rng_below(&s->rng, 500);
    for (unsigned i = 0; i < users; i++) {
        spray_name(s, k, customer + i, &names[i]);
    }
    struct gen_place place =
        gen_place_near(&s->rng, &gen_cities[21 + rng_below(&s->rng, 15)], 50000);
    int64_t tries = (int64_t)users * k->rounds;
    for (int64_t i = 0; i < tries; i++) {
        unsigned who = (unsigned)(i % users);
        gen_put_login(s->log, &(struct gen_login){.at_ms = at_ms + span_ms * i / (tries - 1),
                                                  .user = names[who].id,
                                                  .ip = ip,
                                                  .device = "dev-headless",
                                                  .place = &place,
                                                  .success = k->succeeds && who >= k->succeeds});
    }
}

static void spray_episode(struct gen_scene *s, const struct spray_kind *k, size_t number)
{
    char ip[20];
    snprintf(ip, sizeof(ip), "198.18.%u.%u", (unsigned)(number / 250 % 256),
             (unsigned)(number % 250) + 1);
    int64_t span = rng_range(&s->rng, k->min_span, k->max_span);
    int64_t at = rng_range(&s->rng, s->start_ms + GEN_EDGE, s->end_ms - GEN_EDGE - span);
    gen_episode_begin(s->log, "password_spray", ip, k->attack, k->note);
    spray_tries(s, k, ip, at, span);
    gen_episode_end(s->log);
}

/* Comes after everything that casts users: only then the first ordinary index is known. */
void gen_plant_spray(struct gen_scene *s)
{
    size_t number = 0;
    for (size_t i = 0; i < gen_scene_attacks(s); i++) {
        spray_episode(s, &spray_kinds[i % SPRAY_ATTACKS], number++);
    }
    for (size_t i = 0; i < gen_scene_attacks(s) || i < SPRAY_DECOYS; i++) {
        spray_episode(s, &spray_kinds[SPRAY_ATTACKS + i % SPRAY_DECOYS], number++);
    }
}
