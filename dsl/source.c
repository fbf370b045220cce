#include "dsl/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

void sources_init(struct sources *set, struct arena *arena)
{
    *set = (struct sources){.arena = arena};
}

static size_t bom_bytes(struct slice text)
{
    return slice_starts_with(text, SLICE_LIT("\xEF\xBB\xBF")) ? 3 : 0;
}

static void index_lines(struct rule_file *src, struct arena *arena)
{
    uint32_t n = 1;
    for (size_t i = 0; i < src->text.len; i++) {
        n += src->text.ptr[i] == '\n';
    }
    src->line_starts = ARENA_ARRAY(arena, uint32_t, n);
    src->n_lines = n;
    src->line_starts[0] = (uint32_t)bom_bytes(src->text);
    n = 1;
    for (size_t i = 0; i < src->text.len; i++) {
        if (src->text.ptr[i] == '\n') {
            src->line_starts[n++] = (uint32_t)i + 1;
        }
    }
}

static size_t max_bytes(bool is_data)
{
    return is_data ? SOURCE_MAX_DATA_BYTES : SOURCE_MAX_BYTES;
}

static struct rule_file *add(struct sources *set, const char *path, struct slice text,
                             bool is_data)
{
    struct rule_file *src = ARENA_NEW(set->arena, struct rule_file);
    src->path = arena_strndup(set->arena, path, strlen(path));
    src->is_data = is_data;
    src->too_large = text.len > max_bytes(is_data);
    src->text =
        src->too_large
            ? slice_of("")
            : slice_from(arena_strndup(set->arena, text.ptr ? text.ptr : "", text.len), text.len);
    src->index = set->n;
    index_lines(src, set->arena);
    if (set->n == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 8;
        struct rule_file **items = ARENA_ARRAY(set->arena, struct rule_file *, cap);
        if (set->n > 0) {
            memcpy(items, set->items, set->n * sizeof(struct rule_file *));
        }
        set->items = items;
        set->cap = cap;
    }
    set->items[set->n++] = src;
    return src;
}

struct rule_file *sources_add(struct sources *set, const char *path, struct slice text)
{
    return add(set, path, text, false);
}

struct rule_file *sources_add_data(struct sources *set, const char *path, struct slice text)
{
    return add(set, path, text, true);
}

static void note_missing(struct sources *set, const char *path)
{
    if (set->n_missing == set->cap_missing) {
        uint32_t cap = set->cap_missing ? set->cap_missing * 2 : 8;
        const char **more = ARENA_ARRAY(set->arena, const char *, cap);
        if (set->n_missing > 0) {
            memcpy(more, set->missing, set->n_missing * sizeof(*more));
        }
        set->missing = more;
        set->cap_missing = cap;
    }
    set->missing[set->n_missing++] = arena_strndup(set->arena, path, strlen(path));
}

/* One byte more than the limit is enough to know that a file is too large. */
static enum err read_all(FILE *f, const char *path, size_t max, struct buf *out,
                         struct error *err)
{
    char chunk[16384];
    size_t n;
    while (out->len <= max && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        buf_put(out, chunk, n);
    }
    if (ferror(f)) {
        return error_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    return ERR_OK;
}

static enum err read_file(struct sources *set, const char *path, bool is_data,
                          struct rule_file **ret, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    FILE *f = fopen(path, "rb");
    if (!f) {
        note_missing(set, path);
        return error_set(err, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    }
    enum err rc = read_all(f, path, max_bytes(is_data), &text, err);
    fclose(f);
    if (rc == ERR_OK) {
        *ret = add(set, path, buf_slice(&text), is_data);
    }
    return rc;
}

enum err sources_read(struct sources *set, const char *path, struct rule_file **ret,
                      struct error *err)
{
    return read_file(set, path, false, ret, err);
}

enum err sources_read_data(struct sources *set, const char *path, struct rule_file **ret,
                           struct error *err)
{
    return read_file(set, path, true, ret, err);
}

const struct rule_file *sources_get(const struct sources *set, uint32_t file)
{
    return file < set->n ? set->items[file] : NULL;
}

static uint32_t line_of(const struct rule_file *src, uint32_t offset)
{
    uint32_t lo = 0;
    uint32_t hi = src->n_lines;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (src->line_starts[mid] <= offset) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

struct source_pos source_position(const struct rule_file *src, uint32_t offset)
{
    uint32_t at = offset < src->text.len ? offset : (uint32_t)src->text.len;
    uint32_t line = line_of(src, at);
    uint32_t start = src->line_starts[line];
    size_t bytes = at > start ? at - start : 0;
    size_t cols = utf8_length(slice_from(src->text.ptr + start, bytes));
    return (struct source_pos){line + 1, (uint32_t)cols + 1};
}

struct slice source_line(const struct rule_file *src, uint32_t line)
{
    if (line < 1 || line > src->n_lines) {
        return slice_from("", 0);
    }
    size_t start = src->line_starts[line - 1];
    size_t end = line < src->n_lines ? src->line_starts[line] - 1u : src->text.len;
    while (end > start && src->text.ptr[end - 1] == '\r') {
        end--;
    }
    return slice_from(src->text.ptr + start, end - start);
}

struct slice source_text(const struct rule_file *src, struct span span)
{
    size_t end = span.end < src->text.len ? span.end : src->text.len;
    size_t start = span.start < end ? span.start : end;
    return slice_from(src->text.ptr + start, end - start);
}

bool source_too_large(const struct rule_file *src)
{
    return src->too_large;
}
