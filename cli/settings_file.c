/* The configuration file: lines `name = value`, empty lines, comments from `#` to the end of the
 * line, at its beginning or behind a blank. A value with blanks at its ends or a ` #` inside stands
 * in double quotes, with \" \\ \n for what cannot stand there itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/read_file.h"
#include "cli/settings.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)

struct conf_line {
    struct settings *settings;
    const char *file;
    uint32_t number;
    struct slice text; /* without the line end */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t skip_blanks(struct slice text, size_t at)
{
    while (at < text.len && is_blank(text.ptr[at])) {
        at++;
    }
    return at;
}

/* Columns count code points from 1. */
static struct setting_origin place(const struct conf_line *l, size_t at)
{
    uint32_t col = 1;
    for (size_t i = 0; i < at; i++) {
        col += ((unsigned char)l->text.ptr[i] & 0xC0) != 0x80;
    }
    return (struct setting_origin){FROM_FILE, l->file, l->number, col};
}

static void wrong(const struct conf_line *l, size_t at, const char *text)
{
    struct setting_origin o = place(l, at);
    settings_problem(l->settings, &o, "%s", text);
}

/* ---- values ------------------------------------------------------------------------------- */

static bool ends_here(struct slice text, size_t at)
{
    size_t next = skip_blanks(text, at);
    return next == text.len || (text.ptr[next] == '#' && next > at);
}

static bool read_quoted(const struct conf_line *l, size_t at, struct buf *out)
{
    size_t begin = at++;
    for (; at < l->text.len && l->text.ptr[at] != '"'; at++) {
        char c = l->text.ptr[at];
        if (c == '\\') {
            static const char from[] = "\"\\n", to[] = "\"\\\n";
            const char *known = ++at < l->text.len ? strchr(from, l->text.ptr[at]) : NULL;
            if (!known || *known == '\0') {
                wrong(l, at - 1, "in quotes \\ stands before \", \\ or n only");
                return false;
            }
            c = to[known - from];
        }
        buf_put_byte(out, (uint8_t)c);
    }
    if (at == l->text.len) {
        wrong(l, begin, "the quote is not closed on this line");
        return false;
    }
    if (!ends_here(l->text, at + 1)) {
        wrong(l, at + 1, "nothing but a comment may stand behind the closing quote");
        return false;
    }
    return true;
}

static void read_bare(struct slice text, size_t at, struct buf *out)
{
    size_t end = at;
    while (end < text.len && !(text.ptr[end] == '#' && end > 0 && is_blank(text.ptr[end - 1]))) {
        end++;
    }
    while (end > at && is_blank(text.ptr[end - 1])) {
        end--;
    }
    buf_put(out, text.ptr + at, end - at);
}

/* ---- lines -------------------------------------------------------------------------------- */

static void take(const struct conf_line *l, size_t key_at, struct slice key, size_t value_at,
                 struct buf *value)
{
    struct settings *s = l->settings;
    struct setting_origin key_place = place(l, key_at);
    struct setting_origin value_place = place(l, value_at);
    if (slice_starts_with(key, SLICE_LIT("kafka."))) {
        value_place.col = key_place.col; /* what librdkafka says is about both */
        settings_set_kafka(s, arena_strndup(&s->arena, key.ptr + 6, key.len - 6), buf_cstr(value),
                           value_place);
        return;
    }
    enum setting_id id = setting_find(key);
    if (id == SET_COUNT || (setting_at(id)->without & NOT_SHOWN)) {
        settings_unknown(s, &key_place, "key", key);
    } else if (setting_at(id)->without & NOT_IN_FILE) {
        settings_problem(s, &key_place, "'%.*s' stands on the command line only", SLICE_ARG(key));
    } else {
        settings_set(s, id, buf_cstr(value), value_place);
    }
}

static size_t key_end(struct slice text, size_t at)
{
    while (at < text.len && text.ptr[at] != '=' && text.ptr[at] != '#' && !is_blank(text.ptr[at])) {
        at++;
    }
    return at;
}

static void read_line(const struct conf_line *l)
{
    FYKE_CLEANUP(buf_release) struct buf value = BUF_INIT;
    size_t at = skip_blanks(l->text, 0);
    if (at == l->text.len || l->text.ptr[at] == '#') {
        return;
    }
    if (l->text.ptr[at] == '[') {
        wrong(l, at, "there are no sections here; lines read `name = value`");
        return;
    }
    size_t end = key_end(l->text, at), equals = skip_blanks(l->text, end);
    if (equals == l->text.len || l->text.ptr[equals] != '=' || end == at) {
        wrong(l, at, "a line reads `name = value`");
        return;
    }
    size_t from = skip_blanks(l->text, equals + 1);
    if (memchr(l->text.ptr, '\0', l->text.len)) {
        wrong(l, at, "a zero byte cannot stand in a value");
    } else if (from < l->text.len && l->text.ptr[from] == '"') {
        if (read_quoted(l, from, &value)) {
            take(l, at, slice_from(l->text.ptr + at, end - at), from, &value);
        }
    } else {
        read_bare(l->text, from, &value);
        take(l, at, slice_from(l->text.ptr + at, end - at), from, &value);
    }
}

void settings_read_text(struct settings *s, const char *name, struct slice text)
{
    struct conf_line l = {s, arena_strndup(&s->arena, name, strlen(name)), 0, {0}};
    if (slice_starts_with(text, SLICE_LIT("\xEF\xBB\xBF"))) {
        text = slice_from(text.ptr + 3, text.len - 3);
    }
    while (text.len > 0) {
        const char *nl = memchr(text.ptr, '\n', text.len);
        size_t n = nl ? (size_t)(nl - text.ptr) : text.len;
        l.number++;
        l.text = slice_from(text.ptr, n);
        read_line(&l);
        n += nl != NULL;
        text = slice_from(text.ptr + n, text.len - n);
    }
}

bool settings_read_file(struct settings *s, const char *path)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct setting_origin o = {.from = FROM_FLAG};
    const char *why = read_file(path, MAX_FILE_BYTES, &text);
    if (why) {
        settings_problem(s, &o, "cannot read %s: %s", path, why);
        s->wrong_usage = false;
        return false;
    }
    settings_read_text(s, path, buf_slice(&text));
    return true;
}
