/* The order buffer and lateness: the same logs give the same sequence and the same late events,
 * however their partitions are interleaved and however often the clock is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "engine/time/clock_group.h"

#define MAX_PARTITIONS 3
#define MAX_EVENTS 40

struct log {
    int64_t times[MAX_EVENTS];
    uint32_t n;
};

struct world {
    struct schema_topic topics[2];
    struct clock_group group;
    uint32_t group_topics[2];
    struct log logs[MAX_PARTITIONS];
    uint32_t topic_of[MAX_PARTITIONS];
    int32_t id_of[MAX_PARTITIONS];
    uint32_t n;
};

struct outcome {
    struct coord released[MAX_PARTITIONS * MAX_EVENTS];
    uint32_t n_released;
    struct coord late[MAX_PARTITIONS * MAX_EVENTS];
    uint32_t n_late;
};

static void world_random(struct world *w, struct rng *rng)
{
    *w = (struct world){.group = {.topics = w->group_topics, .n_topics = 2}};
    w->group_topics[1] = 1;
    for (uint32_t t = 0; t < 2; t++) {
        w->topics[t].index = t;
        w->topics[t].out_of_order.ns = rng_range(rng, 0, 5);
    }
    w->n = (uint32_t)rng_range(rng, 1, MAX_PARTITIONS);
    for (uint32_t p = 0; p < w->n; p++) {
        w->topic_of[p] = (uint32_t)rng_below(rng, 2);
        w->id_of[p] = (int32_t)p;
        w->logs[p].n = (uint32_t)rng_range(rng, 0, MAX_EVENTS);
        int64_t now = rng_range(rng, 0, 5);
        for (uint32_t i = 0; i < w->logs[p].n; i++) {
            now += rng_range(rng, 0, 2);
            w->logs[p].times[i] = now - rng_range(rng, 0, 6);
        }
    }
}

/* ---- one run over the logs ---------------------------------------------------------------- */

struct run {
    const struct world *w;
    struct partition parts[MAX_PARTITIONS];
    uint32_t at[MAX_PARTITIONS];
    struct clock_state clock;
    struct event_blocks blocks;
    struct outcome *out;
};

static void run_begin(struct run *r, const struct world *w, struct outcome *out)
{
    memset(r, 0, sizeof(*r));
    memset(out, 0, sizeof(*out));
    r->w = w;
    r->out = out;
    event_blocks_init(&r->blocks);
    clock_state_init(&r->clock, &w->group);
    for (uint32_t p = 0; p < w->n; p++) {
        struct source_partition sp = {.topic = w->topic_of[p], .partition = w->id_of[p]};
        partition_init(&r->parts[p], &w->topics[w->topic_of[p]], &sp);
        clock_state_add(&r->clock, &r->parts[p]);
    }
}

static void run_end(struct run *r)
{
    for (uint32_t p = 0; p < r->w->n; p++) {
        partition_release(&r->parts[p]);
    }
    clock_state_release(&r->clock);
    event_blocks_release(&r->blocks);
}

static void run_read(struct run *r, uint32_t p)
{
    struct event_block *block = event_blocks_open(&r->blocks);
    struct event *e = arena_alloc(&block->arena, sizeof(*e));
    e->time.ns = r->w->logs[p].times[r->at[p]];
    e->at = (struct coord){r->w->topic_of[p], r->w->id_of[p], r->at[p]};
    r->parts[p].next_offset = ++r->at[p];
    if (partition_is_late(&r->parts[p], e)) {
        r->out->late[r->out->n_late++] = e->at;
        return;
    }
    partition_note(&r->parts[p], e);
    event_block_hold(block);
    order_push(&r->clock.order, &(struct order_item){e->time, e, block, NULL});
}

/* By threes: what stands in a row comes together. */
static void run_release(struct run *r)
{
    const struct order_item *items;
    clock_state_update(&r->clock);
    for (size_t n; (n = clock_state_take(&r->clock, PLACE_MAX, 3, &items)) > 0;) {
        assert_true(n <= 3);
        for (size_t i = 0; i < n; i++) {
            assert_false(clock_state_came_after(&r->clock, &items[i]));
            r->out->released[r->out->n_released++] = items[i].event->at;
            event_block_unhold(items[i].block);
        }
    }
}

