/* splitmix64: repeatable numbers for generators and tests. Nothing that decides a result of the
 * engine may use it. */
#ifndef FYKE_BASE_RNG_H
#define FYKE_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline struct rng rng_seed(uint64_t seed)
{
    return (struct rng){seed};
}
uint64_t rng_next(struct rng *r);
/* Uniform in 0..n-1 without bias; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* Uniform in lo..hi, both included; lo <= hi. */
int64_t rng_range(struct rng *r, int64_t lo, int64_t hi);
/* Uniform in [0, 1), 53 bits. */
double rng_double(struct rng *r);

#endif
