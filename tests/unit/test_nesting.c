/* Deep and repetitive rule files: whatever nests is refused with E0224 beyond a bound, walks at the
 * bound need little stack, and work does not multiply with each level. What fuzzing or thinking
 * found stays here under its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "dsl/ast_dump.h"
#include "dsl/ast_name.h"
#include "dsl/compile.h"
#include "dsl/fmt.h"
#include "dsl/parse.h"

/* Half of what a process gets on Linux; sanitizers make frames several times as large. */
#define STACK_BYTES (4u << 20)
/* Arena bytes per byte of text that no input of this file may exceed. */
#define MAX_BYTES_PER_BYTE 2000

#define EVENTS                                                                                     \
    "language 1\n"                                                                                 \
    "event A from topic \"a\" { k : string key  at : timestamp event time  n : int  b : bool }\n"

/* HEAD (OPEN × depth) INNER (CLOSE × depth) TAIL */
struct shape {
    const char *name, *head, *open, *inner, *close, *tail;
    unsigned bound;
};

#define WHERE EVENTS "rule r { for each k within 1h when A as a where "
#define WHEN EVENTS "rule r { for each k within 1h when "
#define END " emit alert }\n"

static const struct shape shapes[] = {
    {"parentheses", WHERE, "(", "b", ")", END, AST_MAX_DEPTH},
    {"not", WHERE, "not ", "b", "", END, AST_MAX_DEPTH},
    {"minus", WHERE "n = ", "- ", "n", "", END, AST_MAX_DEPTH},
    {"percent", WHERE "n < ", "5% of ", "n", "", END, AST_MAX_DEPTH},
    {"if in then", WHERE, "if b then ", "b", " else b", END, AST_MAX_DEPTH},
    {"if in else", WHERE, "if b then b else ", "b", "", END, AST_MAX_DEPTH},
    {"if in if", WHERE, "if ", "b", " then b else b", END, AST_MAX_DEPTH},
    {"index in index", WHERE "n = ", "k[", "1", "]", END, AST_MAX_DEPTH},
    {"index after index", WHERE "n = k", "[1]", "", "", END, AST_MAX_DEPTH},
    {"member", WHERE "n = abs(1)", ".x", "", "", END, AST_MAX_DEPTH},
    {"call", WHERE "n = ", "abs(", "n", ")", END, AST_MAX_DEPTH},
    {"text call", WHERE "k = ", "concat(k, ", "k", ")", END, AST_MAX_DEPTH},
    {"aggregate", WHERE "n = ", "count(a where n = ", "n", ")", END, AST_MAX_DEPTH},
    {"array", WHERE "n in ", "[", "1", "]", END, AST_MAX_DEPTH},
    {"array by lines", WHERE "n in ", "[\n", "1", "]", END, AST_MAX_DEPTH},
    {"list", WHERE "n ", "in (n ", "in (1)", ")", END, AST_MAX_DEPTH},
    {"and", WHERE "b", " and b", "", "", END, AST_MAX_DEPTH},
    {"or", WHERE "n = 1", " or n = 1", "", "", END, AST_MAX_DEPTH},
    {"plus", WHERE "0 = n", " + n", "", "", END, AST_MAX_DEPTH},
    {"times", WHERE "0 = n", " * 2", "", "", END, AST_MAX_DEPTH},
    {"group", WHEN, "(", "A", ")", END, AST_MAX_GROUPS},
    {"group by lines", WHEN, "(\n", "A", ")", END, AST_MAX_GROUPS},
    {"group with steps", WHEN, "(A then ", "A", ") with no A within 5m", END, AST_MAX_GROUPS},
    {"repeated", WHEN, "2 times (", "A", ") in a row within 5m", END, AST_MAX_GROUPS},
    {"all of", WHEN, "all of (A, ", "A", ")", END, AST_MAX_GROUPS},
    {"any of", WHEN, "any of (A, ", "A", ")", END, AST_MAX_GROUPS},
    {"two of", WHEN, "2 of (A, A, ", "A", ")", END, AST_MAX_GROUPS},
    {"optional", WHEN "A then ", "optional (", "A", ")", END, AST_MAX_GROUPS},
};

