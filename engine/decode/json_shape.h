/* What the texts of a topic looked like so far: which key came after which.
 *
 * Records of one topic are written by few programs, each with its fields in an order of its own. A
 * link is the text `"key":` or `"key":"`, blanks included, as it stood once where a key was due;
 * it knows the node of its key and the two links that last came behind it. Whoever is at a key
 * compares the text with those two, in a few words each, before anything is searched.
 *
 * A cache and nothing else: a link is used where the text is the same byte for byte, in an object
 * that stands for the same node, so what is remembered never shows in a result. One of `paths`,
 * one thread; memory of a fixed size, allocated when the first key is remembered. */
#ifndef FYKE_ENGINE_DECODE_JSON_SHAPE_H
#define FYKE_ENGINE_DECODE_JSON_SHAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/decode/json_paths.h"

/* A longer link is not remembered. */
#define JSON_LINK_BYTES 32
#define JSON_LINKS 128

struct json_link {
    uint64_t text[JSON_LINK_BYTES / 8]; /* zero-filled */
    uint64_t mask[JSON_LINK_BYTES / 8]; /* 0xFF for each byte of the text */
    struct json_link *next[2];
    uint32_t parent; /* node of the object; JSON_NO_NODE: nobody asks for it */
    uint32_t node;   /* of the key in it */
    uint8_t len;
    bool opens_string; /* ends with the quote that opens a string */
};

struct json_shape {
    struct json_link *links; /* JSON_LINKS, then one for "at the beginning" */
};

void json_shape_release(struct json_shape *shape);
/* The link to come from at the beginning of a text. */
struct json_link *json_shape_start(struct json_shape *shape);
/* The link of the text link[0 .. len), len <= JSON_LINK_BYTES, as what follows `last`. */
struct json_link *json_shape_learn(struct json_shape *shape, struct json_link *last,
                                   const unsigned char *text, size_t len, uint32_t parent,
                                   uint32_t node, bool opens_string);

/* JSON_LINK_BYTES from `p` on are readable. */
static inline bool json_link_matches(const struct json_link *l, uint32_t parent,
                                     const unsigned char *p)
{
    uint64_t w[2];
    memcpy(w, p, sizeof(w));
    uint64_t diff = ((w[0] ^ l->text[0]) & l->mask[0]) | ((w[1] ^ l->text[1]) & l->mask[1]);
    if (l->len > sizeof(w)) {
        memcpy(w, p + sizeof(w), sizeof(w));
        diff |= ((w[0] ^ l->text[2]) & l->mask[2]) | ((w[1] ^ l->text[3]) & l->mask[3]);
    }
    return diff == 0 && l->parent == parent;
}

#endif
