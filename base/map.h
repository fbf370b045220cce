/* Names to pointers: symbol tables and small registries. Entries stay in insertion order, and
 * walking them is walking an array; nothing is ever removed. Not thread-safe. */
#ifndef FYKE_BASE_MAP_H
#define FYKE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct map_entry {
    struct slice key;
    void *value; /* borrowed */
    uint64_t hash;
};

enum map_keys {
    MAP_COPY_KEYS,   /* into the map's own arena */
    MAP_BORROW_KEYS, /* the caller keeps them alive and unchanged */
};

struct map {
    struct map_entry *entries; /* 0..n-1 in insertion order */
    size_t n, cap;
    uint32_t *slots;   /* entry index + 1; 0 = free */
    size_t slot_count; /* power of two, or 0 before the first entry */
    struct arena arena;
    enum map_keys keys;
};

void map_init(struct map *m, enum map_keys keys);
void map_release(struct map *m);

/* NULL when absent. The entry moves when the map grows. */
struct map_entry *map_find(const struct map *m, struct slice key);
/* The same; `hash`: hash64() of the key. */
struct map_entry *map_find_hashed(const struct map *m, struct slice key, uint64_t hash);
/* Fetches what map_find_hashed() will look at: each step needs what the one before has fetched. */
#define MAP_PREFETCH_STEPS 3
void map_prefetch(const struct map *m, uint64_t hash, unsigned step);
/* The value, NULL when absent. */
void *map_get(const struct map *m, struct slice key);
/* False, and nothing changes, when the key is there already. */
bool map_add(struct map *m, struct slice key, void *value);
/* Adds or replaces; returns the value before, NULL when there was none. */
void *map_set(struct map *m, struct slice key, void *value);

/* for (MAP_EACH(e, &map)) */
#define MAP_EACH(e, m)                                                                             \
    struct map_entry *e = (m)->entries, *e##_end = (m)->n ? e + (m)->n : e;                        \
    e != e##_end;                                                                                  \
    e++

#endif
