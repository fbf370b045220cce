#include "engine/time/late_runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void late_runs_release(struct late_runs *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].items);
    }
    free(l->items);
    *l = (struct late_runs){0};
}

/* A topic has few declarations. */
static struct late_decl *find(const struct late_runs *l, uint32_t decl)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->items[i].decl == decl) {
            return &l->items[i];
        }
    }
    return NULL;
}

static struct late_decl *find_or_add(struct late_runs *l, uint32_t decl)
{
    struct late_decl *d = find(l, decl);
    if (d != NULL) {
        return d;
    }
    VEC_PUSH(l->items, l->n, l->cap) = (struct late_decl){.decl = decl};
    size_t at = l->n - 1;
    for (; at > 0 && l->items[at - 1].decl > decl; at--) {
        l->items[at] = l->items[at - 1];
    }
    l->items[at] = (struct late_decl){.decl = decl};
    return &l->items[at];
}

void late_runs_late(struct late_runs *l, uint32_t decl, int64_t offset)
{
    struct late_decl *d = find_or_add(l, decl);
    if (!d->open) {
        d->open = true;
        d->since = offset;
    }
}

void late_runs_end(struct late_runs *l, uint32_t decl, int64_t offset)
{
    struct late_decl *d = find(l, decl);
    if (d == NULL || !d->open) {
        return;
    }
    d->open = false;
    if (d->since < offset) { /* else all of it lay in front of where this life began to read */
        VEC_PUSH(d->items, d->n, d->cap) = (struct late_run){d->since, offset - 1};
    }
}

void late_runs_put(struct late_runs *l, uint32_t decl, struct late_run run)
{
    struct late_decl *d = find_or_add(l, decl);
    VEC_PUSH(d->items, d->n, d->cap) = run;
}

void late_runs_put_open(struct late_runs *l, uint32_t decl, int64_t since)
{
    struct late_decl *d = find_or_add(l, decl);
    d->open = true;
    d->since = since;
}

/* How many runs end in front of the offset. */
static size_t ended_before(const struct late_decl *d, int64_t offset)
{
    size_t lo = 0, hi = d->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (d->items[mid].to < offset) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

bool late_runs_has(const struct late_runs *l, uint32_t decl, int64_t offset)
{
    const struct late_decl *d = find(l, decl);
    if (d == NULL) {
        return false;
    }
    size_t at = ended_before(d, offset);
    return at < d->n ? d->items[at].from <= offset : d->open && d->since <= offset;
}

void late_runs_forget(struct late_runs *l, int64_t restart)
{
    for (size_t i = 0; i < l->n; i++) {
        struct late_decl *d = &l->items[i];
        size_t gone = ended_before(d, restart);
        d->n -= gone;
        if (gone > 0 && d->n > 0) {
            memmove(d->items, d->items + gone, d->n * sizeof(*d->items));
        }
    }
}

size_t late_runs_count(const struct late_runs *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        n += l->items[i].n + l->items[i].open;
    }
    return n;
}
