#include "cli/live_peers.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* New peers are looked for so often, and as soon as one is there at every chance. */
#define LOOK_EVERY_MS 20

static const char too_many[] = "{\"error\":\"too many readers; try again later\"}\n";

void live_peers_init(struct live_peers *p)
{
    *p = (struct live_peers){.socket = LOCAL_SOCKET_CLOSED};
    json_view_init(&p->view);
}

static void release_peer(struct live_peer *peer)
{
    close(peer->fd);
    buf_release(&peer->request);
    buf_release(&peer->filter.topic);
    buf_release(&peer->filter.rule);
    buf_release(&peer->filter.key);
    buf_release(&peer->out);
}

void live_peers_release(struct live_peers *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        release_peer(&p->items[i]);
    }
    p->n = p->n_taps = 0;
    local_socket_close(&p->socket);
    json_view_release(&p->view);
}

/* ---- one peer -------------------------------------------------------------------------------- */

/* False: it is gone, or talks nonsense. */
static bool read_request(struct live_peer *peer)
{
    char block[4096];
    ssize_t n = recv(peer->fd, block, sizeof(block), MSG_DONTWAIT);
    if (n <= 0) {
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    if (peer->asked) {
        return true; /* it has asked already */
    }
    buf_put(&peer->request, block, (size_t)n);
    return peer->request.len <= LIVE_MAX_REQUEST;
}

static bool send_some(struct live_peer *peer, int64_t now_ms)
{
    size_t left = peer->out.len - peer->sent;
    if (left == 0) {
        peer->progress_ms = now_ms;
        return !peer->hang_up;
    }
    ssize_t n = send(peer->fd, peer->out.ptr + peer->sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    peer->sent += (size_t)n;
    peer->progress_ms = n > 0 ? now_ms : peer->progress_ms;
    if (peer->sent == peer->out.len) {
        buf_clear(&peer->out);
        peer->sent = 0;
        return !peer->hang_up;
    }
    return true;
}

static void take_request(struct live_peers *p, struct live_peer *peer, live_answer answer, void *ctx)
{
    const char *end = peer->request.len > 0
                          ? memchr(peer->request.ptr, '\n', peer->request.len)
                          : NULL;
    if (peer->asked || !end) {
        return;
    }
    peer->asked = true;
    p->served++;
    struct slice line = slice_from(peer->request.ptr, (size_t)(end - peer->request.ptr));
    if (!json_view_set(&p->view, line) || p->view.root.kind != JSON_OBJECT) {
        buf_puts(&peer->out, "{\"error\":\"a request is one JSON object on a line\"}\n");
        peer->hang_up = true;
        return;
    }
    answer(ctx, peer, p->view.root);
    p->n_taps += peer->taps;
}

/* False: it goes. */
static bool step_peer(struct live_peers *p, struct live_peer *peer, int64_t now_ms,
                      live_answer answer, void *ctx)
{
    if (!read_request(peer)) {
        return false;
    }
    take_request(p, peer, answer, ctx);
    if (!send_some(peer, now_ms)) {
        return false;
    }
    if (now_ms - peer->progress_ms > LIVE_PATIENCE_MS) {
        p->dropped_peers++;
        return false;
    }
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void accept_peers(struct live_peers *p, int64_t now_ms)
{
    for (int fd; (fd = local_socket_accept(&p->socket)) >= 0;) {
        if (p->n == LIVE_MAX_PEERS) {
            p->refused++;
            (void)!send(fd, too_many, sizeof(too_many) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            close(fd);
            continue;
        }
        p->items[p->n++] = (struct live_peer){.fd = fd, .progress_ms = now_ms};
    }
}

static void step_peers(struct live_peers *p, uint32_t from, int64_t now_ms, live_answer answer,
                       void *ctx)
{
    for (uint32_t i = from; i < p->n;) {
        if (step_peer(p, &p->items[i], now_ms, answer, ctx)) {
            i++;
            continue;
        }
        p->n_taps -= p->items[i].taps;
        release_peer(&p->items[i]);
        p->items[i] = p->items[--p->n];
    }
}

/* Those who went make room before others are taken: nobody is refused for a peer that is gone. */
void live_peers_step(struct live_peers *p, live_answer answer, void *ctx)
{
    int64_t now_ms = local_socket_now_ms();
    if (p->n == 0 && now_ms - p->looked_ms < LOOK_EVERY_MS) {
        return;
    }
    p->looked_ms = now_ms;
    step_peers(p, 0, now_ms, answer, ctx);
    uint32_t stepped = p->n;
    accept_peers(p, now_ms);
    step_peers(p, stepped, now_ms, answer, ctx);
}

void live_peers_tap(struct live_peers *p, struct live_peer *peer, struct slice line)
{
    if (peer->out.len + line.len > LIVE_QUEUE_BYTES && peer->sent > 0) {
        memmove(peer->out.ptr, peer->out.ptr + peer->sent, peer->out.len - peer->sent);
        peer->out.len -= peer->sent;
        peer->sent = 0;
    }
    if (peer->out.len + line.len > LIVE_QUEUE_BYTES) {
        peer->dropped++;
        p->dropped_lines++;
        return;
    }
    if (peer->dropped > 0) {
        buf_printf(&peer->out, "{\"dropped\":%llu}\n", (unsigned long long)peer->dropped);
        peer->dropped = 0;
    }
    buf_put_slice(&peer->out, line);
}
