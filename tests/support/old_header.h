/* A header as format 4 had it: what the rules are always stood in it. Clocks of values must not be paged. */
#ifndef FYKE_TESTS_SUPPORT_OLD_HEADER_H
#define FYKE_TESTS_SUPPORT_OLD_HEADER_H

#include <string.h>

#include "engine/state/header.h"

static inline void old_header_encode(struct header *h, struct buf *out)
{
    struct buf apart = BUF_INIT;
    size_t at = 0;
    h->n_apart = 1;
    header_encode(h, &apart);
    h->n_apart = 0;
    buf_clear(out);
    header_encode(h, out);
    while (out->ptr[at] == apart.ptr[at]) {
        at++; /* up to the number of parts, which is what differs first */
    }
    memmove(out->ptr + at, out->ptr + at + 1, out->len - at - 1);
    out->ptr[4] = 4;
    out->len -= 1 + 8;
    buf_put_u64be(out, hash64(buf_slice(out)));
    buf_release(&apart);
}

#endif
