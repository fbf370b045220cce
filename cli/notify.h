/* What systemd is told about the process: datagrams to the socket that NOTIFY_SOCKET names, as
 * sd_notify(3) and sd_watchdog_enabled(3) describe them. Without it everything here does nothing.
 */
#ifndef FYKE_CLI_NOTIFY_H
#define FYKE_CLI_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"

struct notify {
    int fd;                   /* -1: nobody listens */
    struct duration watchdog; /* a sign of life is due in this time; 0: none is asked for */
};

void notify_open(struct notify *n);
void notify_close(struct notify *n);
/* "READY=1\nSTATUS=reads". What cannot be sent is dropped: it is no reason to end. */
void notify_send(const struct notify *n, const char *fmt, ...) FYKE_PRINTF(2, 3);

#endif
