/* Of many rules only those that an event may concern are asked: the answers and what is counted stay as
 * they are when every rule is asked, which a watch sees to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "engine/keys/key.h"
#include "nfa/watch.h"
#include "tests/support/compile_text.h"

#define N_EVENTS 3000
#define MAX_RULES 64

/* $: a value. In turn: every way to say a value, and what leaves a rule unindexed. */
static const char *const patterns[] = {
    "E as a where kind = \"$\" then E as b where kind = \"$\" and n > a.n",
    "E as a where kind in (\"$\", \"$\") and ok = true then no E where kind = \"a\" for 3s",
    "2 E as a where kind = \"$\" or kind = \"$\" within 5s",
    "E as a where n = 3 and kind = \"$\" then E as b where n = 4 and other = \"$\"",
    "K as a where n > 2 then K as b where ok = true and other != \"$$\"",
    "E as a where n > 2 and other != \"$\" then E as b where kind = \"$\"",
    "E as a where kind = \"$\" then next E as b where kind = \"$\"",
    "no E where kind = \"$\" for 2s then E as b where kind = \"$\"",
    "E as a where ok = true then 2 or more E as b where ok = false and kind != \"$$\"",
    "E as a where lower(kind) = \"$\" then E as b where kind = \"$\" and other = a.other",
    "E as a where kind = \"$\" and n / 2 > 1 then E as b where 3 = n and other != \"$\"",
    "E as a where kind = \"$\" or other = \"$\" then E as b where kind = \"$\" and ok = true",
    "E as a where kind is missing and other = \"$\" then E as b where kind = \"$\"",
    "E as a where n >= 4 then E as b where n < 2 and ok is present then E as c where 3 <= n and n <= 4",
    "2 E as a where kind = \"$\" in a row within 9s then next no E where other = \"$\"",
    "E as a where n > 4 or other = \"$\" then next E as b where n between 2 and 3 then E as c where ok = true and n < 1",
};

static void rules_text(uint32_t n, struct buf *out)
{
    buf_printf(out, "language 1\nevent E from topic \"t\" {\n user : string key\n at : timestamp "
                    "event time\n kind : string\n other : string\n n : int\n ok : bool\n}\n"
                    "let K = E where kind = \"c\"\n");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t letter = i;
        buf_printf(out, "rule r%u {\n for each user within 20s\n when ", i);
        for (const char *p = patterns[i % FYKE_ARRAY_LEN(patterns)]; *p != 0; p++) {
            buf_put_byte(out, *p == '$' ? (uint8_t)('a' + letter % 7) : (uint8_t)*p);
            letter = *p == '$' ? letter / 7 + 3 : letter;
        }
        buf_printf(out, "\n%s emit alert\n}\n", i % 5 == 4 ? " after match skip to next\n" : "");
    }
}

static void add_text(struct rng *rng, struct buf *out, const char *name)
{
    if (rng_below(rng, 8) != 0) {
        buf_printf(out, ",\"%s\":\"%c\"", name, 'a' + (int)rng_below(rng, 7));
    }
}

static void fill(struct memory_source *m, struct rng *rng)
{
    struct buf text = BUF_INIT;
    int64_t at = 0;
    memory_source_add_partition(m, 0, 0);
    for (int64_t i = 0; i < N_EVENTS; i++) {
        at += rng_range(rng, 0, 1500);
        buf_clear(&text);
        buf_printf(&text, "{\"user\":\"u%d\",\"at\":\"2026-01-01T%02d:%02d:%02d.%03dZ\"",
                   (int)rng_below(rng, 4), (int)(at / 3600000), (int)(at / 60000 % 60),
                   (int)(at / 1000 % 60), (int)(at % 1000));
        add_text(rng, &text, "kind");
        add_text(rng, &text, "other");
        buf_printf(&text, ",\"n\":%d,\"ok\":%s}", (int)rng_below(rng, 6),
                   rng_below(rng, 2) ? "true" : "false");
        memory_source_add(m, 0, 0, i, buf_cstr(&text));
    }
    buf_release(&text);
}

static void see(void *ctx, const struct rule *rule, uint32_t test, const struct event *e,
                struct eval *ev, bool bound)
{
    (void)rule;
    (void)test;
    (void)e;
    (void)ev;
    (void)bound;
    (*(uint64_t *)ctx)++;
}