static void repeat(struct buf *out, const char *text, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        buf_puts(out, text);
    }
}

static void write_shape(struct buf *out, const struct shape *s, unsigned depth)
{
    out->len = 0;
    buf_puts(out, s->head);
    repeat(out, s->open, depth);
    buf_puts(out, s->inner);
    repeat(out, s->close, depth);
    buf_puts(out, s->tail);
}

static uint32_t count_code(const struct diags *ds, const char *code)
{
    uint32_t n = 0;
    for (const struct diag *d = ds->first; d; d = d->next) {
        n += strcmp(d->code, code) == 0;
    }
    return n;
}

struct outcome {
    uint32_t too_deep;
    uint32_t errors;
    size_t bytes; /* arenas of the compilation */
};

static struct outcome compile(struct slice text)
{
    struct compile_source source = {"n.rules", text};
    struct compile_input input = {.sources = &source, .n_sources = 1};
    struct error err = ERROR_INIT;
    struct compilation *c = dsl_compile(&input, &err);
    assert_non_null(c);
    struct outcome o = {count_code(&c->diags, "E0224"), c->diags.n_errors,
                        c->arena.used_bytes + (c->ruleset ? c->ruleset->arena.used_bytes : 0)};
    compilation_free(c);
    return o;
}

/* Also formats and dumps; false if the text does not parse. */
static bool walk_tree(struct slice text)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct sources set;
    struct diags diags;
    sources_init(&set, &arena);
    diags_init(&diags, &arena);
    struct ast_file *file = dsl_parse(sources_add(&set, "n.rules", text), &arena, &diags);
    bool parsed = !file->broken;
    ast_dump_file(&out, file, AST_DUMP_PARENS);
    dsl_fmt(file, &arena, &out);
    arena_release(&arena);
    return parsed;
}

/* The depth at which the parser begins to say no. */
static unsigned deepest(const struct shape *s, struct buf *text)
{
    unsigned lo = 1;
    unsigned hi = 2 * AST_MAX_DEPTH;
    while (hi - lo > 1) {
        unsigned mid = lo + (hi - lo) / 2;
        write_shape(text, s, mid);
        if (walk_tree(buf_slice(text))) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static void check_shape(const struct shape *s)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    unsigned depth = deepest(s, &text);
    /* one construct may be two levels, and the condition around it some more */
    if (depth > s->bound || 3 * depth + 8 < s->bound) {
        print_error("%s: refused beyond %u, bound %u\n", s->name, depth, s->bound);
        fail();
    }
    write_shape(&text, s, depth);
    struct outcome o = compile(buf_slice(&text));
    assert_int_equal(o.too_deep, 0);
    if (o.bytes > MAX_BYTES_PER_BYTE * text.len) {
        print_error("%s: %zu bytes for %zu\n", s->name, o.bytes, text.len);
        fail();
    }
    write_shape(&text, s, depth + 1);
    assert_int_equal(compile(buf_slice(&text)).too_deep, 1);
}

static void *check_shapes(void *arg)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(shapes); i++) {
        check_shape(&shapes[i]);
    }
    return arg;
}

static void nesting_is_bounded(void **state)
{
    pthread_t thread;
    pthread_attr_t attr;
    (void)state;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attr, check_shapes, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
}

/* -------------------------------------------------------------- declarations that use others */

static struct outcome compile_buf(const struct buf *text)
{
    struct outcome o = compile(buf_slice(text));
    if (o.bytes > MAX_BYTES_PER_BYTE * text->len) {
        print_error("%zu bytes for %zu\n", o.bytes, text->len);
        fail();
    }
    return o;
}

