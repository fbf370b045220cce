/* Lists and sets: arrays of values, or what a path with "[*]" collects. */
#include "base/xalloc.h"
#include "engine/decode/decode_field.h"
#include "engine/decode/json_walk.h"

/* Up to this many items a set is searched item by item. */
#define SET_LINEAR_MAX 16

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

/* Keeps the first of equal items. `slots`: a table of item numbers + 1, at most half full. */
static size_t unique_hashed(struct value *items, size_t n, struct field_room *room)
{
    size_t count = 64, kept = 0;
    while (count < 2 * n) {
        count *= 2;
    }
    uint32_t *slots = ARENA_ARRAY(&room->arena, uint32_t, count);
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)value_hash(items[i]) & (count - 1);
        while (slots[at] != 0 && !value_equal(items[slots[at] - 1], items[i])) {
            at = (at + 1) & (count - 1);
        }
        if (slots[at] == 0) {
            items[kept++] = items[i];
            slots[at] = (uint32_t)kept;
        }
    }
    return kept;
}

static size_t unique(struct value *items, size_t n, struct field_room *room)
{
    if (n > SET_LINEAR_MAX) {
        return unique_hashed(items, n, room);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!seen_before(items, kept, items[i])) {
            items[kept++] = items[i];
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
    size_t n = f->decl->is_set ? unique(room->items, room->n_items, room) : room->n_items;
    struct value *items = ARENA_ARRAY(&room->arena, struct value, n ? n : 1);
    if (n > 0) {
        memcpy(items, room->items, n * sizeof(*items));
    }
    *ret = value_list(items, (uint32_t)n);
    return true;
}
