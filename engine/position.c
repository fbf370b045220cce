/* An event far ahead of the clock waits for its time, and a restart has to read on from it. That costs no
 * answer; whoever looks after the run is told. */
#include <inttypes.h>

#include "engine/engine_parts.h"

#define HELD_NS (60 * NS_PER_S)
#define HELD_RECORDS 10000

static void tell(struct engine *e, struct partition *p)
{
    p->said_held = true;
    e->position_holds++;
    engine_say(e, "topic \"%.*s\" partition %d: the event at offset %" PRId64 " still waits for its time, so "
               "a restart would read again from there, %" PRId64 " records; `at most D ahead` keeps events "
               "out that are far ahead", SLICE_ARG(p->topic->name), (int)p->id, p->restart,
               p->next_offset - p->restart);
}

void position_check(struct engine *e)
{
    struct ptime now = engine_now(e);
    for (size_t i = 0; i < e->n_partitions && e->state != NULL; i++) {
        struct partition *p = e->partitions[i];
        if (p->restart != p->held_restart) {
            p->held_restart = p->restart;
            p->held_since = now;
            p->said_held = false;
        } else if (!p->said_held && p->replay_until == 0 &&
                   p->next_offset - p->restart >= HELD_RECORDS &&
                   now.ns - p->held_since.ns >= HELD_NS) {
            tell(e, p);
        }
    }
}
