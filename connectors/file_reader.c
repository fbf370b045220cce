#include "connectors/file_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum err file_reader_open(struct file_reader *r, size_t max_line_bytes, bool hashing,
                          struct error *err)
{
    struct file_bytes in;
    FYKE_TRY(file_bytes_open(&in, r->path, err));
    in.ahead = r->ahead;
    lines_init(&r->lines, in, max_line_bytes);
    r->lines.hashing = hashing;
    if (hashing) {
        hasher_init(&r->lines.hash);
    }
    return ERR_OK;
}

void file_reader_release(struct file_reader *r)
{
    lines_close(&r->lines);
    line_marks_release(&r->marks);
    file_key_release(&r->key);
    free(r->path);
    free(r->name);
    free(r->parts);
}

/* ---- verification ------------------------------------------------------------------------- */

static enum err count_lines(struct lines *l, uint64_t n, struct error *err)
{
    struct line line;
    while (l->count < n) {
        enum lines_result rc = lines_next(l, &line);
        if (rc == LINES_END) {
            return ERR_OK;
        }
        if (rc == LINES_NEED) {
            FYKE_TRY(lines_fill(l, err));
        }
    }
    /* The rest of a line that was too long belongs to it. */
    while (l->skipping && lines_next(l, &line) == LINES_NEED) {
        FYKE_TRY(lines_fill(l, err));
    }
    return ERR_OK;
}

enum err file_reader_verify(const struct file_reader *r, const struct manifest_entry *known,
                            size_t max_line_bytes, struct error *err)
{
    struct file_reader again = {.path = r->path};
    FYKE_TRY(file_reader_open(&again, max_line_bytes, true, err));
    enum err rc = count_lines(&again.lines, known->lines, err);
    if (rc == ERR_OK && (again.lines.count < known->lines ||
                         !hash128_eq(hasher_hash128(&again.lines.hash), known->hash))) {
        rc = error_set(err, ERR_INPUT,
                       "%s no longer begins with the %llu lines that were read from it before; "
                       "with a state directory a file may only grow",
                       r->path, (unsigned long long)known->lines);
    }
    lines_close(&again.lines);
    return rc;
}

/* ---- standard input twice ----------------------------------------------------------------- */

static enum err copy_all(struct file_bytes *in, FILE *to, struct error *err)
{
    char *block = xmalloc(FILE_RAW_BYTES);
    size_t got = 1;
    enum err rc = ERR_OK;
    while (rc == ERR_OK && got > 0) {
        rc = file_bytes_read(in, block, FILE_RAW_BYTES, &got, err);
        if (rc == ERR_OK && fwrite(block, 1, got, to) != got) {
            rc = error_set(err, ERR_IO, "cannot keep standard input in a temporary file: %s",
                           strerror(errno));
        }
    }
    free(block);
    return rc;
}

enum err file_reader_spool(struct file_reader *r, int *ret_fd, struct error *err)
{
    struct file_bytes in;
    FILE *to = tmpfile();
    *ret_fd = -1;
    if (!to) {
        return error_set(err, ERR_IO, "cannot make a temporary file: %s", strerror(errno));
    }
    enum err rc = file_bytes_open(&in, r->path, err);
    if (rc == ERR_OK) {
        rc = copy_all(&in, to, err);
        file_bytes_close(&in);
    }
    if (rc == ERR_OK && fflush(to) != 0) {
        rc = error_set(err, ERR_IO, "cannot keep standard input in a temporary file: %s",
                       strerror(errno));
    }
    if (rc == ERR_OK) {
        *ret_fd = dup(fileno(to));
        rc = *ret_fd >= 0 ? ERR_OK : error_set(err, ERR_IO, "%s", strerror(errno));
    }
    fclose(to);
    return rc;
}

/* ---- names on the command line ------------------------------------------------------------ */

uint32_t file_input_topic(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        if (slice_eq(rs->topics[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void name_topics(const struct ruleset *rs, struct buf *out)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        buf_printf(out, "%s%.*s", i ? ", " : "", SLICE_ARG(rs->topics[i].name));
    }
}

enum err file_input_parse(const struct ruleset *rs, const char *text, uint32_t *topic,
                          const char **path, struct error *err)
{
    const char *eq = strchr(text, '=');
    *topic = UINT32_MAX;
    *path = text;
    if (!eq) {
        return ERR_OK;
    }
    struct slice name = slice_from(text, (size_t)(eq - text));
    *topic = file_input_topic(rs, name);
    if (*topic != UINT32_MAX) {
        *path = eq + 1;
        return ERR_OK;
    }
    if (access(text, F_OK) == 0) { /* a file with `=` in its name */
        return ERR_OK;
    }
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    name_topics(rs, &known);
    return error_set(err, ERR_USAGE, "%s: no event comes from topic \"%.*s\"; the rules read: %s",
                     text, SLICE_ARG(name), buf_cstr(&known));
}

enum err file_input_only_topic(const struct ruleset *rs, const char *path, uint32_t *topic,
                               struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    if (rs->n_topics == 1) {
        *topic = 0;
        return ERR_OK;
    }
    if (rs->n_topics == 0) {
        return error_set(err, ERR_USAGE, "%s: the rules read no topic", path);
    }
    name_topics(rs, &known);
    return error_set(err, ERR_USAGE,
                     "%s: say which topic it holds: -i TOPIC=%s; the rules read: %s", path, path,
                     buf_cstr(&known));
}
