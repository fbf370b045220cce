/* One input partition: its clock, its lateness, its offsets.
 *
 * The clock is a fact of the partition's log alone: frontier = largest event time of its valid
 * events − `out of order by`. An event is late iff it is earlier than the frontier at the moment it
 * is read; no other partition and no scheduling has a say. With `watermark per F` lateness is
 * judged by the clock of the event's own value, the frontier is the least of them. So an event of a
 * value that had fallen silent may come back in front of the frontier: it is released where the
 * frontier stood when it was read, a fact of the log too.
 *
 * Thread rule: the input thread's. */
#ifndef FYKE_ENGINE_TIME_PARTITION_H
#define FYKE_ENGINE_TIME_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/io.h"
#include "engine/time/late_runs.h"
#include "engine/time/place.h"
#include "engine/time/value_clock.h"
#include "nfa/schema.h"

/* What was found out about an event when it was read; (offset, declaration) names it. */
struct event_note {
    int64_t offset;
    uint32_t decl;
    struct etime due; /* of one that came back: where it is released */
};
/* Ascending by offset. */
struct event_notes {
    struct event_note *items;
    size_t n, cap;
};

struct partition {
    const struct schema_topic *topic;
    int32_t id;
    int64_t next_offset;        /* highest offset read + 1; where reading goes on */
    bool empty_at_start;
    bool has_time;              /* an event was read: max_time and first_time hold */
    struct etime max_time;      /* of all valid events read */
    struct etime first_time;    /* of the first valid event: where its history begins */
    struct etime frontier;      /* monotone; ETIME_MIN: nothing known */
    struct etime floor;         /* engine_advance(): told that nothing earlier comes */
    struct value_clocks values; /* `watermark per` */
    struct buf value_text;      /* scratch: canonical bytes of a value */
    bool ended;                 /* bounded input: delivered everything */
    bool idle;                  /* holds no clock until its next record */
    bool at_end;                /* Kafka: end reached, nothing since */
    bool paused;
    bool said_append_time, said_misplaced;
    uint64_t keyed, misplaced;  /* in a group: events whose message key was looked at; was another */
    struct ptime quiet_since;   /* last record, or when the end was seen first */
    uint64_t read, late, invalid, idle_advances;

    /* After a restart records below this offset are read a second time: their part in the clock is
     * restored already, only the order buffer needs them; until all of them are back, no clock that
     * reads the partition moves. 0: none, or done. */
    int64_t replay_until;
    int64_t replay_next;   /* while that lasts: the first of them that is still to come */
    int64_t restored;      /* offsets below this were read before the last start; -1: no start */
    int64_t restart;       /* where a restart would read (checkpoint_restarts) */
    const struct record *newest; /* of the batch being read; NULL: none yet */
    struct record_mark last;     /* of the record read last; kept only with a state */
    /* What was late and what came back at offsets that a restart may read again; kept only with a
     * state. */
    struct late_runs late_runs;
    struct event_notes returned;
    /* A restart would read on from here since then (position_check); told once. */
    int64_t held_restart;
    struct ptime held_since;
    bool said_held;
};

void partition_init(struct partition *p, const struct schema_topic *topic,
                    const struct source_partition *sp);
void partition_release(struct partition *p);

/* A record with this offset was read before: it counts once. */
static inline bool partition_repeats(const struct partition *p, int64_t offset)
{
    return offset < p->next_offset;
}
/* By the clock of the event's own value. */
bool partition_is_late_by_value(struct partition *p, const struct event *e);
/* Judged before partition_note() of any event of the same record. */
static inline bool partition_is_late(struct partition *p, const struct event *e)
{
    return p->topic->has_watermark_per ? partition_is_late_by_value(p, e)
                                       : etime_lt(e->time, p->floor) || etime_lt(e->time, p->frontier);
}
/* Where an event that is not late stands in the order of release: at its own time or, behind the
 * frontier, at that. Of several events of one record by `frontier` as it was before all of them. */
static inline struct etime partition_due(struct etime frontier, const struct event *e)
{
    return etime_lt(e->time, frontier) ? frontier : e->time;
}
/* Remembers it of one that came back. */
void partition_keep_due(struct partition *p, const struct event *e, struct etime due);
/* What was remembered; else the event's own time. */
struct etime partition_due_before(const struct partition *p, const struct event *e);
/* No restart will read below this offset. */
void partition_forget(struct partition *p, int64_t restart);
static inline void partition_raise_frontier(struct partition *p, struct etime t)
{
    p->frontier = etime_lt(p->frontier, t) ? t : p->frontier;
}
/* The clock of the event's own value; returns the least of all. */
struct etime partition_note_value(struct partition *p, const struct event *e);
/* A valid event that is not late moves the clock. */
static inline void partition_note(struct partition *p, const struct event *e)
{
    if (!p->has_time) {
        p->has_time = true;
        p->first_time = e->time;
    }
    p->max_time = etime_lt(p->max_time, e->time) ? e->time : p->max_time;
    struct etime least = p->topic->has_watermark_per ? partition_note_value(p, e) : p->max_time;
    partition_raise_frontier(p, etime_sub(least, p->topic->out_of_order));
}
/* Nothing earlier than t will come. */
void partition_raise(struct partition *p, struct etime t);

/* It may still deliver events, so the clock waits for it. */
static inline bool partition_holds(const struct partition *p)
{
    return !p->ended && !p->idle;
}
/* The first place at which an event may still arrive. */
struct place partition_next_place(const struct partition *p);

#endif
