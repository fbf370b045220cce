/* Alerts of rules whose matches stand each for itself, so that they can be told apart by where they begin:
 * `emit alert { t = the first event's time in µs … }`. */
#ifndef FYKE_TESTS_SUPPORT_ALERT_LINES_H
#define FYKE_TESTS_SUPPORT_ALERT_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct alert_lines {
    struct slice *items; /* without the fingerprint of the whole set, which says nothing of a rule */
    size_t n;
};

/* Of the alerts in `text`, one a line: those of a rule that began after `from` and up to `to`. */
void alert_lines_add(struct alert_lines *l, const struct buf *text, const char *rule, int64_t from,
                     int64_t to);
/* Both are released. */
void alert_lines_same(const char *rule, struct alert_lines *want, struct alert_lines *got);
void alert_lines_release(struct alert_lines *l);

#endif
