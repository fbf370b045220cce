/* A sink that hands every alert to a function of the public API. */
#ifndef FYKE_LIB_CALLBACK_SINK_H
#define FYKE_LIB_CALLBACK_SINK_H

#include "base/buf.h"
#include "engine/io.h"
#include "fyke/fyke.h"

struct callback_sink {
    struct sink sink; /* first */
    fyke_alert_fn fn;
    void *ctx;
    struct buf json, rule, match_id, key; /* C strings of the alert at hand */
};

void callback_sink_init(struct callback_sink *s, fyke_alert_fn fn, void *ctx);
void callback_sink_release(struct callback_sink *s);

#endif
