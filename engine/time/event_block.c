#include "engine/time/event_block.h"

#include <stdlib.h>

#include "base/xalloc.h"

void event_blocks_init(struct event_blocks *b)
{
    *b = (struct event_blocks){0};
}

void event_blocks_release(struct event_blocks *b)
{
    for (struct event_block *block = b->made, *next; block != NULL; block = next) {
        next = block->next_made;
        arena_release(&block->arena);
        free(block);
    }
    *b = (struct event_blocks){0};
}

static void block_reuse(struct event_blocks *b, struct event_block *block)
{
    arena_reset(&block->arena);
    block->next_free = b->free;
    b->free = block;
}

static struct event_block *take_block(struct event_blocks *b)
{
    struct event_block *block = b->free;
    if (block == NULL) {
        block = xcalloc(1, sizeof(*block));
        arena_init(&block->arena);
        block->owner = b;
        block->next_made = b->made;
        b->made = block;
        return block;
    }
    b->free = block->next_free;
    return block;
}

struct event_block *event_blocks_open_next(struct event_blocks *b)
{
    struct event_block *full = b->open;
    if (full != NULL && full->holders == 0) {
        block_reuse(b, full);
    } else if (full != NULL) {
        b->closed_bytes += full->arena.used_bytes;
    }
    b->open = take_block(b);
    return b->open;
}

void event_blocks_trim(struct event_blocks *b)
{
    if (b->open != NULL && b->open->holders == 0) {
        struct event_block *block = b->open;
        b->open = NULL;
        block_reuse(b, block);
    }
}

void event_block_let_go(struct event_block *block)
{
    struct event_blocks *b = block->owner;
    if (block == b->open) {
        return; /* still being filled; event_blocks_open() takes care of it */
    }
    b->closed_bytes -= block->arena.used_bytes;
    block_reuse(b, block);
}
