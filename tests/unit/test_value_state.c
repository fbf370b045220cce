/* Clocks of values (`watermark per`) as part of the state: what a commit writes of them, every way back,
 * what an older program wrote, what has no place any more, what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "engine/state/checkpoint.h"
#include "engine/state/clock_page.h"
#include "nfa/schema_shape.h"
#include "tests/support/journal_life.h"
#include "tests/support/journal_world.h"
#include "tests/support/old_header.h"
#include "tests/support/state_dump.h"

static void clock_topic(struct schema_topic *t, uint32_t decl, int64_t idle_after_ms)
{
    t->has_watermark_per = true;
    t->watermark_per_decl = decl;
    t->watermark_per_slot = HAND_USER;
    t->idle_after.ns = idle_after_ms * NS_PER_MS;
}

static struct value_clocks *clocks_of(const struct world *w, uint32_t topic)
{
    for (size_t i = 0; i < w->engine->n_partitions; i++) {
        if (w->engine->partitions[i]->topic->index == topic) {
            return &w->engine->partitions[i]->values;
        }
    }
    fail_msg("topic %u is not open", topic);
    return NULL;
}

/* `n` users, each with a clock. */
static void send_users(struct world *w, int n, int64_t at_ms)
{
    char user[16];
    for (int i = 0; i < n; i++) {
        snprintf(user, sizeof(user), "h%d", i);
        world_send(w, LOGINS, user, at_ms);
    }
}

/* ---- bytes per commit --------------------------------------------------------------------- */

static void a_commit_writes_the_clocks_that_moved(void **state)
{
    struct world *w = *state;
    clock_topic(&w->rules.topics[LOGINS], 0, 3600000);
    world_begin_life(w);
    world_send(w, LOGINS, "h0", 10);
    world_send(w, LOGOUTS, "clock", 5000);
    world_commit(w);
    send_users(w, 10000, 1000);
    world_commit(w);
    uint64_t all = w->log.last_commit_bytes;
    world_send(w, LOGINS, "h0", 1001); /* its event waits: the others hold the clock back */
    world_commit(w);
    world_commit(w);
    uint64_t plain = w->log.last_commit_bytes;
    send_users(w, 10, 1002);
    world_commit(w);
    uint64_t ten = w->log.last_commit_bytes;
    print_message("10,000 values: %" PRIu64 " bytes; of them 10 that moved: %" PRIu64
                  "; none: %" PRIu64 "\n", all, ten, plain);
    assert_int_equal(clocks_of(w, LOGINS)->n, 10000);
    assert_true(all > 10000 * 10);
    assert_true(plain < 600);
    assert_true(ten < plain + 10 * 350);
    world_end_life(w, true);
    world_begin_life(w);
    assert_int_equal(clocks_of(w, LOGINS)->n, 10000);
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
}

/* More values than the table has room for: those that are furthest behind leave the state as well. */
static void values_that_are_forgotten_leave_the_state(void **state)
{
    struct world *w = *state;
    char user[16];
    struct buf want = BUF_INIT;
    clock_topic(&w->rules.topics[LOGINS], 0, 100);
    world_begin_life(w);
    for (int i = 0; i < VALUE_CLOCK_MAX + 3000; i++) {
        snprintf(user, sizeof(user), "h%d", i);
        world_send(w, LOGINS, user, i / 100);
        if (i % 9000 == 0) {
            world_send(w, LOGOUTS, "clock", i / 100);
            world_commit(w);
            w->n_sent = w->fed = 0;
        }
    }
    world_commit(w);
    assert_int_equal(clocks_of(w, LOGINS)->n, VALUE_CLOCK_MAX);
    assert_int_equal(clocks_of(w, LOGINS)->forgotten, 3000);
    world_end_life(w, false);
    world_dump(w, &want);
    world_restore_from_changelog(w);
    world_state_is(w, &want);
    buf_release(&want);
    world_begin_life(w);
    assert_int_equal(clocks_of(w, LOGINS)->n, VALUE_CLOCK_MAX);
}

