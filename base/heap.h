/* Binary min-heap of intrusive nodes. Each node knows its place, so it can be removed or re-keyed
 * in O(log n). The comparison must be a total order (break ties by an id): then the order of
 * popping does not depend on the history of the heap. */
#ifndef FYKE_BASE_HEAP_H
#define FYKE_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    size_t place; /* index + 1; 0 = in no heap, so zeroed memory is a fresh node */
};

/* Negative when `a` comes first. */
typedef int heap_cmp_fn(const struct heap_node *a, const struct heap_node *b);

struct heap {
    struct heap_node **nodes; /* borrowed nodes in an owned array */
    size_t n, cap;
    heap_cmp_fn *cmp;
};

/* The struct around a node. */
#define HEAP_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_init(struct heap *h, heap_cmp_fn *cmp);
/* The nodes still in it count as in no heap afterwards. */
void heap_release(struct heap *h);

static inline bool heap_has(const struct heap_node *node)
{
    return node->place != 0;
}
/* NULL when empty. */
static inline struct heap_node *heap_peek(const struct heap *h)
{
    return h->n ? h->nodes[0] : NULL;
}
/* The node must be in no heap. */
void heap_push(struct heap *h, struct heap_node *node);
/* NULL when empty. */
struct heap_node *heap_pop(struct heap *h);
/* Nothing happens when the node is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);
/* After the node's key has changed in either direction. */
void heap_update(struct heap *h, struct heap_node *node);

#endif
