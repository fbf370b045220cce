#include "cli/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or with @ in front a name without a file. */
static int open_socket(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(at.sun_path)) {
        return -1;
    }
    memcpy(at.sun_path, name, len);
    if (name[0] == '@') {
        at.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, size) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static struct duration watchdog_time(void)
{
    const char *time = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!time || (pid && strtoll(pid, NULL, 10) != (long long)getpid())) {
        return (struct duration){0};
    }
    long long us = strtoll(time, NULL, 10);
    return (struct duration){us > 0 && us < INT64_MAX / 1000 ? us * 1000 : 0};
}

void notify_open(struct notify *n)
{
    const char *name = getenv("NOTIFY_SOCKET");
    *n = (struct notify){.fd = name ? open_socket(name) : -1};
    if (n->fd >= 0) {
        n->watchdog = watchdog_time();
    }
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0) {
        close(n->fd);
    }
    n->fd = -1;
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
    char text[512];
    va_list args;
    if (n->fd < 0) {
        return;
    }
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof(text)) {
        (void)!send(n->fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}
