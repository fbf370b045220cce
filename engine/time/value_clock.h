/* `watermark per F`: one clock per value of F within a partition.
 *
 * Each value has its own largest time. A value more than `idle_after` behind the partition's
 * largest time does not count in the minimum; that is a fact of the log, live and in replay. The
 * table is bounded: when it is full, the value furthest behind is forgotten. */
#ifndef FYKE_ENGINE_TIME_VALUE_CLOCK_H
#define FYKE_ENGINE_TIME_VALUE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/slice.h"

#define VALUE_CLOCK_MAX 65536

struct value_clock_entry {
    struct heap_node node; /* by time, then value */
    struct etime max_time;
    struct value_clock_entry *chain;
    uint64_t hash;
    bool counts; /* in which of the two heaps it is */
    size_t len;
    char value[]; /* canonical bytes */
};

struct value_clocks {
    struct value_clock_entry **buckets;
    size_t n_buckets, n;
    struct heap active; /* values that count in the minimum */
    struct heap idle;   /* the others */
    struct duration idle_after;
    uint64_t forgotten; /* values that the table had no room for */
};

void value_clocks_init(struct value_clocks *c, struct duration idle_after);
void value_clocks_release(struct value_clocks *c);
/* Largest time of a value; ETIME_MIN when it is not known. */
struct etime value_clocks_get(const struct value_clocks *c, struct slice value);
/* An event of the value at time t; `partition_max` is the partition's largest time, t included. */
void value_clocks_note(struct value_clocks *c, struct slice value, struct etime t,
                       struct etime partition_max);
/* Least over the values that count; ETIME_MIN when there is none. */
struct etime value_clocks_least(const struct value_clocks *c);
/* Every value with its time, in order of time then value (checkpoint). */
typedef void (*value_clocks_fn)(void *ctx, struct slice value, struct etime max_time);
void value_clocks_each(const struct value_clocks *c, value_clocks_fn fn, void *ctx);

#endif
