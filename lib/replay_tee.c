#include "lib/replay_tee.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static uint32_t own_topic(const struct replay_tap *t, uint32_t topic)
{
    return t->own && topic != UINT32_MAX ? t->own[topic] : topic;
}

/* Broken lines belong to no topic and are told to all. */
static bool knows(const struct replay_tap *t, uint32_t topic)
{
    return topic == UINT32_MAX || own_topic(t, topic) != UINT32_MAX;
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum err tap_partitions(struct source *base, const struct source_partition **ret,
                               uint32_t *ret_n, struct error *err)
{
    struct replay_tap *t = (struct replay_tap *)base;
    struct source *inner = &t->tee->source->base;
    const struct source_partition *all;
    uint32_t n;
    pthread_mutex_lock(&t->tee->lock);
    enum err rc = inner->ops->partitions(inner, &all, &n, err);
    if (rc == ERR_OK) {
        free(t->announced);
        t->announced = xcalloc(n + 1u, sizeof(*t->announced));
        *ret_n = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (knows(t, all[i].topic)) {
                t->announced[*ret_n] = all[i];
                t->announced[(*ret_n)++].topic = own_topic(t, all[i].topic);
            }
        }
        *ret = t->announced;
    }
    pthread_mutex_unlock(&t->tee->lock);
    return rc;
}

static enum err tap_start(struct source *base, const struct partition_position *from, uint32_t n,
                          struct error *err)
{
    struct replay_tap *t = (struct replay_tap *)base;
    struct source *inner = &t->tee->source->base;
    return t->tee->n == 1 ? inner->ops->start(inner, from, n, err) : ERR_OK;
}

/* ---- batches -------------------------------------------------------------------------------- */

static void map_positions(const struct replay_tap *t, const struct partition_position *from,
                          uint32_t n, struct partition_position **to, size_t *cap, uint32_t *ret_n)
{
    *to = xgrow(*to, cap, n + 1u, sizeof(**to));
    *ret_n = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (knows(t, from[i].topic)) {
            (*to)[*ret_n] = from[i];
            (*to)[(*ret_n)++].topic = own_topic(t, from[i].topic);
        }
    }
}

static void map_records(struct replay_tap *t, const struct source_batch *b,
                        struct source_batch *ret)
{
    t->records = xgrow(t->records, &t->cap_records, b->n + 1u, sizeof(*t->records));
    ret->n = 0;
    arena_reset(&t->arena);
    for (uint32_t i = 0; i < b->n; i++) {
        if (!knows(t, b->records[i].topic)) {
            continue;
        }
        struct record *r = &t->records[ret->n++];
        *r = b->records[i];
        r->topic = own_topic(t, r->topic);
        if (t->keys && r->topic != UINT32_MAX && t->keys[r->topic].wanted && !r->broken) {
            r->has_key = false;
            file_key_supply(&t->keys[r->topic], &t->arena, r);
        }
    }
    ret->records = t->records;
}

static void take_batch(struct replay_tap *t, struct source_batch *ret)
{
    const struct source_batch *b = &t->tee->batch;
    *ret = *b;
    if (t->own) {
        map_records(t, b, ret);
        map_positions(t, b->at_end, b->n_at_end, &t->ends, &t->cap_ends, &ret->n_at_end);
        map_positions(t, b->lost_end, b->n_lost_end, &t->lost, &t->cap_lost, &ret->n_lost_end);
        ret->at_end = t->ends;
        ret->lost_end = t->lost;
    }
    for (uint32_t i = 0; i < ret->n_at_end; i++) {
        VEC_PUSH(t->ended, t->n_ended, t->cap_ended) = ret->at_end[i];
    }
}

static enum err tap_poll(struct source *base, uint32_t max, struct duration wait,
                         struct source_batch *ret, struct error *err)
{
    struct replay_tap *t = (struct replay_tap *)base;
    struct replay_tee *tee = t->tee;
    enum err rc = ERR_OK;
    if (t->enough) {
        *ret = (struct source_batch){.finished = true};
        return ERR_OK;
    }
    pthread_mutex_lock(&tee->lock);
    tee->n_back++;
    while (t->round == tee->round && !tee->failed && tee->n_back < tee->n_live) {
        pthread_cond_wait(&tee->moved, &tee->lock);
    }
    if (tee->failed) {
        t->turned_away = true;
        rc = error_set(err, ERR_IO, "another of the rule sets that are evaluated has failed");
    } else if (t->round == tee->round) {
        rc = tee->source->base.ops->poll(&tee->source->base, max, wait, &tee->batch, err);
        tee->failed = rc != ERR_OK;
        tee->round++;
        tee->n_back = 0;
        pthread_cond_broadcast(&tee->moved);
    }
    pthread_mutex_unlock(&tee->lock);
    if (rc == ERR_OK) {
        t->round++;
        take_batch(t, ret); /* the batch stays until this tap comes back */
    }
    return rc;
}

/* ---- held back ------------------------------------------------------------------------------ */

static struct tee_partition *partition_of(struct replay_tee *tee, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < tee->n_parts; i++) {
        if (tee->parts[i].topic == topic && tee->parts[i].partition == partition) {
            return &tee->parts[i];
        }
    }
    struct tee_partition *p = &VEC_PUSH(tee->parts, tee->n_parts, tee->cap_parts);
    *p = (struct tee_partition){.topic = topic, .partition = partition};
    p->wish = xcalloc(tee->n, sizeof(*p->wish));
    return p;
}

