/* Equality between steps: which events wait, by the value that they must be found by. A few stand beside the
 * detector, in the order in which they came: one that waits no more is told by its serial, so it is not looked
 * at. When one more comes all of them move into a table (by_value.c), and stay there until it is empty. */
#include <string.h>

#include "nfa/detect.h"

static void move_to_table(struct waiting_events *w, struct pool *pool)
{
    for (uint32_t i = 0; i < FEW_WAITING; i++) {
        counts_add(&w->table, pool, w->few[i].hash, w->few[i].serial);
    }
    memset(w->few, 0, FEW_WAITING * sizeof(*w->few));
}

void waiting_add(struct waiting_events *w, struct pool *pool, uint64_t hash, uint64_t serial)
{
    for (uint32_t i = 0; i < FEW_WAITING && w->table.n == 0; i++) {
        if (!w->few[i].serial) {
            w->few[i] = (struct waiting_event){hash, serial};
            return;
        }
    }
    if (w->table.n == 0) {
        move_to_table(w, pool);
    }
    counts_add(&w->table, pool, hash, serial);
}

bool waiting_find(const struct waiting_events *w, uint64_t hash, uint64_t *ret_first, uint64_t *ret_last)
{
    if (w->table.n > 0) {
        return counts_find(&w->table, hash, ret_first, ret_last);
    }
    bool found = false;
    for (uint32_t i = 0; i < FEW_WAITING && w->few[i].serial; i++) {
        if (w->few[i].hash == hash) {
            *ret_first = found ? *ret_first : w->few[i].serial;
            *ret_last = w->few[i].serial;
            found = true;
        }
    }
    return found;
}

void waiting_remove_serial(struct waiting_events *w, uint64_t serial)
{
    uint32_t i = 0;
    while (i < FEW_WAITING && w->few[i].serial != serial) {
        i++;
    }
    for (; i < FEW_WAITING; i++) {
        w->few[i] = i + 1 < FEW_WAITING ? w->few[i + 1] : (struct waiting_event){0};
    }
}

void waiting_remove_value(struct waiting_events *w, struct pool *pool, uint64_t hash, uint64_t serial)
{
    counts_remove(&w->table, hash, serial);
    if (w->table.n == 0) {
        counts_free(&w->table, pool);
    }
}

void waiting_clear(struct waiting_events *w, struct pool *pool)
{
    counts_free(&w->table, pool);
    memset(w->few, 0, FEW_WAITING * sizeof(*w->few));
}
