#include "dsl/diag_render.h"

#include <string.h>

#include "base/json_out.h"
#include "base/utf8.h"

/* Columns of source that are shown around the caret; longer lines are cut. */
#define MAX_COLUMNS 120
#define TAB_COLUMNS 4

/* Control characters would act on the reader's terminal. */
static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == UTF8_BAD ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

static bool in_range(uint32_t cp, uint32_t from, uint32_t to)
{
    return cp >= from && cp <= to;
}

/* Columns of a character on a terminal: East Asian wide ones take two, combining marks none. */
static uint32_t columns_of(uint32_t cp)
{
    if (cp == '\t') {
        return TAB_COLUMNS;
    }
    if (in_range(cp, 0x300, 0x36F) || in_range(cp, 0x200B, 0x200F) ||
        in_range(cp, 0xFE00, 0xFE0F)) {
        return 0;
    }
    bool wide = in_range(cp, 0x1100, 0x115F) || in_range(cp, 0x2E80, 0xA4CF) ||
                in_range(cp, 0xAC00, 0xD7A3) || in_range(cp, 0xF900, 0xFAFF) ||
                in_range(cp, 0xFE30, 0xFE6F) || in_range(cp, 0xFF00, 0xFF60) ||
                in_range(cp, 0xFFE0, 0xFFE6) || in_range(cp, 0x1F300, 0x1FAFF) ||
                in_range(cp, 0x20000, 0x3FFFD);
    return wide ? 2 : 1;
}

static void put_safe(struct buf *out, struct slice s)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t cp;
        size_t n = utf8_decode(s, at, &cp);
        if (cp == '\t') {
            buf_puts(out, "    ");
        } else if (is_control(cp)) {
            buf_puts(out, "\xEF\xBF\xBD");
        } else {
            buf_put(out, s.ptr + at, n);
        }
        at += n;
    }
}

static uint32_t columns(struct slice s)
{
    uint32_t n = 0;
    for (size_t at = 0; at < s.len;) {
        uint32_t cp;
        at += utf8_decode(s, at, &cp);
        n += columns_of(cp);
    }
    return n;
}

struct window {
    struct slice line; /* the part of the line that is shown */
    size_t start;      /* of the span in it, bytes */
    size_t end;
    bool cut_left;
    bool cut_right;
};

