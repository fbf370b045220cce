#include "lib/callback_sink.h"

static const char *c_string(struct buf *b, struct slice s)
{
    buf_clear(b);
    buf_put_slice(b, s);
    return buf_cstr(b);
}

static enum err sink_write(struct sink *sink, const struct out_record *r, struct error *err)
{
    struct callback_sink *s = (struct callback_sink *)sink;
    struct fyke_alert a = {
        .json = c_string(&s->json, r->value),
        .json_len = r->value.len,
        .rule = c_string(&s->rule, r->rule),
        .match_id = c_string(&s->match_id, r->match_id),
        .key = r->has_key ? c_string(&s->key, r->key) : NULL,
        .event_time_ns = r->event_time.ns,
    };
    return s->fn(s->ctx, &a) ? ERR_OK
                             : error_set(err, ERR_IO, "the receiver of alerts stopped the run");
}

static enum err sink_flush(struct sink *sink, struct error *err)
{
    (void)sink;
    (void)err;
    return ERR_OK;
}

static void sink_close(struct sink *sink)
{
    callback_sink_release((struct callback_sink *)sink);
}

void callback_sink_init(struct callback_sink *s, fyke_alert_fn fn, void *ctx)
{
    static const struct sink_ops ops = {sink_write, sink_flush, sink_close};
    *s = (struct callback_sink){.sink = {&ops}, .fn = fn, .ctx = ctx};
}

void callback_sink_release(struct callback_sink *s)
{
    buf_release(&s->json);
    buf_release(&s->rule);
    buf_release(&s->match_id);
    buf_release(&s->key);
}
