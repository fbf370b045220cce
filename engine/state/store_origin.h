/* Which journal a local database copies, and how far. Written in the same transaction as what it
 * tells about; a database without one was never a copy.
 *
 * Stored: u8 version · blob identity · zigzag position · zigzag since · u8 flags
 * (1 torn) · u64 checksum over it all. */
#ifndef FYKE_ENGINE_STATE_STORE_ORIGIN_H
#define FYKE_ENGINE_STATE_STORE_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/slice.h"

struct store_origin {
    struct slice identity; /* borrowed; of the log as a whole. Empty: an imported state, a copy of no
                              log; it may begin one */
    int64_t position;      /* everything in front of it is here */
    /* Deletions up to here are applied. Those that came later are in the log for as long as it keeps
     * them: a copy older than that would miss some. */
    struct etime since; /* wall clock */
    bool torn; /* a recovery was cut short: no header fits these records, only the position counts */
};

void store_origin_encode(const struct store_origin *o, struct buf *out);
/* The identity points into `bytes`. */
bool store_origin_decode(struct slice bytes, struct store_origin *ret);

#endif
