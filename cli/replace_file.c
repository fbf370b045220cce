#include "cli/replace_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

/* A file and what stands beside it: the new text, then the old one. */
struct replacing {
    const char *path;
    struct buf fresh, old;
    bool written, kept, placed;
};

static bool say(const char *path)
{
    fprintf(stderr, "fyke: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

static bool write_beside(struct replacing *r, struct slice text)
{
    struct stat st;
    FILE *f = fopen(buf_cstr(&r->fresh), "we");
    r->written = f != NULL;
    bool ok = f && fwrite(text.ptr, 1, text.len, f) == text.len;
    ok = f && stat(r->path, &st) == 0 && fchmod(fileno(f), st.st_mode & 07777) == 0 && ok;
    ok = f && fclose(f) == 0 && ok;
    return ok || say(r->path);
}

/* The old one gets a second name, under which it can come back. */
static bool keep_old(struct replacing *r)
{
    r->kept = link(r->path, buf_cstr(&r->old)) == 0;
    return r->kept || say(r->path);
}

static bool put_in_place(struct replacing *r)
{
    r->placed = rename(buf_cstr(&r->fresh), r->path) == 0;
    return r->placed || say(r->path);
}

static void go_back(struct replacing *r)
{
    if (r->placed && rename(buf_cstr(&r->old), r->path) != 0) {
        fprintf(stderr, "fyke: what %s was is in %s: %s\n", r->path, buf_cstr(&r->old), strerror(errno));
        r->kept = false; /* it stays */
    }
}

static void clean_up(struct replacing *r)
{
    if (r->written && !r->placed) {
        unlink(buf_cstr(&r->fresh));
    }
    if (r->kept) {
        unlink(buf_cstr(&r->old));
    }
    buf_release(&r->fresh);
    buf_release(&r->old);
}

bool replace_files(const struct new_text *files, size_t n)
{
    struct replacing *all = xcalloc(n + 1, sizeof(*all));
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        all[i].path = files[i].path;
        buf_printf(&all[i].fresh, "%s.new-%ld", files[i].path, (long)getpid());
        buf_printf(&all[i].old, "%s.old-%ld", files[i].path, (long)getpid());
        ok = ok && write_beside(&all[i], files[i].text);
    }
    for (size_t i = 0; i < n && ok && n > 1; i++) {
        ok = keep_old(&all[i]);
    }
    for (size_t i = 0; i < n && ok; i++) {
        ok = put_in_place(&all[i]);
    }
    for (size_t i = 0; i < n && !ok; i++) {
        go_back(&all[i]);
    }
    for (size_t i = 0; i < n; i++) {
        clean_up(&all[i]);
    }
    free(all);
    return ok;
}

bool replace_file(const char *path, struct slice text)
{
    const struct new_text one = {path, text};
    return replace_files(&one, 1);
}
