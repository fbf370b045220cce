/* `fyke check --rate`: what must wait for its turn, per topic. */
#ifndef FYKE_CLI_CHECK_WAITS_H
#define FYKE_CLI_CHECK_WAITS_H

#include "base/buf.h"
#include "nfa/rule.h"

struct check_waits {
    uint64_t rate;        /* events per second of each topic */
    uint64_t event_bytes; /* in memory */
    uint64_t buffer_bytes;
};

/* One line per topic whose events wait: bound × rate × size. */
void check_waits(const struct ruleset *rs, const struct check_waits *w, struct buf *out);

#endif
