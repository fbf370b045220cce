#include "lib/json_view.h"

#define MAX_DEPTH 1024

void json_view_init(struct json_view *v)
{
    *v = (struct json_view){0};
    json_paths_init(&v->paths);
    /* One name, so that the root is walked into. */
    json_paths_add(&v->paths, 0, SLICE_LIT("rule"));
    json_paths_seal(&v->paths);
    json_scan_init(&v->scan, MAX_DEPTH);
}

void json_view_release(struct json_view *v)
{
    json_scan_release(&v->scan);
    json_paths_release(&v->paths);
    buf_release(&v->text);
}

bool json_view_set(struct json_view *v, struct slice text)
{
    static const char zeros[JSON_PAD_BYTES];
    struct json_span found[2];
    buf_clear(&v->text);
    buf_put_slice(&v->text, text);
    buf_put(&v->text, zeros, sizeof(zeros));
    bool ok = json_scan_run(&v->scan, v->text.ptr, text.len, &v->paths, found);
    v->root = ok ? found[0] : (struct json_span){.kind = JSON_NONE};
    return ok;
}

struct json_span json_view_get(struct json_span object, const char *key)
{
    if (object.kind != JSON_OBJECT) {
        return (struct json_span){.kind = JSON_NONE};
    }
    return json_walk_find(object, slice_of(key));
}

void json_view_text(struct json_span s, struct buf *out)
{
    if (s.kind == JSON_NONE) {
        return;
    }
    if (s.kind == JSON_STRING) {
        buf_reserve(out, s.len);
        out->len += json_unescape(s, out->ptr + out->len);
    } else {
        buf_put(out, s.ptr, s.len);
    }
}

struct slice json_view_raw(struct json_span s)
{
    if (s.kind == JSON_NONE) {
        return slice_from("", 0);
    }
    return s.kind == JSON_STRING ? slice_from(s.ptr - 1, (size_t)s.len + 2)
                                 : slice_from(s.ptr, s.len);
}

bool json_view_is(struct json_span s, const char *text)
{
    return s.kind == JSON_STRING && json_string_equals(s, slice_of(text));
}

struct etime json_view_time(struct json_span s)
{
    struct etime t = ETIME_MIN;
    if (s.kind != JSON_STRING || !etime_parse(slice_from(s.ptr, s.len), false, &t)) {
        return ETIME_MIN;
    }
    return t;
}
