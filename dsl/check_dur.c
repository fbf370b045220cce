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
    if (s->visiting) {
        return false;
    }
    s->visiting = true;
    struct typed t = check_expr(&x, s->ast->constant.value);
    s->visiting = false;
    if (!t.e) {
        return false;
    }
    t.e = expr_fold(c, t.e);
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
        struct symbol *s = scope_find(c, d->constant.name->text);
        struct expr_ctx x = expr_ctx_new(c, PLACE_CONST);
        s->visiting = true;
        check_expr(&x, d->constant.value);
        s->visiting = false;
    }
}
