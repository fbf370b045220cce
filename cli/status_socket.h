/* DIR/status.sock of a running process: whoever connects gets one line of JSON and the end.
 *
 * The run itself answers, between two batches or while it waits for a broker; so an answer shows
 * that the process lives and that its loop turns. A socket without process refuses connections:
 * nothing here can be stale. */
#ifndef FYKE_CLI_STATUS_SOCKET_H
#define FYKE_CLI_STATUS_SOCKET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

#define STATUS_SOCKET "status.sock"

struct status_socket {
    int fd;  /* -1: not open */
    int dir; /* of the directory */
};

/* The directory must be ours: what an earlier process left there is removed. */
enum err status_socket_open(struct status_socket *s, const char *dir,
                            struct error *err) FYKE_MUST_USE;
void status_socket_close(struct status_socket *s);
/* A peer that waits for an answer, or -1. */
int status_socket_accept(const struct status_socket *s);
/* Answers and hangs up; a peer that does not take it at once gets none. */
void status_socket_answer(int peer, struct slice line);

/* Asks the process that owns the directory. ERR_USAGE: no such directory; ERR_STATE: nobody
 * answers, within `wait`. */
enum err status_socket_ask(const char *dir, struct duration wait, struct buf *ret,
                           struct error *err) FYKE_MUST_USE;

#endif
