#include "engine/keys/key_slot.h"

void key_slot_free(const struct key_slot *s, struct pool *pool)
{
    if (s->set != NULL) {
        pool_free(pool, s->set, sizeof(*s->set) + s->set->n_words * sizeof(uint64_t));
    }
    instance_free(s->instance);
    measure_free(s->measure);
}

void key_slot_abandon(const struct key_slot *s)
{
    if (s->instance != NULL) {
        instance_abandon(s->instance);
    }
    measure_free(s->measure);
}

static uint32_t kept(const struct key_slot *s)
{
    uint64_t n = key_slot_retained(s);
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX; /* never: there is no room for so many */
}

bool key_slot_settle(struct key_slot *s)
{
    s->stale = false;
    if (s->instance != NULL) {
        if (instance_is_empty(s->instance)) {
            return false;
        }
        instance_told(s->instance);
        s->next = instance_next_time(s->instance);
        struct instance_weight w = instance_weigh(s->instance);
        s->bytes = w.bytes;
        s->outside = w.outside;
        s->events = kept(s);
        return true;
    }
    s->next = measure_next_time(s->measure);
    s->bytes = s->outside = measure_bytes(s->measure);
    s->events = kept(s);
    return !measure_is_empty(s->measure);
}

uint64_t key_slot_retained(const struct key_slot *s)
{
    return s->instance != NULL ? instance_retained(s->instance) : measure_kept(s->measure);
}

void key_slot_encode_head(const struct key_slot *s, const struct event_near *near, struct buf *out)
{
    if (s->instance != NULL) {
        instance_encode_head(s->instance, near, out);
    } else {
        measure_encode_head(s->measure, near, out);
    }
}

uint32_t key_slot_segments(const struct key_slot *s, uint64_t *ret_first_id)
{
    return s->instance != NULL ? instance_segments(s->instance, ret_first_id)
                               : measure_segments(s->measure, ret_first_id);
}

bool key_slot_segment_dirty(const struct key_slot *s, uint32_t i)
{
    return s->instance != NULL ? instance_segment_dirty(s->instance, i)
                               : measure_segment_dirty(s->measure, i);
}

void key_slot_encode_segment(const struct key_slot *s, uint32_t i, const struct event_near *near,
                             struct buf *out)
{
    if (s->instance != NULL) {
        instance_encode_segment(s->instance, i, near, out);
    } else {
        measure_encode_segment(s->measure, i, near, out);
    }
}

void key_slot_saved(const struct key_slot *s)
{
    if (s->instance != NULL) {
        instance_saved(s->instance);
    } else {
        measure_saved(s->measure);
    }
}
