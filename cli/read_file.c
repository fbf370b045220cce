#include "cli/read_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *read_all(FILE *f, size_t max, struct buf *out)
{
    char block[4096];
    size_t n, before = out->len;
    errno = 0;
    while ((n = fread(block, 1, sizeof(block), f)) > 0 && out->len - before <= max) {
        buf_put(out, block, n);
    }
    if (ferror(f)) {
        return strerror(errno);
    }
    return out->len - before > max ? "the file is too large" : NULL;
}

const char *read_file(const char *path, size_t max, struct buf *out)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        return strerror(errno);
    }
    const char *why = read_all(f, max, out);
    fclose(f);
    return why;
}

const char *read_stdin(size_t max, struct buf *out)
{
    return read_all(stdin, max, out);
}