/* ---- every way back ----------------------------------------------------------------------- */

static void add_rules(struct hand_rules *h, int64_t bound)
{
    hand_begin(h, bound);
    hand_pair(h, "pair", 40);
    hand_missing(h, "missing", 15);
    hand_single(h, "any_login");
    clock_topic(&h->topics[0], 0, 25);
    clock_topic(&h->topics[1], 1, 9);
}

static void crashes_and_aborts_change_no_clock(void **state)
{
    static const struct setting calm = {1, MUCH_MEMORY, 50, 5, 0, 0, 0};
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(23);
    struct journal_outcome sum = {0};
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct outcome want = {0};
        struct hand_rules rules;
        add_rules(&rules, round);
        rules.rs.fingerprint = (struct hash128){9, (uint64_t)round};
        logs_random(l, &rng, 2 * round, 0);
        life_run(&rules.rs, l, &calm, 1, &want);
        journal_life_same_in_all(&rules.rs, l, round, &want.alerts, &want.state, &sum);
        outcome_release(&want);
        hand_end(&rules);
    }
    print_message("%u crashes, %u aborts, %u copies lost or old\n", sum.crashes, sum.aborts,
                  sum.losses);
    assert_true(sum.crashes > 30);
    assert_true(sum.aborts > 10);
    assert_true(sum.losses > 10);
    free(l);
}

static void an_end_at_every_step(void **state)
{
    static const enum sim_fault kinds[] = {SIM_ABORT, SIM_CRASH, SIM_CRASH_AFTER};
    struct journal_setting s = {.base = {1, 16384, 9, 2, 0, 0, 0},
                                .overlay_bytes = (size_t)64 << 20,
                                .lose_in = 5,
                                .max_value = 400,
                                .records = 5};
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(6);
    struct journal_outcome calm = {0}, got = {0};
    struct hand_rules rules;
    (void)state;
    add_rules(&rules, 2);
    logs_random(l, &rng, 4, 0);
    journal_life_run(&rules.rs, l, &s, 7, &calm);
    for (uint64_t call = 1; call <= calm.calls; call++) {
        s.fault_at = call;
        s.kind = kinds[call % FYKE_ARRAY_LEN(kinds)]; /* unit.exactly_once: every kind at every call */
        journal_life_run(&rules.rs, l, &s, 7, &got);
        if (!slice_eq(buf_slice(&calm.alerts), buf_slice(&got.alerts)) ||
            !slice_eq(buf_slice(&calm.state), buf_slice(&got.state))) {
            fail_msg("call %" PRIu64 ": other alerts or another state", call);
        }
    }
    print_message("%" PRIu64 " calls\n", calm.calls);
    assert_true(calm.calls > 50);
    journal_outcome_release(&calm);
    journal_outcome_release(&got);
    hand_end(&rules);
    free(l);
}

/* ---- the stored form by hand -------------------------------------------------------------- */

struct opened {
    struct store *store;
    struct header header;
    struct record_key *pages;
    size_t n, cap;
    struct value_clocks values; /* of all of them */
    struct world *w;
};

static enum err note_page(void *ctx, const struct record_key *key, struct slice value,
                          struct error *err)
{
    struct opened *o = ctx;
    const char *why;
    (void)err;
    VEC_PUSH(o->pages, o->n, o->cap) = *key;
    assert_true(clock_page_take(&o->values, key, value, ETIME_MAX, &why));
    return ERR_OK;
}

