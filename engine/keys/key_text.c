#include "engine/keys/key_text.h"

#include "engine/decode/json_walk.h"

static bool take_value(struct slice text, enum value_kind kind, struct arena *arena,
                       struct value *ret)
{
    struct value v;
    if (!value_from_text(kind, text, &v)) {
        return false;
    }
    *ret = value_copy(v, arena);
    return true;
}

static bool take_items(const struct key_group *g, struct json_span list, struct arena *arena,
                       struct value *ret)
{
    struct json_walk w = json_walk_into(list);
    struct json_span item;
    bool ok = true;
    for (uint32_t i = 0; ok && i < g->n_values; i++) {
        FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
        ok = json_walk_item(&w, &item);
        if (ok && item.kind == JSON_STRING) {
            buf_reserve(&text, item.len);
            text.len = json_unescape(item, text.ptr);
        } else if (ok) {
            buf_put(&text, item.ptr, item.len);
        }
        ok = ok && take_value(buf_slice(&text), g->kinds[i], arena, &ret[i]);
    }
    return ok && !json_walk_item(&w, &item);
}

/* As key_to_text() writes it. */
static bool parse_list(const struct key_group *g, struct slice text, struct arena *arena,
                       struct value *ret)
{
    FYKE_CLEANUP(buf_release) struct buf padded = BUF_INIT;
    static const char zeros[JSON_PAD_BYTES];
    struct json_paths paths;
    struct json_scan scan;
    struct json_span found[2];
    buf_put_slice(&padded, text);
    buf_put(&padded, zeros, sizeof(zeros));
    json_paths_init(&paths);
    json_paths_seal(&paths);
    json_scan_init(&scan, 8);
    bool ok = json_scan_run(&scan, padded.ptr, text.len, &paths, found) &&
              found[0].kind == JSON_ARRAY && take_items(g, found[0], arena, ret);
    json_scan_release(&scan);
    json_paths_release(&paths);
    return ok;
}

bool key_from_text(const struct key_group *g, struct slice text, struct arena *arena,
                   struct value *ret)
{
    switch (g->n_values) {
    case 0: return text.len == 0;
    case 1: return take_value(text, g->kinds[0], arena, &ret[0]);
    default: return parse_list(g, text, arena, ret);
    }
}
