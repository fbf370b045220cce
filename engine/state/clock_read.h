/* Reads the clocks of values back: the pages of all partitions of a header, each checked against what the
 * header says of it. */
#ifndef FYKE_ENGINE_STATE_CLOCK_READ_H
#define FYKE_ENGINE_STATE_CLOCK_READ_H

#include "engine/state/clock_page.h"
#include "engine/state/header.h"
#include "engine/state/store.h"

/* `clocks`: per partition of `h`; made for those that are wanted, zero for the others, of which `unread` (may
 * be NULL) gets a deletion for every part. ERR_CORRUPT: parts that do not decode, too many, too few. */
enum err clock_pages_read(struct store *s, const struct header *h, struct value_clocks *clocks,
                          struct frozen *unread, struct error *err) FYKE_MUST_USE;

#endif
