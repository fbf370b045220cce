/* One pass over a JSON text: is it valid per RFC 8259, and where are the values looked for?
 *
 * Strict: the whole text is judged, wanted or not. UTF-8 must be well-formed, \u escapes must name
 * Unicode scalar values (a lone surrogate is no text), no byte order mark, nothing but blanks
 * behind the value. An object that has one key twice is valid and the last one counts, on every
 * level of a path (docs/decisions.md, "Events").
 *
 * Nothing is decoded here: a value found is a span of the text. Scanning does not recurse and does
 * not allocate. */
#ifndef FYKE_ENGINE_DECODE_JSON_SCAN_H
#define FYKE_ENGINE_DECODE_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "engine/decode/json_paths.h"

/* Zero bytes that must follow a text to be scanned: it is read up to 32 bytes at a time. */
#define JSON_PAD_BYTES 32

enum json_kind {
    JSON_NONE, /* not there */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INT,  /* number without fraction and exponent */
    JSON_REAL, /* number with one of them */
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY,
};

enum json_error {
    JSON_OK,
    JSON_BAD_SYNTAX,
    JSON_BAD_TEXT, /* malformed UTF-8 or a lone surrogate in a string */
    JSON_TOO_DEEP,
};

/* A value in the text: of strings the part between the quotes, with its escapes. */
struct json_span {
    const char *ptr;
    uint32_t len;
    uint8_t kind; /* enum json_kind */
    bool escaped; /* strings: there are escapes in it */
};

struct json_shape;

struct json_frame {
    uint32_t node; /* of this object or array; JSON_NO_NODE: nobody asks for it */
    bool is_object;
};

/* A scanner belongs to one thread and can be used for any number of texts and paths. */
struct json_scan {
    const struct json_paths *paths;
    struct json_span *found; /* per node of `paths`; [0] is the document */
    struct json_frame *frames;
    uint32_t max_depth;
    uint32_t depth;
    uint32_t node;              /* of the value that comes next */
    const unsigned char *token; /* where the current token begins */
    const unsigned char *at;    /* behind it */
    const unsigned char *begin, *end;
    bool escaped; /* the current string token has escapes */
    enum json_error error;
    size_t position; /* of the error: byte in the text */
    char *key;       /* room for a key with escapes that may still match a name */
    size_t key_cap;
};

void json_scan_init(struct json_scan *s, uint32_t max_depth);
void json_scan_release(struct json_scan *s);
/* The JSON_PAD_BYTES from text[len] on are readable and zero; len < 4 GiB.
 * `found` has room for paths->n spans; they point into the text. `paths` is sealed. */
bool json_scan_run(struct json_scan *s, const char *text, size_t len,
                   const struct json_paths *paths, struct json_span *found) FYKE_MUST_USE;
/* The same for texts like those before (json_shape.h): true only for what json_scan_run() finds
 * valid, and then with the same spans. False says nothing: json_scan_run() has to look.
 * `stops`: of the text (json_stops.h), NULL: without vector instructions. `shape` is kept for `paths` alone. */
bool json_scan_alike(struct json_scan *s, const char *text, size_t len,
                     const struct json_paths *paths, struct json_shape *shape,
                     const uint64_t *stops, struct json_span *found) FYKE_MUST_USE;

/* ---- shared by the files of this part ----------------------------------------------------- */

void json_scan_key_room(struct json_scan *s, size_t bytes);
static inline void json_scan_begin(struct json_scan *s, const char *text, size_t len,
                                   const struct json_paths *paths, struct json_span *found)
{
    size_t key_bytes = 6 * (size_t)paths->longest_name + JSON_PAD_BYTES;
    if (FYKE_UNLIKELY(key_bytes > s->key_cap)) {
        json_scan_key_room(s, key_bytes);
    }
    memset(found, 0, paths->n * sizeof(*found));
    s->paths = paths;
    s->found = found;
    s->depth = 0;
    s->node = 0;
    s->begin = s->at = s->token = (const unsigned char *)text;
    s->end = s->begin + len;
    s->error = JSON_OK;
    s->position = 0;
}
/* The string whose content goes on at `p`; what is behind its closing quote, s->escaped set if it
 * has escapes; NULL: it is none. */
const unsigned char *json_scan_string_rest(struct json_scan *s, const unsigned char *p);
/* The node that member `name` of the innermost object stands for; what an earlier member of this
 * name has left is forgotten. */
uint32_t json_scan_member(struct json_scan *s, struct json_span name);
void json_scan_forget(struct json_scan *s, uint32_t node);

#endif
