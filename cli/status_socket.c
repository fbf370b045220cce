#include "cli/status_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_WAITING 16

/* Addresses hold 108 bytes, paths more: the directory is reached through its descriptor. */
static struct sockaddr_un address(int dir)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/" STATUS_SOCKET, dir);
    return at;
}

enum err status_socket_open(struct status_socket *s, const char *dir, struct error *err)
{
    s->fd = -1;
    s->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0) {
        return error_set(err, ERR_STATE, "cannot open %s: %s", dir, strerror(errno));
    }
    struct sockaddr_un at = address(s->dir);
    unlinkat(s->dir, STATUS_SOCKET, 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
        fchmodat(s->dir, STATUS_SOCKET, 0600, 0) != 0 || listen(fd, MAX_WAITING) != 0) {
        int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        close(s->dir);
        s->dir = -1;
        return error_set(err, ERR_STATE, "cannot make %s/" STATUS_SOCKET ": %s", dir,
                         strerror(why));
    }
    s->fd = fd;
    return ERR_OK;
}

void status_socket_close(struct status_socket *s)
{
    if (s->fd >= 0) {
        unlinkat(s->dir, STATUS_SOCKET, 0);
        close(s->fd);
        close(s->dir);
        s->fd = -1;
    }
}

int status_socket_accept(const struct status_socket *s)
{
    return s->fd < 0 ? -1 : accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void status_socket_answer(int peer, struct slice line)
{
    (void)!send(peer, line.ptr, line.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(peer);
}

/* ---- asking ------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* True when the whole answer is there. */
static bool read_answer(int fd, int64_t until_ms, struct buf *ret)
{
    char block[4096];
    for (;;) {
        int64_t left = until_ms - now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
            return false;
        }
        ssize_t n = read(fd, block, sizeof(block));
        if (n <= 0) {
            return n == 0 && ret->len > 0;
        }
        buf_put(ret, block, (size_t)n);
    }
}

enum err status_socket_ask(const char *dir, struct duration wait, struct buf *ret,
                           struct error *err)
{
    int at_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at_dir < 0) {
        return error_set(err, ERR_USAGE, "cannot open state directory %s: %s", dir,
                         strerror(errno));
    }
    struct sockaddr_un at = address(at_dir);
    enum err rc = ERR_OK;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        rc = error_set(err, ERR_STATE, "no process answers for %s: %s", dir,
                       errno == ENOENT || errno == ECONNREFUSED ? "none runs, or it still starts"
                                                                : strerror(errno));
    } else if (!read_answer(fd, now_ms() + wait.ns / NS_PER_MS, ret)) {
        rc = error_set(err, ERR_STATE, "the process of %s does not answer in time", dir);
    }
    if (fd >= 0) {
        close(fd);
    }
    close(at_dir);
    return rc;
}
