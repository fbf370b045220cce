#include "nfa/value_index.h"

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

/* The entry of the longest network around an address + 1; 0: none. */
static uint32_t find_network(const struct value_index *index, struct value x)
{
    struct ip ip = value_as_ip(x);
    for (unsigned left = ip_bits(&ip) + 1; left > 0; left--) {
        unsigned len = left - 1;
        struct cidr net;
        if (!index->prefixes[ip.family == 6][len] || !ip_subnet(&ip, len, &net)) {
            continue;
        }
        uint32_t at = index->slots[find_slot(index, value_cidr(net))];
        if (at) {
            return at;
        }
    }
    return 0;
}

static uint32_t find_entry(const struct value_index *index, struct value x)
{
    uint32_t at = index->slots[find_slot(index, x)];
    return at == 0 && x.kind == VAL_IP && index->has_networks ? find_network(index, x) : at;
}

bool value_index_has(const struct value_index *index, struct value x)
{
    return find_entry(index, x) != 0;
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
    uint32_t at = find_entry(index, key);
    return at ? index->values[at - 1] : VALUE_MISSING;
}

void value_index_each(const struct value_index *index,
                      void (*fn)(void *ctx, struct value key, struct value value), void *ctx)
{
    for (size_t i = 0; i <= index->mask; i++) {
        uint32_t at = index->slots[i];
        if (at) {
            fn(ctx, index->keys[at - 1], index->values ? index->values[at - 1] : VALUE_MISSING);
        }
    }
}
