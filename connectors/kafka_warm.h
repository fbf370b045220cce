/* Where warm copies of tasks are kept: with whom a task would come to if those ended that have it, one
 * after the other. `range` shares by the order of the members' names alone, so every member finds the
 * same answer for itself. Pure. */
#ifndef FYKE_CONNECTORS_KAFKA_WARM_H
#define FYKE_CONNECTORS_KAFKA_WARM_H

#include <stdbool.h>
#include <stdint.h>

/* Members by their places in that order, `self` one of them. ret[p]: task p of `n_tasks`
 * is not `self`'s, and it would be with its first, …, `copies`-th owner gone. */
void kafka_warm_choose(uint32_t n_members, uint32_t self, uint32_t n_tasks, uint32_t copies,
                       bool *ret);

#endif
