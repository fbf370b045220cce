#include "connectors/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

#define BUFFER_BYTES ((size_t)64 << 10)

struct file_sink {
    struct sink sink;
    int fd;
    char *name;
    bool sync;    /* at every flush */
    bool at_once; /* somebody reads along: a line leaves when it is written */
    struct buf held;
};

static enum err cannot_write(const struct file_sink *s, struct error *err)
{
    return error_set(err, ERR_IO, "cannot write to %s: %s", s->name, strerror(errno));
}

static enum err write_out(struct file_sink *s, struct error *err)
{
    size_t at = 0;
    while (at < s->held.len) {
        ssize_t n = write(s->fd, s->held.ptr + at, s->held.len - at);
        if (n < 0 && errno != EINTR) {
            return cannot_write(s, err);
        }
        at += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&s->held);
    return ERR_OK;
}

static enum err sink_write(struct sink *sink, const struct out_record *r, struct error *err)
{
    struct file_sink *s = (struct file_sink *)sink;
    buf_put_slice(&s->held, r->value);
    buf_put_byte(&s->held, '\n');
    return s->at_once || s->held.len >= BUFFER_BYTES ? write_out(s, err) : ERR_OK;
}

static enum err sink_flush(struct sink *sink, struct error *err)
{
    struct file_sink *s = (struct file_sink *)sink;
    FYKE_TRY(write_out(s, err));
    return s->sync && fdatasync(s->fd) != 0 ? cannot_write(s, err) : ERR_OK;
}

static void sink_close(struct sink *sink)
{
    struct file_sink *s = (struct file_sink *)sink;
    if (s->fd != STDOUT_FILENO) {
        close(s->fd);
    }
    buf_release(&s->held);
    free(s->name);
    free(s);
}

/* A crash can leave half a line at the end; what follows must not stick to it. */
static enum err drop_half_line(struct file_sink *s, struct error *err)
{
    off_t size = lseek(s->fd, 0, SEEK_END), whole = size;
    char block[4096];
    while (whole > 0) {
        size_t want = whole < (off_t)sizeof(block) ? (size_t)whole : sizeof(block);
        off_t from = whole - (off_t)want;
        if (pread(s->fd, block, want, from) != (ssize_t)want) {
            return cannot_write(s, err);
        }
        const char *nl = memrchr(block, '\n', want);
        if (nl) {
            whole = from + (nl - block) + 1;
            break;
        }
        whole = from;
    }
    if (size < 0 || (whole < size && ftruncate(s->fd, whole) != 0) ||
        lseek(s->fd, whole, SEEK_SET) < 0) {
        return cannot_write(s, err);
    }
    return ERR_OK;
}

static enum err open_file(struct file_sink *s, const char *path, bool append, struct error *err)
{
    struct stat st;
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (append ? 0 : O_TRUNC), 0666);
    if (s->fd < 0) { /* a pipe or terminal may refuse to be read */
        s->fd = open(path, O_WRONLY | O_CLOEXEC);
    }
    if (s->fd < 0) {
        return cannot_write(s, err);
    }
    s->at_once = fstat(s->fd, &st) == 0 && !S_ISREG(st.st_mode);
    s->sync = append && !s->at_once;
    return s->sync ? drop_half_line(s, err) : ERR_OK;
}

enum err file_sink_new(const char *path, bool append, struct sink **ret, struct error *err)
{
    static const struct sink_ops ops = {sink_write, sink_flush, sink_close};
    struct stat st;
    struct file_sink *s = xcalloc(1, sizeof(*s));
    s->sink.ops = &ops;
    s->fd = STDOUT_FILENO;
    s->name = xstrdup(path ? path : "standard output");
    *ret = NULL;
    if (!path) {
        s->at_once = fstat(s->fd, &st) == 0 && !S_ISREG(st.st_mode);
    } else {
        enum err rc = open_file(s, path, append, err);
        if (rc != ERR_OK) {
            s->fd = s->fd < 0 ? STDOUT_FILENO : s->fd;
            sink_close(&s->sink);
            return rc;
        }
    }
    *ret = &s->sink;
    return ERR_OK;
}
