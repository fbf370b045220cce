/* Accumulators kept between calls: a run that grows by one event costs one step per aggregate.
 *
 * Invariant: `acc` holds exactly the events [start, done) of the slot as it was when `cut` was
 * seen. Anything else than growth at the end begins anew. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "nfa/aggregate_internal.h"

enum cache_use { CACHE_UNKNOWN, CACHE_USABLE, CACHE_UNUSABLE };

struct agg_cache {
    struct agg_acc acc;
    const struct expr *owner;
    uint32_t start, done, cut;
    uint8_t use; /* enum cache_use, for `owner` */
};

struct agg_cache *agg_caches_new(uint32_t n)
{
    return n ? xcalloc(n, sizeof(struct agg_cache)) : NULL;
}

void agg_caches_free(struct agg_cache *caches, uint32_t n)
{
    for (uint32_t i = 0; i < n && caches; i++) {
        agg_acc_release(&caches[i].acc);
    }
    free(caches);
}

/* A value that points somewhere may be kept only if it points into the event: text that was
 * computed lies in the scratch arena, which the owner resets. */
static bool value_keeps(const struct expr *value)
{
    return !value || value->op == EX_FIELD ||
           (value->kind != VAL_STRING && value->kind != VAL_LIST);
}

static bool cacheable(const struct expr *e)
{
    return value_keeps(e->kids[0]) && (!e->kids[0] || expr_is_unary(e->kids[0])) &&
           (!e->kids[1] || expr_is_unary(e->kids[1]));
}

struct agg_cache *agg_cache_find(const struct expr *e, struct eval *ev)
{
    if (!ev->caches || e->cache >= ev->n_caches || ev->visible_until) {
        return NULL;
    }
    struct agg_cache *cache = &ev->caches[e->cache];
    if (cache->owner != e) {
        agg_acc_clear(&cache->acc);
        cache->owner = e;
        cache->start = cache->done = cache->cut = 0;
        cache->use = cacheable(e) ? CACHE_USABLE : CACHE_UNUSABLE;
    }
    return cache->use == CACHE_USABLE ? cache : NULL;
}

struct agg_acc *agg_cache_open(struct agg_cache *cache, uint32_t start, uint32_t end, uint32_t cut,
                               uint32_t *ret_from)
{
    if (cache->start != start || cache->cut != cut || cache->done > end || cache->done < start) {
        agg_acc_clear(&cache->acc);
        cache->start = start;
        cache->done = start;
        cache->cut = cut;
    }
    *ret_from = cache->done;
    cache->done = end;
    return &cache->acc;
}
