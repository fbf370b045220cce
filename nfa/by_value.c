/* Equality between steps: how many events wait per distinct value, as a hash table of counters. An
 * event with a value that nobody has waits in vain, however many others do. Two values with one hash
 * make it say "maybe", never "no". */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/detect.h"

struct value_counts {
    uint64_t *hashes; /* 0: free */
    uint32_t *counts;
    size_t n, slots;  /* slots: a power of two */
};

static size_t slot_of(const struct value_counts *t, uint64_t hash)
{
    size_t i = hash & (t->slots - 1);
    while (t->hashes[i] && t->hashes[i] != hash) {
        i = (i + 1) & (t->slots - 1);
    }
    return i;
}

static struct value_counts *counts_new(size_t slots)
{
    struct value_counts *t = xcalloc(1, sizeof(*t));
    t->slots = slots;
    t->hashes = xcalloc(slots, sizeof(*t->hashes));
    t->counts = xcalloc(slots, sizeof(*t->counts));
    return t;
}

void counts_free(struct value_counts *t)
{
    if (t) {
        free(t->hashes);
        free(t->counts);
        free(t);
    }
}

static void grow(struct value_counts *t)
{
    struct value_counts *big = counts_new(t->slots * 2);
    for (size_t i = 0; i < t->slots; i++) {
        if (t->hashes[i]) {
            size_t k = slot_of(big, t->hashes[i]);
            big->hashes[k] = t->hashes[i];
            big->counts[k] = t->counts[i];
        }
    }
    free(t->hashes);
    free(t->counts);
    t->hashes = big->hashes;
    t->counts = big->counts;
    t->slots = big->slots;
    free(big);
}

/* 0 marks a free slot. */
static uint64_t marked(uint64_t hash)
{
    return hash | 1;
}

void counts_add(struct value_counts **t, uint64_t hash)
{
    if (!*t) {
        *t = counts_new(16);
    } else if ((*t)->n * 2 >= (*t)->slots) {
        grow(*t);
    }
    size_t i = slot_of(*t, marked(hash));
    (*t)->n += (*t)->counts[i] == 0;
    (*t)->hashes[i] = marked(hash);
    (*t)->counts[i]++;
}

/* Closes the gap that a freed slot leaves in the chains behind it. */
static void close_gap(struct value_counts *t, size_t gap)
{
    size_t mask = t->slots - 1;
    for (size_t i = (gap + 1) & mask; t->hashes[i]; i = (i + 1) & mask) {
        size_t home = t->hashes[i] & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            t->hashes[gap] = t->hashes[i];
            t->counts[gap] = t->counts[i];
            t->hashes[i] = 0;
            t->counts[i] = 0;
            gap = i;
        }
    }
}

void counts_remove(struct value_counts *t, uint64_t hash)
{
    size_t i = t ? slot_of(t, marked(hash)) : 0;
    if (t && t->hashes[i] && --t->counts[i] == 0) {
        t->hashes[i] = 0;
        t->n--;
        close_gap(t, i);
    }
}

bool counts_has(const struct value_counts *t, uint64_t hash)
{
    return t && t->hashes[slot_of(t, marked(hash))];
}

uint64_t counts_size(const struct value_counts *t)
{
    return t ? t->n : 0;
}
