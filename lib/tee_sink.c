#include "lib/tee_sink.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct tee_sink {
    struct sink sink; /* first */
    struct sink *inner;
    void (*look)(void *ctx, const struct out_record *r);
    void *ctx;
};

static enum err tee_write(struct sink *sink, const struct out_record *r, struct error *err)
{
    struct tee_sink *t = (struct tee_sink *)sink;
    if (!r->is_refused) {
        t->look(t->ctx, r);
    }
    return t->inner->ops->write(t->inner, r, err);
}

static enum err tee_flush(struct sink *sink, struct error *err)
{
    struct tee_sink *t = (struct tee_sink *)sink;
    return t->inner->ops->flush(t->inner, err);
}

static void tee_close(struct sink *sink)
{
    struct tee_sink *t = (struct tee_sink *)sink;
    t->inner->ops->close(t->inner);
    free(t);
}

struct sink *tee_sink_new(struct sink *inner,
                          void (*look)(void *ctx, const struct out_record *r), void *ctx)
{
    static const struct sink_ops ops = {tee_write, tee_flush, tee_close};
    struct tee_sink *t = xcalloc(1, sizeof(*t));
    *t = (struct tee_sink){{&ops}, inner, look, ctx};
    return &t->sink;
}
