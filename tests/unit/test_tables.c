/* Lists and lookups: content of files, compacted topics, and what is in force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "engine/tables/table_live.h"
#include "engine/tables/tables.h"

/* ---- declarations ------------------------------------------------------------------------- */

static struct table_decl list_of(enum field_type key)
{
    return (struct table_decl){.name = SLICE_LIT("n"), .key = {.type = key}};
}

static struct table_decl lookup_of(enum field_type key, enum field_type value, bool set)
{
    return (struct table_decl){.name = SLICE_LIT("m"),
                               .is_lookup = true,
                               .key = {.type = key},
                               .value = {.type = value, .is_list = set, .is_set = set}};
}

static struct value ip(const char *text)
{
    struct value v;
    assert_true(value_from_text(VAL_IP, slice_of(text), &v));
    return v;
}

static struct value text(const char *s)
{
    return value_string(slice_of(s));
}

/* JSON of a value; "missing". Static buffer. */
static const char *shown(struct value v)
{
    static struct buf b;
    buf_clear(&b);
    if (value_is_missing(v)) {
        return "missing";
    }
    value_to_json(v, &b);
    return buf_cstr(&b);
}

/* ---- files -------------------------------------------------------------------------------- */

static void list_files(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct table_problem problems[TABLE_MAX_PROBLEMS];
    uint32_t n;
    struct table_decl nets = list_of(TYPE_CIDR);
    const struct table *t = table_text_parse(
        &nets, SLICE_LIT("10.0.0.0/8\r\n#x\n\n 1.2.3.4 # one\n10.0.0.0/8\n::1"), &arena, problems,
        &n);
    assert_non_null(t);
    assert_int_equal(t->n, 3);
    assert_true(table_has(t, ip("10.255.0.1")));
    assert_true(table_has(t, ip("1.2.3.4")));
    assert_true(table_has(t, ip("::1")));
    assert_false(table_has(t, ip("1.2.3.5")));
    struct table_decl names = list_of(TYPE_STRING);
    t = table_text_parse(&names, SLICE_LIT("C#\nan na\n#no\n"), &arena, problems, &n);
    assert_int_equal(t->n, 2);
    assert_true(table_has(t, text("C#")) && table_has(t, text("an na")));
    arena_release(&arena);
}

static void bad_lines_are_named(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct table_problem problems[TABLE_MAX_PROBLEMS];
    uint32_t n;
    struct table_decl ints = list_of(TYPE_INT);
    struct slice lines = SLICE_LIT("1\n2.0\n x # c\n2.5\n");
    assert_null(table_text_parse(&ints, lines, &arena, problems, &n));
    assert_int_equal(n, 2);
    assert_int_equal(problems[0].start, 7);
    assert_int_equal(problems[0].end, 8);
    assert_int_equal(problems[1].start, 13);
    assert_null(table_text_parse(&ints, SLICE_LIT("a\nb\nc\nd\ne\nf\ng\n"), &arena, problems, &n));
    assert_int_equal(n, TABLE_MAX_PROBLEMS);
    struct table_decl names = list_of(TYPE_STRING);
    assert_null(table_text_parse(&names, SLICE_LIT("\xff\n"), &arena, problems, &n));
    arena_release(&arena);
}

