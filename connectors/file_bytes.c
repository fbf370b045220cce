#include "connectors/file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/xalloc.h"
#include "connectors/file_ahead.h"

static const struct file_codec *codec_of(const char *path)
{
    static const struct file_codec *const codecs[] = {&file_codec_zst, &file_codec_gz};
    size_t len = strlen(path);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(codecs); i++) {
        size_t n = strlen(codecs[i]->suffix);
        if (len > n && strcmp(path + len - n, codecs[i]->suffix) == 0) {
            return codecs[i];
        }
    }
    return NULL;
}

static enum err cannot_read(const char *name, struct error *err)
{
    enum err code = errno == ENOENT ? ERR_USAGE : ERR_IO; /* a wrong name is the caller's */
    return error_set(err, code, "cannot read %s: %s", name, strerror(errno));
}

enum err file_bytes_open(struct file_bytes *in, const char *path, struct error *err)
{
    struct stat st;
    *in = (struct file_bytes){.fd = -1, .name = path};
    if (strcmp(path, "-") == 0) {
        in->fd = dup(STDIN_FILENO);
        in->name = "standard input";
    } else {
        in->fd = open(path, O_RDONLY | O_CLOEXEC);
        in->codec = codec_of(path);
    }
    if (in->fd < 0) {
        return cannot_read(in->name, err);
    }
    if (fstat(in->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        file_bytes_close(in);
        return error_set(err, ERR_USAGE, "%s is a directory, not a file of events", path);
    }
    if (in->codec) {
        in->raw = xmalloc(FILE_RAW_BYTES);
        in->state = in->codec->open();
    }
    return ERR_OK;
}

void file_bytes_adopt(struct file_bytes *in, int fd, const char *name)
{
    *in = (struct file_bytes){.fd = fd, .name = name};
}

void file_bytes_close(struct file_bytes *in)
{
    file_ahead_free(in->unpacker);
    if (in->fd >= 0) {
        close(in->fd);
    }
    if (in->codec && in->state) {
        in->codec->close(in->state);
    }
    free(in->raw);
    *in = (struct file_bytes){.fd = -1};
}

static enum err read_fd(struct file_bytes *in, char *to, size_t cap, size_t *got, struct error *err)
{
    ssize_t n;
    do {
        n = read(in->fd, to, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        *got = 0;
        return cannot_read(in->name, err);
    }
    *got = (size_t)n;
    return ERR_OK;
}

enum err file_bytes_more_raw(struct file_bytes *in, struct error *err)
{
    if (in->raw_at < in->raw_end || in->raw_finished) {
        return ERR_OK;
    }
    size_t got;
    FYKE_TRY(read_fd(in, in->raw, FILE_RAW_BYTES, &got, err));
    in->raw_at = 0;
    in->raw_end = got;
    in->raw_finished = got == 0;
    return ERR_OK;
}

enum err file_bytes_corrupt(const struct file_bytes *in, const char *why, struct error *err)
{
    return error_set(err, ERR_CORRUPT, "%s is a damaged archive: %s", in->name, why);
}

enum err file_bytes_read(struct file_bytes *in, char *to, size_t cap, size_t *got,
                         struct error *err)
{
    if (in->codec == NULL) {
        return read_fd(in, to, cap, got, err);
    }
    if (in->ahead && in->unpacker == NULL) {
        in->unpacker = file_ahead_new(in);
        in->ahead = in->unpacker != NULL;
    }
    return in->unpacker ? file_ahead_read(in->unpacker, to, cap, got, err)
                        : in->codec->read(in, to, cap, got, err);
}

bool file_bytes_ready(const struct file_bytes *in, struct duration wait)
{
    struct pollfd p = {.fd = in->fd, .events = POLLIN};
    if (in->raw_at < in->raw_end) {
        return true;
    }
    return poll(&p, 1, (int)(wait.ns / NS_PER_MS)) > 0; /* a signal is no data */
}
