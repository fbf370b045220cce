/* Files in place of a compacted topic that serves as a list or lookup: read once, as a whole, before
 * the first event. Payload files hold objects from keys to values, one per line; null deletes.
 * Envelopes hold the topic's records, among others. */
#ifndef FYKE_CONNECTORS_TABLE_FILES_H
#define FYKE_CONNECTORS_TABLE_FILES_H

#include <stdbool.h>

#include "engine/tables/table_feed.h"

/* `paths` are read in this order; they and `topic` are borrowed until close(). */
enum err table_files_new(struct slice topic, const char *const *paths, size_t n, bool kcat,
                         struct table_feed **ret, struct error *err) FYKE_MUST_USE;

#endif
