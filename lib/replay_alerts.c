#include "lib/replay_alerts.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct replay_alerts *replay_alerts_new(void)
{
    struct replay_alerts *a = xcalloc(1, sizeof(*a));
    map_init(&a->keys, MAP_COPY_KEYS);
    return a;
}

void replay_alerts_free(struct replay_alerts *a)
{
    if (a) {
        map_release(&a->keys);
        free(a->items);
        free(a->pool);
        free(a);
    }
}

static uint32_t number_of_key(struct replay_alerts *a, struct slice key)
{
    struct map_entry *e = map_find(&a->keys, key);
    if (!e) {
        map_add(&a->keys, key, (void *)(uintptr_t)(a->keys.n + 1));
        return (uint32_t)a->keys.n - 1;
    }
    return (uint32_t)(uintptr_t)e->value - 1;
}

static void put(struct hasher *h, struct json_span entry, const char *name)
{
    hasher_put_part(h, json_view_raw(json_view_get(entry, name)));
}

/* Where the event stands; a derived one by the rule, and by its time: the match_id of its source holds
 * the plan of the rule, which is another one after a change. Steps may be renamed. */
static uint64_t hash_of(struct json_span entry)
{
    struct hasher h;
    hasher_init(&h);
    put(&h, entry, "type");
    put(&h, entry, "topic");
    put(&h, entry, "partition");
    put(&h, entry, "offset");
    if (json_view_get(entry, "topic").kind == JSON_NONE) {
        put(&h, entry, "rule");
        put(&h, entry, "n");
        put(&h, entry, "time");
    }
    return hasher_hash64(&h);
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static enum err take_evidence(struct replay_alerts *a, struct replay_alert *alert,
                              struct json_span evidence, struct error *err)
{
    struct json_span entry;
    alert->events = a->n_pool;
    if (evidence.kind == JSON_ARRAY) {
        struct json_walk w = json_walk_into(evidence);
        while (json_walk_item(&w, &entry)) {
            VEC_PUSH(a->pool, a->n_pool, a->cap_pool) = hash_of(entry);
        }
    }
    if (a->n_pool > REPLAY_MAX_EVIDENCE) {
        return error_set(err, ERR_LIMIT, "more than %llu events in the evidence of all alerts: "
                         "choose a shorter range", (unsigned long long)REPLAY_MAX_EVIDENCE);
    }
    alert->n_events = (uint32_t)(a->n_pool - alert->events);
    if (alert->n_events > 0) {
        uint64_t *first = &a->pool[alert->events];
        qsort(first, alert->n_events, sizeof(*first), compare_hashes);
        alert->evidence = hash64(slice_from((const char *)first, alert->n_events * sizeof(*first)));
    }
    return ERR_OK;
}

enum err replay_alerts_add(struct replay_alerts *a, const struct replay_alert *seen,
                           struct slice key, struct slice match_id, struct slice emit,
                           struct json_span evidence, struct error *err)
{
    struct replay_alert *to = &VEC_PUSH(a->items, a->n, a->cap);
    *to = *seen;
    if (a->n > REPLAY_MAX_MATCHES) {
        return error_set(err, ERR_LIMIT, "more than %llu matches: choose a shorter range",
                         (unsigned long long)REPLAY_MAX_MATCHES);
    }
    to->key = number_of_key(a, key);
    hash128_parse(match_id, &to->match_id);
    to->emit = hash64(emit);
    return take_evidence(a, to, evidence, err);
}
