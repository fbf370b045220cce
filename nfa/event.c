/* Events: their order, their copies and their stored form.
 *
 * Block layout of a copy: struct event | values | items of lists | text. Items keep the values'
 * alignment because every part before them is a multiple of 8 bytes.
 *
 * Stored form: zigzag(time - near) varint(topic) zigzag(partition) zigzag(offset - near, of the same topic and
 * partition) varint(decl) varint(n_values), then each value: in canonical bytes (value_codec.c), a timestamp as
 * TAG_TIME zigzag(it - time of the event), what stands in the key as TAG_KEY varint(where). Before states had
 * format 7 always the former. */
#include "nfa/event.h"

#include "base/arena.h"

static int compare_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

int event_compare(const struct event *a, const struct event *b)
{
    int c = etime_cmp(a->time, b->time);
    if (c == 0) {
        c = compare_u32(a->at.topic, b->at.topic);
    }
    if (c == 0) {
        c = a->at.partition < b->at.partition ? -1 : a->at.partition > b->at.partition;
    }
    if (c == 0) {
        c = a->at.offset < b->at.offset ? -1 : a->at.offset > b->at.offset;
    }
    return c ? c : compare_u32(a->decl, b->decl);
}

struct slice event_origin(const struct event *e, uint32_t n_fields, enum event_origin part)
{
    uint64_t at = (uint64_t)n_fields + (uint64_t)part;
    if (!event_is_derived(e) || at >= e->n_values || e->values[at].kind != VAL_STRING) {
        return (struct slice){0};
    }
    return value_as_slice(e->values[at]);
}

struct extent {
    size_t items;
    size_t text_bytes;
};

static void measure(const struct value *values, uint32_t n, struct extent *x)
{
    for (uint32_t i = 0; i < n; i++) {
        if (values[i].kind == VAL_STRING) {
            x->text_bytes += values[i].len;
        } else if (values[i].kind == VAL_LIST) {
            x->items += values[i].len;
            measure(values[i].u.items, values[i].len, x);
        }
    }
}

static size_t block_bytes(uint32_t n_values, struct extent x)
{
    return sizeof(struct event) + ((size_t)n_values + x.items) * sizeof(struct value) +
           x.text_bytes;
}

/* The text of all values; *has_list: there are items, too, and text in them. */
static size_t text_bytes(const struct event *e, bool *has_list)
{
    size_t n = 0;
    bool lists = false;
    for (uint32_t i = 0; i < e->n_values; i++) {
        uint8_t kind = e->values[i].kind;
        n += kind == VAL_STRING ? e->values[i].len : 0;
        lists |= kind == VAL_LIST;
    }
    *has_list = lists;
    return n;
}

uint32_t event_clone_bytes(const struct event *e)
{
    bool has_list;
    struct extent x = {.text_bytes = text_bytes(e, &has_list)};
    if (has_list) {
        x = (struct extent){0};
        measure(e->values, e->n_values, &x);
    }
    return (uint32_t)block_bytes(e->n_values, x);
}

struct placing {
    struct value *items;
    char *text;
};

static void place(struct value *values, uint32_t n, struct placing *p)
{
    for (uint32_t i = 0; i < n; i++) {
        struct value *v = &values[i];
        if (v->kind == VAL_STRING) {
            if (v->len) {
                memcpy(p->text, v->u.str, v->len);
            }
            v->u.str = p->text;
            p->text += v->len;
        } else if (v->kind == VAL_LIST) {
            struct value *items = p->items;
            p->items += v->len;
            if (v->len) {
                memcpy(items, v->u.items, v->len * sizeof(*items));
            }
            v->u.items = items;
            place(items, v->len, p);
        }
    }
}

/* What decoding and copying make has its text behind the values, in their order: then the copy's is one
 * run of bytes, too. */
bool event_clone_whole(const struct event *e, void *mem)
{
    size_t at = sizeof(*e) + e->n_values * sizeof(struct value);
    struct event *copy = mem;
    if (e->bytes < at) {
        return false;
    }
    memcpy(copy, e, e->bytes);
    for (uint32_t i = 0; i < e->n_values; i++) {
        const struct value *v = &e->values[i];
        if (v->kind == VAL_STRING) {
            if (v->u.str != (const char *)e + at && v->len > 0) {
                return false;
            }
            copy->values[i].u.str = (const char *)copy + at;
            at += v->len;
        } else if (v->kind == VAL_LIST) {
            return false;
        }
    }
    if (at != e->bytes) {
        return false;
    }
    copy->serial = 0;
    return true;
}

struct event *event_clone_into(const struct event *e, void *mem)
{
    struct extent x = {0};
    measure(e->values, e->n_values, &x);
    struct event *copy = mem;
    memcpy(copy, e, sizeof(*e) + e->n_values * sizeof(struct value));
    copy->bytes = (uint32_t)block_bytes(e->n_values, x);
    copy->serial = 0;
    struct placing p = {copy->values + e->n_values, NULL};
    p.text = (char *)(p.items + x.items);
    place(copy->values, copy->n_values, &p);
    return copy;
}

