#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "bench/stages/stages.h"

static int by_place(const void *a, const void *b)
{
    struct event *const *x = a, *const *y = b;
    return place_cmp(place_of(*x), place_of(*y));
}

static void add_keys(struct bench *b, const struct event *e, uint32_t clock_group)
{
    uint32_t stage = b->rs->clock_groups[clock_group].first_stage;
    const struct key_routes *routes = key_table_routes(&b->keys, stage, e->decl);
    for (uint32_t i = 0; i < routes->n; i++) {
        struct keyed_event k = {.event = e, .group = &b->keys.groups[routes->items[i].key_group]};
        k.variant = &k.group->variants[routes->items[i].variant];
        if (key_of(k.group, k.variant, e, &b->key_eval, &k.key)) {
            VEC_PUSH(b->keyed, b->n_keyed, b->cap_keyed) = k;
        }
    }
}

static void number_keys(struct bench *b)
{
    struct map numbers;
    size_t cap = 0;
    map_init(&numbers, MAP_BORROW_KEYS);
    for (size_t i = 0; i < b->n_keyed; i++) {
        struct keyed_event *k = &b->keyed[i];
        struct slice name = slice_from((const char *)&k->key.hash, sizeof(k->key.hash));
        if (map_add(&numbers, name, k)) {
            k->number = b->n_keys;
            VEC_PUSH(b->key_of_number, b->n_keys, cap) = k;
        } else {
            k->number = ((const struct keyed_event *)map_get(&numbers, name))->number;
        }
    }
    map_release(&numbers);
}

void bench_ready(struct bench *b)
{
    struct engine_options o;
    engine_options_init(&o);
    b->limits = o.nfa;
    input_decode(&b->in, b->rs, &b->events);
    if (b->events.n > 1) {
        qsort(b->events.events, b->events.n, sizeof(*b->events.events), by_place);
    }
    key_table_init(&b->keys, b->rs);
    key_eval_init(&b->key_eval);
    for (size_t i = 0; i < b->events.n; i++) {
        for (uint32_t g = 0; g < b->rs->n_clock_groups; g++) {
            add_keys(b, b->events.events[i], g);
        }
    }
    number_keys(b);
}

void bench_release(struct bench *b)
{
    free(b->keyed);
    free(b->key_of_number);
    key_eval_release(&b->key_eval);
    key_table_release(&b->keys);
    decoded_release(&b->events);
    input_release(&b->in);
}

struct keyspace_options bench_keyspace_options(const struct bench *b)
{
    return (struct keyspace_options){
        .rs = b->rs,
        .key_groups = b->keys.groups,
        .n_key_groups = b->keys.n_groups,
        .group_of_unit = b->keys.group_of_unit,
        .measures = b->keys.measures,
        .kin = &b->keys.kin,
        .nfa = b->limits,
    };
}
