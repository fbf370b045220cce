/* Keys that are seen once leave nothing behind: the watermark alone takes partial matches, retained
 * events, profiles, quiet times and the marks of used-up events back, in memory and in the store.
 * FYKE_KEYS=n in the environment: that many keys (expiry.million: 1,000,000). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/engine_parts.h"
#include "tests/support/compile_text.h"
#include "tests/support/state_dump.h"

#define SECOND_MS 1000
#define HOUR_MS (3600 * (int64_t)SECOND_MS)

/* One rule per thing that is kept: what it waits for ends within a day. */
static const char text[] =
    "language 1\n"
    "event Login from topic \"logins\" { user : string key optional\n"
    "  at : timestamp in ms event time  ip : string optional  amount : int optional }\n"
    "event Logout from topic \"logouts\" { user : string key optional\n"
    "  at : timestamp in ms event time }\n"
    "profile habits for each user from Login {\n"
    "  ips = set(ip) over 6 hours\n"
    "  daily = average(sum(amount)) over 12 hours every 1 hour\n"
    "  seen = count() over 2 hours }\n"
    "rule begun { for each user within 10 minutes when Login as a then Logout as b emit alert }\n"
    "rule silent { for each user when Login as a then no Logout for 20 minutes emit alert }\n"
    "rule unfinished { for each user within 30 minutes when Login as a then Logout as b\n"
    "  on timeout emit alert }\n"
    "rule many { for each user within 1 hour when 3 Login as a emit alert }\n"
    "rule every_pair { for each user within 40 minutes when Login as a then Login as b\n"
    "  after match no skip emit alert }\n"
    "rule hushed { for each user when Login as a quiet for 3 hours emit alert }\n"
    "rule hushed_apart { for each user, ip when Login as a quiet for 2 hours per user emit alert }\n"
    "rule first_time { for each user when no Login for 4 hours then Login as a emit alert }\n"
    "rule unusual { for each user when Login as a where ip not in habits.ips and habits.seen > 5\n"
    "  and amount > habits.daily emit alert }\n"
    "rule derives { for each user when Login as a then no Logout for 5 minutes\n"
    "  emit event Quiet { since = a.at } }\n"
    "rule reads { for each user within 50 minutes when Quiet as q then Login as l emit alert }\n";

/* Without derived events: those of one time are made in one pass. */
static const char one_text[] =
    "language 1\n"
    "event Login from topic \"logins\" { user : string key optional\n"
    "  at : timestamp in ms event time }\n"
    "event Logout from topic \"logouts\" { user : string key optional\n"
    "  at : timestamp in ms event time }\n"
    "rule silent { for each user when Login as a then no Logout for 20 minutes emit alert }\n";

struct world {
    char dir[64];
    struct compilation *c;
    struct engine_options options;
    struct memory_sink sink;
    struct engine *engine;
    struct error err;
    int64_t next[2];
    int64_t keys;
};

static int setup_rules(void **state, const char *rules)
{
    struct world *w = xcalloc(1, sizeof(*w));
    const char *keys = getenv("FYKE_KEYS");
    w->keys = keys != NULL ? strtoll(keys, NULL, 10) : 3000;
    state_dir_make(w->dir);
    w->c = compile_text(rules);
    if (w->c->ruleset == NULL) {
        fail_msg("%s: %s", codes_of(w->c, true), w->c->diags.first->message);
    }
    engine_options_init(&w->options);
    memory_sink_init(&w->sink);
    *state = w;
    return 0;
}

static int setup(void **state)
{
    return setup_rules(state, text);
}

static int setup_one(void **state)
{
    return setup_rules(state, one_text);
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    memory_sink_release(&w->sink);
    compilation_free(w->c);
    state_dir_remove(w->dir);
    free(w);
    return 0;
}

static void must(struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s", w->err.text);
    }
}

static void push(struct world *w, uint32_t topic, const char *payload)
{
    struct record r = {.topic = topic,
                       .offset = w->next[topic]++,
                       .has_value = true,
                       .value = slice_of(payload)};
    must(w, engine_push(w->engine, &r, &w->err));
}

static void push_key(struct world *w, int64_t key)
{
    char payload[160];
    snprintf(payload, sizeof(payload),
             "{\"user\":\"u%" PRId64 "\",\"at\":%" PRId64 ",\"ip\":\"10.0.%" PRId64 ".1\","
             "\"amount\":%" PRId64 "}", key, key, key % 250, key % 17);
    push(w, 0, payload);
}

/* An event without key moves the clock and nothing else. */
static void push_clock(struct world *w, int64_t at_ms)
{
    char payload[64];
    snprintf(payload, sizeof(payload), "{\"at\":%" PRId64 "}", at_ms);
    push(w, 0, payload);
    push(w, 1, payload);
}

static void tick(struct world *w, int64_t at_ms)
{
    push_clock(w, at_ms);
    must(w, engine_process(w->engine, &w->err));
}

static void start(struct world *w)
{
    static const struct source_partition parts[] = {{.topic = 0}, {.topic = 1}};
    must(w, engine_new(w->c->ruleset, &w->options, &w->engine, &w->err));
    must(w, engine_begin(w->engine, parts, 2, &w->sink.sink, &w->err));
}

