/* The points of a sweep side by side. Every function appends a whole document to `out`. */
#ifndef FYKE_REPORT_SWEEP_H
#define FYKE_REPORT_SWEEP_H

#include "base/buf.h"
#include "lib/replay_sweep.h"

/* `gated`: sweep_point.meets says something. */
typedef void (*sweep_form)(const struct replay_sweep *s, bool gated, struct buf *out);
/* By the names and suffixes of the forms of a replay. NULL: there is none. */
sweep_form report_sweep_named(const char *name);
sweep_form report_sweep_of_file(const char *path);

#endif
