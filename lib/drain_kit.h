/* Older rule sets as the next opening of an engine will want them, compiled aside while the one before goes on:
 * linking uses them up, so each opening needs its own. Filled and emptied on the run's thread, compiled on
 * any. */
#ifndef FYKE_LIB_DRAIN_KIT_H
#define FYKE_LIB_DRAIN_KIT_H

#include "base/buf.h"
#include "base/hash.h"
#include "lib/rules.h"

struct drain_kit;

struct drain_kit *drain_kit_new(void);
void drain_kit_add(struct drain_kit *k, struct hash128 fingerprint, struct slice texts);
void drain_kit_compile(struct drain_kit *k);
/* The caller's; NULL: it does not hold that one. `k` may be NULL. */
struct fyke_rules *drain_kit_take(struct drain_kit *k, struct hash128 fingerprint, struct slice texts);
void drain_kit_free(struct drain_kit *k);

#endif
