/* Memory of events between decoding and evaluation: events are decoded straight into blocks, and a
 * block is reused when the last event in it has been evaluated. No event is copied or freed alone.
 *
 * Thread rule: the owner of `struct event_blocks` opens blocks; between two barriers the input
 * thread may let go of events of all owners. */
#ifndef FYKE_ENGINE_TIME_EVENT_BLOCK_H
#define FYKE_ENGINE_TIME_EVENT_BLOCK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* A block is closed when it has handed out this much. */
#define EVENT_BLOCK_BYTES ((size_t)128 << 10)

struct event_blocks;

struct event_block {
    struct arena arena;
    struct event_blocks *owner;
    uint64_t holders; /* events in it that still wait, once per clock group */
    struct event_block *next_free, *next_made;
};

struct event_blocks {
    struct event_block *open;
    struct event_block *free;
    struct event_block *made; /* all of them */
    size_t closed_bytes;      /* handed out in those that are neither open nor free */
};

void event_blocks_init(struct event_blocks *b);
/* Events that still wait are gone. */
void event_blocks_release(struct event_blocks *b);
/* Instead of the open one, which is full, or none. */
struct event_block *event_blocks_open_next(struct event_blocks *b);
/* The block to decode the next record into. */
static inline struct event_block *event_blocks_open(struct event_blocks *b)
{
    bool has_room = b->open != NULL && b->open->arena.used_bytes < EVENT_BLOCK_BYTES;
    return has_room ? b->open : event_blocks_open_next(b);
}
/* Handed out in blocks that are not free. */
static inline size_t event_blocks_live_bytes(const struct event_blocks *b)
{
    return b->closed_bytes + (b->open != NULL ? b->open->arena.used_bytes : 0);
}
/* More was put into the block, which took `before` bytes until then: a closed one has been weighed already. */
static inline void event_block_grown(const struct event_block *block, size_t before)
{
    struct event_blocks *b = block->owner;
    b->closed_bytes += block != b->open ? block->arena.used_bytes - before : 0;
}
static inline void event_block_hold(struct event_block *block)
{
    block->holders++;
}
/* The open block starts anew if nothing in it waits. */
void event_blocks_trim(struct event_blocks *b);
/* Nothing in it waits any more. */
void event_block_let_go(struct event_block *block);
static inline void event_block_unhold_many(struct event_block *block, uint64_t n)
{
    assert(block->holders >= n);
    block->holders -= n;
    if (block->holders == 0) {
        event_block_let_go(block);
    }
}
static inline void event_block_unhold(struct event_block *block)
{
    event_block_unhold_many(block, 1);
}

#endif
