/* Alerts as lines to standard output or into a file. */
#ifndef FYKE_CONNECTORS_FILE_SINK_H
#define FYKE_CONNECTORS_FILE_SINK_H

#include <stdbool.h>

#include "engine/io.h"

/* `path` NULL: standard output. Otherwise the file is emptied, or with `append` continued: behind
 * its last whole line, and synced at every flush. *ret is released by its close(). */
enum err file_sink_new(const char *path, bool append, struct sink **ret,
                       struct error *err) FYKE_MUST_USE;

#endif
