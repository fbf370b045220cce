/* Other rules over an open state: what is known of the stored records is handed over and not read again, and
 * it is what reading would have found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/memory.h"
#include "engine/engine_parts.h"
#include "engine/state/checkpoint.h"
#include "tests/support/hand_rules.h"
#include "tests/support/state_dump.h"

#define LOGINS 0
#define LOGOUTS 1
#define KEYS 500
#define SHARDS 4

struct world {
    char dir[64];
    struct hand_rules before, after;
    struct engine_options options;
    struct memory_sink sink;
    struct engine *engine;
    struct error err;
};

static const struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};

static void check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
}

static void rule_pair(struct hand_rules *h)
{
    hand_pair(h, "pair", 4000)->plan = 1;
}

static void rule_missing(struct hand_rules *h)
{
    hand_missing(h, "missing", 9000)->plan = 2;
}

static void rule_login(struct hand_rules *h)
{
    hand_single(h, "any_login")->plan = 3;
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    state_dir_make(w->dir);
    hand_begin(&w->before, 3);
    rule_pair(&w->before);
    rule_missing(&w->before);
    hand_begin(&w->after, 3);
    w->after.rs.fingerprint = (struct hash128){7, 7};
    memory_sink_init(&w->sink);
    engine_options_init(&w->options);
    w->options.state_dir = w->dir;
    w->options.state_map_bytes = (size_t)64 << 20;
    w->options.shards = SHARDS;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    w->sink.sink.ops->close(&w->sink.sink);
    hand_end(&w->before);
    hand_end(&w->after);
    state_dir_remove(w->dir);
    free(w);
    return 0;
}

static void open_engine(struct world *w, struct hand_rules *rules)
{
    check(w, engine_new(&rules->rs, &w->options, &w->engine, &w->err));
    w->options.kept = NULL;
}

static void begin(struct world *w)
{
    check(w, engine_begin(w->engine, parts, 2, &w->sink.sink, &w->err));
}

static void push(struct world *w, uint32_t topic, int64_t offset, int64_t user, int64_t at_ms)
{
    char payload[128];
    snprintf(payload, sizeof(payload), "{\"user\":\"u%" PRId64 "\",\"at\":%" PRId64 "}", user, at_ms);
    struct record r = {.topic = topic, .offset = offset, .has_value = true, .value = slice_of(payload)};
    check(w, engine_push(w->engine, &r, &w->err));
}

/* Something is open for every key; some of it ends within. */
static void gather(struct world *w)
{
    open_engine(w, &w->before);
    begin(w);
    for (int64_t i = 0; i < KEYS; i++) {
        push(w, LOGINS, i, i, 1000 + i);
    }
    for (int64_t i = 0; i < KEYS / 5; i++) {
        push(w, LOGOUTS, i, i, 2000 + i);
    }
    check(w, engine_commit(w->engine, &w->err));
}

static struct engine_kept *stop(struct world *w)
{
    w->engine->has_stopped = true;
    struct engine_kept *k = engine_keep(w->engine);
    assert_non_null(k);
    engine_free(w->engine);
    w->engine = NULL;
    return k;
}

static void figures(struct engine *e, struct keyspace_figures ret[SHARDS])
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        keyspace_figures(e->shards[i].keyspace, &ret[i]);
    }
}

static void same_figures(const struct keyspace_figures *a, const struct keyspace_figures *b)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        assert_true(a[i].keys > 0 && a[i].timers > 0);
        assert_int_equal(a[i].keys, b[i].keys);
        assert_int_equal(a[i].instances, b[i].instances);
        assert_int_equal(a[i].events, b[i].events);
        assert_int_equal(a[i].timers, b[i].timers);
    }
}

static enum err first_key(void *ctx, const struct record_key *key, struct slice value, struct error *err)
{
    struct record_key **at = ctx;
    (void)value;
    (void)err;
    if (*at != NULL) {
        **at = *key;
        *at = NULL;
    }
    return ERR_OK;
}

/* Whoever reads everything stumbles over it. */
static void damage(struct world *w, const struct engine_kept *k, uint32_t shard)
{
    struct record_key key, *at = &key;
    struct store_txn *t;
    struct store_reader *r = store_reader_new(k->store, shard);
    check(w, store_each(r, first_key, &at, &w->err));
    assert_null(at);
    store_reader_free(r);
    check(w, store_begin(k->store, &t, &w->err));
    check(w, store_put(t, shard, &key, SLICE_LIT("no record at all"), &w->err));
    check(w, store_commit(t, &w->err));
}

/* The timers stand in another stage then, as there is one clock more in front. */
static void more_rules(struct world *w)
{
    rule_login(&w->after);
    rule_missing(&w->after);
    rule_pair(&w->after);
}