static void lookup_files(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct table_problem problems[TABLE_MAX_PROBLEMS];
    uint32_t n;
    struct table_decl home = lookup_of(TYPE_STRING, TYPE_STRING, true);
    const struct table *t = table_text_parse(
        &home, SLICE_LIT("{\"b\\u006fb\": [\"NL\", \"B\\\"E\", \"NL\"], \"eve\": null}"), &arena,
        problems, &n);
    assert_non_null(t);
    assert_int_equal(t->n, 1);
    assert_string_equal(shown(table_get(t, text("bob"))), "[\"NL\",\"B\\\"E\"]");
    assert_string_equal(shown(table_get(t, text("eve"))), "missing");
    struct table_decl zone = lookup_of(TYPE_CIDR, TYPE_INT, false);
    t = table_text_parse(&zone, SLICE_LIT("{\"10.0.0.0/8\":1,\"10.1.0.0/16\":2,\"10.1.2.3\":3}"),
                         &arena, problems, &n);
    assert_string_equal(shown(table_get(t, ip("10.1.2.3"))), "3");
    assert_string_equal(shown(table_get(t, ip("10.1.2.4"))), "2");
    assert_string_equal(shown(table_get(t, ip("10.2.0.0"))), "1");
    assert_string_equal(shown(table_get(t, ip("11.0.0.0"))), "missing");
    assert_null(table_text_parse(&zone, SLICE_LIT("{\"10.0.0.0/8\":\"1\"}"), &arena, problems, &n));
    assert_int_equal(n, 1);
    assert_null(table_text_parse(&zone, SLICE_LIT(""), &arena, problems, &n));
    assert_null(table_text_parse(&zone, SLICE_LIT("{\"10.0.0.0/8\":1,\"10.1.1.1/8\":2}"), &arena,
                                 problems, &n));
    arena_release(&arena);
}

static void generation_is_of_the_content(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct table_problem problems[TABLE_MAX_PROBLEMS];
    uint32_t n;
    struct table_decl d = list_of(TYPE_STRING);
    const struct table *ab = table_text_parse(&d, SLICE_LIT("a\nb\n"), &arena, problems, &n);
    const struct table *ba = table_text_parse(&d, SLICE_LIT("b\n# c\na\na"), &arena, problems, &n);
    const struct table *abc = table_text_parse(&d, SLICE_LIT("a\nb\nc"), &arena, problems, &n);
    const struct table *none = table_text_parse(&d, SLICE_LIT(""), &arena, problems, &n);
    assert_true(hash128_eq(ab->generation, ba->generation));
    assert_false(hash128_eq(ab->generation, abc->generation));
    assert_false(hash128_eq(ab->generation, none->generation));
    arena_release(&arena);
}

/* A look-up in a large list costs what it costs in a small one; the list loads in a moment. */
static void large_list(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct arena arena = ARENA_INIT;
    struct buf lines = BUF_INIT;
    struct table_problem problems[TABLE_MAX_PROBLEMS];
    uint32_t n;
    for (unsigned i = 0; i < N; i++) {
        buf_printf(&lines, "%u.%u.%u.0/24\n", i / 65536 + 1, i / 256 % 256, i % 256);
    }
    struct table_decl d = list_of(TYPE_CIDR);
    const struct table *t = table_text_parse(&d, buf_slice(&lines), &arena, problems, &n);
    assert_non_null(t);
    assert_int_equal(t->n, N);
    for (unsigned i = 0; i < N; i++) {
        char address[32];
        snprintf(address, sizeof(address), "%u.%u.%u.%u", i / 65536 + 1, i / 256 % 256, i % 256,
                 i % 250);
        assert_true(table_has(t, ip(address)));
    }
    assert_false(table_has(t, ip("200.0.0.1")));
    buf_release(&lines);
    arena_release(&arena);
}

/* ---- compacted topics ---------------------------------------------------------------------- */

static uint64_t put(struct table_live *t, const char *key, const char *value)
{
    struct error err = ERROR_INIT;
    uint64_t bad = 0;
    struct record r = {.has_key = key != NULL,
                       .key = slice_of(key ? key : ""),
                       .has_value = value != NULL,
                       .value = slice_of(value ? value : "")};
    assert_int_equal(table_live_put(t, &r, false, &bad, &err), ERR_OK);
    return bad;
}