struct answers {
    struct buf text;
    uint64_t events[MAX_RULES]; /* handed to each rule */
    uint64_t alerts[MAX_RULES];
};

/* `watch`: every rule is asked. */
static void run(const struct ruleset *rs, uint64_t seed, const struct nfa_watch *watch,
                struct answers *ret)
{
    struct engine_options o;
    struct memory_source source;
    struct memory_sink sink;
    struct engine *e;
    struct error err = ERROR_INIT;
    struct rng rng = rng_seed(seed);
    struct engine_rule_figures figures[MAX_RULES];
    bool whole;
    engine_options_init(&o);
    o.nfa.watch = watch;
    memory_source_init(&source, true);
    memory_sink_init(&sink);
    fill(&source, &rng);
    assert_int_equal(engine_new(rs, &o, &e, &err), ERR_OK);
    assert_int_equal(engine_run(e, &source.source, &sink.sink, NULL, &err), ERR_OK);
    engine_rule_figures(e, figures, &whole);
    *ret = (struct answers){.text = BUF_INIT};
    buf_put_slice(&ret->text, buf_slice(&sink.text));
    for (uint32_t r = 0; r < rs->n_rules; r++) {
        ret->events[r] = figures[r].events;
        ret->alerts[r] = figures[r].alerts;
    }
    engine_free(e);
    source.source.ops->close(&source.source);
    sink.sink.ops->close(&sink.sink);
}

static void the_same_answers_as_when_every_rule_is_asked(void **state)
{
    uint64_t fired = 0, asked = 0;
    const struct nfa_watch watch = {.asked = see, .ctx = &asked};
    (void)state;
    for (uint32_t n = 8; n <= MAX_RULES; n += 28) {
        struct buf text = BUF_INIT;
        rules_text(n, &text);
        struct compilation *c = compile_text(buf_cstr(&text));
        assert_non_null(c->ruleset);
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct answers want, got;
            run(c->ruleset, seed, &watch, &want);
            run(c->ruleset, seed, NULL, &got);
            assert_true(slice_eq(buf_slice(&want.text), buf_slice(&got.text)));
            for (uint32_t r = 0; r < n; r++) {
                assert_int_equal(want.events[r], got.events[r]);
                fired += want.alerts[r] > 0;
            }
            buf_release(&want.text);
            buf_release(&got.text);
        }
        compilation_free(c);
        buf_release(&text);
    }
    assert_true(fired > 120);
    assert_true(asked > 0);
}

static uint32_t bits_of(const struct use_index *index, const struct event *e)
{
    uint64_t set[8] = {0}, word;
    uint32_t n = 0, w;
    assert_true(index->n_words + index->n_groups <= FYKE_ARRAY_LEN(set));
    use_index_find(index, e, set);
    while ((word = use_index_take(index, set, &w)) != 0) {
        n += (uint32_t)__builtin_popcountll(word);
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(set); i++) {
        assert_int_equal(set[i], 0);
    }
    return n;
}

static struct event *event_of_values(uint32_t n)
{
    struct event *e = xcalloc(1, sizeof(*e) + n * sizeof(struct value));
    e->n_values = n;
    return e;
}

/* Two hundred rules, each for a value of its own and one that any event may pass. */
static void rules_that_ask_for_another_value_are_not_found(void **state)
{
    struct buf text = BUF_INIT;
    struct key_table table;
    (void)state;
    buf_printf(&text, "language 1\nevent E from topic \"t\" {\n user : string key\n at : timestamp "
                      "event time\n kind : string\n n : int\n}\n");
    for (int i = 0; i < 200; i++) {
        buf_printf(&text, "rule r%d {\n for each user within 20s\n when E as a where kind = \"k%d\" "
                          "then E as b where n > 3 and kind = \"k%d\"\n emit alert\n}\n",
                   i, i, (i + 1) % 200);
    }
    buf_printf(&text, "rule any {\n for each user within 20s\n when E as a where n / 2 > 3\n emit alert\n}\n");
    struct compilation *c = compile_text(buf_cstr(&text));
    assert_non_null(c->ruleset);
    key_table_init(&table, c->ruleset);
    const struct use_index *index = table.groups[0].variants[0].index;
    assert_non_null(index);
    assert_int_equal(index->n_fields, 1);
    struct event *e = event_of_values(8);
    assert_int_equal(bits_of(index, e), 1);
    e->values[index->fields[0].slot] = value_string(SLICE_LIT("k7"));
    assert_int_equal(bits_of(index, e), 3);
    e->values[index->fields[0].slot] = value_string(SLICE_LIT("another"));
    assert_int_equal(bits_of(index, e), 1);
    free(e);
    key_table_release(&table);
    compilation_free(c);
    buf_release(&text);
}

