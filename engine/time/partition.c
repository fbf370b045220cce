#include "engine/time/partition.h"

#include <stdlib.h>

#include "base/xalloc.h"

void partition_init(struct partition *p, const struct schema_topic *topic,
                    const struct source_partition *sp)
{
    *p = (struct partition){
        .topic = topic,
        .id = sp->partition,
        .next_offset = sp->first_offset,
        .empty_at_start = sp->empty,
        .max_time = ETIME_MIN,
        .first_time = ETIME_MIN,
        .frontier = ETIME_MIN,
        .floor = ETIME_MIN,
        .restored = -1,
        .held_restart = -1,
    };
    if (topic->has_watermark_per) {
        value_clocks_init(&p->values, topic->idle_after);
    }
}

void partition_release(struct partition *p)
{
    if (p->topic->has_watermark_per) {
        value_clocks_release(&p->values);
    }
    buf_release(&p->value_text);
    late_runs_release(&p->late_runs);
    free(p->returned.items);
}

/* Events of declarations without F share the clock of the missing value. */
static struct slice value_of(struct partition *p, const struct event *e)
{
    const struct schema_topic *t = p->topic;
    struct value v = e->decl == t->watermark_per_decl && t->watermark_per_slot < e->n_values
                         ? e->values[t->watermark_per_slot]
                         : VALUE_MISSING;
    buf_clear(&p->value_text);
    value_encode(v, &p->value_text);
    return buf_slice(&p->value_text);
}

bool partition_is_late_by_value(struct partition *p, const struct event *e)
{
    if (etime_lt(e->time, p->floor)) {
        return true;
    }
    struct etime own = value_clocks_get(&p->values, value_of(p, e));
    return etime_lt(e->time, etime_sub(own, p->topic->out_of_order));
}

/* ---- what a restart has to know ----------------------------------------------------------- */

static void note_event(struct event_notes *l, const struct event *e, struct etime due)
{
    VEC_PUSH(l->items, l->n, l->cap) = (struct event_note){e->at.offset, e->decl, due};
}

static const struct event_note *find_note(const struct event_notes *l, const struct event *e)
{
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->items[mid].offset < e->at.offset) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    for (; lo < l->n && l->items[lo].offset == e->at.offset; lo++) {
        if (l->items[lo].decl == e->decl) {
            return &l->items[lo];
        }
    }
    return NULL;
}

static void forget_notes(struct event_notes *l, int64_t restart)
{
    size_t gone = 0;
    while (gone < l->n && l->items[gone].offset < restart) {
        gone++;
    }
    l->n -= gone;
    if (gone > 0 && l->n > 0) {
        memmove(l->items, l->items + gone, l->n * sizeof(*l->items));
    }
}

void partition_keep_due(struct partition *p, const struct event *e, struct etime due)
{
    note_event(&p->returned, e, due);
}

struct etime partition_due_before(const struct partition *p, const struct event *e)
{
    const struct event_note *note = find_note(&p->returned, e);
    return note != NULL ? note->due : e->time;
}

void partition_forget(struct partition *p, int64_t restart)
{
    late_runs_forget(&p->late_runs, restart);
    forget_notes(&p->returned, restart);
}

/* ---- clock -------------------------------------------------------------------------------- */

struct etime partition_note_value(struct partition *p, const struct event *e)
{
    value_clocks_note(&p->values, value_of(p, e), e->time, p->max_time);
    return value_clocks_least(&p->values);
}

void partition_raise(struct partition *p, struct etime t)
{
    p->floor = etime_lt(p->floor, t) ? t : p->floor;
    partition_raise_frontier(p, t);
}

struct place partition_next_place(const struct partition *p)
{
    return (struct place){p->frontier, {p->topic->index, p->id, p->next_offset}, 0};
}