static void open_by_hand(struct world *w, struct opened *o)
{
    const struct store_options so = {.dir = w->dir, .max_shards = 4};
    struct buf bytes = BUF_INIT;
    const char *why;
    bool found;
    *o = (struct opened){.w = w};
    value_clocks_init(&o->values, (struct duration){0});
    world_check(w, store_open(&so, &o->store, &w->err));
    world_check(w, store_header(o->store, &bytes, &found, &w->err));
    assert_true(found && header_decode(buf_slice(&bytes), &o->header, &why));
    buf_release(&bytes);
    world_check(w, store_open_shards(o->store, o->header.n_shards, &w->err));
    struct store_reader *r = store_reader_new(o->store, o->header.n_shards);
    world_check(w, store_each(r, note_page, o, &w->err));
    store_reader_free(r);
}

static void close_by_hand(struct opened *o)
{
    store_close(o->store);
    header_release(&o->header);
    value_clocks_release(&o->values);
    free(o->pages);
}

static struct header_partition *stored_partition(struct opened *o, uint32_t topic)
{
    for (uint32_t i = 0; i < o->header.n_partitions; i++) {
        if (o->header.partitions[i].topic == topic) {
            return &o->header.partitions[i];
        }
    }
    fail_msg("topic %u is not stored", topic);
    return NULL;
}

/* The same as an older program would have written it: all clocks in the header, in order of (time, value). */
static int by_time(const void *x, const void *y)
{
    const struct header_value *a = x, *b = y;
    int c = etime_cmp(a->max_time, b->max_time);
    return c != 0 ? c : slice_cmp(a->value, b->value);
}

static void put_format_4(struct opened *o)
{
    struct header_partition *p = stored_partition(o, LOGINS);
    struct value_clock_list list = {0};
    struct buf bytes = BUF_INIT;
    struct store_txn *t;
    p->values = ARENA_ARRAY(&o->header.arena, struct header_value, o->values.n);
    for (uint32_t page = 0; page < VALUE_CLOCK_PAGES; page++) {
        value_clocks_list(&o->values, page, &list);
        for (size_t i = 0; i < list.n; i++) {
            p->values[p->n_values++] = (struct header_value){
                slice_from(list.items[i]->value, list.items[i]->len), list.items[i]->max_time};
        }
    }
    qsort(p->values, p->n_values, sizeof(*p->values), by_time);
    p->paged = false;
    old_header_encode(&o->header, &bytes);
    world_check(o->w, store_begin(o->store, &t, &o->w->err));
    for (size_t i = 0; i < o->n; i++) {
        world_check(o->w, store_del(t, o->header.n_shards, &o->pages[i], &o->w->err));
    }
    world_check(o->w, store_put_header(t, buf_slice(&bytes), &o->w->err));
    world_check(o->w, store_commit(t, &o->w->err));
    free(list.items);
    buf_release(&bytes);
}

static void begin_without_journal(struct world *w)
{
    w->journal = sim_journal_new(&w->log); /* for its sink */
    w->options.journal = NULL;
    world_check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    world_begin_reading(w, 0);
}

static void alone(struct world *w, int from, int to)
{
    begin_without_journal(w);
    world_send_some(w, from, to);
    world_commit(w);
    world_end_life(w, false);
}

static void a_state_of_format_4_is_gone_on_from(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    struct opened o;
    clock_topic(&w->rules.topics[LOGINS], 0, 3600000);
    alone(w, 0, 200);
    open_by_hand(w, &o);
    assert_int_equal(o.header.format, HEADER_FORMAT);
    assert_true(stored_partition(&o, LOGINS)->paged);
    assert_int_equal(stored_partition(&o, LOGINS)->n_paged, 23);
    assert_int_equal(o.values.n, 23);
    put_format_4(&o);
    close_by_hand(&o);
    open_by_hand(w, &o);
    assert_int_equal(o.header.format, 4);
    assert_int_equal(stored_partition(&o, LOGINS)->n_values, 23);
    assert_int_equal(o.n, 0);
    close_by_hand(&o);
    alone(w, 200, 230);
    world_dump(w, &want);
    open_by_hand(w, &o);
    assert_int_equal(o.header.format, HEADER_FORMAT);
    assert_int_equal(stored_partition(&o, LOGINS)->n_values, 0);
    close_by_hand(&o);
    world_forget_copy(w);
    w->n_sent = w->fed = 0;
    w->offsets[0] = w->offsets[1] = 0;
    alone(w, 0, 200);
    alone(w, 200, 230);
    world_state_is(w, &want);
    buf_release(&want);
}

