/* Partitions that say nothing.
 *
 * Idleness needs processing time, which comes from outside: the end of the partition was reached
 * and for `idle after` nothing has come. It only lets the clock move on; bounded input knows none.
 */
#include <inttypes.h>

#include "engine/engine_parts.h"

#define HELD_NS (10 * NS_PER_S)  /* a clock held this long is worth a line */
#define NAMED_NS (60 * NS_PER_S) /* one line per clock group in this time */

static bool passed(struct ptime now, struct ptime since, int64_t ns)
{
    return now.ns - since.ns >= ns;
}

void idle_note_end(struct engine *e, const struct partition_position *at)
{
    struct partition *p = engine_find_partition(e, at->topic, at->partition);
    if (p == NULL) {
        return;
    }
    if (e->source != NULL && e->source->bounded) {
        p->replay_until = 0;
        p->ended = true;
        return;
    }
    if (at->offset < p->replay_until) {
        return; /* a leader that has just taken over shows what was read before only by and by */
    }
    p->replay_until = 0;
    if (at->offset > p->next_offset) {
        p->next_offset = at->offset; /* what lies between are no records: transaction markers */
        e->dirty = true;
    }
    if (!p->at_end) {
        p->at_end = true;
        p->quiet_since = engine_now(e);
    }
}

/* The clock waits for it again; what idleness has let through is not taken back. */
void idle_note_lost_end(struct engine *e, const struct partition_position *at)
{
    struct partition *p = engine_find_partition(e, at->topic, at->partition);
    if (p != NULL) {
        p->at_end = false;
        p->idle = false;
    }
}

static void let_go(struct engine *e, struct ptime now)
{
    for (size_t i = 0; i < e->n_partitions; i++) {
        struct partition *p = e->partitions[i];
        int64_t idle_after = p->topic->idle_after.ns;
        bool silent = p->at_end && !p->paused && p->replay_until == 0;
        if (idle_after > 0 && silent && !p->idle && !p->ended &&
            passed(now, p->quiet_since, idle_after)) {
            p->idle = true;
            p->idle_advances++;
            e->dirty = true; /* what it lets through is committed as soon as what records bring */
        }
    }
}

/* `follow clock`: when every partition of a clock group is idle and says so, event time goes on as
 * processing time does since the last record of each. */
static void follow_clock(struct clock_state *c, struct ptime now)
{
    struct etime least = ETIME_MAX;
    for (uint32_t i = 0; i < c->n_parts; i++) {
        const struct partition *p = c->parts[i];
        if (!p->idle || !p->topic->follow_clock || p->frontier.ns == INT64_MIN) {
            return;
        }
        struct duration since = {now.ns - p->quiet_since.ns};
        struct etime t = etime_add(p->frontier, since);
        least = etime_lt(t, least) ? t : least;
    }
    if (c->n_parts > 0) {
        clock_state_raise(c, least);
    }
}

static void name_holder(struct engine *e, struct clock_state *c, struct ptime now)
{
    const struct partition *holder = order_count(&c->order) > 0 ? clock_state_holder(c) : NULL;
    if (holder != c->holder) {
        c->holder = holder;
        c->held_since = now;
        c->held_at = c->watermark;
        return;
    }
    if (c->held_at.ns != c->watermark.ns) {
        c->held_at = c->watermark;
        c->held_since = now;
        return;
    }
    if (holder == NULL || !passed(now, c->held_since, HELD_NS) ||
        (c->was_named && !passed(now, c->named_at, NAMED_NS))) {
        return;
    }
    c->was_named = true;
    c->named_at = now;
    e->clock_holds++;
    engine_say(e,
               "topic \"%.*s\" partition %d has held the clock back for %" PRId64
               " s; %zu events wait for it",
               SLICE_ARG(holder->topic->name), (int)holder->id,
               (now.ns - c->held_since.ns) / NS_PER_S, order_count(&c->order));
}

void idle_check(struct engine *e)
{
    struct ptime now = engine_now(e);
    let_go(e, now);
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        follow_clock(&e->clocks[g], now);
        name_holder(e, &e->clocks[g], now);
    }
}
