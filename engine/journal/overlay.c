#include "engine/journal/overlay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/xalloc.h"
#include "engine/keys/keyspace.h"

#define FIRST_SLOTS 64

/* Of one key; `bytes` points into a block. */
struct overlay_slot {
    struct record_key key;
    bool used, deleted;
    size_t len;
    const char *bytes;
};

/* Open addressing; nothing is ever removed from a generation. */
struct generation {
    struct overlay_slot *slots;
    size_t n, n_slots; /* n_slots: power of two, or 0 */
    char **blocks;     /* the bytes of each commit */
    size_t n_blocks, cap_blocks;
    uint64_t bytes;
};

struct overlay {
    struct generation active, frozen;
    bool writing; /* `frozen` is being written */
};

struct overlay *overlay_new(void)
{
    return xcalloc(1, sizeof(struct overlay));
}

static void generation_release(struct generation *g)
{
    for (size_t i = 0; i < g->n_blocks; i++) {
        free(g->blocks[i]);
    }
    free(g->blocks);
    free(g->slots);
    *g = (struct generation){0};
}

void overlay_free(struct overlay *o)
{
    if (o != NULL) {
        generation_release(&o->active);
        generation_release(&o->frozen);
        free(o);
    }
}

/* ---- table -------------------------------------------------------------------------------- */

static struct overlay_slot *slot_for(const struct generation *g, const struct record_key *key)
{
    size_t mask = g->n_slots - 1;
    size_t i = (size_t)hash64(record_key_slice(key)) & mask;
    while (g->slots[i].used && memcmp(&g->slots[i].key, key, sizeof(*key)) != 0) {
        i = (i + 1) & mask;
    }
    return &g->slots[i];
}

static void generation_grow(struct generation *g)
{
    struct generation to = {.n_slots = g->n_slots ? g->n_slots * 2 : FIRST_SLOTS};
    to.slots = xcalloc(to.n_slots, sizeof(*to.slots));
    for (size_t i = 0; i < g->n_slots; i++) {
        if (g->slots[i].used) {
            *slot_for(&to, &g->slots[i].key) = g->slots[i];
        }
    }
    free(g->slots);
    g->bytes += (to.n_slots - g->n_slots) * sizeof(*g->slots);
    g->slots = to.slots;
    g->n_slots = to.n_slots;
}

static const struct overlay_slot *generation_find(const struct generation *g,
                                                  const struct record_key *key)
{
    if (g->n == 0) {
        return NULL;
    }
    const struct overlay_slot *s = slot_for(g, key);
    return s->used ? s : NULL;
}

void overlay_add(struct overlay *o, struct frozen *f)
{
    struct generation *g = &o->active;
    char *block = f->bytes.ptr;
    if (f->bytes.len > 0) {
        block = xrealloc(block, f->bytes.len);
        VEC_PUSH(g->blocks, g->n_blocks, g->cap_blocks) = block;
        g->bytes += f->bytes.len;
        f->bytes = (struct buf)BUF_INIT;
    }
    for (size_t i = 0; i < f->n; i++) {
        const struct frozen_op *op = &f->ops[i];
        if (4 * (g->n + 1) > 3 * g->n_slots) {
            generation_grow(g);
        }
        struct overlay_slot *s = slot_for(g, &op->key);
        g->n += !s->used;
        *s = (struct overlay_slot){.key = op->key,
                                   .used = true,
                                   .deleted = op->del,
                                   .len = op->len,
                                   .bytes = op->del ? NULL : block + op->at};
    }
    frozen_release(f);
}

enum overlay_found overlay_get(const struct overlay *o, const struct record_key *key,
                               struct slice *ret)
{
    const struct overlay_slot *s = generation_find(&o->active, key);
    if (s == NULL) {
        s = generation_find(&o->frozen, key);
    }
    *ret = s == NULL ? (struct slice){0} : slice_from(s->bytes, s->len);
    if (s == NULL) {
        return OVERLAY_NONE;
    }
    return s->deleted ? OVERLAY_DELETED : OVERLAY_PUT;
}

uint64_t overlay_bytes(const struct overlay *o)
{
    return o->active.bytes + o->frozen.bytes;
}

bool overlay_has_active(const struct overlay *o)
{
    return o->active.n > 0;
}

/* ---- generations -------------------------------------------------------------------------- */

void overlay_freeze(struct overlay *o)
{
    assert(!o->writing);
    o->frozen = o->active;
    o->active = (struct generation){0};
    o->writing = true;
}

void overlay_drop(struct overlay *o)
{
    generation_release(&o->frozen);
    o->writing = false;
}

/* ---- walks -------------------------------------------------------------------------------- */

static int by_key(const void *x, const void *y)
{
    const struct overlay_slot *const *a = x, *const *b = y;
    return memcmp(&(*a)->key, &(*b)->key, sizeof((*a)->key));
}

enum err overlay_each_frozen(const struct overlay *o, overlay_each_fn fn, void *ctx,
                             struct error *err)
{
    const struct generation *g = &o->frozen;
    const struct overlay_slot **all = xmalloc((g->n + 1) * sizeof(*all));
    size_t n = 0;
    enum err rc = ERR_OK;
    for (size_t i = 0; i < g->n_slots; i++) {
        if (g->slots[i].used) {
            all[n++] = &g->slots[i];
        }
    }
    if (n > 1) {
        qsort(all, n, sizeof(*all), by_key);
    }
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = fn(ctx, &all[i]->key, all[i]->deleted, slice_from(all[i]->bytes, all[i]->len), err);
    }
    free(all);
    return rc;
}

static enum err each_of(const struct generation *g, const struct generation *over,
                        overlay_each_fn fn, void *ctx, struct error *err)
{
    for (size_t i = 0; i < g->n_slots; i++) {
        const struct overlay_slot *s = &g->slots[i];
        if (s->used && (over == NULL || generation_find(over, &s->key) == NULL)) {
            FYKE_TRY(fn(ctx, &s->key, s->deleted, slice_from(s->bytes, s->len), err));
        }
    }
    return ERR_OK;
}

enum err overlay_each(const struct overlay *o, overlay_each_fn fn, void *ctx, struct error *err)
{
    FYKE_TRY(each_of(&o->active, NULL, fn, ctx, err));
    return each_of(&o->frozen, &o->active, fn, ctx, err);
}
