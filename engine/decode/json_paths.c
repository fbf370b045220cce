#include "engine/decode/json_paths.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

static uint32_t add_node(struct json_paths *p, uint32_t parent, struct slice name)
{
    uint32_t index = (uint32_t)p->n;
    struct json_node node = {
        .name = name, .parent = parent, .first_child = JSON_NO_NODE, .next_sibling = JSON_NO_NODE};
    VEC_PUSH(p->nodes, p->n, p->cap) = node;
    return index;
}

void json_paths_init(struct json_paths *p)
{
    *p = (struct json_paths){0};
    (void)add_node(p, JSON_NO_NODE, (struct slice){0});
}

void json_paths_release(struct json_paths *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->nodes[i].slots);
    }
    free(p->nodes);
    *p = (struct json_paths){0};
}

uint32_t json_paths_add(struct json_paths *p, uint32_t parent, struct slice name)
{
    uint32_t last = JSON_NO_NODE;
    assert(p->nodes[parent].slots == NULL);
    for (uint32_t i = p->nodes[parent].first_child; i != JSON_NO_NODE;
         i = p->nodes[i].next_sibling) {
        if (slice_eq(p->nodes[i].name, name)) {
            return i;
        }
        last = i;
    }
    uint32_t child = add_node(p, parent, name);
    if (last == JSON_NO_NODE) {
        p->nodes[parent].first_child = child;
    } else {
        p->nodes[last].next_sibling = child;
    }
    p->nodes[parent].n_children++;
    if (name.len > p->longest_name) {
        p->longest_name = (uint32_t)name.len;
    }
    return child;
}

/* Little-endian, as json_paths_child reads it. */
static uint64_t head_of(struct slice name)
{
    uint64_t head = 0;
    for (size_t i = 0; i < name.len && i < 8; i++) {
        head |= (uint64_t)(unsigned char)name.ptr[i] << (8 * i);
    }
    return head;
}

/* At most half full, so a search always meets a free place. */
static void build_table(struct json_paths *p, struct json_node *node)
{
    uint32_t bits = 1;
    while ((UINT64_C(1) << bits) < 2 * (uint64_t)node->n_children) {
        bits++;
    }
    size_t count = (size_t)1 << bits;
    node->shift = 64 - bits;
    node->mask = (uint32_t)(count - 1);
    node->slots = xcalloc(count, sizeof(*node->slots));
    for (size_t i = 0; i < count; i++) {
        node->slots[i].node = JSON_NO_NODE;
    }
    for (uint32_t c = node->first_child; c != JSON_NO_NODE; c = p->nodes[c].next_sibling) {
        struct slice name = p->nodes[c].name;
        uint64_t head = head_of(name);
        size_t i = json_slot_of(head, name.len, node->shift) & node->mask;
        while (node->slots[i].node != JSON_NO_NODE) {
            i = (i + 1) & node->mask;
        }
        node->slots[i] = (struct json_slot){head, name.ptr, (uint32_t)name.len, c};
    }
}

void json_paths_seal(struct json_paths *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->nodes[i].n_children > 0) {
            build_table(p, &p->nodes[i]);
        }
    }
}
