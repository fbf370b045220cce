/* Who is connected to a running process: how many at most, and what those who went leave behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/live_peers.h"

struct world {
    char dir[64];
    struct live_peers peers;
};

static int set_up(void **state)
{
    static struct world w;
    struct error err = ERROR_INIT;
    strcpy(w.dir, "/tmp/fyke-peers-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    live_peers_init(&w.peers);
    assert_int_equal(local_socket_open(&w.peers.socket, w.dir, LIVE_SOCKET, true, &err), ERR_OK);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    live_peers_release(&w->peers);
    return rmdir(w->dir);
}

static void stays(void *ctx, struct live_peer *peer, struct json_span request)
{
    (void)ctx, (void)request;
    buf_puts(&peer->out, "{\"here\":true}\n");
}

static int connected(struct world *w)
{
    struct error err = ERROR_INIT;
    int fd;
    assert_int_equal(local_socket_connect(w->dir, LIVE_SOCKET, &fd, &err), ERR_OK);
    assert_int_equal(send(fd, "{}\n", 3, MSG_NOSIGNAL), 3);
    return fd;
}

static void answered(int fd, const char *want)
{
    char got[100];
    ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(got, want, strlen(want));
}

static void fill(struct world *w, int fds[LIVE_MAX_PEERS])
{
    for (uint32_t i = 0; i < LIVE_MAX_PEERS; i++) {
        fds[i] = connected(w);
        live_peers_step(&w->peers, stays, NULL);
        answered(fds[i], "{\"here\":true}\n");
    }
}

static void one_beyond_the_bound_is_told(void **state)
{
    struct world *w = *state;
    int fds[LIVE_MAX_PEERS];
    fill(w, fds);
    int fd = connected(w);
    live_peers_step(&w->peers, stays, NULL);
    answered(fd, "{\"error\":\"too many readers; try again later\"}\n");
    assert_int_equal(w->peers.refused, 1);
    assert_int_equal(w->peers.n, LIVE_MAX_PEERS);
    close(fd);
    for (uint32_t i = 0; i < LIVE_MAX_PEERS; i++) {
        close(fds[i]);
    }
}

/* All left, one came, and the process saw both at once: it was refused for their sake. */
static void who_went_takes_nobodys_place(void **state)
{
    struct world *w = *state;
    int fds[LIVE_MAX_PEERS];
    fill(w, fds);
    for (uint32_t i = 0; i < LIVE_MAX_PEERS; i++) {
        close(fds[i]);
    }
    int fd = connected(w);
    live_peers_step(&w->peers, stays, NULL);
    answered(fd, "{\"here\":true}\n");
    assert_int_equal(w->peers.refused, 0);
    assert_int_equal(w->peers.n, 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_beyond_the_bound_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_went_takes_nobodys_place, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
