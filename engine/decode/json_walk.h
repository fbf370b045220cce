/* Reading inside a JSON text that json_scan_run() has found valid: items of arrays, members of
 * objects, the content of strings. Spans without that promise must not come here. */
#ifndef FYKE_ENGINE_DECODE_JSON_WALK_H
#define FYKE_ENGINE_DECODE_JSON_WALK_H

#include "engine/decode/json_scan.h"

struct json_walk {
    const char *at; /* behind the opening bracket, a comma, or at the closing bracket */
};

/* Over an array or object span. */
static inline struct json_walk json_walk_into(struct json_span container)
{
    return (struct json_walk){container.ptr + 1};
}
/* The next item of an array; false at its end. */
bool json_walk_item(struct json_walk *w, struct json_span *item);
/* The next member of an object; false at its end. Duplicates come as they stand. */
bool json_walk_member(struct json_walk *w, struct json_span *key, struct json_span *value);
/* The last member with this key; kind JSON_NONE when there is none. */
struct json_span json_walk_find(struct json_span object, struct slice key);

/* The content of a string span: at most span.len bytes are written to `out`; returns how many.
 * For spans without escapes it is a plain copy. */
size_t json_unescape(struct json_span string, char *out);
/* A string span's content equals `text`. */
bool json_string_equals(struct json_span string, struct slice text);

#endif
