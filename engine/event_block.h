/* Memory of events between decoding and evaluation: events are decoded straight into blocks, and a
 * block is reused when the last event in it has been evaluated. No event is copied or freed alone.
 *
 * Thread rule: the input thread's. */
#ifndef FYKE_ENGINE_EVENT_BLOCK_H
#define FYKE_ENGINE_EVENT_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* A block is closed when it has handed out this much. */
#define EVENT_BLOCK_BYTES ((size_t)128 << 10)

struct event_block {
    struct arena arena;
    uint64_t holders; /* events in it that still wait, once per clock group */
    struct event_block *next_free;
};

struct event_blocks {
    struct event_block *open;
    struct event_block *free;
    size_t live_bytes; /* handed out in blocks that are not free */
    size_t counted;    /* part of live_bytes that the open block stands for */
};

void event_blocks_init(struct event_blocks *b);
/* No event may be in use. */
void event_blocks_release(struct event_blocks *b);
/* The block to decode the next record into. */
struct event_block *event_blocks_open(struct event_blocks *b);
void event_block_unhold(struct event_blocks *b, struct event_block *block);

#endif
