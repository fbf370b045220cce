/* State made anew out of the input (`--rebuild-from-input`): for one whose changelog is gone or damaged
 * while the group still says how far it had read.
 *
 * What the topics still hold is read up to the group's positions, and no further, while nothing goes out:
 * it went out when it was read for the first time. Until every partition stands there the group's
 * positions are left as they are, so a rebuild that is cut short can only be begun again, and a run
 * without it refuses the half of a state. Then positions are committed as ever, and the source has come
 * to its end; whoever opened it begins a life that goes on from there.
 *
 * It is no exactly-once: what retention removed is missing in the state, and a position is where a
 * restart reads on, so what had been decided beyond it is decided, and goes out, once more.
 *
 * One for all lives of a run; input thread only. */
#ifndef FYKE_CONNECTORS_KAFKA_REBUILD_H
#define FYKE_CONNECTORS_KAFKA_REBUILD_H

#include <stdbool.h>
#include <stdint.h>

struct kafka_rebuild;

struct kafka_rebuild *kafka_rebuild_new(void);
/* NULL: nothing. */
void kafka_rebuild_free(struct kafka_rebuild *b);
bool kafka_rebuild_is_over(const struct kafka_rebuild *b);
/* The life that has come to its end was the last one of the rebuild; what follows goes out. */
void kafka_rebuild_end(struct kafka_rebuild *b);
/* Alerts and refused records that did not go out. */
uint64_t kafka_rebuild_withheld(const struct kafka_rebuild *b);

#endif
