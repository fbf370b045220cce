/* Who is connected to the socket of a running process, what they ask, what still goes to them. */
#ifndef FYKE_CLI_LIVE_PEERS_H
#define FYKE_CLI_LIVE_PEERS_H

#include "cli/local_socket.h"
#include "lib/json_view.h"

#define LIVE_SOCKET "live.sock"
#define LIVE_MAX_PEERS 16
#define LIVE_MAX_REQUEST 65536
#define LIVE_QUEUE_BYTES ((size_t)4 << 20) /* of a tap */
#define LIVE_PATIENCE_MS 10000

/* What a tap lets pass; empty: everything. */
struct live_filter {
    struct buf topic, rule, key;
    bool events, alerts;
};

struct live_peer {
    int fd;
    struct buf request;
    bool asked, hang_up; /* the request is whole; once everything is sent */
    bool taps;
    uint64_t waits;      /* for the record of this reading of the rules, or a later one; 0: not */
    struct live_filter filter;
    struct buf out;
    size_t sent;         /* of `out` */
    int64_t progress_ms; /* when the peer took something last */
    uint64_t dropped;    /* lines, since the last that went through */
};

struct live_peers {
    struct local_socket socket;
    struct live_peer items[LIVE_MAX_PEERS];
    uint32_t n, n_taps;
    int64_t looked_ms;
    struct json_view view;
    uint64_t served, refused;              /* peers; those beyond the bound */
    uint64_t dropped_lines, dropped_peers; /* of slow readers */
};

void live_peers_init(struct live_peers *p);
/* Says nothing more to anybody. */
void live_peers_release(struct live_peers *p);

/* A request that is whole: its object. It must be answered: with lines, and hang_up or taps. */
typedef void (*live_answer)(void *ctx, struct live_peer *peer, struct json_span request);
/* Takes new peers, reads requests, sends what can be sent. */
void live_peers_step(struct live_peers *p, live_answer answer, void *ctx);

/* A line for a tap, with its newline; dropped when the queue is full. */
void live_peers_tap(struct live_peers *p, struct live_peer *peer, struct slice line);

#endif
