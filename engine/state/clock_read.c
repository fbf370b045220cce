#include "engine/state/clock_read.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/rules_apart.h"

struct owner {
    struct hash128 hash;
    uint32_t partition; /* of the header */
};

struct clock_read {
    const struct header *header;
    struct value_clocks *clocks;
    struct frozen *unread;
    struct owner *owners; /* ascending by hash */
    size_t n;
};

static int owner_cmp(const void *x, const void *y)
{
    const struct owner *a = x, *b = y;
    return hash128_cmp(a->hash, b->hash);
}

static enum err damaged(const char *why, struct error *err)
{
    return error_set(err, ERR_CORRUPT, "the state is damaged: %s; restore it from a copy or start "
                     "anew with --reset-state", why);
}

static const struct owner *find_owner(const struct clock_read *l, const struct record_key *key)
{
    const struct owner wanted = {.hash = record_key_hash(key)};
    return l->n == 0 ? NULL : bsearch(&wanted, l->owners, l->n, sizeof(wanted), owner_cmp);
}

static enum err read_part(void *ctx, const struct record_key *key, struct slice value,
                          struct error *err)
{
    struct clock_read *l = ctx;
    const struct owner *owner = find_owner(l, key);
    const char *why;
    if (owner == NULL && rules_apart_is_part(key)) {
        return ERR_OK;
    }
    if (owner == NULL) {
        return damaged("clocks of values belong to no partition", err);
    }
    struct value_clocks *c = &l->clocks[owner->partition];
    if (c->pages == NULL) {
        if (l->unread != NULL) {
            VEC_PUSH(l->unread->ops, l->unread->n, l->unread->cap) =
                (struct frozen_op){.key = *key, .del = true};
        }
        return ERR_OK;
    }
    return clock_page_take(c, key, value, l->header->partitions[owner->partition].max_time, &why)
               ? ERR_OK
               : damaged(why, err);
}

static void list_owners(struct clock_read *l)
{
    const struct header *h = l->header;
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        const struct header_partition *p = &h->partitions[i];
        if (p->paged) {
            l->owners[l->n++] =
                (struct owner){clock_page_owner(h->topics[p->topic].name, p->partition), i};
        }
    }
    if (l->n > 1) {
        qsort(l->owners, l->n, sizeof(*l->owners), owner_cmp);
    }
}

static enum err read_all(struct clock_read *l, struct store *s, struct error *err)
{
    struct store_reader *r = store_reader_new(s, l->header->n_shards);
    enum err rc = store_each(r, read_part, l, err);
    store_reader_free(r);
    for (uint32_t i = 0; i < l->header->n_partitions && rc == ERR_OK; i++) {
        const struct header_partition *p = &l->header->partitions[i];
        const struct value_clocks *c = &l->clocks[i];
        if (c->pages != NULL && (c->n != p->n_paged || c->sum != p->paged_sum)) {
            rc = damaged("clocks of values are not those of its header", err);
        }
    }
    return rc;
}

enum err clock_pages_read(struct store *s, const struct header *h, struct value_clocks *clocks,
                          struct frozen *unread, struct error *err)
{
    struct clock_read l = {.header = h, .clocks = clocks, .unread = unread};
    l.owners = xcalloc(h->n_partitions + 1u, sizeof(*l.owners));
    list_owners(&l);
    enum err rc = read_all(&l, s, err);
    free(l.owners);
    return rc;
}
