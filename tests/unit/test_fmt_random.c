/* The formatter on texts that a generator makes from the grammar, with line breaks and comments
 * between any two tokens: same tree, same comments, and formatting again changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "dsl/ast_dump.h"
#include "dsl/fmt.h"
#include "dsl/parse.h"
#include "dsl/token.h"

#define TEXTS 1000

struct gen {
    struct buf out;
    uint64_t state;
    unsigned depth;
    bool scattered; /* line breaks and comments between tokens */
};

static unsigned pick(struct gen *g, unsigned n)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (unsigned)(g->state >> 33) % n;
}

static bool chance(struct gen *g, unsigned one_in)
{
    return pick(g, one_in) == 0;
}

/* Tokens are separated by blanks in `text`; `^` stands for a blank that stays one. */
static void put(struct gen *g, const char *text)
{
    static const char *const gaps[] = {" ", "  ", "\n", "\n\n\n", " # note\n", "\n# alone\n"};
    for (const char *c = text; *c; c++) {
        if (*c == ' ' && g->scattered && chance(g, 6)) {
            buf_puts(&g->out, gaps[pick(g, FYKE_ARRAY_LEN(gaps))]);
        } else {
            buf_put_byte(&g->out, (uint8_t)(*c == '^' ? ' ' : *c));
        }
    }
}

static void put_one(struct gen *g, const char *const *texts, unsigned n)
{
    put(g, texts[pick(g, n)]);
}

