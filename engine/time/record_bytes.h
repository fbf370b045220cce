/* A record as bytes, for the runs of events that wait on disk (spill.h): what is refused later is
 * reported whole. Private to one process, like the runs. */
#ifndef FYKE_ENGINE_TIME_RECORD_BYTES_H
#define FYKE_ENGINE_TIME_RECORD_BYTES_H

#include "base/arena.h"
#include "base/buf.h"
#include "engine/record.h"

/* NULL is a record too: none. */
void record_put(const struct record *r, struct buf *out);
/* In the arena; NULL: none, or the reader has failed. */
const struct record *record_read(struct reader *in, struct arena *arena);

#endif
