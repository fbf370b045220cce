/* Which journal a local database copies, and how far. Written in the same transaction as what it
 * tells about; a database without one was never a copy.
 *
 * Stored: u8 version · blob identity · zigzag position · u64 mark · zigzag mark_from · u8 flags
 * (1 torn) · u64 checksum over it all. Version 1 had a time instead of the mark; it counts as none. */
#ifndef FYKE_ENGINE_STATE_STORE_ORIGIN_H
#define FYKE_ENGINE_STATE_STORE_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct store_origin {
    struct slice identity; /* borrowed; of the log as a whole. Empty: an imported state, a copy of no
                              log; it may begin one */
    int64_t position;      /* everything in front of it is here */
    /* The deletion by which it is seen whether the log still holds all that came behind `position`:
     * that of commit `mark`, which is here, at or behind position `mark_from`. 0: none. */
    uint64_t mark;
    int64_t mark_from;
    bool torn; /* a recovery was cut short: no header fits these records, only the position counts */
};

void store_origin_encode(const struct store_origin *o, struct buf *out);
/* The identity points into `bytes`. */
bool store_origin_decode(struct slice bytes, struct store_origin *ret);

#endif