static void see_each_key_once(struct world *w)
{
    for (int64_t i = 0; i < w->keys; i++) {
        push_key(w, i);
        if (i % 5000 == 4999) {
            tick(w, i);
            must(w, engine_commit(w->engine, &w->err));
            memory_sink_release(&w->sink);
            memory_sink_init(&w->sink);
        }
    }
    tick(w, w->keys);
}

static size_t pool_bytes(const struct engine *e, bool taken)
{
    size_t n = 0;
    for (uint32_t i = 0; i < e->n_shards; i++) {
        const struct pool *p = keyspace_pool(e->shards[i].keyspace);
        n += taken ? p->chunk_bytes : p->live_bytes;
    }
    return n;
}

static void check_nothing_left(struct world *w)
{
    struct engine_summary s;
    must(w, engine_process(w->engine, &w->err)); /* after the commit, which forgets what was stored */
    engine_summary(w->engine, &s);
    assert_int_equal(s.live_keys, 0);
    assert_int_equal(s.live_events, 0);
    assert_int_equal(s.live_bytes, 0);
    assert_int_equal(pool_bytes(w->engine, false), 0);
    assert_int_equal(pool_bytes(w->engine, true), 0);
    for (uint32_t i = 0; i < w->engine->n_shards; i++) {
        struct keyspace_figures f;
        keyspace_figures(w->engine->shards[i].keyspace, &f);
        assert_int_equal(f.timers + f.instances, 0);
    }
}

static void check_much_there(struct world *w)
{
    struct engine_summary s;
    engine_summary(w->engine, &s);
    assert_true(s.live_keys > (uint64_t)w->keys);
    assert_true(s.missing_key > 0);
}

/* Far behind the longest of the spans, in one step. */
static void the_clock_empties_memory(void **state)
{
    struct world *w = *state;
    /* All rules together keep 24 KB of a key: more of them are the store's. */
    w->keys = w->keys > 50000 ? 50000 : w->keys;
    start(w);
    see_each_key_once(w);
    check_much_there(w);
    tick(w, w->keys + 48 * HOUR_MS);
    must(w, engine_commit(w->engine, &w->err));
    check_nothing_left(w);
}

/* With little memory most records lie in the store only; a restart stands between. */
static void the_clock_empties_the_store(void **state)
{
    struct world *w = *state;
    FYKE_CLEANUP(buf_release) struct buf dump = BUF_INIT;
    uint64_t records;
    w->options.state_dir = w->dir;
    w->options.memory_bytes = (size_t)1 << 20;
    start(w);
    see_each_key_once(w);
    must(w, engine_commit(w->engine, &w->err));
    check_much_there(w);
    engine_free(w->engine);
    w->engine = NULL;
    state_dump(w->dir, &dump, &records);
    assert_true(records > (uint64_t)w->keys);
    start(w);
    for (int64_t at = 0; at <= 48 * HOUR_MS; at += HOUR_MS) {
        tick(w, w->keys + at);
        must(w, engine_commit(w->engine, &w->err));
    }
    check_nothing_left(w);
    engine_free(w->engine);
    w->engine = NULL;
    state_dump(w->dir, &dump, &records);
    assert_int_equal(records, 0);
}

static void begin_all_at_once(struct world *w)
{
    char payload[64];
    for (int64_t i = 0; i < w->keys; i++) {
        snprintf(payload, sizeof(payload), "{\"user\":\"u%" PRId64 "\",\"at\":1000}", i);
        push(w, 0, payload);
        if (i % 5000 == 4999) {
            tick(w, 1000);
            must(w, engine_commit(w->engine, &w->err));
        }
    }
    tick(w, 1001);
    must(w, engine_commit(w->engine, &w->err));
}

/* All keys wait for one moment: what is due then fires in slices, and the memory holds one of them. */
static void deadlines_of_one_time_fire_in_slices(void **state)
{
    struct world *w = *state;
    FYKE_CLEANUP(buf_release) struct buf dump = BUF_INIT;
    uint64_t records, alerts = 0, commits = 0, most = 0;
    w->options.state_dir = w->dir;
    w->options.memory_bytes = (size_t)1 << 20;
    w->options.slice = w->keys < 100000 ? 300 : 0;
    start(w);
    begin_all_at_once(w);
    assert_int_equal(w->sink.n_alerts, 0);
    push_clock(w, HOUR_MS);
    do {
        must(w, engine_commit(w->engine, &w->err));
        commits++;
        alerts += w->sink.n_alerts;
        most = w->sink.n_alerts > most ? w->sink.n_alerts : most;
        memory_sink_release(&w->sink);
        memory_sink_init(&w->sink);
    } while (w->engine->more);
    print_message("%" PRIu64 " alerts, at most %" PRIu64 " in one of %" PRIu64 " commits\n", alerts, most,
                  commits);
    assert_int_equal(alerts, w->keys);
    assert_in_range(most, 1, alerts / 5);
    check_nothing_left(w);
    engine_free(w->engine);
    w->engine = NULL;
    state_dump(w->dir, &dump, &records);
    assert_int_equal(records, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_clock_empties_memory),
        T(the_clock_empties_the_store),
        cmocka_unit_test_setup_teardown(deadlines_of_one_time_fire_in_slices, setup_one, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
