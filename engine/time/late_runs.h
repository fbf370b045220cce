/* What was late in a partition, by runs: every event of a declaration at offsets in [from, to]. A run goes on
 * until an event of that declaration is in time, so behind an event far ahead there is one, however long it
 * is. Which runs there are depends on the log and on where a restart would read, not on when that was asked. */
#ifndef FYKE_ENGINE_TIME_LATE_RUNS_H
#define FYKE_ENGINE_TIME_LATE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct late_run {
    int64_t from, to;
};

struct late_decl {
    uint32_t decl;
    bool open;
    int64_t since;          /* where the open run begins */
    struct late_run *items; /* those that ended, ascending */
    size_t n, cap;
};

struct late_runs {
    struct late_decl *items; /* ascending by declaration */
    size_t n, cap;
};

void late_runs_release(struct late_runs *l);
/* The event of `decl` at the offset, read now, was late, or was not. */
void late_runs_late(struct late_runs *l, uint32_t decl, int64_t offset);
void late_runs_end(struct late_runs *l, uint32_t decl, int64_t offset);
static inline void late_runs_in_time(struct late_runs *l, uint32_t decl, int64_t offset)
{
    if (l->n > 0) {
        late_runs_end(l, decl, offset);
    }
}
/* As stored; of one declaration ascending, the open one last. */
void late_runs_put(struct late_runs *l, uint32_t decl, struct late_run run);
void late_runs_put_open(struct late_runs *l, uint32_t decl, int64_t since);
bool late_runs_has(const struct late_runs *l, uint32_t decl, int64_t offset);
/* Nothing in front of `restart` is asked for any more. Open runs stay: that the last event was late is a
 * fact of the log. */
void late_runs_forget(struct late_runs *l, int64_t restart);
size_t late_runs_count(const struct late_runs *l);

#endif
