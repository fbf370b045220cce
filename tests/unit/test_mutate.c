/* Changes of one place of a rule: which there are, and that each is a rule again. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/mutate.h"
#include "lib/rules.h"

static const char text[] =
    "language 1\n"
    "const LONG = 1h\n"
    "event L from topic \"l\" where kind = \"x\" { user : string key  at : timestamp event time\n"
    "  kind : string  ok : bool  country : string  out of order by 5s  at most 1h ahead }\n"
    "event T from topic \"t\" { user : string key  at : timestamp event time }\n"
    "rule r {\n"
    "  for each user within LONG\n"
    "  when no T for 10m then 3 L as f where not ok and (country = \"NL\" and kind ~ \"a*\")\n"
    "    each within 1m having count(f) > 2 with no T within 5m\n"
    "  then next L as s where ok or country = \"BE\"\n"
    "  then no T where true then after 2s first_of_all\n"
    "  without T\n"
    "  quiet for 1d\n"
    "  emit alert { a = count(f) }\n"
    "}\n"
    "let first_of_all = any of (L where country = \"DE\", T)\n";

static const char *const wanted[] = {
    "`within LONG` as `within 2h`",
    "without `no T for 10m`",
    "`no T for 10m` as `no T for 5m`",
    "`3 L` as `2 L`",
    "without `not ok`",
    "without `country = \"NL\"`",
    "without `kind ~ \"a*\"`",
    "`each within 1m` as `each within 2m`",
    "without `count(f) > 2`",
    "without `with no T`",
    "`within 5m` as `within 10m`",
    "`then next` as `then`",
    "without `ok or country = \"BE\"`",
    "without `then no T where true`",
    "`after 2s` as `after 1s`",
    "without `T` (line 12, column 11)",
    "with `after match no skip`",
    "without `quiet for 1d`",
    "without `kind = \"x\"`",
    "without `at most 1h ahead`",
    "`out of order by 5s` as `out of order by 10s`",
    "with `out of order by 3650d` in T",
    "without `country = \"DE\"`",
};

static struct compilation *compile(const char *const *paths, uint32_t n_paths,
                                   const struct compile_source *sources, uint32_t n)
{
    struct error err = ERROR_INIT;
    const struct compile_input input = {.paths = paths,
                                        .n_paths = n_paths,
                                        .sources = sources,
                                        .n_sources = n,
                                        .table_parse = rules_table_parse(),
                                        .payload_parse = rules_payload_parse()};
    struct compilation *c = dsl_compile(&input, &err);
    if (!c) {
        fail_msg("%s", err.text);
    }
    return c;
}

/* The change compiles, or fails only in a way that is named. */
static void check_change(const struct compilation *c, const char *const *paths, uint32_t n_paths,
                         const struct mutation *m)
{
    FYKE_CLEANUP(buf_release) struct buf changed = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf words = BUF_INIT;
    mutation_apply(c, m, &changed);
    mutation_words(c, m, &words);
    const struct compile_source source = {sources_get(&c->sources, m->span.file)->path,
                                          buf_slice(&changed)};
    struct compilation *d = compile(paths, n_paths, &source, 1);
    if (!d->ruleset) {
        const struct diag *first = d->diags.first;
        fail_msg("%s: %s %s\n%s", buf_cstr(&words), first->code, first->message,
                 buf_cstr(&changed));
    }
    compilation_free(d);
}

static void every_kind_of_change(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct mutations found;
    const struct compile_source source = {"r.rules", slice_of(text)};
    const struct mutate_options o = {.times = 2, .surroundings = true};
    struct compilation *c = compile(NULL, 0, &source, 1);
    assert_non_null(c->ruleset);
    mutations_of(c, SLICE_LIT("r"), &o, &arena, &found);
    for (uint32_t i = 0; i < found.n && i < FYKE_ARRAY_LEN(wanted); i++) {
        FYKE_CLEANUP(buf_release) struct buf words = BUF_INIT;
        mutation_words(c, &found.items[i], &words);
        assert_string_equal(buf_cstr(&words), wanted[i]);
        check_change(c, NULL, 0, &found.items[i]);
    }
    assert_int_equal(found.n, FYKE_ARRAY_LEN(wanted));
    compilation_free(c);
    arena_release(&arena);
}

