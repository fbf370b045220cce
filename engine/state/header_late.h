/* What was late, as the header tells it (docs/state.md). */
#ifndef FYKE_ENGINE_STATE_HEADER_LATE_H
#define FYKE_ENGINE_STATE_HEADER_LATE_H

#include "engine/state/header.h"

void header_put_late(const struct header_partition *p, struct buf *out);
/* Until format 3 events stood there one by one. */
void header_read_late(struct reader *r, struct header_partition *p, uint64_t format, struct arena *a);
/* The offset of the next note behind `before`. */
int64_t header_read_offset(struct reader *r, int64_t before, const struct header_partition *p);

#endif
