/* Looking into a JSON text that fyke itself wrote. */
#ifndef FYKE_LIB_JSON_VIEW_H
#define FYKE_LIB_JSON_VIEW_H

#include "base/buf.h"
#include "base/clock.h"
#include "engine/decode/json_walk.h"

struct json_view {
    struct json_paths paths;
    struct json_scan scan;
    struct buf text;
    struct json_span root; /* points into `text` */
};

void json_view_init(struct json_view *v);
void json_view_release(struct json_view *v);
/* False: no JSON. The text is copied. */
bool json_view_set(struct json_view *v, struct slice text);

/* Member of an object; kind JSON_NONE when it is no object or has none. */
struct json_span json_view_get(struct json_span object, const char *key);
/* Appends the content of a text, the spelling of anything else; nothing for JSON_NONE. */
void json_view_text(struct json_span s, struct buf *out);
/* The spelling as it stands, texts with their quotes. */
struct slice json_view_raw(struct json_span s);
bool json_view_is(struct json_span s, const char *text);
/* Of a text that fyke wrote; ETIME_MIN: none. */
struct etime json_view_time(struct json_span s);

#endif
