/* Settings as text: what is in force, the help, the page of the documentation. */
#include <string.h>

#include "base/json_out.h"
#include "cli/settings.h"

#define REDACTED "[redacted]"
#define HELP_INDENT 26
#define HELP_WIDTH 98

/* ---- in force ----------------------------------------------------------------------------- */

static void put_origin(const struct setting_origin *o, struct buf *out)
{
    switch (o->from) {
    case FROM_DEFAULT: buf_puts(out, "default"); break;
    case FROM_FILE: buf_printf(out, "%s:%u:%u", o->name, o->line, o->col); break;
    case FROM_ENVIRONMENT: buf_puts(out, o->name); break;
    case FROM_FLAG: buf_puts(out, "command line"); break;
    }
}

static bool needs_quotes(const char *text)
{
    size_t n = strlen(text);
    bool blank_end = n == 0 || strchr(" \t\r", text[0]) || strchr(" \t\r", text[n - 1]);
    return blank_end || text[0] == '"' || text[0] == '#' || strchr(text, '\n') ||
           strstr(text, " #") || strstr(text, "\t#");
}

static void put_value(const char *text, struct buf *out)
{
    if (!needs_quotes(text)) {
        buf_puts(out, text);
        return;
    }
    buf_puts(out, "\"");
    for (; *text; text++) {
        if (*text == '\n') {
            buf_puts(out, "\\n");
        } else {
            buf_printf(out, "%s%c", strchr("\"\\", *text) ? "\\" : "", *text);
        }
    }
    buf_puts(out, "\"");
}

/* One setting of the dump; `secret`: its value is not shown. */
struct shown {
    const char *prefix, *key, *value, *path;
    const struct setting_origin *origin;
    bool secret;
};

/* A line that the file reader takes again, but for what is no setting of a file and for secrets. */
static void put_line(const struct shown *v, bool comment, struct buf *out)
{
    size_t begin = out->len;
    buf_printf(out, "%s%s%s = ", comment || (v->secret && !v->path) ? "# " : "", v->prefix, v->key);
    if (v->path) {
        out->len -= 3;
        buf_puts(out, ".file = ");
        put_value(v->path, out);
    } else {
        v->secret ? buf_puts(out, REDACTED) : put_value(v->value, out);
    }
    size_t width = out->len - begin;
    buf_printf(out, "%*s  # ", width < 40 ? (int)(40 - width) : 0, "");
    put_origin(v->origin, out);
    buf_puts(out, "\n");
}

static void put_object(const struct shown *v, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct json_out j = json_out_to(out);
    static const char *const names[] = {"default", "file", "environment", "command line"};
    json_object_begin(&j);
    buf_printf(&text, "%s%s", v->prefix, v->key);
    json_member_string(&j, "key", buf_slice(&text));
    if (v->secret) {
        json_key(&j, SLICE_LIT("value"));
        json_nil(&j);
        json_member_bool(&j, "redacted", true);
    } else {
        json_member_string(&j, "value", slice_of(v->value));
    }
    if (v->path) {
        json_member_string(&j, "read_from", slice_of(v->path));
    }
    json_member_string(&j, "origin", slice_of(names[v->origin->from]));
    if (v->origin->from == FROM_FILE || v->origin->from == FROM_ENVIRONMENT) {
        buf_clear(&text);
        put_origin(v->origin, &text);
        json_member_string(&j, "place", buf_slice(&text));
    }
    json_object_end(&j);
    json_line_end(&j);
}

static void put_setting(const struct settings *s, enum setting_id id, bool json, struct buf *out)
{
    static const struct setting_origin fallback = {.from = FROM_DEFAULT};
    const struct setting *d = setting_at(id);
    bool comment = (d->without & NOT_IN_FILE) != 0;
    for (size_t i = 0; i < s->values[id].n; i++) {
        const struct setting_value *v = &s->values[id].items[i];
        struct shown line = {.prefix = "", .key = d->name, .value = v->text, .origin = &v->origin};
        json ? put_object(&line, out) : put_line(&line, comment, out);
    }
    /* A default that is written out may say more than one that is not (format). */
    if (s->values[id].n == 0 && d->fallback) {
        struct shown line = {
            .prefix = "", .key = d->name, .value = d->fallback, .origin = &fallback};
        json ? put_object(&line, out) : put_line(&line, true, out);
    }
}

static void show(const struct settings *s, bool json, struct buf *out)
{
    for (int i = 0; i < SET_COUNT; i++) {
        if (i != SET_SHOW_CONFIG && i != SET_HELP) {
            put_setting(s, (enum setting_id)i, json, out);
        }
    }
    for (size_t i = 0; i < s->n_kafka; i++) {
        const struct kafka_setting *k = &s->kafka[i];
        struct shown line = {.prefix = "kafka.",
                             .key = k->key,
                             .value = k->value,
                             .path = k->path,
                             .origin = &k->origin,
                             .secret = k->path || kafka_setting_is_secret(slice_of(k->key))};
        json ? put_object(&line, out) : put_line(&line, false, out);
    }
}

void settings_show(const struct settings *s, struct buf *out)
{
    show(s, false, out);
}

void settings_show_json(const struct settings *s, struct buf *out)
{
    show(s, true, out);
}

/* ---- help --------------------------------------------------------------------------------- */

/* Breaks the text at blanks; what follows the first line is indented. */
static void put_wrapped(const char *text, struct buf *out)
{
    size_t col = HELP_INDENT;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (col > HELP_INDENT && col + 1 + n > HELP_WIDTH) {
            buf_printf(out, "\n%*s", HELP_INDENT, "");
            col = HELP_INDENT;
        } else if (col > HELP_INDENT) {
            buf_puts(out, " ");
            col++;
        }
        buf_put(out, text, n);
        col += n;
        text += n + (text[n] == ' ');
    }
    buf_puts(out, "\n");
}

static void put_meaning(const struct setting *d, struct buf *out)
{
    buf_puts(out, d->help);
    if (d->fallback) {
        buf_printf(out, " (default %s)", d->fallback);
    }
}

static void help_line(const struct setting *d, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    size_t begin = out->len;
    if (d->letter) {
        buf_printf(out, "  -%c, --%s", d->letter, d->name);
    } else {
        buf_printf(out, "      --%s", d->name);
    }
    if (d->value) {
        buf_printf(out, " %s", d->value);
    }
    size_t width = out->len - begin;
    if (width + 1 > HELP_INDENT) {
        buf_puts(out, "\n");
        width = 0;
    }
    buf_printf(out, "%*s", (int)(HELP_INDENT - width), "");
    put_meaning(d, &text);
    put_wrapped(buf_cstr(&text), out);
}

void settings_help(struct buf *out)
{
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        if (d->without & NOT_SHOWN) {
            continue;
        }
        if (d->group) {
            buf_printf(out, "%s%s\n", i > 0 ? "\n" : "", d->group);
        }
        if (i == SET_START) {
            buf_printf(out, "  -X KEY=VALUE%*s", HELP_INDENT - 14, "");
            put_wrapped("property of librdkafka, e.g. bootstrap.servers=…; repeatable", out);
        }
        help_line(d, out);
    }
}
