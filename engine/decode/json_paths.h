/* The names that a JSON scan looks for: a trie of object keys, node 0 is the document itself.
 *
 * Built once (add, add, …, seal), then immutable and shared. A node stands for one path; its index
 * is also the index of its place in the table of values found (json_scan.h). Names are borrowed:
 * their owner outlives the trie. */
#ifndef FYKE_ENGINE_DECODE_JSON_PATHS_H
#define FYKE_ENGINE_DECODE_JSON_PATHS_H

#include <stdint.h>

#include "base/slice.h"

#define JSON_NO_NODE UINT32_MAX

/* One place of a node's child table: open addressing over (length, first eight bytes). */
struct json_slot {
    uint64_t head; /* first eight bytes of the name, zero-filled */
    const char *name;
    uint32_t len;
    uint32_t node; /* JSON_NO_NODE: free */
};

struct json_node {
    struct slice name;
    uint32_t parent, first_child, next_sibling; /* JSON_NO_NODE: none */
    uint32_t n_children;
    uint32_t shift;          /* 64 - log2 of the table's size */
    uint32_t mask;           /* table size - 1 */
    struct json_slot *slots; /* NULL without children */
};

struct json_paths {
    struct json_node *nodes;
    size_t n, cap;
    uint32_t longest_name; /* bytes */
};

void json_paths_init(struct json_paths *p);
void json_paths_release(struct json_paths *p);
/* The child `name` of `parent`, made if there is none yet. */
uint32_t json_paths_add(struct json_paths *p, uint32_t parent, struct slice name);
/* Builds the child tables; nothing may be added afterwards. */
void json_paths_seal(struct json_paths *p);

static inline uint64_t json_head_mask(size_t len)
{
    return len >= 8 ? UINT64_MAX : ~(UINT64_MAX << (8 * len));
}

static inline size_t json_slot_of(uint64_t head, size_t len, uint32_t shift)
{
    return (size_t)(((head ^ len) * UINT64_C(0x9E3779B97F4A7C15)) >> shift);
}

/* The child of a sealed node with children. Eight bytes from `name` must be readable whatever its
 * length. */
static inline uint32_t json_paths_child(const struct json_node *node, const char *name, size_t len)
{
    uint64_t head;
    memcpy(&head, name, sizeof(head));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    head = __builtin_bswap64(head);
#endif
    head &= json_head_mask(len);
    for (size_t i = json_slot_of(head, len, node->shift);; i++) {
        const struct json_slot *s = &node->slots[i & node->mask];
        if (s->node == JSON_NO_NODE) {
            return JSON_NO_NODE;
        }
        if (s->head == head && s->len == len &&
            (len <= 8 || memcmp(s->name + 8, name + 8, len - 8) == 0)) {
            return s->node;
        }
    }
}

#endif
