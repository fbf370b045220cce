/* Lists whose content changes while events are retained: what a condition read with the fields of
 * its own event stays as it was when that event came, over restarts too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/compile_text.h"

/* The second step's condition reads the first one, so it is judged again when the third comes. */
#define RULES                                                                                      \
    "language 1\n"                                                                                 \
    "event E from topic \"e\" { k : string key  at : timestamp in ms event time\n"                 \
    "  kind : string  v : int  x : string optional }\n"                                            \
    "list bad : string = []\n"                                                                     \
    "lookup limit : string to int = { \"k\" = 5 }\n"                                               \
    "rule listed { for each k within 1h\n"                                                         \
    "  when E as a where kind = \"a\"\n"                                                           \
    "  then E as b where kind = \"b\" and (x in list bad or v = a.v)\n"                            \
    "  then E as c where kind = \"c\" emit alert { x = b.x } }\n"                                  \
    "rule limited { for each k within 1h\n"                                                        \
    "  when E as a where kind = \"a\"\n"                                                           \
    "  then E as b where kind = \"b\" and v + a.v > limit[k]\n"                                    \
    "  then E as c where kind = \"c\" emit alert { limit = limit[b.k] } }\n"

struct world {
    struct compilation *c;
    struct engine *engine;
    struct memory_sink sink;
    struct arena arena;
    int64_t offset;
    char dir[64];
};

static void check(enum err rc, const struct error *err)
{
    if (rc != ERR_OK) {
        fail_msg("%s", err->text);
    }
}

static void open_engine(struct world *w, const struct table *const *given)
{
    struct engine_options o;
    struct error err = ERROR_INIT;
    struct source_partition part = {0};
    engine_options_init(&o);
    o.state_dir = w->dir;
    o.given_tables = given;
    check(engine_new(w->c->ruleset, &o, &w->engine, &err), &err);
    check(engine_begin(w->engine, &part, 1, &w->sink.sink, &err), &err);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    snprintf(w->dir, sizeof(w->dir), "/tmp/fyke-tables-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->c = compile_text(RULES);
    assert_string_equal(codes_of(w->c, true), "");
    memory_sink_init(&w->sink);
    open_engine(w, NULL);
    *state = w;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct world *w = *state;
    engine_free(w->engine);
    memory_sink_release(&w->sink);
    compilation_free(w->c);
    arena_release(&w->arena);
    nftw(w->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

static void push(struct world *w, const char *kind, int v, const char *x)
{
    char text[160];
    struct error err = ERROR_INIT;
    snprintf(text, sizeof(text), "{\"k\":\"k\",\"at\":%d,\"kind\":\"%s\",\"v\":%d,\"x\":\"%s\"}",
             (int)(w->offset + 1) * 1000, kind, v, x);
    struct record r = {.offset = w->offset++, .has_value = true, .value = slice_of(text)};
    check(engine_push(w->engine, &r, &err), &err);
    check(engine_process(w->engine, &err), &err);
}

/* `bad` holds one value or none; `limit` is for "k". */
static void contents(struct world *w, const char *bad, int limit, const struct table **ret)
{
    struct value *keys = ARENA_ARRAY(&w->arena, struct value, 3);
    keys[0] = value_string(slice_of(bad));
    keys[1] = value_string(SLICE_LIT("k"));
    keys[2] = value_int(limit);
    ret[0] = table_new(keys, NULL, bad[0] ? 1 : 0, &w->arena);
    ret[1] = table_new(keys + 1, keys + 2, 1, &w->arena);
}

static void swap(struct world *w, const char *bad, int limit)
{
    const struct table *tables[2];
    contents(w, bad, limit, tables);
    engine_swap_tables(w->engine, tables);
}

static void restart(struct world *w, const char *bad, int limit)
{
    struct error err = ERROR_INIT;
    const struct table *tables[2];
    contents(w, bad, limit, tables);
    check(engine_commit(w->engine, &err), &err);
    engine_free(w->engine);
    open_engine(w, tables);
}

/* "rule:emit" of every alert, in order of delivery. */
static void expect_alerts(const struct world *w, const char *want)
{
    char got[512] = "";
    for (size_t i = 0; i < w->sink.n_alerts; i++) {
        struct slice v = memory_sink_value(&w->sink, i);
        const char *emit = memmem(v.ptr, v.len, "\"emit\":", 7);
        const char *end = memchr(emit, '}', (size_t)(v.ptr + v.len - emit));
        size_t n = strlen(got);
        snprintf(got + n, sizeof(got) - n, "%.*s ", (int)(end - emit - 6), emit + 7);
    }
    assert_string_equal(got, want);
}

static void a_value_listed_then_counts_later(void **state)
{
    struct world *w = *state;
    swap(w, "x", 100);
    push(w, "a", 1, "-");
    push(w, "b", 2, "x");
    swap(w, "", 100);
    push(w, "c", 0, "-");
    expect_alerts(w, "{\"x\":\"x\"} ");
}

static void a_value_listed_afterwards_does_not(void **state)
{
    struct world *w = *state;
    swap(w, "", 100);
    push(w, "a", 1, "-");
    push(w, "b", 2, "x");
    swap(w, "x", 100);
    push(w, "c", 0, "-");
    expect_alerts(w, "");
    push(w, "b", 2, "x");
    push(w, "c", 0, "-");
    expect_alerts(w, "{\"x\":\"x\"} ");
}

static void the_same_over_a_restart(void **state)
{
    struct world *w = *state;
    swap(w, "x", 100);
    push(w, "a", 1, "-");
    push(w, "b", 2, "x");
    restart(w, "", 100);
    push(w, "c", 0, "-");
    expect_alerts(w, "{\"x\":\"x\"} ");
}

static void a_lookup_is_read_as_of_the_event(void **state)
{
    struct world *w = *state;
    swap(w, "", 5);
    push(w, "a", 1, "-");
    push(w, "b", 4, "-"); /* 5 > 5: no */
    swap(w, "", 3);
    push(w, "c", 0, "-");
    expect_alerts(w, "");
    push(w, "b", 3, "-"); /* 4 > 3 */
    swap(w, "", 9);
    push(w, "c", 0, "-"); /* the alert shows what is in force */
    expect_alerts(w, "{\"limit\":9} ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_value_listed_then_counts_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_listed_afterwards_does_not, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_over_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lookup_is_read_as_of_the_event, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
