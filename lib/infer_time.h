/* A field that may be the event time: in which unit, over which range, how far out of order. */
#ifndef FYKE_LIB_INFER_TIME_H
#define FYKE_LIB_INFER_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "nfa/schema.h"

/* Bounds that people write; the last one stands for everything beyond. */
#define INFER_BOUNDS 17
#define INFER_MAX_PARTITIONS 65536

struct infer_time {
    enum time_unit unit;
    bool begun;
    struct etime first, last;         /* the least and the largest */
    struct duration worst;            /* behind the newest of its partition */
    uint64_t behind[INFER_BOUNDS];    /* values by the least bound that holds them */
    struct etime *frontier;           /* per partition; ETIME_MIN: nothing yet */
    uint32_t n_frontier;
};

/* False: this text is no time. */
bool infer_time_text(struct infer_time *t, int32_t partition, struct slice text);
/* A number is a time if it lies between 2000 and 2100 in s, ms, us or ns; the unit of the first one
 * holds for all. */
bool infer_time_number(struct infer_time *t, int32_t partition, struct slice text);
void infer_time_add(struct infer_time *t, int32_t partition, struct etime at);
void infer_time_release(struct infer_time *t);

/* The least bound that keeps all that was seen; 0 when all came in order. Times of different centuries
 * can lie further apart than any duration: then the longest in whole days, and `worst` lies beyond. */
struct duration infer_time_bound(const struct infer_time *t);
/* A smaller bound that would have lost at most one in a thousand, and how many that is; false: there
 * is none. */
bool infer_time_tighter(const struct infer_time *t, struct duration *bound, uint64_t *lost);

#endif