static void newest_record_per_key(void **state)
{
    (void)state;
    struct table_decl d = lookup_of(TYPE_STRING, TYPE_INT, false);
    struct table_live t;
    table_live_init(&t, &d);
    assert_int_equal(put(&t, "ann", "1"), 0);
    assert_int_equal(put(&t, "bob", "2"), 0);
    assert_int_equal(put(&t, "ann", "3"), 0);
    assert_int_equal(put(&t, "eve", "4"), 0);
    assert_int_equal(put(&t, "eve", NULL), 0);
    assert_int_equal(put(&t, "bob", "x"), 1); /* the newest one cannot be read: gone */
    assert_int_equal(put(&t, NULL, "5"), 1);
    table_live_snapshot(&t);
    assert_int_equal(t.table->n, 1);
    assert_string_equal(shown(table_get(t.table, text("ann"))), "3");
    struct hash128 before = t.table->generation;
    put(&t, "ann", "4");
    put(&t, "ann", "3");
    put(&t, "new", NULL);
    table_live_snapshot(&t);
    assert_true(hash128_eq(before, t.table->generation));
    put(&t, "eve", "4");
    assert_true(t.changed);
    table_live_snapshot(&t);
    assert_string_equal(shown(table_get(t.table, text("eve"))), "4");
    assert_false(hash128_eq(before, t.table->generation));
    table_live_release(&t);
}

static void values_of_topics(void **state)
{
    (void)state;
    struct table_decl names = lookup_of(TYPE_INT, TYPE_STRING, false);
    struct table_decl home = lookup_of(TYPE_STRING, TYPE_STRING, true);
    struct table_decl list = list_of(TYPE_IP);
    struct table_live t;
    table_live_init(&t, &names);
    put(&t, "1", "\"in quotes\"");
    put(&t, "2", "bare text");
    put(&t, "3", "null");
    assert_int_equal(put(&t, "x", "\"a\""), 1);
    table_live_snapshot(&t);
    assert_string_equal(shown(table_get(t.table, value_int(1))), "\"in quotes\"");
    assert_string_equal(shown(table_get(t.table, value_int(2))), "\"bare text\"");
    assert_string_equal(shown(table_get(t.table, value_int(3))), "missing");
    table_live_release(&t);
    table_live_init(&t, &home);
    put(&t, "bob", "[\"NL\",\"BE\",\"NL\"]");
    assert_int_equal(put(&t, "ann", "NL"), 1);
    assert_int_equal(put(&t, "eve", "\"NL\""), 1);
    table_live_snapshot(&t);
    assert_string_equal(shown(table_get(t.table, text("bob"))), "[\"NL\",\"BE\"]");
    assert_int_equal(t.table->n, 1);
    table_live_release(&t);
    table_live_init(&t, &list); /* a list holds the keys; any value will do */
    put(&t, "1.2.3.4", "{\"why\": \"spam\"}");
    put(&t, "1.2.3.5", "no json");
    put(&t, "1.2.3.6", "x");
    put(&t, "1.2.3.6", NULL);
    table_live_snapshot(&t);
    assert_true(table_has(t.table, ip("1.2.3.4")) && table_has(t.table, ip("1.2.3.5")));
    assert_false(table_has(t.table, ip("1.2.3.6")));
    table_live_release(&t);
}

/* ---- what is in force ---------------------------------------------------------------------- */

/* A feed that gives one record per round, or fails. */
struct fake_feed {
    struct table_feed feed;
    struct record record;
    unsigned rounds, empty_polls;
    bool fails, away;
    volatile sig_atomic_t *stop; /* set when empty_polls is down to stop_at */
    unsigned stop_at;
};

static enum err fake_begin(struct table_feed *f, struct error *err)
{
    struct fake_feed *fake = (struct fake_feed *)f;
    fake->rounds++;
    return fake->fails ? error_set(err, ERR_KAFKA, "no broker") : ERR_OK;
}

