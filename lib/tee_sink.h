/* A sink that lets somebody look at the alerts on their way into another one. */
#ifndef FYKE_LIB_TEE_SINK_H
#define FYKE_LIB_TEE_SINK_H

#include "engine/io.h"

/* Takes over `inner`; closing it closes both. */
struct sink *tee_sink_new(struct sink *inner,
                          void (*look)(void *ctx, const struct out_record *r), void *ctx);

#endif
