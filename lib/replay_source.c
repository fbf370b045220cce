#include "lib/replay_source.h"

#include <stdlib.h>

#include "base/xalloc.h"

static enum err source_partitions(struct source *base, const struct source_partition **ret,
                                  uint32_t *ret_n, struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    return s->inner->ops->partitions(s->inner, ret, ret_n, err);
}

static enum err source_start(struct source *base, const struct partition_position *from,
                             uint32_t n, struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    return s->inner->ops->start(s->inner, from, n, err);
}

static void note(struct replay_source *s, const struct source_batch *b)
{
    s->records += b->n;
    for (uint32_t i = 0; i < b->n; i++) {
        s->bytes += b->records[i].value.len + 1;
    }
    for (uint32_t i = 0; i < b->n_at_end; i++) {
        VEC_PUSH(s->ended, s->n_ended, s->cap_ended) = b->at_end[i];
    }
}

static enum err source_poll(struct source *base, uint32_t max, struct duration wait,
                            struct source_batch *ret, struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    if (s->enough) {
        *ret = (struct source_batch){.finished = true};
        return ERR_OK;
    }
    uint32_t most = s->batch > 0 && s->batch < max ? s->batch : max;
    FYKE_TRY(s->inner->ops->poll(s->inner, most, wait, ret, err));
    note(s, ret);
    return ERR_OK;
}

static enum err source_pause(struct source *base, const struct partition_position *p, bool paused,
                             struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    return s->inner->ops->pause ? s->inner->ops->pause(s->inner, p, paused, err) : ERR_OK;
}

static void source_close(struct source *base)
{
    struct replay_source *s = (struct replay_source *)base;
    s->inner->ops->close(s->inner);
    free(s->ended);
    *s = (struct replay_source){0};
}

void replay_source_init(struct replay_source *s, struct source *inner, uint32_t batch)
{
    static const struct source_ops ops = {
        .partitions = source_partitions,
        .start = source_start,
        .poll = source_poll,
        .pause = source_pause,
        .close = source_close,
    };
    *s = (struct replay_source){
        .base = {.ops = &ops, .bounded = true}, .inner = inner, .batch = batch};
}

bool replay_source_ended(const struct replay_source *s, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < s->n_ended; i++) {
        if (s->ended[i].topic == topic && s->ended[i].partition == partition) {
            return true;
        }
    }
    return false;
}
