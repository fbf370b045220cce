/* Equality between steps: how many events wait per distinct value, as a hash table of counters. An
 * event with a value that nobody has waits in vain, however many others do. Two values with one hash
 * make it say "maybe", never "no". */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/detect.h"

struct slot {
    uint64_t hash;        /* 0: free */
    uint64_t first, last; /* serials: nothing that waits with this value stands outside of them */
    uint32_t count;
};

/* Of most keys few values wait. */
#define FIRST_SLOTS 8

/* One block. */
struct value_counts {
    size_t n, n_slots; /* n_slots: a power of two */
    struct slot slots[];
};

static size_t slot_of(const struct value_counts *t, uint64_t hash)
{
    size_t i = hash & (t->n_slots - 1);
    while (t->slots[i].hash && t->slots[i].hash != hash) {
        i = (i + 1) & (t->n_slots - 1);
    }
    return i;
}

static struct value_counts *counts_new(size_t n_slots)
{
    struct value_counts *t = xcalloc(1, sizeof(*t) + n_slots * sizeof(*t->slots));
    t->n_slots = n_slots;
    return t;
}

void counts_free(struct value_counts *t)
{
    free(t);
}

void counts_clear(struct value_counts **t)
{
    if (!*t || (*t)->n == 0) {
        return;
    }
    if ((*t)->n_slots == FIRST_SLOTS) {
        (*t)->n = 0;
        memset((*t)->slots, 0, FIRST_SLOTS * sizeof(*(*t)->slots));
    } else {
        free(*t);
        *t = NULL;
    }
}

static struct value_counts *grow(struct value_counts *t)
{
    struct value_counts *big = counts_new(t->n_slots * 2);
    big->n = t->n;
    for (size_t i = 0; i < t->n_slots; i++) {
        if (t->slots[i].hash) {
            big->slots[slot_of(big, t->slots[i].hash)] = t->slots[i];
        }
    }
    free(t);
    return big;
}

/* 0 marks a free slot. */
static uint64_t marked(uint64_t hash)
{
    return hash ? hash : 1;
}

void counts_add(struct value_counts **t, uint64_t hash, uint64_t serial)
{
    if (!*t) {
        *t = counts_new(FIRST_SLOTS);
    } else if ((*t)->n * 2 >= (*t)->n_slots) {
        *t = grow(*t);
    }
    struct slot *s = &(*t)->slots[slot_of(*t, marked(hash))];
    if (s->count++ == 0) {
        (*t)->n++;
        s->hash = marked(hash);
        s->first = serial;
    }
    s->last = serial;
}

/* Closes the gap that a freed slot leaves in the chains behind it. */
static void close_gap(struct value_counts *t, size_t gap)
{
    size_t mask = t->n_slots - 1;
    for (size_t i = (gap + 1) & mask; t->slots[i].hash; i = (i + 1) & mask) {
        size_t home = t->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            t->slots[gap] = t->slots[i];
            t->slots[i] = (struct slot){0};
            gap = i;
        }
    }
}

void counts_remove(struct value_counts *t, uint64_t hash, uint64_t serial)
{
    if (!t) {
        return;
    }
    size_t i = slot_of(t, marked(hash));
    struct slot *s = &t->slots[i];
    if (s->hash && --s->count == 0) {
        *s = (struct slot){0};
        t->n--;
        close_gap(t, i);
    } else if (s->hash && s->first == serial) {
        s->first = serial + 1;
    }
}

bool counts_find(const struct value_counts *t, uint64_t hash, uint64_t *ret_first,
                 uint64_t *ret_last)
{
    const struct slot *s = t ? &t->slots[slot_of(t, marked(hash))] : NULL;
    if (!s || !s->hash) {
        return false;
    }
    *ret_first = s->first;
    *ret_last = s->last;
    return true;
}

uint64_t counts_size(const struct value_counts *t)
{
    return t ? t->n : 0;
}

uint64_t counts_bytes(const struct value_counts *t)
{
    return t ? sizeof(*t) + t->n_slots * sizeof(*t->slots) : 0;
}
