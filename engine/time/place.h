/* A place in the total order of language.md 3.1, without the event that stands there. */
#ifndef FYKE_ENGINE_TIME_PLACE_H
#define FYKE_ENGINE_TIME_PLACE_H

#include "base/clock.h"
#include "nfa/event.h"

struct place {
    struct etime time;
    struct coord at;
    uint32_t decl;
};

/* Before everything: "nothing seen yet". */
#define PLACE_MIN ((struct place){ETIME_MIN, {0, INT32_MIN, INT64_MIN}, 0})
#define PLACE_MAX ((struct place){ETIME_MAX, {UINT32_MAX, INT32_MAX, INT64_MAX}, UINT32_MAX})

static inline struct place place_of(const struct event *e)
{
    return (struct place){e->time, e->at, e->decl};
}

/* Behind every event of time t: where the deadlines of t stand. */
static inline struct place place_after_time(struct etime t)
{
    return (struct place){t, {UINT32_MAX, INT32_MAX, INT64_MAX}, UINT32_MAX};
}

/* In front of every event of time t. */
static inline struct place place_before_time(struct etime t)
{
    return (struct place){t, {0, INT32_MIN, INT64_MIN}, 0};
}

static inline int place_cmp(struct place a, struct place b)
{
    if (a.time.ns != b.time.ns) {
        return a.time.ns < b.time.ns ? -1 : 1;
    }
    if (a.at.topic != b.at.topic) {
        return a.at.topic < b.at.topic ? -1 : 1;
    }
    if (a.at.partition != b.at.partition) {
        return a.at.partition < b.at.partition ? -1 : 1;
    }
    if (a.at.offset != b.at.offset) {
        return a.at.offset < b.at.offset ? -1 : 1;
    }
    return a.decl < b.decl ? -1 : a.decl > b.decl;
}

static inline struct place place_max(struct place a, struct place b)
{
    return place_cmp(a, b) < 0 ? b : a;
}

static inline struct place place_min(struct place a, struct place b)
{
    return place_cmp(a, b) < 0 ? a : b;
}

#endif
