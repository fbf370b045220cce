/* Durations where the grammar takes one: written out, or the name of a const. And the consts. */
#include "dsl/check.h"

static struct symbol *find_const(struct checker *c, const struct ast_name *name)
{
    struct symbol *s = scope_find(c, name->text);
    if (s && s->kind == SYM_CONST) {
        return s;
    }
    if (s) {
        check_error(c, "E0318", name->span, "`%.*s` is %s; a duration or a const is needed here",
                    SLICE_ARG(name->text), symbol_kind_name(s->kind));
        return NULL;
    }
    struct suggest near = suggest_for(name->text);
    for (MAP_EACH(e, &c->symbols)) {
        const struct symbol *other = e->value;
        if (other->kind == SYM_CONST) {
            suggest_try(&near, other->name);
        }
    }
    struct diag *d = check_error(c, "E0303", name->span, "there is no const `%.*s`",
                                 SLICE_ARG(name->text));
    check_suggest(c, d, &near);
    return NULL;
}

/* Evaluated once, or consts that use each other twice would double the work with each step. The
 * depth of all expressions on the way down is bounded as that of one is. */
struct typed check_const(struct expr_ctx *x, struct symbol *s, struct span use)
{
    if (s->visiting) {
        struct diag *d = check_error(x->c, "E0316", use, "`%.*s` is defined by itself",
                                     SLICE_ARG(s->name));
        check_second(x->c, d, s->span, "declared here");
        return TYPED_UNKNOWN;
    }
    const struct ast_expr *ast = s->ast->constant.value;
    if (!s->value && ast->depth + x->depth > AST_MAX_DEPTH) {
        check_error(x->c, "E0224", use, "this is too deeply nested");
        return TYPED_UNKNOWN;
    }
    if (!s->value) {
        struct typed *value = ARENA_NEW(x->c->arena, struct typed);
        struct expr_ctx inner = expr_ctx_new(x->c, PLACE_CONST);
        inner.depth = x->depth + ast->depth;
        s->visiting = true;
        *value = check_expr(&inner, ast);
        s->visiting = false;
        value->e = value->e ? expr_fold(x->c, value->e) : NULL;
        s->value = value;
    }
    struct typed t = *s->value;
    t.span = use;
    return t;
}

bool check_dur(struct checker *c, const struct ast_dur *dur, struct duration *ret)
{
    if (dur->literal) {
        *ret = dur->literal->duration;
        return true;
    }
    if (!ast_name_given(dur->name)) {
        return false;
    }
    struct symbol *s = find_const(c, dur->name);
    if (!s) {
        return false;
    }
    struct expr_ctx x = expr_ctx_new(c, PLACE_CONST);
    struct typed t = check_const(&x, s, dur->span);
    if (!t.e) {
        return false;
    }
    if (t.kind != VAL_DURATION || t.e->op != EX_CONST) {
        struct diag *d = check_error(c, "E0323", dur->span, "`%.*s` is %s, a duration is needed",
                                     SLICE_ARG(dur->name->text), type_text(c, t));
        check_second(c, d, s->span, "declared here");
        check_help(c, d, "a time has a unit: `const %.*s = 5 minutes`",
                   SLICE_ARG(dur->name->text));
        return false;
    }
    if (t.e->value.u.i < 0) {
        check_error(c, "E0323", dur->span, "a duration is not negative here");
        return false;
    }
    *ret = (struct duration){t.e->value.u.i};
    return true;
}

bool check_timed(struct checker *c, const struct ast_timed *timed, struct duration *ret)
{
    return timed && check_dur(c, &timed->value, ret);
}

void check_consts(struct checker *c)
{
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind != AST_DECL_CONST || !ast_name_given(d->constant.name)) {
            continue;
        }
        struct symbol *s = scope_peek(c, d->constant.name->text);
        struct expr_ctx x = expr_ctx_new(c, PLACE_CONST);
        if (s->ast == d) {
            check_const(&x, s, d->constant.name->span);
        }
    }
}
