#include "engine/state/slot_index.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "engine/state/record_codec.h"
#include "engine/state/store_bytes.h"

struct slot_index {
    struct map by_owner;
    struct buf id; /* of the owner that is looked for */
    bool used[RECORD_MAX_SLOTS];
};

static struct slice owner_id(struct buf *to, struct slice name, uint64_t plan,
                             struct hash128 key_group)
{
    buf_clear(to);
    buf_put_u64be(to, plan);
    buf_put_hash128(to, key_group);
    buf_put_slice(to, name);
    return buf_slice(to);
}

struct slot_index *slot_index_new(const struct header *h)
{
    struct slot_index *x = xcalloc(1, sizeof(*x));
    map_init(&x->by_owner, MAP_COPY_KEYS);
    for (uint32_t i = 0; i < h->n_slots; i++) {
        struct header_slot *s = &h->slots[i];
        map_add(&x->by_owner, owner_id(&x->id, s->rule, s->plan, s->key_group), s);
        if (s->slot < RECORD_MAX_SLOTS) {
            x->used[s->slot] = true;
        }
    }
    return x;
}

void slot_index_free(struct slot_index *x)
{
    map_release(&x->by_owner);
    buf_release(&x->id);
    free(x);
}

const struct header_slot *slot_index_find(struct slot_index *x, struct slice name, uint64_t plan,
                                          struct hash128 key_group)
{
    return map_get(&x->by_owner, owner_id(&x->id, name, plan, key_group));
}

bool slot_index_uses(const struct slot_index *x, uint32_t slot)
{
    return slot < RECORD_MAX_SLOTS && x->used[slot];
}