static enum err fake_poll(struct table_feed *f, struct duration wait, struct table_feed_batch *ret,
                          struct error *err)
{
    struct fake_feed *fake = (struct fake_feed *)f;
    (void)wait;
    (void)err;
    *ret = (struct table_feed_batch){0};
    if (fake->empty_polls > 0) {
        fake->empty_polls--;
        ret->away = fake->away;
        if (fake->stop != NULL && fake->empty_polls == fake->stop_at) {
            *fake->stop = 1;
        }
        return ERR_OK;
    }
    *ret = (struct table_feed_batch){.records = &fake->record, .n = 1, .done = true};
    return ERR_OK;
}

static const struct table_feed_ops fake_ops = {.begin = fake_begin, .poll = fake_poll};

static struct record keyed(const char *key, const char *value)
{
    return (struct record){.has_key = true, .has_value = true, .key = slice_of(key),
                           .value = slice_of(value)};
}

static struct ptime at(int64_t s)
{
    return (struct ptime){s * NS_PER_S};
}

static struct value read_ann(const struct tables *t)
{
    return table_get(tables_env(t)->tables[0], text("ann"));
}

static void refresh_at_a_boundary(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct table_decl d = lookup_of(TYPE_STRING, TYPE_INT, false);
    d.origin = TABLE_TOPIC;
    d.place = SLICE_LIT("home");
    d.refresh.ns = 60 * NS_PER_S;
    d.table = table_new(NULL, &(struct value){0}, 0, &arena);
    struct ruleset rs = {.tables = &d, .n_tables = 1};
    struct fake_feed fake = {.feed = {.ops = &fake_ops, .topic = SLICE_LIT("home")},
                             .record = keyed("ann", "1"), .empty_polls = 3};
    struct table_feed *feeds[] = {&fake.feed};
    struct tables_options o = {.rs = &rs, .feeds = feeds, .n_feeds = 1};
    struct tables *t = tables_new(&o);
    assert_true(value_is_missing(read_ann(t)));
    assert_int_equal(tables_load(t, at(0), NULL, &err), ERR_OK);
    assert_string_equal(shown(read_ann(t)), "1");
    struct hash128 first = tables_fingerprint(t);
    fake.record = keyed("ann", "2");
    assert_false(tables_tick(t, at(59)));
    assert_string_equal(shown(read_ann(t)), "1");
    fake.empty_polls = 6; /* the topic takes two ticks to read */
    assert_false(tables_tick(t, at(60)));
    assert_string_equal(shown(read_ann(t)), "1");
    assert_true(tables_tick(t, at(61)));
    assert_string_equal(shown(read_ann(t)), "2");
    assert_false(hash128_eq(first, tables_fingerprint(t)));
    assert_false(tables_tick(t, at(120)));
    assert_false(tables_tick(t, at(121))); /* read again, nothing new */
    assert_int_equal(fake.rounds, 3);
    fake.record = keyed("ann", "1");
    assert_true(tables_tick(t, at(181)));
    assert_true(hash128_eq(first, tables_fingerprint(t)));
    assert_int_equal(tables_counters(t)->refreshes, 2);
    tables_free(t);
    arena_release(&arena);
}

static void a_failed_refresh_keeps_the_old_content(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct table_decl d = lookup_of(TYPE_STRING, TYPE_INT, false);
    d.origin = TABLE_TOPIC;
    d.place = SLICE_LIT("home");
    d.refresh.ns = NS_PER_S;
    d.table = table_new(NULL, &(struct value){0}, 0, &arena);
    struct ruleset rs = {.tables = &d, .n_tables = 1};
    struct fake_feed fake = {.feed = {.ops = &fake_ops, .topic = SLICE_LIT("home")},
                             .record = keyed("ann", "1")};
    struct table_feed *feeds[] = {&fake.feed};
    struct tables_options o = {.rs = &rs, .feeds = feeds, .n_feeds = 1};
    struct tables *t = tables_new(&o);
    assert_int_equal(tables_load(t, at(0), NULL, &err), ERR_OK);
    struct hash128 first = tables_fingerprint(t);
    fake.fails = true;
    fake.record = keyed("ann", "2");
    assert_false(tables_tick(t, at(5)));
    assert_string_equal(shown(read_ann(t)), "1");
    assert_true(hash128_eq(first, tables_fingerprint(t)));
    assert_int_equal(tables_counters(t)->failed, 1);
    fake.fails = false;
    assert_true(tables_tick(t, at(6)));
    assert_string_equal(shown(read_ann(t)), "2");
    tables_free(t);
    fake.fails = true; /* at the start it is an error */
    t = tables_new(&o);
    assert_int_equal(tables_load(t, at(0), NULL, &err), ERR_KAFKA);
    tables_free(t);
    arena_release(&arena);
}

