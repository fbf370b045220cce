#include "nfa/value_index.h"

#include <stdlib.h>

#include "base/buf.h"

struct value_index {
    const struct value *keys;
    const struct value *values; /* NULL: a list */
    uint32_t n;
    uint32_t *slots; /* key index + 1; 0 = free */
    size_t mask;
    bool has_missing;
    bool prefixes[2][129]; /* [ipv6][length]: some network has it */
    bool has_networks;
};

static size_t find_slot(const struct value_index *index, struct value key)
{
    size_t i = (size_t)value_hash(key) & index->mask;
    while (index->slots[i] && !value_equal(index->keys[index->slots[i] - 1], key)) {
        i = (i + 1) & index->mask;
    }
    return i;
}

static const struct value_index *build(const struct value *keys, const struct value *values,
                                       uint32_t n, struct arena *arena)
{
    struct value_index *index = ARENA_NEW(arena, struct value_index);
    size_t count = 16;
    while (count < (size_t)n * 2) {
        count *= 2;
    }
    index->keys = keys;
    index->values = values;
    index->n = n;
    index->mask = count - 1;
    index->slots = ARENA_ARRAY(arena, uint32_t, count);
    for (uint32_t i = 0; i < n; i++) {
        if (value_is_missing(keys[i])) {
            index->has_missing = true;
            continue;
        }
        if (keys[i].kind == VAL_CIDR && keys[i].aux2 <= 128) {
            index->has_networks = true;
            index->prefixes[keys[i].aux == 6][keys[i].aux2] = true;
        }
        index->slots[find_slot(index, keys[i])] = i + 1;
    }
    return index;
}

const struct value_index *value_index_new(struct value list, struct arena *arena)
{
    return build(list.u.items, NULL, list.len, arena);
}

const struct value_index *value_index_map(const struct value *keys, const struct value *values,
                                          uint32_t n, struct arena *arena)
{
    return build(keys, values, n, arena);
}

static bool in_networks(const struct value_index *index, struct value x)
{
    struct ip ip = value_as_ip(x);
    for (unsigned len = 0; len <= ip_bits(&ip); len++) {
        struct cidr net;
        if (index->prefixes[ip.family == 6][len] && ip_subnet(&ip, len, &net) &&
            index->slots[find_slot(index, value_cidr(net))]) {
            return true;
        }
    }
    return false;
}

bool value_index_has(const struct value_index *index, struct value x)
{
    if (index->slots[find_slot(index, x)]) {
        return true;
    }
    return x.kind == VAL_IP && index->has_networks && in_networks(index, x);
}

bool value_index_has_missing(const struct value_index *index)
{
    return index->has_missing;
}

struct value value_index_get(const struct value_index *index, struct value key)
{
    if (value_is_missing(key) || !index->values) {
        return VALUE_MISSING;
    }
    uint32_t at = index->slots[find_slot(index, key)];
    return at ? index->values[at - 1] : VALUE_MISSING;
}

static int by_key(const void *a, const void *b, void *ctx)
{
    const struct value_index *index = ctx;
    return value_compare(index->keys[*(const uint32_t *)a], index->keys[*(const uint32_t *)b]);
}

/* Entries that a look-up finds, by key. */
static uint32_t sorted_entries(const struct value_index *index, uint32_t *order)
{
    uint32_t n = 0;
    for (size_t i = 0; i <= index->mask; i++) {
        if (index->slots[i]) {
            order[n++] = index->slots[i] - 1;
        }
    }
    qsort_r(order, n, sizeof(*order), by_key, (void *)(uintptr_t)index);
    return n;
}

void value_index_canonical(const struct value_index *index, struct buf *out)
{
    struct arena tmp = ARENA_INIT;
    uint32_t *order = ARENA_ARRAY(&tmp, uint32_t, index->n ? index->n : 1);
    uint32_t n = sorted_entries(index, order);
    for (uint32_t i = 0; i < n; i++) {
        buf_put_byte(out, i ? ' ' : '{');
        value_to_json(index->keys[order[i]], out);
        if (index->values) {
            buf_put_byte(out, '=');
            value_to_json(index->values[order[i]], out);
        }
    }
    buf_puts(out, n ? "}" : "{}");
    arena_release(&tmp);
}
