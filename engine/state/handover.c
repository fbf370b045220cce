/* Closing; and handing an open, written state over to the engine that goes on with it. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/state/checkpoint.h"

static void free_keys(struct keyspace_kept **keys, uint32_t n)
{
    for (uint32_t i = 0; keys != NULL && i < n; i++) {
        keyspace_kept_free(keys[i]);
    }
    free(keys);
}

void state_take_kept(struct engine *e, struct engine_kept *k)
{
    struct state *s = e->state;
    s->store = k->store;
    s->kept_keys = k->keys;
    s->n_kept_keys = k->n_shards;
    k->store = NULL;
    k->keys = NULL;
}

void state_drop_kept_keys(struct state *s)
{
    free_keys(s->kept_keys, s->n_kept_keys);
    s->kept_keys = NULL;
}

enum err engine_kept_header(struct engine_kept *k, struct buf *ret, struct error *err)
{
    bool found;
    FYKE_TRY(store_header(k->store, ret, &found, err));
    return found ? ERR_OK : error_set(err, ERR_STATE, "nothing is committed");
}

void engine_kept_free(struct engine_kept *k)
{
    if (k == NULL) {
        return;
    }
    free_keys(k->keys, k->n_shards);
    store_close(k->store);
    buf_release(&k->identity);
    free(k);
}

/* Everything but the database. */
static void release_state(struct engine *e)
{
    struct state *s = e->state;
    state_drop_frozen(e);
    state_drop_clocks(s);
    state_drop_kept_keys(s);
    header_release(&s->before);
    free(s->taken);
    free(s->slots.of_rule);
    free(s->slots.rule_of);
    free(s);
    e->state = NULL;
}

void state_close(struct engine *e, bool abandon)
{
    struct state *s = e->state;
    if (s == NULL) {
        return;
    }
    journaled_close(e, abandon);
    store_close(s->store);
    release_state(e);
}

struct engine_kept *engine_keep(struct engine *e)
{
    struct state *s = e->state;
    if (s == NULL || !e->has_stopped || s->failed) {
        return NULL;
    }
    struct engine_kept *k = xcalloc(1, sizeof(*k));
    k->n_shards = e->n_shards;
    k->journaled = s->journaled != NULL;
    if (k->journaled && !journaled_keep(e, k)) {
        engine_kept_free(k);
        return NULL;
    }
    k->keys = xcalloc(k->n_shards, sizeof(*k->keys));
    for (uint32_t i = 0; i < k->n_shards; i++) {
        k->keys[i] = keyspace_leave_store(e->shards[i].keyspace);
    }
    k->store = s->store;
    release_state(e);
    return k;
}
