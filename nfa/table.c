#include "nfa/table.h"

#include "nfa/value_index.h"

/* The sum of the entries' hashes: the order of entries is no part of the content. */
struct content {
    struct hash128 sum;
    uint32_t n;
    struct buf bytes;
};

static void add_entry(void *ctx, struct value key, struct value value)
{
    struct content *c = ctx;
    buf_clear(&c->bytes);
    value_encode(key, &c->bytes);
    value_encode(value, &c->bytes);
    struct hash128 h = hash128(buf_slice(&c->bytes));
    c->sum.hi += h.hi;
    c->sum.lo += h.lo;
    c->n++;
}

static struct hash128 generation_of(struct content *c)
{
    buf_clear(&c->bytes);
    buf_put_u64be(&c->bytes, c->sum.hi);
    buf_put_u64be(&c->bytes, c->sum.lo);
    buf_put_varint(&c->bytes, c->n);
    return hash128(buf_slice(&c->bytes));
}

const struct table *table_new(const struct value *keys, const struct value *values, uint32_t n,
                              struct arena *arena)
{
    struct table *t = ARENA_NEW(arena, struct table);
    struct content content = {.bytes = BUF_INIT};
    t->keys = value_list(keys, n);
    t->index = values ? value_index_map(keys, values, n, arena) : value_index_new(t->keys, arena);
    value_index_each(t->index, add_entry, &content);
    t->n = content.n;
    t->generation = generation_of(&content);
    buf_release(&content.bytes);
    return t;
}

bool table_has(const struct table *t, struct value x)
{
    return value_index_has(t->index, x);
}

struct value table_get(const struct table *t, struct value key)
{
    return value_index_get(t->index, key);
}
