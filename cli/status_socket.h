/* DIR/status.sock of a running process: whoever connects gets one line of JSON and the end.
 *
 * The run itself answers, between two batches or while it waits for a broker; so an answer shows
 * that the process lives and that its loop turns. */
#ifndef FYKE_CLI_STATUS_SOCKET_H
#define FYKE_CLI_STATUS_SOCKET_H

#include "cli/local_socket.h"

#define STATUS_SOCKET "status.sock"

/* Answers and hangs up; a peer that does not take it at once gets none. */
void status_socket_answer(int peer, struct slice line);

/* Asks the process that owns the directory. ERR_USAGE: no such directory; ERR_STATE: nobody
 * answers, within `wait`. */
enum err status_socket_ask(const char *dir, struct duration wait, struct buf *ret,
                           struct error *err) FYKE_MUST_USE;

#endif
