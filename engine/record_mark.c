#include "engine/record.h"

/* Whether there is a key or a value counts too: an empty one is not an absent one. */
struct record_mark record_mark_of(const struct record *r)
{
    uint64_t shape = (uint64_t)r->has_key | (uint64_t)r->has_value << 1;
    uint64_t sum = hash64_seed(r->value, hash64_seed(r->key, shape));
    return (struct record_mark){
        .set = true,
        .offset = r->offset,
        .timestamp = r->has_timestamp ? r->timestamp : ETIME_MIN,
        .sum = (uint32_t)(sum ^ sum >> 32),
    };
}
