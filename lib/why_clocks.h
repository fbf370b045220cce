/* Which records of other keys tell the time: those without which the partitions of a few keys would have
 * another clock than in the whole input.
 *
 * A partition's clock is the largest event time read, so the first record and, in front of each record that
 * is wanted and at the end, the one that has moved it last say all of it. With `watermark per F` every
 * record may. */
#ifndef FYKE_LIB_WHY_CLOCKS_H
#define FYKE_LIB_WHY_CLOCKS_H

#include "base/arena.h"
#include "engine/record.h"
#include "nfa/rule.h"

struct why_clock {
    uint32_t topic;
    int32_t partition;
    struct etime max;     /* of what was noted; ETIME_MIN: nothing was */
    bool waits;           /* `last` has moved the clock and was not handed out */
    struct record last;
    struct arena arena;   /* of `last` */
};

struct why_clocks {
    struct why_clock *items;
    size_t n, cap;
};

void why_clocks_release(struct why_clocks *c);

/* An event that was not late; `kept`: its record is wanted anyway. True: it is needed whatever comes. */
bool why_clocks_note(struct why_clocks *c, const struct ruleset *rs, const struct event *e,
                     const struct record *r, bool kept);
/* The largest event time of the partition that was noted; ETIME_MIN: none was. */
struct etime why_clocks_max(const struct why_clocks *c, uint32_t topic, int32_t partition);
/* The record that must stand in front of the next one of the partition; NULL: none. Valid until the next
 * call of why_clocks_note(). */
const struct record *why_clocks_due(struct why_clocks *c, uint32_t topic, int32_t partition);

/* With all that it points to. */
struct record why_copy_record(const struct record *r, struct arena *arena);

#endif
