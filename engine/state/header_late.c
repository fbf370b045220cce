#include "engine/state/header_late.h"

#include <stdlib.h>

#include "engine/state/store_bytes.h"

#define RUNS_FORMAT 4 /* from here on by runs */

int64_t header_read_offset(struct reader *r, int64_t before, const struct header_partition *p)
{
    int64_t offset = before;
    uint64_t step = read_varint(r);
    r->failed |= step > INT64_MAX || __builtin_add_overflow(before, (int64_t)step, &offset) ||
                 offset >= p->next_offset;
    return r->failed ? before : offset;
}

/* ---- out ---------------------------------------------------------------------------------- */

/* How many items from `i` on are of its declaration. */
static uint32_t same_decl(const struct header_partition *p, uint32_t i)
{
    uint32_t n = 1;
    while (i + n < p->n_late && p->late[i + n].decl == p->late[i].decl) {
        n++;
    }
    return n;
}

static void put_decl(const struct header_partition *p, const struct header_late *late, uint32_t n,
                     struct buf *out)
{
    int64_t before = p->restart;
    bool open = late[n - 1].open;
    uint32_t closed = n - open;
    buf_put_varint(out, late->decl);
    buf_put_varint(out, (uint64_t)closed << 1 | open);
    for (uint32_t i = 0; i < closed; i++) {
        buf_put_varint(out, (uint64_t)(late[i].to - before));
        buf_put_varint(out, (uint64_t)(late[i].to - late[i].from));
        before = late[i].to;
    }
    if (open) {
        buf_put_varint(out, (uint64_t)(late[closed].from - before));
    }
}

void header_put_late(const struct header_partition *p, struct buf *out)
{
    uint32_t decls = 0;
    for (uint32_t i = 0; i < p->n_late; i += same_decl(p, i)) {
        decls++;
    }
    buf_put_varint(out, decls);
    for (uint32_t i = 0; i < p->n_late; i += same_decl(p, i)) {
        put_decl(p, &p->late[i], same_decl(p, i), out);
    }
}

/* ---- in ----------------------------------------------------------------------------------- */

static int late_cmp(const void *x, const void *y)
{
    const struct header_late *a = x, *b = y;
    if (a->decl != b->decl) {
        return a->decl < b->decl ? -1 : 1;
    }
    return (a->to > b->to) - (a->to < b->to);
}

static void read_one_by_one(struct reader *r, struct header_partition *p, struct arena *a)
{
    int64_t before = p->restart;
    p->n_late = read_count(r);
    p->late = ARENA_ARRAY(a, struct header_late, p->n_late);
    for (uint32_t i = 0; i < p->n_late && !r->failed; i++) {
        before = header_read_offset(r, before, p);
        p->late[i] = (struct header_late){before, before, read_varint32(r), false};
    }
    if (!r->failed && p->n_late > 1) {
        qsort(p->late, p->n_late, sizeof(*p->late), late_cmp);
    }
}

static void read_closed(struct reader *r, const struct header_partition *p, int64_t before,
                        struct header_late *ret)
{
    ret->to = header_read_offset(r, before, p);
    uint64_t length = read_varint(r);
    r->failed |= length > (uint64_t)(ret->to - before);
    ret->from = ret->to - (r->failed ? 0 : (int64_t)length);
}

/* The open run may begin at the position itself: then the last event in front of it was late. */
static void read_open(struct reader *r, const struct header_partition *p, int64_t before,
                      struct header_late *ret)
{
    uint64_t step = read_varint(r);
    r->failed |= step > (uint64_t)(p->next_offset - before);
    ret->from = ret->to = before + (r->failed ? 0 : (int64_t)step);
    ret->open = true;
}

/* Room for what one more declaration has; arrays that became too small stay behind in the arena. */
static struct header_late *add_items(struct header_partition *p, uint32_t n, size_t *cap,
                                     struct arena *a)
{
    if (p->n_late + (size_t)n > *cap) {
        *cap = 2 * (p->n_late + (size_t)n);
        struct header_late *all = ARENA_ARRAY(a, struct header_late, *cap);
        for (uint32_t i = 0; i < p->n_late; i++) {
            all[i] = p->late[i];
        }
        p->late = all;
    }
    p->n_late += n;
    return &p->late[p->n_late - n];
}

static void read_decl(struct reader *r, struct header_partition *p, size_t *cap, struct arena *a)
{
    uint32_t decl = read_varint32(r), shape = read_count(r), closed = shape >> 1;
    int64_t before = p->restart;
    r->failed |= shape == 0 || (p->n_late > 0 && decl <= p->late[p->n_late - 1].decl);
    if (r->failed) {
        return;
    }
    struct header_late *items = add_items(p, closed + (shape & 1), cap, a);
    for (uint32_t i = 0; i < closed && !r->failed; i++) {
        items[i] = (struct header_late){.decl = decl};
        read_closed(r, p, before, &items[i]);
        before = items[i].to;
    }
    if ((shape & 1) != 0) {
        items[closed] = (struct header_late){.decl = decl};
        read_open(r, p, before, &items[closed]);
    }
}

void header_read_late(struct reader *r, struct header_partition *p, uint64_t format, struct arena *a)
{
    p->n_late = 0;
    p->late = NULL;
    if (format < RUNS_FORMAT) {
        read_one_by_one(r, p, a);
        return;
    }
    size_t cap = 0;
    uint32_t decls = read_count(r);
    for (uint32_t i = 0; i < decls && !r->failed; i++) {
        read_decl(r, p, &cap, a);
    }
}
