/* The one namespace of a rule set (language.md 3.1). */
#include "dsl/check.h"

#include "dsl/token.h"

const char *symbol_kind_name(enum symbol_kind kind)
{
    static const char *const names[] = {
        [SYM_EVENT] = "an event",    [SYM_CONST] = "a const",     [SYM_LET] = "a let",
        [SYM_LIST] = "a list",       [SYM_LOOKUP] = "a lookup",   [SYM_PROFILE] = "a profile",
        [SYM_RULE] = "a rule",
    };
    return names[kind];
}

struct symbol *scope_peek(const struct checker *c, struct slice name)
{
    return map_get(&c->symbols, name);
}

struct symbol *scope_find(const struct checker *c, struct slice name)
{
    struct symbol *s = scope_peek(c, name);
    if (s) {
        s->used = true;
    }
    return s;
}

void check_bare_name(struct checker *c, const struct ast_name *name, const char *what)
{
    if (!ast_name_given(name) || !name->reserved) {
        return;
    }
    struct diag *d = check_error(c, "E0213", name->span, "`%.*s` is a reserved word",
                                 SLICE_ARG(name->text));
    check_help(c, d, "give %s another name", what);
}

/* Which symbol a declaration enters; false for those without a name (import, test, error). */
static bool decl_symbol(const struct ast_decl *d, enum symbol_kind *kind,
                        const struct ast_name **name)
{
    switch (d->kind) {
    case AST_DECL_EVENT:
        *kind = SYM_EVENT;
        *name = d->event.name;
        return true;
    case AST_DECL_CONST:
        *kind = SYM_CONST;
        *name = d->constant.name;
        return true;
    case AST_DECL_LIST:
        *kind = SYM_LIST;
        *name = d->list.name;
        return true;
    case AST_DECL_LOOKUP:
        *kind = SYM_LOOKUP;
        *name = d->lookup.name;
        return true;
    case AST_DECL_LET:
        *kind = SYM_LET;
        *name = d->let.name;
        return true;
    case AST_DECL_PROFILE:
        *kind = SYM_PROFILE;
        *name = d->profile.name;
        return true;
    case AST_DECL_RULE:
        *kind = SYM_RULE;
        *name = d->rule.name;
        return true;
    case AST_DECL_IMPORT:
    case AST_DECL_TEST:
    case AST_DECL_ERROR:
        break;
    }
    return false;
}

static void lint_keyword(struct checker *c, const struct ast_name *name, enum symbol_kind kind)
{
    const struct dsl_word *word = dsl_word_find(name->text);
    if (kind == SYM_RULE || kind == SYM_CONST || !word || word->reserved) {
        return;
    }
    struct diag *d = check_lint(c, DIAG_WARNING, "W0410", name->span,
                                "`%.*s` is a keyword in other places", SLICE_ARG(name->text));
    check_help(c, d, "another name reads better");
}

static void declare(struct checker *c, const struct ast_decl *d)
{
    enum symbol_kind kind;
    const struct ast_name *name;
    if (!decl_symbol(d, &kind, &name) || !ast_name_given(name)) {
        return;
    }
    check_bare_name(c, name, symbol_kind_name(kind));
    lint_keyword(c, name, kind);
    struct symbol *before = scope_peek(c, name->text);
    if (before) {
        struct diag *e = check_error(c, "E0304", name->span, "`%.*s` is declared twice",
                                     SLICE_ARG(name->text));
        check_second(c, e, before->span, "first declared here, as %s",
                     symbol_kind_name(before->kind));
        check_help(c, e, "all files of a rule set share one namespace");
        return;
    }
    struct symbol *s = ARENA_NEW(c->arena, struct symbol);
    s->kind = kind;
    s->name = name->text;
    s->span = name->span;
    s->ast = d;
    s->decl = UINT32_MAX;
    map_set(&c->symbols, name->text, s);
}

void scope_declare_all(struct checker *c)
{
    for (size_t i = 0; i < c->decls.n; i++) {
        declare(c, c->decls.items[i]);
    }
}
