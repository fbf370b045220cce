#include "engine/keys/key_entries.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* Numbers are of 32 bits, and one is none. */
static uint32_t begin_one(struct key_entries *x)
{
    if (x->n_begun == UINT32_MAX - 1) {
        xalloc_die(SIZE_MAX);
    }
    if (x->n_begun % KEY_ENTRIES_PER_CHUNK == 0) {
        VEC_PUSH(x->chunks, x->n_chunks, x->cap_chunks) = chunk_alloc();
    }
    return x->n_begun++;
}

static uint32_t take_number(struct key_entries *x)
{
    if (x->unused == 0) {
        return begin_one(x);
    }
    uint32_t number = x->unused - 1;
    x->unused = key_entry_at(x, number)->at;
    return number;
}

struct key_entry *key_entry_new(struct key_entries *x)
{
    uint32_t number = take_number(x);
    struct key_entry *e = key_entry_at(x, number);
    *e = (struct key_entry){.at = number, .used = true};
    x->n++;
    return e;
}

void key_entry_free(struct key_entries *x, struct key_entry *e)
{
    assert(e->used && !e->timed);
    uint32_t number = e->at;
    *e = (struct key_entry){.at = x->unused};
    x->unused = number + 1;
    x->n--;
}

void key_entries_release(struct key_entries *x)
{
    for (size_t i = 0; i < x->n_chunks; i++) {
        chunk_free(x->chunks[i]);
    }
    free(x->chunks);
    *x = (struct key_entries){0};
}