static void drop_a_page(struct world *w)
{
    struct opened o;
    struct store_txn *t;
    open_by_hand(w, &o);
    assert_true(o.n > 0);
    world_check(w, store_begin(o.store, &t, &w->err));
    world_check(w, store_del(t, o.header.n_shards, &o.pages[o.n / 2], &w->err));
    world_check(w, store_commit(t, &w->err));
    close_by_hand(&o);
}

static void clocks_that_are_missing_are_damage(void **state)
{
    struct world *w = *state;
    clock_topic(&w->rules.topics[LOGINS], 0, 3600000);
    alone(w, 0, 100);
    drop_a_page(w);
    w->options.journal = NULL;
    w->journal = sim_journal_new(&w->log);
    struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};
    world_check(w, engine_new(&w->rules.rs, &w->options, &w->engine, &w->err));
    assert_int_equal(engine_begin(w->engine, parts, 2, sim_journal_sink(w->journal), &w->err),
                     ERR_CORRUPT);
    assert_non_null(strstr(w->err.text, "clocks of values are not those of its header"));
}

/* With a journal they come from there. */
static void clocks_that_are_missing_are_restored(void **state)
{
    struct world *w = *state;
    struct buf want = BUF_INIT;
    clock_topic(&w->rules.topics[LOGINS], 0, 3600000);
    world_begin_life(w);
    world_send_some(w, 0, 100);
    world_commit(w);
    world_end_life(w, false);
    world_dump(w, &want);
    drop_a_page(w);
    world_check(w, world_try_to_begin(w));
    world_heard(w, "clocks of values are not those of its header");
    world_heard(w, "it is restored from the changelog");
    world_end_life(w, false);
    world_state_is(w, &want);
    buf_release(&want);
}

/* Other rules have one clock for the topic: nothing of the others' stays, in the database or the log. */
static void clocks_that_no_rule_asks_for_leave(void **state)
{
    struct world *w = *state;
    struct opened o;
    struct rng rng = rng_seed(1);
    clock_topic(&w->rules.topics[LOGINS], 0, 3600000);
    world_begin_life(w);
    world_send_some(w, 0, 100);
    world_commit(w);
    world_end_life(w, true);
    w->rules.topics[LOGINS].has_watermark_per = false;
    world_begin_life(w);
    world_send_some(w, 100, 110);
    world_commit(w);
    world_end_life(w, false);
    open_by_hand(w, &o);
    assert_false(stored_partition(&o, LOGINS)->paged);
    assert_int_equal(o.n, 0);
    close_by_hand(&o);
    world_copy_is_what_the_changelog_says(w);
    w->log.now += 1;
    for (int i = 0; i < 60; i++) {
        sim_log_compact(&w->log, &rng, 0);
    }
    for (size_t i = 0; i < w->log.n_entries; i++) {
        assert_int_not_equal(w->log.entries[i].key[0], 2);
    }
    w->rules.topics[LOGINS].has_watermark_per = true;
    world_begin_life(w);
    world_send(w, LOGINS, "u1", 200);
    world_commit(w);
    assert_int_equal(clocks_of(w, LOGINS)->n, 1);
    world_end_life(w, false);
    world_copy_is_what_the_changelog_says(w);
}

