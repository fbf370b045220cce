#include "lib/replay_key_counts.h"

#include <string.h>

#include "base/hash.h"

#define KEYS_PER_STEP (REPLAY_KEYS_WAITING / MAP_PREFETCH_STEPS)

static void count(struct map *of, struct slice key, uint64_t hash)
{
    struct map_entry *e = map_find_hashed(of, key, hash);
    if (e) {
        e->value = (void *)((uintptr_t)e->value + 1);
    } else {
        map_add(of, key, (void *)(uintptr_t)1);
    }
}

static void settle(struct replay_key_waiting *w)
{
    if (w->of) {
        count(w->of, slice_from(w->text, w->len), w->hash);
        w->of = NULL;
    }
}

void replay_key_counts_add(struct replay_key_counts *c, struct map *of, struct slice key)
{
    uint64_t hash = hash64(key);
    if (key.len > REPLAY_KEY_WAITING_BYTES) {
        count(of, key, hash);
        return;
    }
    struct replay_key_waiting *w = &c->waiting[c->n % REPLAY_KEYS_WAITING];
    settle(w);
    w->of = of;
    w->hash = hash;
    w->len = (uint32_t)key.len;
    memcpy(w->text, key.ptr, key.len);
    for (unsigned step = 0; step < MAP_PREFETCH_STEPS; step++) {
        const struct replay_key_waiting *at =
            &c->waiting[(c->n - step * KEYS_PER_STEP) % REPLAY_KEYS_WAITING];
        if (at->of) {
            map_prefetch(at->of, at->hash, step);
        }
    }
    c->n++;
}

void replay_key_counts_finish(struct replay_key_counts *c)
{
    for (uint32_t i = 0; i < REPLAY_KEYS_WAITING; i++) {
        settle(&c->waiting[i]);
    }
}