struct event *event_clone(const struct event *e, struct arena *arena)
{
    struct event *copy = arena_room(arena, e->bytes);
    if (event_clone_whole(e, copy)) {
        arena_take(arena, copy->bytes);
        return copy;
    }
    return event_clone_into(e, arena_alloc(arena, event_clone_bytes(e)));
}

void etime_encode(struct etime t, struct etime near, struct buf *out)
{
    buf_put_zigzag(out, (int64_t)((uint64_t)t.ns - (uint64_t)near.ns));
}

struct etime etime_decode(struct reader *r, struct etime near)
{
    return (struct etime){(int64_t)((uint64_t)near.ns + (uint64_t)read_zigzag(r))};
}

/* Beside the tags of canonical bytes. */
#define TAG_TIME 0x80
#define TAG_KEY 0x81
#define KEY_LEAST_BYTES 4 /* shorter ones are not worth it */

static const char *stands_in(struct slice key, struct slice bytes)
{
    return bytes.len >= KEY_LEAST_BYTES && bytes.len <= key.len
               ? memmem(key.ptr, key.len, bytes.ptr, bytes.len)
               : NULL;
}

static void put_value(struct value v, struct etime time, struct slice key, struct buf *out)
{
    if (v.kind == VAL_TIMESTAMP) {
        buf_put_byte(out, TAG_TIME);
        etime_encode((struct etime){v.u.i}, time, out);
        return;
    }
    size_t begin = out->len;
    value_encode(v, out);
    const char *found = stands_in(key, slice_from(out->ptr + begin, out->len - begin));
    if (found != NULL) {
        out->len = begin;
        buf_put_byte(out, TAG_KEY);
        buf_put_varint(out, (uint64_t)(found - key.ptr));
    }
}

static uint64_t offset_near(const struct coord *at, const struct event_near *near)
{
    return at->topic == near->at.topic && at->partition == near->at.partition
               ? (uint64_t)near->at.offset
               : 0;
}

void event_encode(const struct event *e, const struct event_near *near, struct buf *out)
{
    etime_encode(e->time, near->time, out);
    buf_put_varint(out, e->at.topic);
    buf_put_zigzag(out, e->at.partition);
    buf_put_zigzag(out, (int64_t)((uint64_t)e->at.offset - offset_near(&e->at, near)));
    buf_put_varint(out, e->decl);
    buf_put_varint(out, e->n_values);
    for (uint32_t i = 0; i < e->n_values; i++) {
        put_value(e->values[i], e->time, near->key, out);
    }
}

static uint32_t read_u32_varint(struct reader *r)
{
    uint64_t v = read_varint(r);
    if (v > UINT32_MAX) {
        r->failed = true;
        return 0;
    }
    return (uint32_t)v;
}

static bool decode_head(struct reader *r, const struct event_near *near, struct event *head)
{
    head->time = etime_decode(r, near->time);
    head->at.topic = read_u32_varint(r);
    int64_t partition = read_zigzag(r);
    int64_t offset = read_zigzag(r);
    head->decl = read_u32_varint(r);
    head->n_values = read_u32_varint(r);
    /* every value takes at least its tag */
    if (partition < INT32_MIN || partition > INT32_MAX || head->n_values > reader_left(r)) {
        r->failed = true;
    }
    head->at.partition = (int32_t)partition;
    head->at.offset = (int64_t)((uint64_t)offset + offset_near(&head->at, near));
    return !r->failed;
}

static struct value read_from_key(struct reader *r, struct slice key, struct arena *arena)
{
    uint64_t at = read_varint(r);
    if (r->failed || at >= key.len) {
        r->failed = true;
        return VALUE_MISSING;
    }
    struct reader there = reader_of(slice_from(key.ptr + at, key.len - at));
    struct value v = value_decode(&there, arena);
    r->failed |= there.failed;
    return v;
}

static struct value read_value(struct reader *r, struct etime time, struct slice key,
                               struct arena *arena)
{
    uint8_t tag = reader_left(r) > 0 ? *r->ptr : 0;
    if (tag != TAG_TIME && tag != TAG_KEY) {
        return value_decode(r, arena);
    }
    read_byte(r);
    return tag == TAG_TIME ? value_timestamp(etime_decode(r, time)) : read_from_key(r, key, arena);
}

struct event *event_decode(struct reader *r, const struct event_near *near, struct arena *arena)
{
    struct event head = {0};
    if (!decode_head(r, near, &head)) {
        return NULL;
    }
    /* `view` borrows its text from the input; the copy owns it */
    struct event *view =
        arena_alloc(arena, sizeof(head) + head.n_values * sizeof(struct value));
    memcpy(view, &head, sizeof(head));
    for (uint32_t i = 0; i < head.n_values; i++) {
        view->values[i] = read_value(r, head.time, near->key, arena);
        if (r->failed) {
            return NULL;
        }
    }
    struct extent x = {0};
    measure(view->values, view->n_values, &x);
    size_t bytes = block_bytes(view->n_values, x);
    if (bytes > UINT32_MAX) {
        r->failed = true;
        return NULL;
    }
    return event_clone_into(view, arena_alloc(arena, bytes));
}
