/* Sockets in the file system, at DIR/NAME: who may open the file may speak to the process.
 *
 * A socket without process refuses connections, so what an earlier one left behind is told apart from
 * one that is in use. */
#ifndef FYKE_CLI_LOCAL_SOCKET_H
#define FYKE_CLI_LOCAL_SOCKET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

struct local_socket {
    int fd;  /* -1: not open */
    int dir; /* of the directory */
    const char *name;
};
#define LOCAL_SOCKET_CLOSED ((struct local_socket){-1, -1, NULL})

/* Listens, for the owner of the process alone. `ours`: nobody else can listen there (the directory is
 * locked); otherwise ERR_STATE if somebody does. What an earlier process left there is removed, a file
 * that is no socket stays and is an error. `name` is borrowed. */
enum err local_socket_open(struct local_socket *s, const char *dir, const char *name, bool ours,
                           struct error *err) FYKE_MUST_USE;
void local_socket_close(struct local_socket *s);
/* A peer, its descriptor never waits; -1: none. */
int local_socket_accept(const struct local_socket *s);

/* ERR_USAGE: no such directory; ERR_STATE: nobody listens. */
enum err local_socket_connect(const char *dir, const char *name, int *ret,
                              struct error *err) FYKE_MUST_USE;

/* Processing time, for patience with a peer. */
int64_t local_socket_now_ms(void);

#endif
