#include "cli/gen_log.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

const char *gen_topic_name(enum gen_topic t)
{
    switch (t) {
    case GEN_LOGINS: return "auth.logins";
    case GEN_PAYMENTS: return "payments";
    case GEN_ACCOUNTS: return "accounts";
    case GEN_ORDERS: return "orders";
    case GEN_HEARTBEATS: return "heartbeats";
    case GEN_TOPICS: break;
    }
    assert(0 && "no such topic");
    return "";
}

void gen_log_init(struct gen_log *log)
{
    *log = (struct gen_log){0};
    arena_init(&log->strings);
}

void gen_log_release(struct gen_log *log)
{
    buf_release(&log->text);
    arena_release(&log->strings);
    free(log->events);
    free(log->episodes);
    free(log->refs);
    free(log->order);
    *log = (struct gen_log){0};
}

struct json_out gen_event_begin(struct gen_log *log, enum gen_topic topic, int64_t at_ms,
                                const char *key)
{
    struct slice k = slice_of(key);
    VEC_PUSH(log->events, log->n_events, log->cap_events) = (struct gen_event){
        .at_ms = at_ms, .text = log->text.len, .key_bytes = (uint32_t)k.len, .topic = topic};
    buf_put_slice(&log->text, k);
    struct json_out j = json_out_to(&log->text);
    json_object_begin(&j);
    return j;
}

void gen_event_end(struct gen_log *log, struct json_out *j)
{
    json_object_end(j);
    struct gen_event *e = &log->events[log->n_events - 1];
    e->payload_bytes = (uint32_t)(log->text.len - e->text - e->key_bytes);
    if (log->in_episode) {
        VEC_PUSH(log->refs, log->n_refs, log->cap_refs) = log->n_events - 1;
    }
}

void gen_episode_begin(struct gen_log *log, const char *rule, const char *key, bool attack,
                       const char *note)
{
    assert(!log->in_episode);
    struct slice k = slice_of(key);
    VEC_PUSH(log->episodes, log->n_episodes, log->cap_episodes) =
        (struct gen_episode){.rule = rule,
                             .key = arena_strndup(&log->strings, k.ptr, k.len),
                             .note = note,
                             .attack = attack,
                             .refs = log->n_refs};
    log->in_episode = true;
}

void gen_episode_end(struct gen_log *log)
{
    assert(log->in_episode);
    struct gen_episode *ep = &log->episodes[log->n_episodes - 1];
    ep->n_refs = log->n_refs - ep->refs;
    log->in_episode = false;
}

struct arrival {
    int64_t ms;
    size_t event;
};

static int arrival_cmp(const void *a, const void *b)
{
    const struct arrival *x = a;
    const struct arrival *y = b;
    if (x->ms != y->ms) {
        return x->ms < y->ms ? -1 : 1;
    }
    return x->event < y->event ? -1 : x->event > y->event;
}

/* FNV-1a: any fixed spread will do, as long as one key stays in one partition. */
static uint32_t key_partition(struct slice key, uint32_t partitions)
{
    uint32_t h = UINT32_C(2166136261);
    for (size_t i = 0; i < key.len; i++) {
        h = (h ^ (uint8_t)key.ptr[i]) * UINT32_C(16777619);
    }
    return h % partitions;
}

static void deal_offsets(struct gen_log *log, uint32_t partitions)
{
    uint64_t *next = xcalloc((size_t)GEN_TOPICS * partitions, sizeof(*next));
    for (size_t i = 0; i < log->n_events; i++) {
        struct gen_event *e = &log->events[log->order[i]];
        e->partition = key_partition(gen_event_key(log, e), partitions);
        e->offset = next[(size_t)e->topic * partitions + e->partition]++;
    }
    free(next);
}

void gen_log_arrange(struct gen_log *log, struct rng *r, int64_t disorder_ms, uint32_t partitions)
{
    assert(!log->order && !log->in_episode);
    struct arrival *arrivals = xcalloc(log->n_events + 1, sizeof(*arrivals));
    for (size_t i = 0; i < log->n_events; i++) {
        struct gen_event *e = &log->events[i];
        e->arrival_ms = e->at_ms + (disorder_ms > 0 ? rng_range(r, 0, disorder_ms) : 0);
        arrivals[i] = (struct arrival){e->arrival_ms, i};
    }
    qsort(arrivals, log->n_events, sizeof(*arrivals), arrival_cmp);
    log->order = xcalloc(log->n_events + 1, sizeof(*log->order));
    for (size_t i = 0; i < log->n_events; i++) {
        log->order[i] = arrivals[i].event;
    }
    free(arrivals);
    deal_offsets(log, partitions);
}

struct slice gen_event_key(const struct gen_log *log, const struct gen_event *e)
{
    return slice_from(log->text.ptr + e->text, e->key_bytes);
}

struct slice gen_event_payload(const struct gen_log *log, const struct gen_event *e)
{
    return slice_from(log->text.ptr + e->text + e->key_bytes, e->payload_bytes);
}
