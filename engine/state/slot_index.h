/* The slots of a header, found by whose they are. */
#ifndef FYKE_ENGINE_STATE_SLOT_INDEX_H
#define FYKE_ENGINE_STATE_SLOT_INDEX_H

#include "engine/state/header.h"

struct slot_index;

/* `h` must outlive it. */
struct slot_index *slot_index_new(const struct header *h);
void slot_index_free(struct slot_index *x);
/* NULL: there is none. */
const struct header_slot *slot_index_find(struct slot_index *x, struct slice name, uint64_t plan,
                                          struct hash128 key_group);
/* Stored records use the number. */
bool slot_index_uses(const struct slot_index *x, uint32_t slot);

#endif
