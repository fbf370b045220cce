#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

void heap_init(struct heap *h, heap_cmp_fn *cmp)
{
    *h = (struct heap){.cmp = cmp};
}

void heap_release(struct heap *h)
{
    for (size_t i = 0; i < h->n; i++) {
        h->nodes[i]->place = 0;
    }
    free(h->nodes);
    heap_init(h, h->cmp);
}

static void put_at(struct heap *h, size_t i, struct heap_node *node)
{
    h->nodes[i] = node;
    node->place = i + 1;
}

/* Moves the node at hole `i` up while it comes before its parent. */
static void sift_up(struct heap *h, size_t i, struct heap_node *node)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (h->cmp(node, h->nodes[parent]) >= 0) {
            break;
        }
        put_at(h, i, h->nodes[parent]);
        i = parent;
    }
    put_at(h, i, node);
}

static void sift_down(struct heap *h, size_t i, struct heap_node *node)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->n) {
            break;
        }
        if (child + 1 < h->n && h->cmp(h->nodes[child + 1], h->nodes[child]) < 0) {
            child++;
        }
        if (h->cmp(node, h->nodes[child]) <= 0) {
            break;
        }
        put_at(h, i, h->nodes[child]);
        i = child;
    }
    put_at(h, i, node);
}

static void settle(struct heap *h, size_t i, struct heap_node *node)
{
    if (i > 0 && h->cmp(node, h->nodes[(i - 1) / 2]) < 0) {
        sift_up(h, i, node);
    } else {
        sift_down(h, i, node);
    }
}

void heap_push(struct heap *h, struct heap_node *node)
{
    assert(node->place == 0);
    VEC_PUSH(h->nodes, h->n, h->cap) = node;
    sift_up(h, h->n - 1, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    if (node->place == 0) {
        return;
    }
    size_t i = node->place - 1;
    assert(i < h->n && h->nodes[i] == node);
    node->place = 0;
    struct heap_node *last = h->nodes[--h->n];
    if (last != node) {
        settle(h, i, last);
    }
}

struct heap_node *heap_pop(struct heap *h)
{
    struct heap_node *top = heap_peek(h);
    if (top) {
        heap_remove(h, top);
    }
    return top;
}

void heap_update(struct heap *h, struct heap_node *node)
{
    assert(node->place != 0 && h->nodes[node->place - 1] == node);
    settle(h, node->place - 1, node);
}
