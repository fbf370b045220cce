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

#include "engine/decode/json_paths.h"
#include "engine/decode/json_run.h"

/* A longer link is not remembered. */
#define JSON_LINK_BYTES 32
#define JSON_LINKS 128
/* After so many strings of one length the next one is thought to be as long. */
#define JSON_ALIKE 8

struct json_link {
    _Alignas(16) unsigned char text[JSON_LINK_BYTES];
    unsigned char ignored[JSON_LINK_BYTES]; /* 0xFF behind the text */
    struct json_link *next[2];
    uint32_t parent; /* node of the object; JSON_NO_NODE: nobody asks for it */
    uint32_t node;   /* of the key in it */
    uint8_t len;
    bool opens_string; /* ends with the quote that opens a string */
    uint8_t text_len;  /* of the last plain strings behind it … */
    uint8_t alike;     /* … so many of them, up to JSON_ALIKE */
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

static inline uint64_t json_link_diff(const struct json_link *l, size_t at, const unsigned char *p)
{
    uint64_t text, want, ignored;
    memcpy(&text, p + at, sizeof(text));
    memcpy(&want, l->text + at, sizeof(want));
    memcpy(&ignored, l->ignored + at, sizeof(ignored));
    return (text ^ want) & ~ignored;
}

/* JSON_LINK_BYTES from `p` on are readable. */
static inline bool json_link_matches_portable(const struct json_link *l, uint32_t parent,
                                              const unsigned char *p)
{
    uint64_t diff = json_link_diff(l, 0, p) | json_link_diff(l, 8, p);
    if (l->len > 16) {
        diff |= json_link_diff(l, 16, p) | json_link_diff(l, 24, p);
    }
    return diff == 0 && l->parent == parent;
}

#ifdef __SSE2__
static inline bool json_link_equals_sse2(const struct json_link *l, size_t at,
                                         const unsigned char *p)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
    __m128i want = _mm_load_si128((const __m128i *)(const void *)(l->text + at));
    __m128i ignored = _mm_load_si128((const __m128i *)(const void *)(l->ignored + at));
    return _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(text, want), ignored)) == 0xFFFF;
}

static inline bool json_link_matches_sse2(const struct json_link *l, uint32_t parent,
                                          const unsigned char *p)
{
    return json_link_equals_sse2(l, 0, p) && l->parent == parent &&
           (l->len <= 16 || json_link_equals_sse2(l, 16, p));
}
#else
static inline bool json_link_matches_sse2(const struct json_link *l, uint32_t parent,
                                          const unsigned char *p)
{
    return json_link_matches_portable(l, parent, p);
}
#endif

#endif
