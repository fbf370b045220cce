/* What a keyspace knows of a key whose record may be elsewhere: half a cache line each, by number, where they stay. */
#ifndef FYKE_ENGINE_KEYS_KEY_ENTRIES_H
#define FYKE_ENGINE_KEYS_KEY_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chunks.h"
#include "base/hash.h"

struct key_record;
struct key_packed;

struct key_entry {
    struct hash128 hash;
    union {
        struct key_record *rec;    /* of the keyspace whose life it is: key_entry_record(); NULL: not in memory */
        struct key_packed *packed; /* rests; of any life */
    };
    uint32_t at;   /* timed: its place in the heap, which has its number; otherwise its number */
    uint16_t heap; /* that it goes to */
    uint8_t life;
    bool used : 1; /* stands for a key; otherwise `at` is the next of these, + 1 */
    bool rests : 1;
    bool timed : 1;
};
_Static_assert(sizeof(struct key_entry) == 32, "half a cache line");

struct key_entries {
    struct key_entry **chunks;
    size_t n_chunks, cap_chunks;
    uint32_t n_begun; /* numbers given out so far */
    uint32_t unused;  /* one of them that is free, + 1; 0: none */
    uint32_t n;       /* in use */
};

#define KEY_ENTRIES_PER_CHUNK ((CHUNK_BYTES - sizeof(struct key_entry)) / sizeof(struct key_entry))

/* Of a number given out. */
static inline struct key_entry *key_entry_at(const struct key_entries *x, uint32_t number)
{
    char *chunk = (char *)x->chunks[number / KEY_ENTRIES_PER_CHUNK];
    chunk += -(uintptr_t)chunk % sizeof(struct key_entry);
    return (struct key_entry *)(void *)chunk + number % KEY_ENTRIES_PER_CHUNK;
}

/* All zero, but used and with its number. */
struct key_entry *key_entry_new(struct key_entries *x);
/* In no heap. */
void key_entry_free(struct key_entries *x, struct key_entry *e);
void key_entries_release(struct key_entries *x);

#endif
