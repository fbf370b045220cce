#include "engine/time/clock_group.h"

#include <stdlib.h>

#include "base/xalloc.h"

void clock_state_init(struct clock_state *c, const struct clock_group *def)
{
    *c = (struct clock_state){
        .def = def,
        .watermark = ETIME_MIN,
        .limit = PLACE_MIN,
        .before = PLACE_MIN,
        .released = PLACE_MIN,
        .floor = ETIME_MIN,
        .end = ETIME_MAX,
        .history_begin = ETIME_MIN,
    };
    order_init(&c->order);
}

void clock_state_release(struct clock_state *c)
{
    order_release(&c->order);
    free(c->parts);
}

bool clock_state_reads(const struct clock_state *c, uint32_t topic)
{
    for (uint32_t i = 0; i < c->def->n_topics; i++) {
        if (c->def->topics[i] == topic) {
            return true;
        }
    }
    return false;
}

void clock_state_add(struct clock_state *c, const struct partition *p)
{
    size_t n = c->n_parts, cap = c->cap_parts;
    VEC_PUSH(c->parts, n, cap) = p;
    size_t i = n - 1;
    while (i > 0 && c->parts[i - 1]->topic->index > p->topic->index) {
        c->parts[i] = c->parts[i - 1];
        i--;
    }
    c->parts[i] = p;
    c->n_parts = (uint32_t)n;
    c->cap_parts = (uint32_t)cap;
}

/* ---- watermark ---------------------------------------------------------------------------- */

static struct etime min_time(struct etime a, struct etime b)
{
    return etime_lt(b, a) ? b : a;
}

static struct etime max_time(struct etime a, struct etime b)
{
    return etime_lt(a, b) ? b : a;
}

/* `watermark per` keeps the frontier behind the largest time; at the end it does no more. */
static struct etime end_frontier(const struct partition *p)
{
    return max_time(p->frontier, etime_sub(p->max_time, p->topic->out_of_order));
}

/* Where the partitions [from, to) of one topic let the clock go: the least of those that hold it;
 * at the topic's end the largest of all. False: the topic has no say. */
static bool topic_frontier(const struct clock_state *c, uint32_t from, uint32_t to,
                           struct etime *ret)
{
    struct etime least = ETIME_MAX, most = ETIME_MIN;
    bool held = false, ended = false;
    for (uint32_t i = from; i < to; i++) {
        const struct partition *p = c->parts[i];
        if (partition_holds(p)) {
            held = true;
            least = min_time(least, p->frontier);
        }
        ended |= p->ended;
        most = max_time(most, end_frontier(p));
    }
    *ret = held ? least : most;
    return held || (ended && most.ns != INT64_MIN);
}

/* Every partition is idle: the one that has come furthest shows the time. */
static struct etime furthest(const struct clock_state *c)
{
    struct etime t = ETIME_MIN;
    for (uint32_t i = 0; i < c->n_parts; i++) {
        t = max_time(t, c->parts[i]->frontier);
    }
    return t;
}

static struct etime least_frontier(const struct clock_state *c)
{
    struct etime least = ETIME_MAX;
    bool any = false;
    for (uint32_t from = 0, to; from < c->n_parts; from = to) {
        for (to = from + 1; to < c->n_parts && c->parts[to]->topic == c->parts[from]->topic;) {
            to++;
        }
        struct etime t;
        if (topic_frontier(c, from, to, &t)) {
            any = true;
            least = min_time(least, t);
        }
    }
    return any ? least : furthest(c);
}

/* ---- release limit ------------------------------------------------------------------------ */

static struct place release_limit(const struct clock_state *c)
{
    struct place least = PLACE_MAX, most = PLACE_MIN;
    bool held = false, ended = c->n_parts > 0;
    for (uint32_t i = 0; i < c->n_parts; i++) {
        const struct partition *p = c->parts[i];
        struct place next = partition_next_place(p);
        most = place_max(most, next);
        ended &= p->ended;
        if (partition_holds(p)) {
            held = true;
            least = place_cmp(next, least) < 0 ? next : least;
        }
    }
    return held || ended ? least : most;
}

/* ---- history (language.md 3.7) ------------------------------------------------------------ */

/* Fixed when something is released first: then every partition that holds the clock has been
 * read. An empty partition begins at the first watermark, which lies before every other beginning
 * unless all were empty. */
static void fix_history(struct clock_state *c)
{
    struct etime begin = ETIME_MIN, first = ETIME_MAX;
    for (uint32_t i = 0; i < c->n_parts; i++) {
        const struct partition *p = c->parts[i];
        if (!p->has_time) {
            continue;
        }
        first = min_time(first, etime_sub(p->first_time, p->topic->out_of_order));
        if (!p->empty_at_start) {
            begin = max_time(begin, p->first_time);
        }
    }
    c->history_begin = begin.ns != INT64_MIN ? begin : first;
    c->has_history = true;
}

/* ---- all together ------------------------------------------------------------------------- */

/* After a restart the order buffer is not yet what the clock says it is. */
static bool is_replaying(const struct clock_state *c)
{
    for (uint32_t i = 0; i < c->n_parts; i++) {
        if (c->parts[i]->replay_until > 0) {
            return true;
        }
    }
    return false;
}

void clock_state_update(struct clock_state *c)
{
    c->before = c->limit;
    if (is_replaying(c)) {
        return;
    }
    struct etime w = max_time(least_frontier(c), c->floor);
    struct place limit = place_max(release_limit(c), place_before_time(c->floor));
    w = etime_lt(c->end, w) ? c->end : w;
    c->watermark = max_time(c->watermark, w);
    if (c->def->waits) {
        limit = place_min(limit, place_after_time(c->watermark));
        limit = place_max(limit, place_before_time(c->watermark));
    }
    c->limit = place_max(c->limit, limit);
    const struct order_item *first = order_peek(&c->order);
    if (!c->has_history && first != NULL && place_cmp(order_item_place(first), c->limit) < 0) {
        fix_history(c);
    }
}

void clock_state_raise(struct clock_state *c, struct etime t)
{
    c->floor = max_time(c->floor, t);
}

size_t clock_state_take(struct clock_state *c, struct place cut, size_t most,
                        const struct order_item **ret)
{
    struct place limit = place_min(c->limit, cut);
    size_t n = order_take(&c->order, limit, most, ret);
    if (n == 0 && most > 0 && order_pop(&c->order, limit, &c->taken)) {
        *ret = &c->taken;
        n = 1;
    }
    if (n > 0) {
        c->released = place_max(c->released, order_item_place(&(*ret)[n - 1]));
    }
    return n;
}

const struct partition *clock_state_holder(const struct clock_state *c)
{
    const struct partition *holder = NULL;
    for (uint32_t i = 0; i < c->n_parts; i++) {
        const struct partition *p = c->parts[i];
        if (partition_holds(p) && (holder == NULL || place_cmp(partition_next_place(p),
                                                               partition_next_place(holder)) < 0)) {
            holder = p;
        }
    }
    return holder;
}
