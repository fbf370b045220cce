#include "lib/infer_time.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/decode_field.h"
#include "engine/decode/json_number.h"

#define S INT64_C(1000000000)
#define YEAR_2000_S INT64_C(946684800)
#define YEAR_2100_S INT64_C(4102444800)

static const int64_t bounds_ns[INFER_BOUNDS] = {
    0,       S,        2 * S,    5 * S,    10 * S,    15 * S,    30 * S,     60 * S,    120 * S,
    300 * S, 600 * S, 1800 * S, 3600 * S, 7200 * S, 21600 * S, 86400 * S, INT64_MAX,
};

void infer_time_release(struct infer_time *t)
{
    free(t->frontier);
}

static struct etime *frontier_of(struct infer_time *t, int32_t partition)
{
    uint32_t p = partition < 0 || partition >= INFER_MAX_PARTITIONS ? 0 : (uint32_t)partition;
    if (p >= t->n_frontier) {
        t->frontier = xrealloc(t->frontier, (p + 1) * sizeof(*t->frontier));
        while (t->n_frontier <= p) {
            t->frontier[t->n_frontier++] = ETIME_MIN;
        }
    }
    return &t->frontier[p];
}

void infer_time_add(struct infer_time *t, int32_t partition, struct etime at)
{
    struct etime *frontier = frontier_of(t, partition);
    struct duration behind = {0};
    if (frontier->ns <= at.ns) {
        *frontier = at;
    } else {
        behind = etime_diff(*frontier, at);
    }
    t->worst = behind.ns > t->worst.ns ? behind : t->worst;
    int i = 0;
    while (bounds_ns[i] < behind.ns) {
        i++;
    }
    t->behind[i]++;
    t->first = !t->begun || at.ns < t->first.ns ? at : t->first;
    t->last = !t->begun || at.ns > t->last.ns ? at : t->last;
    t->begun = true;
}

bool infer_time_text(struct infer_time *t, int32_t partition, struct slice text)
{
    struct etime at;
    if ((t->begun && t->unit != UNIT_TEXT) || !etime_parse(text, false, &at) ||
        !field_time_valid(at)) {
        return false;
    }
    t->unit = UNIT_TEXT;
    infer_time_add(t, partition, at);
    return true;
}

/* Nanoseconds of one; the ranges of the four units do not overlap. */
static int64_t unit_of(double v, enum time_unit *unit)
{
    static const struct {
        enum time_unit unit;
        int64_t ns;
    } units[] = {{UNIT_S, S}, {UNIT_MS, 1000000}, {UNIT_US, 1000}, {UNIT_NS, 1}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        double per_s = (double)(S / units[i].ns);
        if (v >= (double)YEAR_2000_S * per_s && v <= (double)YEAR_2100_S * per_s) {
            *unit = units[i].unit;
            return units[i].ns;
        }
    }
    return 0;
}

bool infer_time_number(struct infer_time *t, int32_t partition, struct slice text)
{
    enum time_unit unit;
    double v;
    if (!json_number_to_double(text, &v)) {
        return false;
    }
    int64_t ns = unit_of(v, &unit);
    if (ns == 0 || (t->begun && t->unit != unit)) {
        return false;
    }
    t->unit = unit;
    /* Whole units first: a double holds them exactly. */
    int64_t whole = (int64_t)v;
    int64_t part = (int64_t)((v - (double)whole) * (double)ns);
    infer_time_add(t, partition, (struct etime){whole * ns + part});
    return true;
}

struct duration infer_time_bound(const struct infer_time *t)
{
    int i = INFER_BOUNDS - 1;
    while (i > 0 && t->behind[i] == 0) {
        i--;
    }
    /* Beyond the largest: whole days, at most as many as a duration holds. */
    int64_t day = bounds_ns[INFER_BOUNDS - 2];
    int64_t days = t->worst.ns / day;
    days += days < INT64_MAX / day && t->worst.ns % day > 0;
    return (struct duration){i < INFER_BOUNDS - 1 ? bounds_ns[i] : days * day};
}

bool infer_time_tighter(const struct infer_time *t, struct duration *bound, uint64_t *lost)
{
    uint64_t all = 0, beyond = 0;
    int kept = INFER_BOUNDS - 1;
    for (int i = 0; i < INFER_BOUNDS; i++) {
        all += t->behind[i];
    }
    while (kept > 0 && (beyond + t->behind[kept]) * 1000 <= all) {
        beyond += t->behind[kept--];
    }
    *bound = (struct duration){bounds_ns[kept]};
    *lost = beyond;
    return beyond > 0 && kept < INFER_BOUNDS - 1;
}
