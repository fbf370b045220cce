#include "connectors/file_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

#define FILE_NAME "inputs"
#define FIRST_LINE "fyke inputs 1\n"

void manifest_release(struct manifest *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->items[i].name);
    }
    free(m->items);
    *m = (struct manifest){0};
}

const struct manifest_entry *manifest_find(const struct manifest *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->items[i].name, name) == 0) {
            return &m->items[i];
        }
    }
    return NULL;
}

void manifest_set(struct manifest *m, const char *name, uint64_t lines, struct hash128 hash)
{
    struct manifest_entry *e = (struct manifest_entry *)(uintptr_t)manifest_find(m, name);
    if (!e) {
        e = &VEC_PUSH(m->items, m->n, m->cap);
        e->name = xstrdup(name);
    }
    e->lines = lines;
    e->hash = hash;
}

/* "LINES HASH NAME\n" */
static bool parse_entry(struct manifest *m, char *line)
{
    char *end;
    errno = 0;
    uint64_t lines = strtoull(line, &end, 10);
    struct hash128 hash;
    if (errno != 0 || end == line || *end != ' ' || strlen(end) < 35 || end[33] != ' ' ||
        !hash128_parse(slice_from(end + 1, 32), &hash)) {
        return false;
    }
    manifest_set(m, end + 34, lines, hash);
    return true;
}

static enum err parse(struct manifest *m, FILE *f, const char *path, struct error *err)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len = getline(&line, &cap, f);
    bool ok = len > 0 && strcmp(line, FIRST_LINE) == 0;
    while (ok && (len = getline(&line, &cap, f)) > 0) {
        line[len - 1] = line[len - 1] == '\n' ? '\0' : line[len - 1];
        ok = parse_entry(m, line);
    }
    free(line);
    return ok ? ERR_OK : error_set(err, ERR_STATE, "%s is damaged", path);
}

enum err manifest_load(struct manifest *m, const char *dir, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    *m = (struct manifest){0};
    buf_printf(&path, "%s/" FILE_NAME, dir);
    FILE *f = fopen(buf_cstr(&path), "re");
    if (!f) {
        return errno == ENOENT ? ERR_OK
                               : error_set(err, ERR_STATE, "cannot read %s: %s", buf_cstr(&path),
                                           strerror(errno));
    }
    enum err rc = parse(m, f, buf_cstr(&path), err);
    fclose(f);
    return rc;
}

static bool write_all(const struct manifest *m, const char *path)
{
    FILE *f = fopen(path, "we");
    if (!f) {
        return false;
    }
    bool ok = fputs(FIRST_LINE, f) >= 0;
    for (size_t i = 0; i < m->n; i++) {
        char hex[HASH128_HEX_MAX];
        hash128_hex(m->items[i].hash, hex);
        ok &= fprintf(f, "%" PRIu64 " %s %s\n", m->items[i].lines, hex, m->items[i].name) > 0;
    }
    ok &= fflush(f) == 0 && fsync(fileno(f)) == 0;
    return (fclose(f) == 0) & ok;
}

enum err manifest_save(const struct manifest *m, const char *dir, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf aside = BUF_INIT;
    buf_printf(&path, "%s/" FILE_NAME, dir);
    buf_printf(&aside, "%s.new", buf_cstr(&path));
    if (!write_all(m, buf_cstr(&aside)) || rename(buf_cstr(&aside), buf_cstr(&path)) != 0) {
        return error_set(err, ERR_STATE, "cannot write %s: %s", buf_cstr(&path), strerror(errno));
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >=
        0) { /* the rename is durable; a directory that cannot be synced is no reason to stop */
        (void)!fsync(fd);
        close(fd);
    }
    return ERR_OK;
}
