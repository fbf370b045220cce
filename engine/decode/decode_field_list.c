/* Lists and sets: arrays of values, or what a path with "[*]" collects. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/decode_field.h"
#include "engine/decode/json_walk.h"

/* Up to this many items a set is searched item by item. */
#define SET_LINEAR_MAX 16
/* Comparisons per item of the table before it is given up for sorting. */
#define SET_PROBES 16

static bool take_item(const struct plan_field *f, struct json_span span, struct field_room *room)
{
    struct value v;
    if (!field_scalar(f, span, room, &v)) {
        return false;
    }
    VEC_PUSH(room->items, room->n_items, room->items_cap) = v;
    return true;
}

/* The rest of a path in one item. What is absent or null there contributes nothing; a "[*]" on
 * something else than an array is a value of the wrong type. Recursion is bounded by the path. */
static bool collect(const struct plan_field *f, struct json_span span,
                    const struct path_part *parts, uint32_t n_parts, struct field_room *room)
{
    for (uint32_t i = 0; i < n_parts; i++) {
        if (span.kind != JSON_OBJECT) {
            return true;
        }
        span = json_walk_find(span, parts[i].name);
        if (parts[i].each && span.kind > JSON_NULL) {
            struct json_span item;
            struct json_walk w = json_walk_into(span);
            bool ok = span.kind == JSON_ARRAY;
            while (ok && json_walk_item(&w, &item)) {
                ok = collect(f, item, parts + i + 1, n_parts - i - 1, room);
            }
            return ok;
        }
    }
    return span.kind <= JSON_NULL || take_item(f, span, room);
}

static bool seen_before(const struct value *items, size_t n, struct value v)
{
    for (size_t i = 0; i < n; i++) {
        if (value_equal(items[i], v)) {
            return true;
        }
    }
    return false;
}

/* Keeps the first of equal items. `slots`: a table of item numbers + 1, at most half full. Values of one
 * hash can be made by whoever sends them: false when that shows; the items are as they were then. */
static bool unique_hashed(const struct value *items, size_t n, struct field_room *room,
                          struct value *ret, size_t *ret_n)
{
    size_t count = 64, kept = 0, probes = SET_PROBES * n;
    while (count < 2 * n) {
        count *= 2;
    }
    uint32_t *slots = ARENA_ARRAY(&room->arena, uint32_t, count);
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)value_hash(items[i]) & (count - 1);
        while (slots[at] != 0 && !value_equal(ret[slots[at] - 1], items[i])) {
            at = (at + 1) & (count - 1);
            if (probes-- == 0) {
                return false;
            }
        }
        if (slots[at] == 0) {
            ret[kept++] = items[i];
            slots[at] = (uint32_t)kept;
        }
    }
    *ret_n = kept;
    return true;
}

struct placed {
    struct value v;
    size_t place;
};

static int by_value(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    int c = value_compare(a->v, b->v);
    return c != 0 ? c : (a->place > b->place) - (a->place < b->place);
}

static int by_place(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    return (a->place > b->place) - (a->place < b->place);
}

/* The same whatever the hashes are. */
static size_t unique_sorted(const struct value *items, size_t n, struct field_room *room,
                            struct value *ret)
{
    struct placed *all = ARENA_ARRAY(&room->arena, struct placed, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct placed){items[i], i};
    }
    qsort(all, n, sizeof(*all), by_value);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !value_equal(all[kept - 1].v, all[i].v)) {
            all[kept++] = all[i];
        }
    }
    qsort(all, kept, sizeof(*all), by_place);
    for (size_t i = 0; i < kept; i++) {
        ret[i] = all[i].v;
    }
    return kept;
}

/* `ret` has room for `n`. */
static size_t unique(const struct value *items, size_t n, struct field_room *room,
                     struct value *ret)
{
    size_t kept = 0;
    if (n > SET_LINEAR_MAX) {
        return unique_hashed(items, n, room, ret, &kept) ? kept
                                                         : unique_sorted(items, n, room, ret);
    }
    for (size_t i = 0; i < n; i++) {
        if (!seen_before(ret, kept, items[i])) {
            ret[kept++] = items[i];
        }
    }
    return kept;
}

bool field_list(const struct plan_field *f, struct json_span array, bool collects,
                struct field_room *room, struct value *ret)
{
    struct json_span item;
    struct json_walk w = json_walk_into(array);
    bool ok = true;
    room->n_items = 0;
    while (ok && json_walk_item(&w, &item)) {
        ok = collects ? collect(f, item, f->rest, f->n_rest, room) : take_item(f, item, room);
    }
    if (!ok) {
        return false;
    }
    if (!f->wanted) {
        *ret = value_list(NULL, 0);
        return true;
    }
    size_t n = room->n_items;
    struct value *items = ARENA_ARRAY(&room->arena, struct value, n ? n : 1);
    if (f->decl->is_set) {
        n = unique(room->items, n, room, items);
    } else if (n > 0) {
        memcpy(items, room->items, n * sizeof(*items));
    }
    *ret = value_list(items, (uint32_t)n);
    return true;
}
