#include "cli/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_WAITING 16

/* Addresses hold 108 bytes, paths more: the directory is reached through its descriptor. */
static bool address(int dir, const char *name, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dir, name);
    return n > 0 && (size_t)n < sizeof(ret->sun_path);
}

static int connect_to(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* ---- listening ------------------------------------------------------------------------------- */

/* True: the place is free. */
static bool make_room(int dir, const char *name, const struct sockaddr_un *at, bool ours,
                      const char **why)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return true;
    }
    if (!S_ISSOCK(st.st_mode)) {
        *why = "it is there and no socket";
        return false;
    }
    int fd = ours ? -1 : connect_to(at);
    if (fd >= 0) {
        close(fd);
        *why = "another process listens there";
        return false;
    }
    return unlinkat(dir, name, 0) == 0;
}

static int listen_at(int dir, const char *name, const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 ||
        fchmodat(dir, name, 0600, 0) != 0 || listen(fd, MAX_WAITING) != 0) {
        int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        errno = why;
        return -1;
    }
    return fd;
}

enum err local_socket_open(struct local_socket *s, const char *dir, const char *name, bool ours,
                           struct error *err)
{
    struct sockaddr_un at;
    const char *why = "the name is too long";
    *s = (struct local_socket){-1, open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), name};
    if (s->dir < 0) {
        return error_set(err, ERR_STATE, "cannot open %s: %s", dir, strerror(errno));
    }
    bool room = address(s->dir, name, &at);
    if (room) {
        why = NULL;
        room = make_room(s->dir, name, &at, ours, &why);
        s->fd = room ? listen_at(s->dir, name, &at) : -1;
    }
    if (s->fd < 0) {
        why = why ? why : strerror(errno);
        close(s->dir);
        s->dir = -1;
        return error_set(err, ERR_STATE, "cannot listen at %s/%s: %s", dir, name, why);
    }
    return ERR_OK;
}

void local_socket_close(struct local_socket *s)
{
    if (s->fd >= 0) {
        unlinkat(s->dir, s->name, 0);
        close(s->fd);
        close(s->dir);
        s->fd = -1;
    }
}

int local_socket_accept(const struct local_socket *s)
{
    return s->fd < 0 ? -1 : accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* ---- asking ---------------------------------------------------------------------------------- */

enum err local_socket_connect(const char *dir, const char *name, int *ret, struct error *err)
{
    struct sockaddr_un at;
    int at_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at_dir < 0) {
        return error_set(err, ERR_USAGE, "cannot open state directory %s: %s", dir,
                         strerror(errno));
    }
    errno = ENAMETOOLONG;
    *ret = address(at_dir, name, &at) ? connect_to(&at) : -1;
    int why = errno;
    close(at_dir);
    if (*ret >= 0) {
        return ERR_OK;
    }
    return error_set(err, ERR_STATE, "no process answers for %s: %s", dir,
                     why == ENOENT || why == ECONNREFUSED ? "none runs, or it still starts"
                                                          : strerror(why));
}

int64_t local_socket_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
