#include "cli/gen_scene.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "cli/gen_fraud.h"

size_t gen_scene_attacks(const struct gen_scene *s)
{
    uint64_t n = s->events / 10000;
    return n < 4 ? 4 : n > 1000 ? 1000 : (size_t)n;
}

int64_t gen_scene_cast(struct gen_scene *s, int64_t span_ms, int64_t margin_ms,
                       struct gen_user *ret)
{
    gen_user_make(s->seed, s->n_quiet, ret);
    int64_t last = s->end_ms - GEN_EDGE - span_ms;
    assert(last > s->start_ms + GEN_EDGE);
    int64_t at = rng_range(&s->rng, s->start_ms + GEN_EDGE, last);
    VEC_PUSH(s->quiet, s->n_quiet, s->cap_quiet) =
        (struct gen_quiet_time){at - margin_ms, at + span_ms + margin_ms};
    return at;
}

void gen_scene_order_id(struct gen_scene *s, char ret[24])
{
    snprintf(ret, 24, "o-%08llu", (unsigned long long)++s->next_order);
}

/* Six rings; each has four devices and eight addresses. */
void gen_scene_ring(struct gen_scene *s, struct gen_ring *ret)
{
    unsigned ring = (unsigned)(s->next_ring++ % 6);
    struct rng r = gen_stream(s->seed, "ring", ring * 4 + rng_below(&s->rng, 4));
    snprintf(ret->device, sizeof(ret->device), "dev-%010llx",
             (unsigned long long)(rng_next(&r) >> 24));
    snprintf(ret->ip, sizeof(ret->ip), "198.19.%u.%u", ring + 1,
             (unsigned)rng_below(&s->rng, 8) + 10);
}

void gen_fraud(const struct gen_fraud *p, struct gen_log *log)
{
    struct gen_scene s = {.log = log,
                          .rng = gen_stream(p->seed, "plant", 0),
                          .seed = p->seed,
                          .events = p->events,
                          .start_ms = p->start_ms,
                          .end_ms = p->start_ms + p->days * GEN_DAY,
                          .days = p->days};
    gen_plant_brute_force(&s);
    gen_plant_travel(&s);
    gen_plant_card_testing(&s);
    gen_plant_velocity(&s);
    gen_plant_takeover(&s);
    gen_plant_unpaid(&s);
    gen_plant_spray(&s);
    gen_heartbeats(&s);
    gen_natural(&s);
    struct rng arrivals = gen_stream(p->seed, "arrival", 0);
    gen_log_arrange(log, &arrivals, p->disorder_ms, p->partitions);
    free(s.quiet);
}