static size_t char_start(struct slice s, size_t at)
{
    while (at > 0 && at < s.len && ((unsigned char)s.ptr[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

/* The line on which the span begins, around the span when it is long. */
static struct window window_of(const struct rule_file *src, struct span span, uint32_t line)
{
    struct window w = {.line = source_line(src, line)};
    size_t offset = (size_t)(w.line.ptr - src->text.ptr);
    size_t start = span.start > offset ? span.start - offset : 0;
    size_t end = span.end > offset ? span.end - offset : 0;
    w.start = start < w.line.len ? start : w.line.len;
    w.end = end < w.line.len ? end : w.line.len;
    if (w.line.len > MAX_COLUMNS && w.start > MAX_COLUMNS / 2) {
        size_t cut = char_start(w.line, w.start - MAX_COLUMNS / 2);
        w.line = slice_from(w.line.ptr + cut, w.line.len - cut);
        w.start -= cut;
        w.end -= cut;
        w.cut_left = true;
    }
    if (w.line.len > MAX_COLUMNS) {
        size_t keep = char_start(w.line, MAX_COLUMNS);
        w.line.len = keep;
        w.cut_right = true;
        w.end = w.end < keep ? w.end : keep;
        w.start = w.start < keep ? w.start : keep;
    }
    return w;
}

static void put_excerpt(struct buf *out, const struct rule_file *src, struct span span,
                        const char *label, const char *paint, const char *plain)
{
    struct source_pos pos = source_position(src, span.start);
    struct window w = window_of(src, span, pos.line);
    buf_printf(out, "%5u | %s", pos.line, w.cut_left ? "…" : "");
    put_safe(out, w.line);
    buf_printf(out, "%s\n      | %s", w.cut_right ? "…" : "", w.cut_left ? " " : "");
    uint32_t before = columns(slice_from(w.line.ptr, w.start));
    uint32_t under =
        w.end > w.start ? columns(slice_from(w.line.ptr + w.start, w.end - w.start)) : 0;
    for (uint32_t i = 0; i < before; i++) {
        buf_puts(out, " ");
    }
    buf_printf(out, "%s^", paint);
    for (uint32_t i = 1; i < under; i++) {
        buf_puts(out, "~");
    }
    buf_printf(out, "%s%s%s\n", plain, label ? " " : "", label ? label : "");
}

void diag_render_human(struct buf *out, const struct sources *set, const struct diag *d, bool color)
{
    static const char *const paints[] = {"\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m"};
    const char *paint = color ? paints[d->severity] : "";
    const char *plain = color ? "\x1b[0m" : "";
    const struct rule_file *src = sources_get(set, d->span.file);
    if (src) {
        struct source_pos pos = source_position(src, d->span.start);
        buf_printf(out, "%s:%u:%u: ", src->path, pos.line, pos.col);
    }
    buf_printf(out, "%s%s[%s]%s: ", paint, diag_severity_name(d->severity), d->code, plain);
    put_safe(out, slice_of(d->message));
    buf_puts(out, "\n");
    if (src && src->text.len > 0) {
        put_excerpt(out, src, d->span, NULL, paint, plain);
    }
    const struct rule_file *other = d->second_label ? sources_get(set, d->second.file) : NULL;
    if (other) {
        if (other != src) {
            buf_printf(out, "      = %s:\n", other->path);
        }
        put_excerpt(out, other, d->second, d->second_label, "", "");
    }
    if (d->help) {
        buf_puts(out, "      = help: ");
        put_safe(out, slice_of(d->help));
        buf_puts(out, "\n");
    }
}

void diag_render_json(struct buf *out, const struct sources *set, const struct diag *d)
{
    struct json_out j = json_out_to(out);
    const struct rule_file *src = sources_get(set, d->span.file);
    struct source_pos from = {0};
    struct source_pos to = {0};
    if (src) {
        from = source_position(src, d->span.start);
        to = source_position(src, d->span.end);
    }
    json_object_begin(&j);
    json_member_string(&j, "file", slice_of(src ? src->path : ""));
    json_member_int(&j, "line", from.line);
    json_member_int(&j, "col", from.col);
    json_member_int(&j, "end_line", to.line);
    json_member_int(&j, "end_col", to.col);
    json_member_string(&j, "severity", slice_of(diag_severity_name(d->severity)));
    json_member_string(&j, "code", slice_of(d->code));
    json_member_string(&j, "message", slice_of(d->message));
    json_key(&j, SLICE_LIT("suggestion"));
    if (d->help) {
        json_text(&j, slice_of(d->help));
    } else {
        json_nil(&j);
    }
    json_object_end(&j);
    json_line_end(&j);
}

void diag_put_github(struct buf *out, const char *text, bool property)
{
    for (const char *c = text; *c; c++) {
        bool escape = *c == '%' || *c == '\r' || *c == '\n' || (property && strchr(":,", *c));
        if (escape) {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        } else {
            buf_put(out, c, 1);
        }
    }
}

void diag_render_github(struct buf *out, const struct sources *set, const struct diag *d,
                        const char *named)
{
    static const char *const words[] = {"error", "warning", "notice"};
    const struct rule_file *src = sources_get(set, d->span.file);
    buf_printf(out, "::%s ", words[d->severity]);
    if (src) {
        struct source_pos from = source_position(src, d->span.start);
        struct source_pos to = source_position(src, d->span.end);
        buf_puts(out, "file=");
        diag_put_github(out, named, true);
        buf_printf(out, ",line=%u,endLine=%u,col=%u", from.line, to.line, from.col);
        if (from.line == to.line && to.col > from.col) {
            buf_printf(out, ",endColumn=%u", to.col - 1);
        }
        buf_puts(out, ",");
    }
    buf_printf(out, "title=%s::", d->code);
    diag_put_github(out, d->message, false);
    if (d->help) {
        buf_puts(out, "%0Ahelp: ");
        diag_put_github(out, d->help, false);
    }
    buf_puts(out, "\n");
}

static void put_count(struct buf *out, const char **gap, uint32_t n, const char *word)
{
    if (n > 0) {
        buf_printf(out, "%s%u %s%s", *gap, n, word, n == 1 ? "" : "s");
        *gap = ", ";
    }
}

void diag_render_summary(struct buf *out, const struct diags *ds)
{
    const char *gap = "";
    put_count(out, &gap, ds->n_errors, "error");
    put_count(out, &gap, ds->n_warnings, "warning");
    put_count(out, &gap, ds->n_notes, "note");
    if (!*gap) {
        buf_puts(out, "no findings");
    }
}
