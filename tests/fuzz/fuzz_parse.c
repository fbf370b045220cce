/* Any bytes as a rule file and as an expression: nothing crashes; what parses is formatted to a
 * text with the same tree and the same comments, and formatting that changes nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "dsl/ast_dump.h"
#include "dsl/diag_render.h"
#include "dsl/fmt.h"
#include "dsl/parse.h"
#include "dsl/token.h"
#include "tests/fuzz/fuzz.h"

struct run {
    struct arena arena;
    struct sources set;
    struct diags diags;
    struct ast_file *file;
};

static void run_parse(struct run *r, struct slice text)
{
    *r = (struct run){0};
    sources_init(&r->set, &r->arena);
    diags_init(&r->diags, &r->arena);
    r->file = dsl_parse(sources_add(&r->set, "f.rules", text), &r->arena, &r->diags);
}

static void require(bool ok, const char *what, const struct buf *a, const struct buf *b)
{
    if (!ok) {
        fprintf(stderr, "%s\n--- first\n%.*s\n--- second\n%.*s\n", what, (int)a->len, a->ptr,
                (int)b->len, b->ptr);
        abort();
    }
}

static bool same(const struct buf *a, const struct buf *b)
{
    return slice_eq(buf_slice(a), buf_slice(b));
}

static void render(const struct run *r)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    for (const struct diag *d = r->diags.first; d; d = d->next) {
        diag_render_human(&out, &r->set, d, true);
        diag_render_json(&out, &r->set, d);
    }
}

static void check_fmt(struct run *r)
{
    FYKE_CLEANUP(buf_release) struct buf once = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf twice = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf before = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf after = BUF_INIT;
    struct run again;
    dsl_fmt(r->file, &r->arena, &once);
    run_parse(&again, buf_slice(&once));
    ast_dump_file(&before, r->file, AST_DUMP_PARENS);
    ast_dump_file(&after, again.file, AST_DUMP_PARENS);
    require(!again.file->broken, "formatted text does not parse", &once, &before);
    require(same(&before, &after), "formatting changes the tree", &before, &after);
    require(again.file->tokens->n_comments == r->file->tokens->n_comments,
            "formatting loses comments", &once, &before);
    dsl_fmt(again.file, &again.arena, &twice);
    require(same(&once, &twice), "formatting is not stable", &once, &twice);
    arena_release(&again.arena);
}

static void check_expr(struct slice text)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct sources set;
    struct diags diags;
    sources_init(&set, &arena);
    diags_init(&diags, &arena);
    struct ast_file *file = dsl_parse_expr(sources_add(&set, "e", text), &arena, &diags);
    require((file->expr == NULL) == (diags.n_errors > 0), "an expression or an error", &out, &out);
    ast_dump_expr(&out, file->expr, AST_DUMP_PLAIN);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FYKE_CLEANUP(buf_release) struct buf dump = BUF_INIT;
    struct slice text = slice_from((const char *)data, size);
    struct run r;
    run_parse(&r, text);
    render(&r);
    ast_dump_file(&dump, r.file, AST_DUMP_PLAIN);
    require(r.file->broken == (r.diags.n_errors > 0), "broken, but no error", &dump, &dump);
    if (!r.file->broken) {
        check_fmt(&r);
    }
    arena_release(&r.arena);
    check_expr(text);
    return 0;
}
