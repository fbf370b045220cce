/* fyke test --update: what came becomes what is expected.
 *
 * Only expectations that failed are rewritten, each where it stands; comments and everything else
 * keep their bytes. An expectation goes on checking the fields it named. What comes out is tested
 * before a file is replaced. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "cli/plain_text.h"
#include "cli/replace_file.h"
#include "cli/test_args.h"
#include "lib/expectation.h"

struct edit {
    uint32_t file, start, end; /* start = end: insertion */
    size_t number;             /* among those of one place */
    bool whole_line;           /* the line goes when nothing else stands on it */
    struct buf text;
};

struct updating {
    struct test_args *a;
    const struct fyke_rules *rules;
    const struct compilation *c;
    struct edit *edits;
    size_t n_edits, cap_edits;
    struct json_view view;
    struct buf said; /* one line per test, shown when files were written */
    unsigned changed, refused;
};

/* `model`: the expectation in whose place it stands; NULL: everything is said. */
static void put_expectation(struct updating *u, const struct compiled_test *t,
                            const struct rule_test_line *got, const struct test_stmt *model,
                            struct buf *out)
{
    const struct expectation e = {
        .origin = t->origin, .model = model, .rule = &u->c->ruleset->rules[t->rule]};
    (void)!json_view_set(&u->view, buf_slice(&got->json));
    expectation_put(&e, u->view.root, out);
}

/* ---- edits of one test ----------------------------------------------------------------------- */

static struct edit *add_edit(struct updating *u, struct span span)
{
    size_t number = u->n_edits;
    struct edit *e = &VEC_PUSH(u->edits, u->n_edits, u->cap_edits);
    *e = (struct edit){
        .file = span.file, .start = span.start, .end = span.end, .number = number};
    return e;
}

/* Free: no expectation holds it that stays as it is. */
static bool is_free(const struct rule_test_result *r, size_t got)
{
    size_t of = r->got[got].of;
    return of == SIZE_MAX || !r->expected[of].met;
}

static size_t next_free(const struct rule_test_result *r, size_t got)
{
    while (got < r->n_got && !is_free(r, got)) {
        got++;
    }
    return got;
}

static bool must_change(const struct rule_test_result *r, size_t expected)
{
    bool none = r->expected[expected].stmt->count == 0;
    return none ? r->n_got > 0 : !r->expected[expected].met;
}

/* Behind the last statement of the test, on a line of its own like that one. */
static void insert_behind(struct updating *u, const struct compiled_test *t,
                          const struct rule_test_line *got)
{
    struct span last = t->stmts[0].span;
    for (uint32_t i = 1; i < t->n_stmts; i++) {
        last = t->stmts[i].span.start > last.start ? t->stmts[i].span : last;
    }
    const struct rule_file *src = sources_get(&u->c->sources, last.file);
    uint32_t line = last.start, end = last.end;
    while (line > 0 && src->text.ptr[line - 1] != '\n') {
        line--;
    }
    uint32_t blank = line;
    while (src->text.ptr[blank] == ' ' || src->text.ptr[blank] == '\t') {
        blank++;
    }
    /* A comment behind the statement stays on its line; a brace that ends the test does not. */
    uint32_t eol = end;
    while (eol < src->text.len && (src->text.ptr[eol] == ' ' || src->text.ptr[eol] == '\t')) {
        eol++;
    }
    if (eol < src->text.len && src->text.ptr[eol] == '#') {
        while (eol < src->text.len && src->text.ptr[eol] != '\n') {
            eol++;
        }
        end = eol;
    }
    struct edit *e = add_edit(u, (struct span){.file = last.file, .start = end, .end = end});
    buf_printf(&e->text, "\n%.*s", (int)(blank - line), src->text.ptr + line);
    put_expectation(u, t, got, NULL, &e->text);
}

