#include "cli/alert_text.h"

#include "base/utf8.h"

#define RESET "\033[0m"

struct painter {
    struct buf *out;
    bool color;
};

static void paint(struct painter *p, const char *code, const char *text)
{
    buf_printf(p->out, "%s%s%s", p->color ? code : "", text, p->color ? RESET : "");
}

void alert_text_safe(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len;) {
        uint32_t cp;
        size_t n = utf8_decode(s, i, &cp);
        if (cp == UTF8_BAD || cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) {
            buf_put(out, "\xef\xbf\xbd", 3); /* U+FFFD */
        } else {
            buf_put(out, s.ptr + i, n);
        }
        i += n;
    }
}

static void put_value(struct painter *p, struct json_span s)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_view_text(s, &text);
    alert_text_safe(p->out, buf_slice(&text));
}

static void put_named(struct painter *p, struct json_span object, const char *key)
{
    put_value(p, json_view_get(object, key));
}

/* "a = 1, b = 2" */
static void put_members(struct painter *p, struct json_span object, const char *equals)
{
    struct json_span key, value;
    const char *sep = "";
    if (object.kind != JSON_OBJECT) {
        return;
    }
    struct json_walk w = json_walk_into(object);
    while (json_walk_member(&w, &key, &value)) {
        buf_puts(p->out, sep);
        put_value(p, key);
        buf_puts(p->out, equals);
        put_value(p, value);
        sep = ", ";
    }
}

static const char *severity_color(struct json_span severity)
{
    if (json_view_is(severity, "critical") || json_view_is(severity, "high")) {
        return "\033[1;31m";
    }
    return json_view_is(severity, "medium") ? "\033[1;33m" : "\033[1;36m";
}

static void put_head(struct painter *p, struct json_span a)
{
    FYKE_CLEANUP(buf_release) struct buf rule = BUF_INIT;
    struct json_span severity = json_view_get(a, "severity"), kind = json_view_get(a, "kind");
    put_named(p, a, "detected");
    buf_puts(p->out, "  ");
    if (severity.kind != JSON_NONE) {
        put_value(p, severity);
        buf_puts(p->out, "  ");
    }
    json_view_text(json_view_get(a, "rule"), &rule);
    paint(p, severity_color(severity), buf_cstr(&rule));
    buf_puts(p->out, "  ");
    put_members(p, json_view_get(a, "key"), "=");
    if (!json_view_is(kind, "match")) {
        buf_puts(p->out, "  (");
        put_value(p, kind);
        if (json_view_get(a, "count").kind != JSON_NONE) {
            buf_puts(p->out, " ");
            put_named(p, a, "count");
        }
        buf_puts(p->out, ")");
    }
    buf_puts(p->out, "\n");
}

static void put_line(struct painter *p, struct json_span a, const char *key)
{
    if (json_view_get(a, key).kind != JSON_NONE) {
        buf_puts(p->out, "    ");
        put_named(p, a, key);
        buf_puts(p->out, "\n");
    }
}

static void put_place(struct painter *p, struct json_span e)
{
    buf_puts(p->out, p->color ? "  \033[2m" : "  ");
    put_named(p, e, "topic");
    buf_puts(p->out, "[");
    put_named(p, e, "partition");
    buf_puts(p->out, "]@");
    put_named(p, e, "offset");
    buf_puts(p->out, p->color ? RESET : "");
}

static void put_evidence(struct painter *p, struct json_span e)
{
    buf_puts(p->out, "    ");
    put_named(p, e, "time");
    buf_puts(p->out, "  ");
    put_named(p, e, "step");
    buf_puts(p->out, "  ");
    put_named(p, e, "type");
    put_place(p, e);
    if (json_view_get(e, "fields").kind == JSON_OBJECT) {
        buf_puts(p->out, "  ");
        put_members(p, json_view_get(e, "fields"), "=");
    }
    buf_puts(p->out, "\n");
}

static void put_absent(struct painter *p, struct json_span e)
{
    buf_puts(p->out, "    ");
    put_named(p, e, "step");
    buf_puts(p->out, "  from ");
    put_named(p, e, "from");
    buf_puts(p->out, " to ");
    put_named(p, e, "to");
    buf_puts(p->out, "\n");
}

static void put_each(struct painter *p, struct json_span list,
                     void (*put)(struct painter *, struct json_span))
{
    struct json_span item;
    if (list.kind != JSON_ARRAY) {
        return;
    }
    struct json_walk w = json_walk_into(list);
    while (json_walk_item(&w, &item)) {
        put(p, item);
    }
}

void alert_text(struct json_view *view, struct slice json, bool color, struct buf *out)
{
    struct painter p = {out, color};
    if (!json_view_set(view, json)) {
        buf_put_slice(out, json);
        buf_puts(out, "\n");
        return;
    }
    put_head(&p, view->root);
    put_line(&p, view->root, "title");
    struct json_span emit = json_view_get(view->root, "emit");
    if (emit.kind == JSON_OBJECT && emit.len > 2) {
        buf_puts(out, "    ");
        put_members(&p, emit, " = ");
        buf_puts(out, "\n");
    }
    put_each(&p, json_view_get(view->root, "evidence"), put_evidence);
    put_each(&p, json_view_get(view->root, "absent"), put_absent);
}

void alert_text_evidence(struct json_span alert, bool color, struct buf *out)
{
    struct painter p = {out, color};
    put_each(&p, json_view_get(alert, "evidence"), put_evidence);
}

void alert_text_event(struct json_span event, bool color, struct buf *out)
{
    struct painter p = {out, color};
    put_named(&p, event, "time");
    buf_puts(out, "  ");
    put_named(&p, event, "event");
    buf_puts(out, json_view_get(event, "late").kind == JSON_TRUE ? " (late)" : "");
    put_place(&p, event);
    if (json_view_get(event, "fields").kind == JSON_OBJECT) {
        buf_puts(out, "  ");
        put_members(&p, json_view_get(event, "fields"), "=");
    }
    buf_puts(out, "\n");
}
