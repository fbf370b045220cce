#include "engine/decode/json_shape.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* No container is this one, so nothing ever equals an empty link: a record may hold any bytes. */
#define NO_PARENT (JSON_NO_NODE - 1)

static void make_empty(struct json_link *l, struct json_link *start)
{
    l->parent = NO_PARENT;
    memset(l->text, 0xFF, sizeof(l->text));
    memset(l->ignored, 0, sizeof(l->ignored));
    l->len = JSON_LINK_BYTES;
    l->next[0] = l->next[1] = start;
}

void json_shape_release(struct json_shape *shape)
{
    free(shape->links);
    shape->links = NULL;
}

struct json_link *json_shape_start(struct json_shape *shape)
{
    if (shape->links == NULL) {
        shape->links = xcalloc(JSON_LINKS + 1, sizeof(*shape->links));
        for (size_t i = 0; i <= JSON_LINKS; i++) {
            make_empty(&shape->links[i], &shape->links[JSON_LINKS]);
        }
    }
    return &shape->links[JSON_LINKS];
}

static size_t place_of(const struct json_link *l)
{
    uint64_t h = l->parent ^ (uint64_t)l->len << 32;
    for (size_t i = 0; i < sizeof(l->text); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, l->text + i, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    return (size_t)(h & (JSON_LINKS - 1));
}

struct json_link *json_shape_learn(struct json_shape *shape, struct json_link *last,
                                   const unsigned char *text, size_t len, uint32_t parent,
                                   uint32_t node, bool opens_string)
{
    struct json_link l = {.parent = parent, .node = node, .len = (uint8_t)len,
                          .opens_string = opens_string};
    assert(len <= JSON_LINK_BYTES);
    memcpy(l.text, text, len);
    memset(l.ignored + len, 0xFF, sizeof(l.ignored) - len);
    l.next[0] = l.next[1] = json_shape_start(shape);
    struct json_link *to = &shape->links[place_of(&l)];
    if (to->len != l.len || to->parent != parent ||
        memcmp(to->text, l.text, sizeof(l.text)) != 0) {
        *to = l;
    }
    last->next[1] = last->next[0];
    last->next[0] = to;
    return to;
}