static void compile_rules(const char *const *patterns_of, int n, struct compilation **ret_c, struct key_table *ret)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "language 1\nevent E from topic \"t\" {\n user : string key\n at : timestamp "
                      "event time\n kind : string\n n : int\n ok : bool\n}\n");
    for (int i = 0; i < n; i++) {
        buf_printf(&text, "rule r%d {\n for each user within 20s\n when %s\n emit alert\n}\n", i, patterns_of[i]);
    }
    *ret_c = compile_text(buf_cstr(&text));
    assert_non_null((*ret_c)->ruleset);
    key_table_init(ret, (*ret_c)->ruleset);
    buf_release(&text);
}

static uint32_t slot_of_field(const struct ruleset *rs, const char *name)
{
    for (uint32_t i = 0; i < rs->decls[0].n_fields; i++) {
        if (slice_eq(rs->decls[0].fields[i].name, slice_of(name))) {
            return i;
        }
    }
    fail();
    return 0;
}

/* Found by what they ask of a number; of `and` what seems to be rarest counts: kinds are many. */
static void rules_are_found_by_the_rarest_of_their_conditions(void **state)
{
    const char *const of[] = {"E as a where n > 10", "E as a where 20 >= n", "E as a where n < 5",
                              "E as a where n >= 30 or kind = \"a\"", "E as a where ok = true and kind in (\"b\", \"c\")",
                              "E as a where kind = \"d\" and n > 0", "E as a where ok = true and n >= 7",
                              "E as a where ok = true"};
    struct compilation *c;
    struct key_table table;
    (void)state;
    compile_rules(of, 8, &c, &table);
    const struct use_index *index = table.groups[0].variants[0].index;
    assert_non_null(index);
    struct event *e = event_of_values(8);
    uint32_t n = slot_of_field(c->ruleset, "n"), kind = slot_of_field(c->ruleset, "kind");
    uint32_t ok = slot_of_field(c->ruleset, "ok");
    assert_int_equal(bits_of(index, e), 0);
    e->values[n] = value_int(15); /* > 10, <= 20 */
    assert_int_equal(bits_of(index, e), 2);
    e->values[n] = value_int(3); /* <= 20, < 5 */
    assert_int_equal(bits_of(index, e), 2);
    e->values[n] = value_int(30); /* > 10, >= 30 */
    e->values[kind] = value_string(SLICE_LIT("d")); /* a rule */
    assert_int_equal(bits_of(index, e), 3);
    e->values[kind] = value_string(SLICE_LIT("a")); /* that of >= 30 again */
    assert_int_equal(bits_of(index, e), 2);
    e->values[ok] = value_bool(true); /* that which asks for nothing else, and n >= 7 or ok, whichever is rarer */
    assert_int_equal(bits_of(index, e), 4);
    free(e);
    key_table_release(&table);
    compilation_free(c);
}

static void a_rule_that_counts_is_not_found_by_what_it_counts(void **state)
{
    const char *of[8];
    struct compilation *c;
    struct key_table table;
    (void)state;
    for (int i = 0; i < 8; i++) {
        of[i] = "E as a where kind = \"a\" then next E as b where kind = \"b\"";
    }
    compile_rules(of, 8, &c, &table);
    const struct use_index *index = table.groups[0].variants[0].index;
    assert_non_null(index);
    assert_non_null(index->counting);
    struct event *e = event_of_values(8);
    e->values[slot_of_field(c->ruleset, "kind")] = value_string(SLICE_LIT("c"));
    assert_int_equal(bits_of(index, e), 0);
    free(e);
    key_table_release(&table);
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_answers_as_when_every_rule_is_asked),
        cmocka_unit_test(rules_that_ask_for_another_value_are_not_found),
        cmocka_unit_test(rules_are_found_by_the_rarest_of_their_conditions),
        cmocka_unit_test(a_rule_that_counts_is_not_found_by_what_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
