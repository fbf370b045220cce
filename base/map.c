#include "base/map.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/prefetch.h"
#include "base/xalloc.h"

#define MAP_MIN_SLOTS ((size_t)16)

void map_init(struct map *m, enum map_keys keys)
{
    *m = (struct map){.keys = keys};
}

void map_release(struct map *m)
{
    free(m->entries);
    free(m->slots);
    arena_release(&m->arena);
    map_init(m, m->keys);
}

/* The slot that holds the key, or the free one where it belongs. Linear probing ends because at
 * least a quarter of the slots is free. */
static size_t find_slot(const struct map *m, struct slice key, uint64_t hash)
{
    size_t mask = m->slot_count - 1;
    size_t i = (size_t)hash & mask;
    while (m->slots[i]) {
        const struct map_entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && slice_eq(e->key, key)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return i;
}

static void grow_slots(struct map *m)
{
    size_t count = m->slot_count ? m->slot_count * 2 : MAP_MIN_SLOTS;
    assert(count <= UINT32_MAX);
    free(m->slots);
    m->slots = xcalloc(count, sizeof(*m->slots));
    m->slot_count = count;
    for (size_t k = 0; k < m->n; k++) {
        size_t i = (size_t)m->entries[k].hash & (count - 1);
        while (m->slots[i]) {
            i = (i + 1) & (count - 1);
        }
        m->slots[i] = (uint32_t)(k + 1);
    }
}

/* The key's entry; a new one (value NULL) when it was absent. */
static struct map_entry *find_or_add(struct map *m, struct slice key, bool *added)
{
    if ((m->n + 1) * 4 > m->slot_count * 3) {
        grow_slots(m);
    }
    uint64_t hash = hash64(key);
    size_t i = find_slot(m, key, hash);
    *added = m->slots[i] == 0;
    if (*added) {
        struct slice kept = m->keys == MAP_COPY_KEYS ? arena_copy(&m->arena, key) : key;
        VEC_PUSH(m->entries, m->n, m->cap) = (struct map_entry){.key = kept, .hash = hash};
        m->slots[i] = (uint32_t)m->n;
    }
    return &m->entries[m->slots[i] - 1];
}

struct map_entry *map_find_hashed(const struct map *m, struct slice key, uint64_t hash)
{
    if (m->n == 0) {
        return NULL;
    }
    size_t i = find_slot(m, key, hash);
    return m->slots[i] ? &m->entries[m->slots[i] - 1] : NULL;
}

struct map_entry *map_find(const struct map *m, struct slice key)
{
    return m->n > 0 ? map_find_hashed(m, key, hash64(key)) : NULL;
}

void map_prefetch(const struct map *m, uint64_t hash, unsigned step)
{
    if (m->n == 0) {
        return;
    }
    const uint32_t *slot = &m->slots[(size_t)hash & (m->slot_count - 1)];
    if (step == 0) {
        line_prefetch(slot);
    } else if (*slot != 0) {
        const struct map_entry *e = &m->entries[*slot - 1];
        line_prefetch(step == 1 ? (const void *)e : e->key.ptr);
    }
}

void *map_get(const struct map *m, struct slice key)
{
    struct map_entry *e = map_find(m, key);
    return e ? e->value : NULL;
}

bool map_add(struct map *m, struct slice key, void *value)
{
    bool added;
    struct map_entry *e = find_or_add(m, key, &added);
    if (added) {
        e->value = value;
    }
    return added;
}

void *map_set(struct map *m, struct slice key, void *value)
{
    bool added;
    struct map_entry *e = find_or_add(m, key, &added);
    void *before = e->value;
    e->value = value;
    return before;
}
