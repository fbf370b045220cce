#include "cli/read_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *read_file(const char *path, size_t max, struct buf *out)
{
    char block[4096];
    size_t n, before = out->len;
    FILE *f = fopen(path, "re");
    if (!f) {
        return strerror(errno);
    }
    errno = 0;
    while ((n = fread(block, 1, sizeof(block), f)) > 0 && out->len - before <= max) {
        buf_put(out, block, n);
    }
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    if (failed) {
        return strerror(failed);
    }
    return out->len - before > max ? "the file is too large" : NULL;
}