#define PUT_ONE(g, ...)                                                                            \
    put_one((g), (const char *const[]){__VA_ARGS__},                                               \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void expr(struct gen *g);
static void pattern(struct gen *g);

static void atom(struct gen *g)
{
    switch (g->depth > 3 ? pick(g, 3) : pick(g, 8)) {
    case 0: PUT_ONE(g, "5", "10_000", "9.50", "1.5e-3", "20%", "true", "90s", "1h30m"); break;
    case 1: PUT_ONE(g, "\"x\"", "r\"\\d+\"", "\"a^\\\"^b\"", "10.0.0.1", "10.0.0.0/8",
                    "2026-03-01", "2026-03-01T12:00:00Z"); break;
    case 2: PUT_ONE(g, "x", "a.b", "ok.country", "`@odd^name`", "source.as.number"); break;
    case 3: put(g, "( "); expr(g); put(g, " )"); break;
    case 4: put(g, "f ( "); expr(g); put(g, " , "); expr(g); put(g, " )"); break;
    case 5: put(g, "count ( x where "); expr(g); put(g, " )"); break;
    case 6: put(g, "home [ "); expr(g); put(g, " ] . y"); break;
    default: put(g, "[ "); expr(g); put(g, " , "); expr(g); put(g, chance(g, 2) ? " , ]" : " ]");
    }
}

static void comparison(struct gen *g)
{
    atom(g);
    if (chance(g, 3)) {
        PUT_ONE(g, " + ", " - ", " * ", " / ");
        atom(g);
    }
    switch (pick(g, 6)) {
    case 0: PUT_ONE(g, " = ", " != ", " <= ", " > "); atom(g); break;
    case 1: PUT_ONE(g, " between ", " not between "); atom(g); put(g, " and "); atom(g); break;
    case 2: PUT_ONE(g, " is missing", " is not missing", " is present"); break;
    case 3:
        PUT_ONE(g, " in ", " not in ", " ~ ", " like ", " contains ", " starts with ~ ",
                " ends with ");
        PUT_ONE(g, "( \"a\" , \"b\" )", "list vips", "seen", "[ 1 ]", "( 1 , 2 , )");
        break;
    default: break;
    }
}

static void expr(struct gen *g)
{
    g->depth++;
    if (g->depth > 3 || chance(g, 2)) {
        comparison(g);
    } else if (chance(g, 5)) {
        put(g, "if ");
        expr(g);
        put(g, " then ");
        expr(g);
        put(g, " else ");
        expr(g);
    } else {
        unsigned n = 1 + pick(g, 4);
        for (unsigned i = 0; i < n; i++) {
            put(g, i == 0 ? "" : chance(g, 2) ? " and " : " or ");
            put(g, chance(g, 5) ? "not " : "");
            comparison(g);
        }
    }
    g->depth--;
}

static void event(struct gen *g)
{
    PUT_ONE(g, "Login", "Payment", "FailedLogin as f", "A as `b^c`", "`then` as x");
    if (chance(g, 2)) {
        put(g, " where ");
        expr(g);
    }
}

static void span(struct gen *g)
{
    if (chance(g, 3)) {
        put(g, " with no ");
        event(g);
    }
    PUT_ONE(g, "", " within 5m", " within LIMIT");
}

static void counted(struct gen *g)
{
    bool loop = chance(g, 2);
    put(g, loop ? (chance(g, 2) ? "3 or more " : "2 to 5 ") : "4 ");
    PUT_ONE(g, "Login", "Payment as p");
    bool before = chance(g, 3);
    put(g, before ? " in^a^row" : "");
    if (chance(g, 2)) {
        put(g, " where ");
        expr(g);
    }
    put(g, !before && chance(g, 3) ? " anywhere" : "");
    PUT_ONE(g, "", " each within 30s");
    if (chance(g, 3)) {
        put(g, loop ? " until " : " having ");
        expr(g);
    }
    span(g);
}

static void part(struct gen *g)
{
    g->depth++;
    switch (g->depth > 4 ? pick(g, 2) : pick(g, 5)) {
    case 0: event(g); break;
    case 1: counted(g); break;
    case 2: put(g, "( "); pattern(g); put(g, " )"); span(g); break;
    case 3: put(g, "3 times ( "); pattern(g); put(g, " ) in^a^row"); span(g); break;
    default:
        PUT_ONE(g, "all of ( ", "any of ( ", "2 of ( ");
        pattern(g);
        put(g, " , ");
        pattern(g);
        put(g, " )");
        span(g);
    }
    g->depth--;
}

static void pattern(struct gen *g)
{
    part(g);
    for (unsigned n = pick(g, 3); n > 0; n--) {
        PUT_ONE(g, " then ", " then first ", " then next ", " then within 5m ",
                " then after 1m within 5m ", " then no Reset then ", " then no Reset for 5m then ",
                " then optional ");
        part(g);
    }
}

static void body(struct gen *g)
{
    put(g, " {");
    for (unsigned n = pick(g, 5); n > 0; n--) {
        PUT_ONE(g, " name = ", " a.b = ", " from = ");
        expr(g);
        put(g, n > 1 && chance(g, 2) ? " ," : "");
    }
    put(g, " }");
}

static void rule(struct gen *g)
{
    put(g, "rule r {");
    PUT_ONE(g, "", " title \"t\" severity high", " tags attack.t1110 , x tags y",
            " description \"one\" \"two\"");
    PUT_ONE(g, "", " for each user within 5m", " for each user = A.b = B.c , ip", " within 1h");
    put(g, " when ");
    put(g, chance(g, 5) ? "no Login for 5m then " : "");
    pattern(g);
    if (chance(g, 3)) {
        put(g, " without ");
        event(g);
    }
    PUT_ONE(g, "", " after match skip to next", " after match no skip",
            " after match skip to first f");
    PUT_ONE(g, "", " quiet for 5m per user , ip");
    put(g, chance(g, 4) ? " on timeout emit alert" : "");
    put(g, " emit alert");
    body(g);
    if (chance(g, 3)) {
        put(g, " test \"t\" { at 0s Login");
        body(g);
        put(g, " x3 every 5s late at 1m Login watermark 5m given list vips = [ \"a\" ]"
               " expect at 5s 1 match");
        body(g);
        put(g, " expect no match restart }");
    }
    put(g, " }\n");
}

static void declaration(struct gen *g)
{
    switch (pick(g, 7)) {
    case 0:
        put(g, "event E from topic \"t\" { user : string key at : timestamp event time"
               " kind : enum ( \"a\" , \"b\" ) n : int optional out of order by 30s idle after 5m }\n");
        break;
    case 1: put(g, "const C = "); expr(g); put(g, "\n"); break;
    case 2: put(g, "let L = Login where "); expr(g); put(g, "\n"); break;
    case 3: put(g, "let U = any of ( A , B where "); expr(g); put(g, " )\n"); break;
    case 4: put(g, "lookup h : string to set of string = { \"a\" = [ \"b\" ] , \"c\" = [ ] }\n"); break;
    default: rule(g);
    }
}

struct parsed {
    struct arena arena;
    struct sources set;
    struct diags diags;
    struct ast_file *file;
    struct buf dump;
};

static void parse(struct parsed *p, struct slice text)
{
    *p = (struct parsed){0};
    sources_init(&p->set, &p->arena);
    diags_init(&p->diags, &p->arena);
    p->file = dsl_parse(sources_add(&p->set, "x.rules", text), &p->arena, &p->diags);
    ast_dump_file(&p->dump, p->file, AST_DUMP_PARENS);
}

static void release(struct parsed *p)
{
    buf_release(&p->dump);
    arena_release(&p->arena);
}

static bool check(struct buf *text)
{
    FYKE_CLEANUP(buf_release) struct buf once = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf twice = BUF_INIT;
    struct parsed a;
    struct parsed b;
    parse(&a, buf_slice(text));
    bool ok = dsl_fmt(a.file, &a.arena, &once);
    parse(&b, buf_slice(&once));
    ok = ok && dsl_fmt(b.file, &b.arena, &twice) &&
         slice_eq(buf_slice(&a.dump), buf_slice(&b.dump)) &&
         a.file->tokens->n_comments == b.file->tokens->n_comments &&
         slice_eq(buf_slice(&once), buf_slice(&twice));
    if (!ok) {
        print_error("%s\n--- text\n%s\n--- once\n%s\n--- twice\n%s\n",
                    a.diags.first ? a.diags.first->message : "", buf_cstr(text), buf_cstr(&once),
                    buf_cstr(&twice));
    }
    release(&a);
    release(&b);
    return ok;
}

static void random_texts_keep_their_tree(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= TEXTS; seed++) {
        struct gen g = {.state = seed * UINT64_C(0x9E3779B97F4A7C15), .scattered = seed % 3 != 0};
        for (int i = 0; i < 8; i++) {
            pick(&g, 2);
        }
        buf_puts(&g.out, "language 1\n");
        for (unsigned n = 1 + pick(&g, 4); n > 0; n--) {
            declaration(&g);
        }
        bool ok = check(&g.out);
        buf_release(&g.out);
        if (!ok) {
            print_error("seed %u\n", (unsigned)seed);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_texts_keep_their_tree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