/* A partition is held back when every engine that reads it wants so: none may starve. */
static enum err apply_wishes(struct replay_tee *tee, struct tee_partition *p, struct error *err)
{
    bool all = true, any = false;
    for (uint32_t i = 0; i < tee->n; i++) {
        if (!tee->taps[i].left && knows(&tee->taps[i], p->topic)) {
            all &= p->wish[i];
            any = true;
        }
    }
    bool paused = all && any;
    if (paused == p->paused) {
        return ERR_OK;
    }
    struct partition_position at = {.topic = p->topic, .partition = p->partition};
    p->paused = paused;
    return tee->source->base.ops->pause(&tee->source->base, &at, paused, err);
}

static uint32_t union_topic(const struct replay_tap *t, uint32_t own)
{
    uint32_t topic = 0;
    while (t->own && t->own[topic] != own) {
        topic++; /* every own topic is one of the union's */
    }
    return t->own ? topic : own;
}

static enum err tap_pause(struct source *base, const struct partition_position *at, bool paused,
                          struct error *err)
{
    struct replay_tap *t = (struct replay_tap *)base;
    struct replay_tee *tee = t->tee;
    pthread_mutex_lock(&tee->lock);
    struct tee_partition *p = partition_of(tee, union_topic(t, at->topic), at->partition);
    p->wish[t->index] = paused;
    enum err rc = apply_wishes(tee, p, err);
    pthread_mutex_unlock(&tee->lock);
    return rc;
}

/* ---- life ----------------------------------------------------------------------------------- */

void replay_tap_leave(struct replay_tap *t, bool failed)
{
    struct replay_tee *tee = t->tee;
    struct error err = ERROR_INIT;
    if (t->left) {
        return;
    }
    pthread_mutex_lock(&tee->lock);
    t->left = true;
    tee->n_live--;
    tee->failed |= failed;
    for (size_t i = 0; i < tee->n_parts; i++) {
        tee->failed |= apply_wishes(tee, &tee->parts[i], &err) != ERR_OK;
    }
    pthread_cond_broadcast(&tee->moved);
    pthread_mutex_unlock(&tee->lock);
}

bool replay_tap_ended(const struct replay_tap *t, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < t->n_ended; i++) {
        if (t->ended[i].topic == topic && t->ended[i].partition == partition) {
            return true;
        }
    }
    return false;
}

void replay_tee_figures(struct replay_tee *tee, uint64_t *records, uint64_t *bytes)
{
    pthread_mutex_lock(&tee->lock);
    *records = tee->source->records;
    *bytes = tee->source->bytes;
    pthread_mutex_unlock(&tee->lock);
}

static void tap_close(struct source *base)
{
    (void)base; /* replay_tee_close() */
}

static void open_tap(struct replay_tap *t, const struct replay_union *u, bool payload_files)
{
    t->own = u ? u->own[t->index] : NULL;
    if (!u || !payload_files) {
        return;
    }
    /* The source supplies the key of the first set that has the topic. */
    t->keys = xcalloc(t->rs->n_topics + 1u, sizeof(*t->keys));
    for (uint32_t i = 0; i < t->rs->n_topics; i++) {
        if (u->first[union_topic(t, i)] != t->index) {
            file_key_init(&t->keys[i], t->rs, i);
        }
    }
}

enum err replay_tee_open(struct replay_tee *tee, struct replay_source *source,
                         const struct ruleset *const *sets, uint32_t n,
                         const struct replay_union *u, bool payload_files, struct error *err)
{
    static const struct source_ops ops = {
        .partitions = tap_partitions,
        .start = tap_start,
        .poll = tap_poll,
        .pause = tap_pause,
        .close = tap_close,
    };
    *tee = (struct replay_tee){.source = source, .n = n, .n_live = n};
    pthread_mutex_init(&tee->lock, NULL);
    pthread_cond_init(&tee->moved, NULL);
    tee->taps = xcalloc(n + 1u, sizeof(*tee->taps));
    for (uint32_t i = 0; i < n; i++) {
        struct replay_tap *t = &tee->taps[i];
        *t = (struct replay_tap){.base = {.ops = &ops, .bounded = true},
                                 .tee = tee, .rs = sets[i], .index = i};
        open_tap(t, u, payload_files);
    }
    return n > 1 ? source->base.ops->start(&source->base, NULL, 0, err) : ERR_OK;
}

static void release_tap(struct replay_tap *t)
{
    for (uint32_t i = 0; t->keys && i < t->rs->n_topics; i++) {
        file_key_release(&t->keys[i]);
    }
    free(t->keys);
    free(t->announced);
    free(t->records);
    free(t->ends);
    free(t->lost);
    free(t->ended);
    arena_release(&t->arena);
}

void replay_tee_close(struct replay_tee *tee)
{
    for (uint32_t i = 0; tee->taps && i < tee->n; i++) {
        release_tap(&tee->taps[i]);
    }
    for (size_t i = 0; i < tee->n_parts; i++) {
        free(tee->parts[i].wish);
    }
    if (tee->taps) {
        pthread_mutex_destroy(&tee->lock);
        pthread_cond_destroy(&tee->moved);
    }
    free(tee->parts);
    free(tee->taps);
    *tee = (struct replay_tee){0};
}