static int coord_cmp(const void *x, const void *y)
{
    const struct coord *a = x, *b = y;
    if (a->partition != b->partition) {
        return a->partition < b->partition ? -1 : 1;
    }
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Reads the partitions in a random interleaving, releasing now and then. */
static void run_random(const struct world *w, struct rng *rng, struct outcome *out)
{
    struct run r;
    uint64_t release_every = 1 + rng_below(rng, 8);
    run_begin(&r, w, out);
    for (;;) {
        uint32_t open[MAX_PARTITIONS], n = 0;
        for (uint32_t p = 0; p < w->n; p++) {
            r.parts[p].ended = r.at[p] == w->logs[p].n && rng_below(rng, 2) == 0;
            if (r.at[p] < w->logs[p].n) {
                open[n++] = p;
            }
        }
        if (n == 0) {
            break;
        }
        run_read(&r, open[rng_below(rng, n)]);
        if (rng_below(rng, release_every) == 0) {
            run_release(&r);
        }
    }
    for (uint32_t p = 0; p < w->n; p++) {
        r.parts[p].ended = true;
    }
    run_release(&r);
    assert_int_equal(order_count(&r.clock.order), 0);
    qsort(out->late, out->n_late, sizeof(out->late[0]), coord_cmp);
    run_end(&r);
}

static void same_for_all_interleavings(void **state)
{
    (void)state;
    struct rng rng = rng_seed(20260105);
    struct outcome *first = xcalloc(1, sizeof(*first)), *again = xcalloc(1, sizeof(*again));
    for (int round = 0; round < 400; round++) {
        struct world w;
        world_random(&w, &rng);
        run_random(&w, &rng, first);
        for (int k = 0; k < 6; k++) {
            run_random(&w, &rng, again);
            assert_int_equal(again->n_released, first->n_released);
            assert_int_equal(again->n_late, first->n_late);
            for (uint32_t i = 0; i < first->n_released; i++) {
                assert_int_equal(coord_cmp(&again->released[i], &first->released[i]), 0);
            }
            for (uint32_t i = 0; i < first->n_late; i++) {
                assert_int_equal(coord_cmp(&again->late[i], &first->late[i]), 0);
            }
        }
    }
    free(first);
    free(again);
}

/* ---- single facts ------------------------------------------------------------------------- */

static void world_of(struct world *w, uint32_t n, int64_t bound)
{
    *w = (struct world){.n = n, .group = {.topics = w->group_topics, .n_topics = 2}};
    w->group_topics[1] = 1;
    for (uint32_t t = 0; t < 2; t++) {
        w->topics[t].index = t;
        w->topics[t].out_of_order.ns = bound;
    }
    for (uint32_t p = 0; p < n; p++) {
        w->id_of[p] = (int32_t)p;
    }
}

static void log_set(struct log *l, const int64_t *times, uint32_t n)
{
    memcpy(l->times, times, n * sizeof(*times));
    l->n = n;
}

static void one_ordered_partition_adds_no_delay(void **state)
{
    (void)state;
    struct world w;
    struct outcome out;
    struct run r;
    world_of(&w, 1, 0);
    log_set(&w.logs[0], (const int64_t[]){10, 10, 20}, 3);
    run_begin(&r, &w, &out);
    for (uint32_t i = 0; i < 3; i++) {
        run_read(&r, 0);
        run_release(&r);
        assert_int_equal(out.n_released, i + 1);
    }
    assert_int_equal(r.clock.watermark.ns, 20);
    run_end(&r);
}

/* At one time partition 0 stands before partition 1, so it waits for nobody, partition 1 waits for
 * partition 0 to go past that time. */
static void ties_wait_for_places_before_them(void **state)
{
    (void)state;
    struct world w;
    struct outcome out;
    struct run r;
    world_of(&w, 2, 0);
    log_set(&w.logs[0], (const int64_t[]){10, 10, 11}, 3);
    log_set(&w.logs[1], (const int64_t[]){10}, 1);
    run_begin(&r, &w, &out);
    run_read(&r, 1);
    run_release(&r);
    assert_int_equal(out.n_released, 0);
    run_read(&r, 0);
    run_release(&r);
    assert_int_equal(out.n_released, 1);
    assert_int_equal(out.released[0].partition, 0);
    run_read(&r, 0);
    run_release(&r);
    assert_int_equal(out.n_released, 2);
    run_read(&r, 0);
    run_release(&r);
    assert_int_equal(out.n_released, 3);
    assert_int_equal(out.released[2].partition, 1);
    run_end(&r);
}

static void lateness_is_the_partitions_own(void **state)
{
    (void)state;
    struct world w;
    struct outcome out;
    struct run r;
    world_of(&w, 2, 5);
    log_set(&w.logs[0], (const int64_t[]){100, 95, 94, 101, 96, 95}, 6);
    log_set(&w.logs[1], (const int64_t[]){3}, 1);
    run_begin(&r, &w, &out);
    for (int i = 0; i < 6; i++) {
        run_read(&r, 0);
    }
    run_read(&r, 1); /* far behind the other partition, not late */
    assert_int_equal(out.n_late, 2);
    assert_int_equal(out.late[0].offset, 2);
    assert_int_equal(out.late[1].offset, 5);
    run_release(&r);
    assert_int_equal(out.n_released, 0);
    r.parts[1].ended = true;
    run_release(&r);
    assert_int_equal(out.n_released, 3); /* 3, 95, then 96 waits: its partition may send 96 again */
    run_end(&r);
}

static void a_bounded_topic_ends_at_its_largest_time(void **state)
{
    (void)state;
    struct world w;
    struct outcome out;
    struct run r;
    world_of(&w, 2, 5);
    w.topic_of[1] = 1;
    log_set(&w.logs[0], (const int64_t[]){100}, 1);
    log_set(&w.logs[1], (const int64_t[]){1000}, 1);
    run_begin(&r, &w, &out);
    run_read(&r, 0);
    run_read(&r, 1);
    r.parts[0].ended = true;
    run_release(&r);
    assert_int_equal(out.n_released, 1); /* 1000 waits for 5 more */
    assert_int_equal(r.clock.watermark.ns, 95);
    r.parts[1].ended = true;
    run_release(&r);
    assert_int_equal(out.n_released, 2);
    assert_int_equal(r.clock.watermark.ns, 95);
    run_end(&r);
}

static void an_idle_partition_lets_the_clock_go(void **state)
{
    (void)state;
    struct world w;
    struct outcome out;
    struct run r;
    const struct order_item *item;
    world_of(&w, 2, 0);
    log_set(&w.logs[0], (const int64_t[]){10, 20}, 2);
    log_set(&w.logs[1], (const int64_t[]){15, 30}, 2);
    run_begin(&r, &w, &out);
    run_read(&r, 0);
    run_read(&r, 0);
    run_release(&r);
    assert_int_equal(out.n_released, 0);
    r.parts[1].idle = true;
    run_release(&r);
    assert_int_equal(out.n_released, 2);
    r.parts[1].idle = false; /* it wakes up behind the clock */
    run_read(&r, 1);
    clock_state_update(&r.clock);
    assert_int_equal(clock_state_take(&r.clock, PLACE_MAX, 3, &item), 1);
    assert_true(clock_state_came_after(&r.clock, item));
    event_block_unhold(item->block);
    assert_int_equal(r.clock.watermark.ns, 20); /* never back */
    run_end(&r);
}

/* ---- the buffer alone --------------------------------------------------------------------- */

#define LOGS 5
#define PER_LOG 200

/* Everything in front of `now`, in pieces. */
static size_t take_some(struct order *o, struct rng *rng, int64_t now, int64_t *last)
{
    const struct order_item *items;
    size_t n, all = 0;
    struct place limit = place_before_time((struct etime){now});
    while ((n = order_take(o, limit, 1 + rng_below(rng, 9), &items)) > 0) {
        for (size_t i = 0; i < n; i++) {
            assert_true(items[i].time.ns >= *last && items[i].time.ns < now);
            *last = items[i].time.ns;
        }
        all += n;
    }
    return all;
}

static int64_t least_of(const int64_t *times)
{
    int64_t least = times[0];
    for (uint32_t l = 1; l < LOGS; l++) {
        least = times[l] < least ? times[l] : least;
    }
    return least;
}

static void logs_in_order_need_a_row_each_however_they_are_interleaved(void **state)
{
    (void)state;
    struct rng rng = rng_seed(7);
    struct event *events = xcalloc(LOGS * PER_LOG, sizeof(*events));
    for (int round = 0; round < 50; round++) {
        struct order o;
        int64_t times[LOGS] = {0}, last = 0;
        uint32_t read[LOGS] = {0};
        size_t taken = 0, n = 0;
        order_init(&o);
        while (n < LOGS * PER_LOG) {
            uint32_t l = (uint32_t)rng_below(&rng, LOGS);
            for (uint64_t burst = rng_below(&rng, 60); burst > 0 && read[l] < PER_LOG; burst--) {
                struct event *e = &events[n++];
                times[l] += rng_range(&rng, 0, 3);
                *e = (struct event){.time = {times[l]}, .at = {0, (int32_t)l, read[l]++}};
                order_push(&o, &(struct order_item){e->time, e, NULL, NULL});
            }
            if (rng_below(&rng, 4) == 0) {
                taken += take_some(&o, &rng, least_of(times), &last);
            }
        }
        assert_true(o.rows.n_rows <= LOGS);
        assert_int_equal(o.heap_n, 0);
        assert_int_equal(taken + order_count(&o), LOGS * PER_LOG);
        assert_int_equal(taken + take_some(&o, &rng, INT64_MAX, &last), LOGS * PER_LOG);
        order_release(&o);
    }
    free(events);
}

/* Each overtakes all before it. */
static void what_no_row_can_take_comes_in_its_place(void **state)
{
    (void)state;
    enum { N = 3 * ORDER_ROWS };
    struct event events[N];
    struct order o;
    struct order_item item;
    order_init(&o);
    for (int i = 0; i < N; i++) {
        events[i] = (struct event){.time = {N - i}, .at = {0, 0, i}};
        order_push(&o, &(struct order_item){events[i].time, &events[i], NULL, NULL});
    }
    assert_int_equal(o.rows.n_rows, ORDER_ROWS);
    assert_int_equal(o.heap_n, N - ORDER_ROWS);
    for (int i = 0; i < N; i++) {
        assert_int_equal(order_peek(&o)->time.ns, i + 1);
        assert_true(order_pop(&o, PLACE_MAX, &item));
        assert_int_equal(item.time.ns, i + 1);
    }
    assert_false(order_pop(&o, PLACE_MAX, &item));
    order_release(&o);
}

#define LONG_EVENT 1000

/* Blocks count what was decoded into them until the last event in them has gone. */
static void blocks_weigh_what_waits(void **state)
{
    (void)state;
    struct event_blocks b;
    event_blocks_init(&b);
    assert_int_equal(event_blocks_live_bytes(&b), 0);
    struct event_block *first = event_blocks_open(&b), *block = first;
    size_t n = 0;
    for (; block == first; block = event_blocks_open(&b), n++) {
        arena_alloc(&block->arena, LONG_EVENT);
        event_block_hold(block);
    }
    size_t full = first->arena.used_bytes;
    assert_true(n > 1 && full >= EVENT_BLOCK_BYTES);
    assert_int_equal(event_blocks_live_bytes(&b), full);
    arena_alloc(&block->arena, LONG_EVENT);
    size_t open = block->arena.used_bytes;
    assert_int_equal(event_blocks_live_bytes(&b), full + open);
    event_block_unhold_many(first, n);
    assert_int_equal(event_blocks_live_bytes(&b), open);
    event_blocks_trim(&b);
    assert_int_equal(event_blocks_live_bytes(&b), 0);
    /* Nothing waits in a block that is full: the next one is the same again. */
    block = event_blocks_open(&b);
    while (block->arena.used_bytes < EVENT_BLOCK_BYTES) {
        arena_alloc(&block->arena, LONG_EVENT);
    }
    assert_ptr_equal(event_blocks_open(&b), block);
    assert_int_equal(event_blocks_live_bytes(&b), 0);
    event_blocks_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_for_all_interleavings),
        cmocka_unit_test(one_ordered_partition_adds_no_delay),
        cmocka_unit_test(ties_wait_for_places_before_them),
        cmocka_unit_test(lateness_is_the_partitions_own),
        cmocka_unit_test(a_bounded_topic_ends_at_its_largest_time),
        cmocka_unit_test(an_idle_partition_lets_the_clock_go),
        cmocka_unit_test(logs_in_order_need_a_row_each_however_they_are_interleaved),
        cmocka_unit_test(what_no_row_can_take_comes_in_its_place),
        cmocka_unit_test(blocks_weigh_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