/* What is stored as format 5 had it: parts that do not say of which field they are. */
static void put_format_5(struct world *w)
{
    struct opened o;
    struct store_txn *t;
    struct buf bytes = BUF_INIT;
    open_by_hand(w, &o);
    struct header_partition *p = stored_partition(&o, LOGINS);
    world_check(w, store_begin(o.store, &t, &w->err));
    p->paged_sum = 0;
    for (size_t i = 0; i < o.n; i++) {
        struct store_reader *r = store_reader_new(o.store, o.header.n_shards);
        struct slice part;
        bool found;
        world_check(w, store_get(r, &o.pages[i], &part, &found, &w->err));
        assert_true(found && part.len > 17 && part.ptr[0] == 2);
        buf_clear(&bytes);
        buf_put_byte(&bytes, 1);
        buf_put(&bytes, part.ptr + 9, part.len - 17);
        uint64_t sum = record_checksum(&o.pages[i], buf_slice(&bytes));
        buf_put_u64be(&bytes, sum);
        p->paged_sum += sum;
        store_reader_free(r);
        world_check(w, store_put(t, o.header.n_shards, &o.pages[i], buf_slice(&bytes), &w->err));
    }
    buf_clear(&bytes);
    header_encode(&o.header, &bytes);
    bytes.ptr[4] = 5;
    bytes.len -= 8;
    buf_put_u64be(&bytes, hash64(buf_slice(&bytes)));
    world_check(w, store_put_header(t, buf_slice(&bytes), &w->err));
    world_check(w, store_commit(t, &w->err));
    buf_release(&bytes);
    close_by_hand(&o);
}

/* They go on as what the rules name now, and say so from the first commit on: all of them. */
static void a_state_of_format_5_is_gone_on_from(void **state)
{
    struct world *w = *state;
    struct opened o;
    clock_topic(&w->rules.topics[LOGINS], 0, 3600000);
    alone(w, 0, 200);
    put_format_5(w);
    open_by_hand(w, &o);
    assert_int_equal(o.header.format, 5);
    assert_true(o.values.untold && o.values.field == 0);
    assert_int_equal(o.values.n, 23);
    close_by_hand(&o);
    alone(w, 200, 201);
    open_by_hand(w, &o);
    assert_int_equal(o.header.format, HEADER_FORMAT);
    assert_false(o.values.untold);
    assert_true(o.values.field == schema_field_shape(&w->rules.decls[LOGINS].fields[HAND_USER]));
    assert_int_equal(o.values.n, 23);
    close_by_hand(&o);
}

static void clocks_of_another_field_begin_anew(void **state)
{
    struct world *w = *state;
    struct opened o;
    clock_topic(&w->rules.topics[LOGINS], 0, 3600000);
    world_begin_life(w);
    world_send_some(w, 0, 100);
    world_commit(w);
    world_end_life(w, false);
    w->rules.topics[LOGINS].watermark_per_slot = HAND_KIND;
    world_begin_life(w);
    world_heard(w, "watermark per kind from here on, it was per another field: the clocks of its values begin "
                   "anew");
    assert_int_equal(clocks_of(w, LOGINS)->n, 0);
    world_send(w, LOGINS, "u1", 200);
    world_commit(w);
    assert_int_equal(clocks_of(w, LOGINS)->n, 1);
    world_end_life(w, false);
    open_by_hand(w, &o);
    assert_int_equal(o.values.n, 1); /* nothing of the others is left */
    assert_int_equal(stored_partition(&o, LOGINS)->n_paged, 1);
    close_by_hand(&o);
    world_copy_is_what_the_changelog_says(w);
    world_begin_life(w);
    assert_null(strstr(buf_cstr(&w->said), "begin anew"));
    assert_int_equal(clocks_of(w, LOGINS)->n, 1);
    world_end_life(w, false);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_commit_writes_the_clocks_that_moved),
        T(values_that_are_forgotten_leave_the_state),
        cmocka_unit_test(crashes_and_aborts_change_no_clock),
        cmocka_unit_test(an_end_at_every_step),
        T(a_state_of_format_4_is_gone_on_from),
        T(a_state_of_format_5_is_gone_on_from),
        T(clocks_of_another_field_begin_anew),
        T(clocks_that_are_missing_are_damage),
        T(clocks_that_are_missing_are_restored),
        T(clocks_that_no_rule_asks_for_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