/* Each const was evaluated anew wherever it stood: 30 of these took 2^30 evaluations. */
static void doubling_consts_stay_linear(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    buf_puts(&text, "language 1\nconst C0 = 0\n");
    for (int i = 1; i < 500; i++) {
        buf_printf(&text, "const C%d = C%d + C%d\n", i, i - 1, i - 1);
    }
    assert_int_equal(compile_buf(&text).errors, 0);
}

/* Written the other way round, so that the first one leads down through all others. */
static void const_chains_are_bounded(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    buf_puts(&text, "language 1\n");
    for (int i = 0; i < 100; i++) {
        buf_printf(&text, "const C%d = ", i);
        repeat(&text, "- ", 100);
        buf_printf(&text, "C%d\n", i + 1);
    }
    buf_puts(&text, "const C100 = 1\n");
    assert_true(compile_buf(&text).too_deep > 0);
}

static void let_chains_are_bounded(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    buf_puts(&text, EVENTS);
    for (int i = 0; i < 20000; i++) {
        buf_printf(&text, "let L%d = L%d where b\n", i, i + 1);
    }
    buf_puts(&text, "let L20000 = A\n");
    assert_true(compile_buf(&text).too_deep > 0);
}

static void computed_chains_are_bounded(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    buf_puts(&text, "language 1\nevent A { at : timestamp event time\n");
    for (int i = 0; i < 1000; i++) {
        buf_printf(&text, "f%d : int = f%d + 1\n", i, i + 1);
    }
    buf_puts(&text, "f1000 : int }\n");
    assert_true(compile_buf(&text).too_deep > 0);
}

/* Every pair of equal parts was reported, and each report looked through all before it. */
static void repeated_keys_are_told_once_each(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    buf_puts(&text, EVENTS "rule r { for each k");
    repeat(&text, ", k", 999);
    buf_puts(&text, " when A emit alert }\n");
    assert_int_equal(compile_buf(&text).errors, 999);
}

/* A list's length was kept in 16 bits: of 65,537 values one was left. */
static void long_lists_are_refused(void **state)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)state;
    buf_puts(&text, WHERE "n in (1");
    repeat(&text, ", 2", 65536);
    buf_puts(&text, ")" END);
    assert_int_equal(compile_buf(&text).errors, 1);
    text.len = 0;
    buf_puts(&text, WHERE "k = concat(k");
    repeat(&text, ", k", 65536);
    buf_puts(&text, ")" END);
    assert_int_equal(compile_buf(&text).errors, 1);
}

static size_t bytes_of_rules(int n)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    buf_puts(&text, EVENTS "let L = A where n > 3\nconst C = 5\n");
    for (int i = 1; i <= n; i++) {
        buf_printf(&text,
                   "rule r%04d { for each k within 1h when L as l%04d where n > C then 3 A as m "
                   "where k = \"x\" emit alert { v = sum(m.n) } }\n"
                   "test \"t%04d\" for r%04d { at 0s A { k = \"x\" n = %04d } expect no match }\n",
                   i, i, i, n + 1 - i, i);
    }
    struct outcome o = compile_buf(&text);
    assert_int_equal(o.errors, 0);
    return o.bytes;
}

/* Twice the rules, twice the memory: what looks at all rules for each rule keeps something. Time is
 * bench/gen_rules' matter. */
static void memory_grows_with_the_rules(void **state)
{
    (void)state;
    size_t some = bytes_of_rules(100);
    size_t many = bytes_of_rules(1600);
    if (many > 17 * some || many < 15 * some) {
        print_error("%zu bytes for 100 rules, %zu for 1600\n", some, many);
        fail();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(doubling_consts_stay_linear),
        cmocka_unit_test(const_chains_are_bounded),
        cmocka_unit_test(let_chains_are_bounded),
        cmocka_unit_test(computed_chains_are_bounded),
        cmocka_unit_test(repeated_keys_are_told_once_each),
        cmocka_unit_test(long_lists_are_refused),
        cmocka_unit_test(memory_grows_with_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
