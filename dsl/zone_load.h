/* Named time zones from the system's database: the only data beside rule files that compiling
 * reads. */
#ifndef FYKE_DSL_ZONE_LOAD_H
#define FYKE_DSL_ZONE_LOAD_H

#include "base/arena.h"
#include "base/slice.h"
#include "nfa/zone.h"

/* NULL when there is no such zone, or it cannot be read. "UTC" needs no file. */
const struct zone *zone_load(struct slice name, struct arena *arena);

#endif
