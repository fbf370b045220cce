#include "lib/expectation.h"

#include <string.h>

#include "dsl/token.h"
#include "nfa/expr.h"
#include "nfa/value.h"

/* ---- names --------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_letter(name.ptr[i]) && (i == 0 || !is_digit(name.ptr[i]))) {
            return false;
        }
    }
    return name.len > 0;
}

/* `x3` may stand for "three times". */
static bool is_times(struct slice name)
{
    size_t i = 1;
    while (i < name.len && is_digit(name.ptr[i])) {
        i++;
    }
    return name.len > 1 && name.ptr[0] == 'x' && i == name.len;
}

static void put_quoted(struct slice name, bool quoted, struct buf *out)
{
    buf_puts(out, quoted ? "`" : "");
    buf_put_slice(out, name);
    buf_puts(out, quoted ? "`" : "");
}

void expectation_put_name(struct slice name, struct buf *out)
{
    put_quoted(name, !is_plain(name) || is_times(name) || dsl_word_find(name), out);
}

/* ---- values -------------------------------------------------------------------------------------- */

struct field_kind {
    enum value_kind kind, item; /* VAL_MISSING: unknown; the JSON value is written */
};

static struct field_kind kind_in(const struct emit_plan *plans, uint32_t n, struct slice name)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t f = 0; f < plans[i].n_fields; f++) {
            const struct expr *e = plans[i].fields[f].value;
            if (e && slice_eq(plans[i].fields[f].name, name)) {
                return (struct field_kind){(enum value_kind)e->kind, (enum value_kind)e->item_kind};
            }
        }
    }
    return (struct field_kind){VAL_MISSING, VAL_MISSING};
}

static struct field_kind kind_of(const struct expectation *e, struct json_span alert,
                                 struct slice name)
{
    const struct rule *r = e->rule;
    bool timeout = json_view_is(json_view_get(alert, "kind"), "timeout");
    if (!r) {
        return (struct field_kind){VAL_MISSING, VAL_MISSING};
    }
    for (uint32_t i = 0; i < r->n_key; i++) {
        if (slice_eq(r->key_names[i], name)) {
            struct field_kind k = kind_in(r->emits, r->n_emits, name);
            return k.kind != VAL_MISSING ? k : (struct field_kind){r->key_kinds[i], VAL_MISSING};
        }
    }
    return timeout ? kind_in(r->timeouts, r->n_timeouts, name) : kind_in(r->emits, r->n_emits, name);
}

static bool has_char(struct slice s, const char *any)
{
    for (size_t i = 0; i < s.len; i++) {
        if (strchr(any, s.ptr[i])) {
            return true;
        }
    }
    return false;
}

/* False: the language has no literal of it; nothing is to be kept of what was put. */
static bool put_literal(struct field_kind k, struct json_span value, struct buf *out);

static bool put_duration(struct json_span value, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct duration d;
    json_view_text(value, &text);
    struct slice s = buf_slice(&text);
    bool minus = s.len > 0 && s.ptr[0] == '-';
    struct slice size = slice_from(s.ptr + minus, s.len - minus);
    buf_put_slice(out, s);
    return value_parse_duration(size, &d);
}

/* A whole number of a decimal or a float is one of 64 bits unless it has a point. */
static bool put_number(enum value_kind kind, struct slice raw, struct buf *out)
{
    bool whole = !has_char(raw, ".eE");
    buf_put_slice(out, raw);
    if (kind == VAL_FLOAT && raw.ptr[0] == '-' && !has_char(raw, "123456789")) {
        buf_puts(out, whole ? ".0e0" : "e0"); /* -0 is none of a decimal */
    } else if (kind != VAL_INT && whole && raw.len > 18) {
        buf_puts(out, ".0");
    }
    return kind != VAL_INT || !slice_eq_str(raw, "-9223372036854775808");
}

static bool put_items(struct field_kind k, struct json_span value, struct buf *out)
{
    struct json_span item;
    struct json_walk w = json_walk_into(value);
    bool ok = true;
    buf_puts(out, "[");
    for (uint32_t i = 0; ok && json_walk_item(&w, &item); i++) {
        buf_puts(out, i ? "," : "");
        ok = put_literal((struct field_kind){k.item, VAL_MISSING}, item, out);
    }
    buf_puts(out, "]");
    return ok;
}

static bool put_literal(struct field_kind k, struct json_span value, struct buf *out)
{
    if (value.kind == JSON_NONE || value.kind == JSON_OBJECT || value.kind == JSON_NULL) {
        return false;
    }
    if (value.kind == JSON_ARRAY) {
        return put_items(k, value, out);
    }
    if (k.kind == VAL_DURATION && value.kind == JSON_STRING) {
        return put_duration(value, out);
    }
    if ((value.kind == JSON_INT || value.kind == JSON_REAL)) {
        return put_number(k.kind, json_view_raw(value), out);
    }
    buf_put_slice(out, json_view_raw(value));
    return true;
}

bool expectation_put_value(enum value_kind kind, enum value_kind item, struct value v,
                           struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct json_view view;
    buf_puts(&text, "{\"value\":");
    value_to_json(v, &text);
    buf_puts(&text, "}");
    json_view_init(&view);
    bool ok = json_view_set(&view, buf_slice(&text)) &&
              put_literal((struct field_kind){kind, item}, json_view_get(view.root, "value"), out);
    json_view_release(&view);
    return ok;
}

/* What a body cannot say is left out. */
static void put_field(const struct expectation *e, struct json_span alert, struct slice name,
                      struct json_span value, struct buf *body)
{
    FYKE_CLEANUP(buf_release) struct buf literal = BUF_INIT;
    for (size_t i = 0; i < e->n_left_out; i++) {
        if (slice_eq(e->left_out[i], name)) {
            return;
        }
    }
    if (put_literal(kind_of(e, alert, name), value, &literal)) {
        buf_puts(body, body->len ? "  " : "");
        put_quoted(name, !is_plain(name), body);
        buf_printf(body, " = %s", buf_cstr(&literal));
    }
}

/* ---- statements ---------------------------------------------------------------------------------- */

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
        put_field(e, alert, f->name, json_view_get(from, buf_cstr(&name)), body);
    }
}

static void put_all_fields(const struct expectation *e, struct json_span alert, struct buf *body)
{
    struct json_span key, value, emit = json_view_get(alert, "emit");
    if (emit.kind != JSON_OBJECT) {
        return;
    }
    struct json_walk w = json_walk_into(emit);
    while (json_walk_member(&w, &key, &value)) {
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        json_view_text(key, &name);
        put_field(e, alert, buf_slice(&name), value, body);
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
        struct slice name = buf_slice(&step);
        buf_puts(out, " timeout at step ");
        if (name.len > 0 && name.ptr[0] == '#') {
            buf_put(out, name.ptr + 1, name.len - 1);
        } else {
            expectation_put_name(name, out);
        }
    } else {
        buf_puts(out, " 1 match");
    }
    if (e->model) {
        put_named_fields(e, alert, &body);
    } else {
        put_all_fields(e, alert, &body);
    }
    if (body.len) {
        buf_printf(out, " { %s }", buf_cstr(&body));
    }
}