static void counts_down_to_one(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct mutations found;
    uint32_t counts = 0;
    const struct compile_source source = {"r.rules", slice_of(text)};
    const struct mutate_options o = {.times = 1000, .every_count = true};
    struct compilation *c = compile(NULL, 0, &source, 1);
    mutations_of(c, SLICE_LIT("r"), &o, &arena, &found);
    for (uint32_t i = 0; i < found.n; i++) {
        counts += found.items[i].kind == MUTATION_COUNT;
    }
    assert_int_equal(counts, 2);
    compilation_free(c);
    arena_release(&arena);
}

/* However much longer is asked for: what exceeds the limit around it would be no rule, and never tried. */
static void inner_times_grow_to_the_limit_around_them(void **state)
{
    (void)state;
    static const char *const longer[] = {"`within LONG` as `within 41d16h`",
                                         "`each within 1m` as `each within 5m`",
                                         "`within 5m` as `within 1h`"};
    struct arena arena = ARENA_INIT;
    struct mutations found;
    uint32_t n = 0;
    const struct compile_source source = {"r.rules", slice_of(text)};
    const struct mutate_options o = {.times = 1000};
    struct compilation *c = compile(NULL, 0, &source, 1);
    mutations_of(c, SLICE_LIT("r"), &o, &arena, &found);
    for (uint32_t i = 0; i < found.n; i++) {
        FYKE_CLEANUP(buf_release) struct buf words = BUF_INIT;
        if (found.items[i].kind == MUTATION_WINDOW) {
            assert_true(n < FYKE_ARRAY_LEN(longer));
            mutation_words(c, &found.items[i], &words);
            assert_string_equal(buf_cstr(&words), longer[n++]);
            check_change(c, NULL, 0, &found.items[i]);
        }
    }
    assert_int_equal(n, FYKE_ARRAY_LEN(longer));
    compilation_free(c);
    arena_release(&arena);
}

/* Rules as people write them: each change of each one is a rule. */
static void changes_of_the_examples_compile(void **state)
{
    (void)state;
    static const char *const paths[] = {"examples/fraud/rules"};
    struct arena arena = ARENA_INIT;
    uint32_t tried = 0;
    struct compilation *c = compile(paths, 1, NULL, 0);
    assert_non_null(c->ruleset);
    for (uint32_t r = 0; r < c->ruleset->n_rules; r++) {
        struct mutations found;
        const struct mutate_options o = {.times = 2};
        mutations_of(c, c->ruleset->rules[r].name, &o, &arena, &found);
        for (uint32_t i = 0; i < found.n; i++) {
            check_change(c, paths, 1, &found.items[i]);
            tried++;
        }
    }
    assert_true(tried > 30);
    compilation_free(c);
    arena_release(&arena);
}

/* Two places that read alike, and a part that is repeated as a whole. */
static void tells_which_place_of_several(void **state)
{
    (void)state;
    static const char twice[] =
        "language 1\n"
        "event L from topic \"l\" { user : string key  at : timestamp event time  n : int }\n"
        "rule r { for each user within 1h\n"
        "  when 2 times (L as a where n = 5)\n"
        "  then L as b where n = 5\n"
        "  emit alert { } }\n";
    static const char *const words_wanted[] = {
        "`within 1h` as `within 2h`",
        "`2 times (L as a where n = 5)` as `1 times (L as a where n = 5)`",
        "without `n = 5` (line 4, column 30)",
        "without `n = 5` (line 5, column 21)",
    };
    struct arena arena = ARENA_INIT;
    struct mutations found;
    const struct compile_source source = {"r.rules", slice_of(twice)};
    const struct mutate_options o = {.times = 2};
    struct compilation *c = compile(NULL, 0, &source, 1);
    mutations_of(c, SLICE_LIT("r"), &o, &arena, &found);
    for (uint32_t i = 0; i < found.n && i < FYKE_ARRAY_LEN(words_wanted); i++) {
        FYKE_CLEANUP(buf_release) struct buf words = BUF_INIT;
        mutation_words(c, &found.items[i], &words);
        assert_string_equal(buf_cstr(&words), words_wanted[i]);
    }
    assert_int_equal(found.n, FYKE_ARRAY_LEN(words_wanted));
    compilation_free(c);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_change),
        cmocka_unit_test(counts_down_to_one),
        cmocka_unit_test(tells_which_place_of_several),
        cmocka_unit_test(inner_times_grow_to_the_limit_around_them),
        cmocka_unit_test(changes_of_the_examples_compile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
