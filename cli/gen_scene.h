/* One run of the generator: what is planted first, and the ordinary traffic around it.
 *
 * Planted users are the first indices. Around an episode its user does nothing else, so that what
 * the label says stays true; the rest of the time they behave like everybody. */
#ifndef FYKE_CLI_GEN_SCENE_H
#define FYKE_CLI_GEN_SCENE_H

#include "cli/gen_log.h"
#include "cli/gen_world.h"

struct gen_quiet_time {
    int64_t from_ms;
    int64_t to_ms;
};

struct gen_scene {
    struct gen_log *log;
    struct rng rng; /* of the planting */
    uint64_t seed;
    uint64_t events; /* at least so many in the end */
    int64_t start_ms;
    int64_t end_ms;
    int days;
    struct gen_quiet_time *quiet; /* by index of the planted user */
    size_t n_quiet, cap_quiet;
    uint64_t next_order;
    uint64_t next_ring;
    uint64_t next_stranger;
};

/* Enough that the first and last watermarks and deadlines are never in doubt. */
#define GEN_EDGE (40 * GEN_MINUTE)

/* Attacks per rule; decoys are as many, and at least one of each kind. */
size_t gen_scene_attacks(const struct gen_scene *s);
/* Takes the next planted user and a start such that `span_ms` fits; the user rests from
 * `margin_ms` before to `margin_ms` after. */
int64_t gen_scene_cast(struct gen_scene *s, int64_t span_ms, int64_t margin_ms,
                       struct gen_user *ret);
void gen_scene_order_id(struct gen_scene *s, char ret[24]);

/* A group of fraudsters: a few devices and addresses used for everything that it does. */
struct gen_ring {
    char device[20];
    char ip[20];
};
void gen_scene_ring(struct gen_scene *s, struct gen_ring *ret);

void gen_plant_brute_force(struct gen_scene *s);
void gen_plant_travel(struct gen_scene *s);
void gen_plant_spray(struct gen_scene *s);
void gen_plant_card_testing(struct gen_scene *s);
void gen_plant_velocity(struct gen_scene *s);
void gen_plant_takeover(struct gen_scene *s);
void gen_plant_unpaid(struct gen_scene *s);

/* Heartbeats and their planted gaps are one thing: a gap is where the traffic is not. */
void gen_heartbeats(struct gen_scene *s);
/* Users, one after another, until the log holds as many events as asked. */
void gen_natural(struct gen_scene *s);

#endif
