/* Equality between steps: how many events wait per distinct value, as a hash table of counters. An
 * event with a value that nobody has waits in vain, however many others do. Two values with one hash
 * make it say "maybe", never "no". */
#include "base/pool.h"
#include "nfa/detect.h"

struct value_count {
    uint64_t hash;        /* 0: free */
    uint64_t first, last; /* serials: nothing that waits with this value stands outside of them */
    uint32_t count;
};

/* Of most keys few values wait. */
#define FIRST_SLOTS 8

static size_t slot_of(const struct value_counts *t, uint64_t hash)
{
    size_t i = hash & (t->n_slots - 1);
    while (t->slots[i].hash && t->slots[i].hash != hash) {
        i = (i + 1) & (t->n_slots - 1);
    }
    return i;
}

void counts_free(struct value_counts *t, struct pool *pool)
{
    pool_free(pool, t->slots, counts_bytes(t));
    *t = (struct value_counts){0};
}

/* The last free place ends every search. What is larger stays half empty, so that searches are short. */
static bool is_full(const struct value_counts *t)
{
    return t->n >= (t->n_slots == FIRST_SLOTS ? FIRST_SLOTS - 1 : t->n_slots / 2);
}

static void grow(struct value_counts *t, struct pool *pool)
{
    uint32_t n_slots = t->n_slots > 0 ? t->n_slots * 2 : FIRST_SLOTS;
    struct value_counts big = {.n = t->n, .n_slots = n_slots};
    big.slots = pool_zalloc(pool, counts_bytes(&big));
    for (uint32_t i = 0; i < t->n_slots; i++) {
        if (t->slots[i].hash) {
            big.slots[slot_of(&big, t->slots[i].hash)] = t->slots[i];
        }
    }
    counts_free(t, pool);
    *t = big;
}

/* 0 marks a free slot. */
static uint64_t marked(uint64_t hash)
{
    return hash ? hash : 1;
}

void counts_add(struct value_counts *t, struct pool *pool, uint64_t hash, uint64_t serial)
{
    if (!t->slots || (is_full(t) && !t->slots[slot_of(t, marked(hash))].hash)) {
        grow(t, pool);
    }
    struct value_count *s = &t->slots[slot_of(t, marked(hash))];
    if (s->count++ == 0) {
        t->n++;
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
            t->slots[i] = (struct value_count){0};
            gap = i;
        }
    }
}

void counts_remove(struct value_counts *t, uint64_t hash, uint64_t serial)
{
    if (t->n == 0) {
        return;
    }
    size_t i = slot_of(t, marked(hash));
    struct value_count *s = &t->slots[i];
    if (s->hash && --s->count == 0) {
        *s = (struct value_count){0};
        t->n--;
        close_gap(t, i);
    } else if (s->hash && s->first == serial) {
        s->first = serial + 1;
    }
}

bool counts_find(const struct value_counts *t, uint64_t hash, uint64_t *ret_first,
                 uint64_t *ret_last)
{
    const struct value_count *s = t->n > 0 ? &t->slots[slot_of(t, marked(hash))] : NULL;
    if (!s || !s->hash) {
        return false;
    }
    *ret_first = s->first;
    *ret_last = s->last;
    return true;
}

uint64_t counts_bytes(const struct value_counts *t)
{
    return t->n_slots * sizeof(struct value_count);
}
