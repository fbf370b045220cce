/* `watermark per F`: one clock per value of F within a partition.
 *
 * Each value has its own largest time. A value more than `idle_after` behind the partition's
 * largest time does not count in the minimum; that is a fact of the log, live and in replay. The
 * table is bounded: when it is full, the value furthest behind is forgotten; a long value is known by its
 * hash.
 *
 * Values lie in pages by their hash. A page is what is stored as one (engine/state/clock_page.h), so that
 * a commit writes those alone in which a clock has moved. */
#ifndef FYKE_ENGINE_TIME_VALUE_CLOCK_H
#define FYKE_ENGINE_TIME_VALUE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/slice.h"

#define VALUE_CLOCK_MAX 65536
#define VALUE_CLOCK_LONGEST 256 /* canonical bytes; longer values: 17 bytes */
#define VALUE_CLOCK_PAGES 1024

struct value_clock_entry {
    struct heap_node node; /* by time, then value */
    struct etime max_time;
    struct value_clock_entry *chain;
    uint64_t hash;
    bool counts; /* in which of the two heaps it is */
    size_t len;
    char value[]; /* canonical bytes */
};

struct value_clock_page {
    struct value_clock_entry *first;
    uint64_t sum;   /* of its stored parts */
    uint32_t parts; /* as it is stored; 0: not at all */
    bool changed;   /* since it was stored */
};

struct value_clocks {
    struct value_clock_page *pages;
    uint64_t field; /* of which field the values are (schema_field_shape); 0: not told */
    bool untold;    /* parts that do not tell it were read */
    size_t n;
    uint16_t *changed; /* their numbers */
    size_t n_changed;
    uint64_t sum; /* over all pages */
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

/* ---- what is stored ----------------------------------------------------------------------- */

/* In which page a value lies; of bytes as they are stored. */
uint32_t value_clocks_page_of(struct slice stored);
/* The entries of a page in order of their values; valid until the next call. */
struct value_clock_list {
    const struct value_clock_entry **items;
    size_t n, cap;
};
void value_clocks_list(const struct value_clocks *c, uint32_t page, struct value_clock_list *ret);
/* The pages that have changed, ascending; from here on they have not. */
size_t value_clocks_take_changed(struct value_clocks *c, const uint16_t **ret);
/* Every page that is stored is to be written anew. */
void value_clocks_rewrite(struct value_clocks *c);
/* Forgets all values; how pages are stored stays known. */
void value_clocks_clear(struct value_clocks *c);
/* What was noted is stored as it is. */
void value_clocks_settle(struct value_clocks *c);

#endif