static void update_test(struct updating *u, const struct compiled_test *t,
                        const struct rule_test_result *r)
{
    size_t got = next_free(r, 0);
    bool said_none = false;
    for (size_t i = 0; i < r->n_expected; i++) {
        const struct test_stmt *s = r->expected[i].stmt;
        if (!must_change(r, i)) {
            continue;
        }
        struct edit *e = add_edit(u, s->span);
        if (got < r->n_got) {
            put_expectation(u, t, &r->got[got], s->count ? s : NULL, &e->text);
            got = next_free(r, got + 1);
        } else if (r->n_got == 0 && !said_none) {
            buf_puts(&e->text, "expect no match");
            said_none = true;
        } else {
            e->whole_line = true;
        }
    }
    for (; got < r->n_got; got = next_free(r, got + 1)) {
        insert_behind(u, t, &r->got[got]);
    }
}

/* ---- texts ----------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    if (x->file != y->file) {
        return x->file < y->file ? -1 : 1;
    }
    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

/* An expectation that goes takes its line with it when nothing else stands there. */
static void widen(const struct edit *e, struct slice text, uint32_t *start, uint32_t *end)
{
    uint32_t s = e->start, n = e->end;
    while (s > 0 && (text.ptr[s - 1] == ' ' || text.ptr[s - 1] == '\t')) {
        s--;
    }
    while (n < text.len && (text.ptr[n] == ' ' || text.ptr[n] == '\t' || text.ptr[n] == '\r')) {
        n++;
    }
    bool alone = (s == 0 || text.ptr[s - 1] == '\n') && n < text.len && text.ptr[n] == '\n';
    *start = e->whole_line && alone ? s : e->start;
    *end = e->whole_line && alone ? n + 1 : e->end;
}

static void apply(const struct updating *u, const struct rule_file *src, struct buf *out)
{
    uint32_t at = 0;
    for (size_t i = 0; i < u->n_edits; i++) {
        const struct edit *e = &u->edits[i];
        uint32_t start, end;
        if (e->file != src->index) {
            continue;
        }
        widen(e, src->text, &start, &end);
        buf_put(out, src->text.ptr + at, start - at);
        buf_put_slice(out, buf_slice(&e->text));
        at = end;
    }
    buf_put(out, src->text.ptr + at, src->text.len - at);
}

static bool has_edits(const struct updating *u, uint32_t file)
{
    for (size_t i = 0; i < u->n_edits; i++) {
        if (u->edits[i].file == file) {
            return true;
        }
    }
    return false;
}

/* ---- all tests -------------------------------------------------------------------------------- */

static struct slice rule_name(const struct updating *u, const struct compiled_test *t)
{
    return u->c->ruleset->rules[t->rule].name;
}

static void put_name(const struct updating *u, const struct compiled_test *t, struct buf *out)
{
    plain_put(out, rule_name(u, t));
    buf_puts(out, ": ");
    plain_put(out, t->title);
}

static void find_edits(struct updating *u)
{
    for (uint32_t i = 0; u->c->tests && i < u->c->tests->n; i++) {
        const struct compiled_test *t = &u->c->tests->items[i];
        struct rule_test_result r;
        uint64_t shuffled;
        if (!test_selected(u->a->filter, u->c->ruleset, t)) {
            continue;
        }
        test_run_one(u->a, u->c, t, &r, &shuffled);
        if (r.problem.len) {
            FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
            put_name(u, t, &name);
            fprintf(stderr, "%s: %s\n", buf_cstr(&name), buf_cstr(&r.problem));
            u->refused++;
        } else if (!r.ok) {
            update_test(u, t, &r);
            buf_puts(&u->said, "updated  ");
            put_name(u, t, &u->said);
            buf_puts(&u->said, "\n");
            u->changed++;
        }
        rule_test_result_release(&r);
    }
}

static void first_error(void *ctx, const struct fyke_diagnostic *d)
{
    struct buf *why = ctx;
    if (why->len == 0 && d->severity == FYKE_ERROR) {
        buf_printf(why, "%s:%u: error[%s]: %s", d->file, d->line, d->code, d->message);
    }
}

