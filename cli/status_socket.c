#include "cli/status_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

void status_socket_answer(int peer, struct slice line)
{
    (void)!send(peer, line.ptr, line.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(peer);
}

/* True when the whole answer is there. */
static bool read_answer(int fd, int64_t until_ms, struct buf *ret)
{
    char block[4096];
    for (;;) {
        int64_t left = until_ms - local_socket_now_ms();
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
    int fd;
    FYKE_TRY(local_socket_connect(dir, STATUS_SOCKET, &fd, err));
    bool ok = read_answer(fd, local_socket_now_ms() + wait.ns / NS_PER_MS, ret);
    close(fd);
    return ok ? ERR_OK
              : error_set(err, ERR_STATE, "the process of %s does not answer in time", dir);
}