/* An outage is waited for however long it is; silence of a broker that answers is not; who is told to end
 * has not failed, and has half a lookup. */
static void the_first_round_waits_for_a_broker_that_is_away(void **state)
{
    (void)state;
    enum { TWO_MINUTES = 1200 }; /* in polls */
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    volatile sig_atomic_t stop = 0;
    struct table_decl d = lookup_of(TYPE_STRING, TYPE_INT, false);
    d.origin = TABLE_TOPIC;
    d.place = SLICE_LIT("home");
    d.table = table_new(NULL, &(struct value){0}, 0, &arena);
    struct ruleset rs = {.tables = &d, .n_tables = 1};
    struct fake_feed fake = {.feed = {.ops = &fake_ops, .topic = SLICE_LIT("home")},
                             .record = keyed("ann", "1"), .empty_polls = TWO_MINUTES,
                             .away = true};
    struct table_feed *feeds[] = {&fake.feed};
    struct tables_options o = {.rs = &rs, .feeds = feeds, .n_feeds = 1};
    struct tables *t = tables_new(&o);
    assert_int_equal(tables_load(t, at(0), &stop, &err), ERR_OK);
    assert_string_equal(shown(read_ann(t)), "1");
    fake.away = false;
    fake.empty_polls = TWO_MINUTES;
    assert_int_equal(tables_load(t, at(0), &stop, &err), ERR_IO);
    assert_false(err.stopped);
    fake.away = true;
    fake.empty_polls = TWO_MINUTES;
    fake.stop = &stop;
    fake.stop_at = 1000;
    fake.record = keyed("ann", "2");
    assert_int_equal(tables_load(t, at(0), &stop, &err), ERR_IO);
    assert_true(err.stopped);
    assert_string_equal(shown(read_ann(t)), "1");
    tables_free(t);
    arena_release(&arena);
}

static void files_swap_as_a_whole(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct value a = text("a"), b = text("b");
    struct table_decl d = list_of(TYPE_STRING);
    d.origin = TABLE_FILE;
    d.table = table_new(&a, NULL, 1, &arena);
    struct ruleset rs = {.tables = &d, .n_tables = 1, .fingerprint = {1, 2}};
    struct tables_options o = {.rs = &rs};
    struct tables *t = tables_new(&o);
    assert_true(hash128_eq(tables_fingerprint(t), rs.fingerprint));
    const struct table *fresh[] = {table_new(&b, NULL, 1, &arena)};
    tables_swap(t, fresh);
    assert_true(table_has(tables_env(t)->tables[0], b));
    assert_false(table_has(tables_env(t)->tables[0], a));
    assert_false(hash128_eq(tables_fingerprint(t), rs.fingerprint));
    tables_free(t);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_files),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(lookup_files),
        cmocka_unit_test(generation_is_of_the_content),
        cmocka_unit_test(large_list),
        cmocka_unit_test(newest_record_per_key),
        cmocka_unit_test(values_of_topics),
        cmocka_unit_test(refresh_at_a_boundary),
        cmocka_unit_test(a_failed_refresh_keeps_the_old_content),
        cmocka_unit_test(the_first_round_waits_for_a_broker_that_is_away),
        cmocka_unit_test(files_swap_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
