#include "lib/expectation.h"

/* What a body cannot say is left out. */
static void put_field(struct buf *body, struct slice name, struct json_span value)
{
    if (value.kind != JSON_NONE && value.kind != JSON_OBJECT && value.kind != JSON_NULL) {
        buf_printf(body, "%s%.*s = ", body->len ? "  " : "", SLICE_ARG(name));
        buf_put_slice(body, json_view_raw(value));
    }
}

static void put_named_fields(const struct expectation *e, struct json_span alert, struct buf *body)
{
    for (uint32_t i = 0; i < e->model->n_fields; i++) {
        const struct test_expect_field *f = &e->model->fields[i];
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        buf_put_slice(&name, f->name);
        struct json_span from = alert;
        if (f->emit_index >= 0 || f->key_index >= 0) {
            from = json_view_get(alert, f->emit_index >= 0 ? "emit" : "key");
        }
        put_field(body, f->name, json_view_get(from, buf_cstr(&name)));
    }
}

static void put_all_fields(struct json_span alert, struct buf *body)
{
    struct json_span key, value, emit = json_view_get(alert, "emit");
    if (emit.kind != JSON_OBJECT) {
        return;
    }
    struct json_walk w = json_walk_into(emit);
    while (json_walk_member(&w, &key, &value)) {
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        json_view_text(key, &name);
        put_field(body, buf_slice(&name), value);
    }
}

void expectation_put_moment(struct etime at, struct etime origin, struct buf *out)
{
    char spelled[ETIME_TEXT_MAX > DURATION_TEXT_MAX ? ETIME_TEXT_MAX : DURATION_TEXT_MAX];
    if (etime_lt(at, origin)) {
        etime_format(at, spelled);
    } else {
        duration_format(etime_diff(at, origin), spelled);
    }
    buf_puts(out, spelled);
}

void expectation_put(const struct expectation *e, struct json_span alert, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf body = BUF_INIT;
    buf_puts(out, "expect");
    if (!e->model || e->model->has_moment) {
        buf_puts(out, " at ");
        expectation_put_moment(json_view_time(json_view_get(alert, "detected")), e->origin, out);
    }
    if (json_view_is(json_view_get(alert, "kind"), "timeout")) {
        FYKE_CLEANUP(buf_release) struct buf step = BUF_INIT;
        json_view_text(json_view_get(alert, "step"), &step);
        const char *name = buf_cstr(&step);
        buf_printf(out, " timeout at step %s", name[0] == '#' ? name + 1 : name);
    } else {
        buf_puts(out, " 1 match");
    }
    if (e->model) {
        put_named_fields(e, alert, &body);
    } else {
        put_all_fields(alert, &body);
    }
    if (body.len) {
        buf_printf(out, " { %s }", buf_cstr(&body));
    }
}