/* The rewritten texts compile, and their tests pass; else `why` not. */
static bool holds(struct updating *u, const struct compile_source *texts, uint32_t n,
                  struct buf *why)
{
    struct fyke_rules *rules;
    const struct compile_input input = {.paths = (const char *const *)u->rules->paths,
                                        .n_paths = (uint32_t)u->rules->n_paths,
                                        .sources = texts,
                                        .n_sources = n,
                                        .sources_on_demand = true};
    const struct rules_report report = {.fn = first_error, .ctx = why};
    if (rules_compile(&input, &report, &rules) != FYKE_OK) {
        return false;
    }
    bool ok = true;
    const struct compilation *c = rules->compilation;
    for (uint32_t i = 0; ok && i < c->tests->n; i++) {
        struct rule_test_result r;
        uint64_t shuffled;
        if (test_selected(u->a->filter, c->ruleset, &c->tests->items[i])) {
            test_run_one(u->a, c, &c->tests->items[i], &r, &shuffled);
            ok = r.ok;
            rule_test_result_release(&r);
            buf_puts(why, ok ? "" : "it does not pass: ");
            if (!ok) {
                plain_put(why, c->tests->items[i].title);
            }
        }
    }
    fyke_rules_free(rules);
    return ok;
}

static bool replace_all(const struct compile_source *texts, uint32_t n)
{
    struct new_text *files = xcalloc(n, sizeof(*files));
    for (uint32_t i = 0; i < n; i++) {
        files[i] = (struct new_text){texts[i].path, texts[i].text};
    }
    bool ok = replace_files(files, n);
    free(files);
    return ok;
}

static int write_texts(struct updating *u)
{
    const struct sources *set = &u->c->sources;
    struct compile_source *texts = xcalloc(set->n + 1u, sizeof(*texts));
    struct buf *bufs = xcalloc(set->n + 1u, sizeof(*bufs));
    uint32_t n = 0;
    int rc = CLI_OK;
    for (uint32_t i = 0; i < set->n; i++) {
        const struct rule_file *src = sources_get(set, i);
        if (has_edits(u, i)) {
            apply(u, src, &bufs[n]);
            texts[n] = (struct compile_source){src->path, buf_slice(&bufs[n])};
            n++;
        }
    }
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    if (n > 0 && !holds(u, texts, n, &why)) {
        fprintf(stderr, "fyke: what came cannot be written as expectations: %s; nothing was changed\n",
                buf_cstr(&why));
        rc = CLI_FINDINGS;
    }
    if (rc == CLI_OK && n > 0 && !replace_all(texts, n)) {
        fprintf(stderr, "fyke: nothing was changed\n");
        rc = CLI_IO;
    }
    for (uint32_t i = 0; i < n; i++) {
        buf_release(&bufs[i]);
    }
    free(bufs);
    free(texts);
    return rc;
}

int test_update(struct test_args *a, const struct fyke_rules *rules)
{
    struct updating u = {.a = a, .rules = rules, .c = rules->compilation};
    int rc = CLI_OK;
    json_view_init(&u.view);
    find_edits(&u);
    if (u.refused) {
        fprintf(stderr, "fyke: %u test%s cannot run; nothing was changed\n", u.refused,
                u.refused == 1 ? "" : "s");
        rc = CLI_FINDINGS;
    } else {
        if (u.n_edits > 1) {
            qsort(u.edits, u.n_edits, sizeof(*u.edits), by_place);
        }
        rc = write_texts(&u);
    }
    if (rc == CLI_OK) {
        buf_printf(&u.said, "%u updated\n", u.changed);
        rc = cli_put(buf_slice(&u.said));
    }
    for (size_t i = 0; i < u.n_edits; i++) {
        buf_release(&u.edits[i].text);
    }
    free(u.edits);
    buf_release(&u.said);
    json_view_release(&u.view);
    return rc;
}
