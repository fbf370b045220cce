#include "engine/decode/payload_want.h"

const struct payload_want payload_want_all = {.all = true};

struct marking {
    const struct json_paths *paths;
    const bool *ends;
    struct arena *arena;
};

static const struct payload_want *want_at(const struct marking *m, const struct payload_type *t,
                                          uint32_t node);

static uint32_t child_of(const struct json_paths *paths, uint32_t node, struct slice name)
{
    uint32_t i = paths->nodes[node].first_child;
    while (i != JSON_NO_NODE && !slice_eq(paths->nodes[i].name, name)) {
        i = paths->nodes[i].next_sibling;
    }
    return i;
}

static const struct payload_want *want_record(const struct marking *m,
                                              const struct payload_type *t, uint32_t node)
{
    struct payload_want *w = ARENA_NEW(m->arena, struct payload_want);
    w->parts = ARENA_ARRAY(m->arena, const struct payload_want *, (size_t)t->n_fields + 1);
    for (uint32_t i = 0; i < t->n_fields; i++) {
        uint32_t child = child_of(m->paths, node, t->fields[i].name);
        if (child != JSON_NO_NODE) {
            w->parts[i] = want_at(m, t->fields[i].type, child);
        }
    }
    return w;
}

static const struct payload_want *want_union(const struct marking *m,
                                             const struct payload_type *t, uint32_t node)
{
    struct payload_want *w = ARENA_NEW(m->arena, struct payload_want);
    w->parts = ARENA_ARRAY(m->arena, const struct payload_want *, (size_t)t->n_branches + 1);
    for (uint32_t i = 0; i < t->n_branches; i++) {
        w->parts[i] = want_at(m, t->branches[i], node);
    }
    return w;
}

/* Every level of records goes down one node of the paths, so the recursion ends with them: a union
 * has no unions as branches. */
static const struct payload_want *want_at(const struct marking *m, const struct payload_type *t,
                                          uint32_t node)
{
    if (m->ends[node] || t->meaning != MEANS_ITSELF) {
        return &payload_want_all;
    }
    switch (t->kind) {
    case PAYLOAD_RECORD: return want_record(m, t, node);
    case PAYLOAD_UNION: return want_union(m, t, node);
    case PAYLOAD_MAP:
    case PAYLOAD_ARRAY:
    case PAYLOAD_NULL:
    case PAYLOAD_BOOL:
    case PAYLOAD_INT:
    case PAYLOAD_FLOAT:
    case PAYLOAD_DOUBLE:
    case PAYLOAD_BYTES:
    case PAYLOAD_STRING:
    case PAYLOAD_FIXED:
    case PAYLOAD_ENUM:
    case PAYLOAD_KIND_COUNT: break;
    }
    return &payload_want_all;
}

const struct payload_want *payload_want_new(const struct payload_type *t,
                                            const struct json_paths *paths, const bool *ends,
                                            struct arena *arena)
{
    struct marking m = {paths, ends, arena};
    return want_at(&m, t, 0);
}
