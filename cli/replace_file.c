#include "cli/replace_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

bool replace_file(const char *path, struct slice text)
{
    FYKE_CLEANUP(buf_release) struct buf aside = BUF_INIT;
    struct stat st;
    buf_printf(&aside, "%s.new-%ld", path, (long)getpid());
    FILE *f = fopen(buf_cstr(&aside), "we");
    bool ok = f && fwrite(text.ptr, 1, text.len, f) == text.len;
    ok = f && stat(path, &st) == 0 && fchmod(fileno(f), st.st_mode & 07777) == 0 && ok;
    ok = f && fclose(f) == 0 && ok;
    ok = ok && rename(buf_cstr(&aside), path) == 0;
    if (!ok) {
        fprintf(stderr, "fyke: cannot write %s: %s\n", path, strerror(errno));
        unlink(buf_cstr(&aside));
    }
    return ok;
}