static void what_is_known_is_not_read_again(void **state)
{
    struct world *w = *state;
    struct keyspace_figures was[SHARDS], is[SHARDS];
    more_rules(w);
    gather(w);
    figures(w->engine, was);
    w->options.kept = stop(w);
    for (uint32_t i = 0; i < SHARDS; i++) {
        damage(w, w->options.kept, i);
    }
    open_engine(w, &w->after);
    check(w, engine_restore(w->engine, &w->err));
    figures(w->engine, is);
    same_figures(was, is);
}

/* All deadlines and matches that are open come to their end, from records that lie in the store alone. */
static void finish(struct world *w, struct buf *alerts)
{
    begin(w);
    for (int64_t i = KEYS / 5; i < KEYS / 2; i++) {
        push(w, LOGOUTS, i, i, 3000 + i);
    }
    check(w, engine_finish(w->engine, &w->err));
    buf_put_slice(alerts, buf_slice(&w->sink.text));
}

static void alerts_of(struct world *w, bool handed_over, struct buf *alerts)
{
    gather(w);
    struct engine_kept *k = stop(w);
    if (handed_over) {
        w->options.kept = k;
    } else {
        engine_kept_free(k);
    }
    open_engine(w, &w->after);
    finish(w, alerts);
    engine_free(w->engine);
    w->engine = NULL;
}

static void what_is_handed_over_is_what_reading_finds(void **state)
{
    struct world *w = *state, *other;
    struct buf handed = BUF_INIT, read = BUF_INIT;
    void *second;
    setup(&second);
    other = second;
    more_rules(w);
    more_rules(other);
    alerts_of(w, true, &handed);
    alerts_of(other, false, &read);
    assert_true(read.len > 0);
    assert_true(slice_eq(buf_slice(&handed), buf_slice(&read)));
    buf_release(&handed);
    buf_release(&read);
    teardown(&second);
}

/* Packed records mean the same under other rules. */
static void what_rests_is_handed_over(void **state)
{
    struct world *w = *state, *other;
    struct keyspace_figures was[SHARDS], is[SHARDS];
    struct buf handed = BUF_INIT, read = BUF_INIT;
    void *second;
    setup(&second);
    other = second;
    w->options.memory_bytes = 400 << 10;
    more_rules(w);
    more_rules(other);
    gather(w);
    push(w, LOGINS, KEYS, 0, 2500); /* used since all is stored: others go to rest */
    check(w, engine_commit(w->engine, &w->err));
    figures(w->engine, was);
    w->options.kept = stop(w);
    open_engine(w, &w->after);
    check(w, engine_restore(w->engine, &w->err));
    figures(w->engine, is);
    uint64_t resting = 0;
    for (uint32_t i = 0; i < SHARDS; i++) {
        assert_int_equal(was[i].resting, is[i].resting);
        resting += is[i].resting;
    }
    assert_true(resting > 0);
    finish(w, &handed);
    gather(other);
    push(other, LOGINS, KEYS, 0, 2500);
    check(other, engine_commit(other->engine, &other->err));
    engine_kept_free(stop(other));
    open_engine(other, &other->after);
    finish(other, &read);
    assert_true(slice_eq(buf_slice(&handed), buf_slice(&read)));
    buf_release(&handed);
    buf_release(&read);
    teardown(&second);
}

/* What a removed rule kept leaves the stored records, so they are read. */
static void a_rule_that_is_gone_is_counted_out(void **state)
{
    struct world *w = *state;
    struct keyspace_figures kept[SHARDS], read[SHARDS];
    rule_missing(&w->after);
    gather(w);
    w->options.kept = stop(w);
    open_engine(w, &w->after);
    begin(w);
    figures(w->engine, kept);
    engine_free(w->engine);
    open_engine(w, &w->after);
    begin(w);
    figures(w->engine, read);
    same_figures(read, kept);
}

/* Many lives, each over records of which some were used in the one before. */
static void again_and_again(void **state)
{
    struct world *w = *state;
    struct keyspace_figures was[SHARDS], is[SHARDS];
    rule_pair(&w->after);
    rule_missing(&w->after);
    gather(w);
    for (int64_t life = 0; life < 5; life++) {
        figures(w->engine, was);
        w->options.kept = stop(w);
        open_engine(w, life % 2 == 0 ? &w->after : &w->before);
        begin(w);
        figures(w->engine, is);
        same_figures(was, is);
        for (int64_t i = 0; i < 40; i++) {
            push(w, LOGINS, KEYS + life * 40 + i, i * 7 + life, 2500 + life * 50 + i);
        }
        check(w, engine_commit(w->engine, &w->err));
    }
    figures(w->engine, was);
    engine_free(w->engine);
    open_engine(w, &w->before);
    begin(w);
    figures(w->engine, is);
    same_figures(was, is);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_known_is_not_read_again),
        TEST(what_is_handed_over_is_what_reading_finds),
        TEST(what_rests_is_handed_over),
        TEST(a_rule_that_is_gone_is_counted_out),
        TEST(again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
