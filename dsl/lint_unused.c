/* Lints about declarations that nothing uses. A file without rules is a library: what it declares
 * is for others. */
#include "dsl/check.h"

static bool is_asked_for(enum symbol_kind kind)
{
    return kind == SYM_CONST || kind == SYM_LET || kind == SYM_LIST || kind == SYM_LOOKUP ||
           kind == SYM_PROFILE;
}

static bool *files_with_rules(struct checker *c)
{
    bool *has = ARENA_ARRAY(c->arena, bool, (size_t)c->sources->n + 1);
    for (size_t i = 0; i < c->decls.n; i++) {
        if (c->decls.items[i]->kind == AST_DECL_RULE) {
            has[c->decls.items[i]->span.file] = true;
        }
    }
    return has;
}

void lint_unused(struct checker *c)
{
    const bool *has_rules = files_with_rules(c);
    for (MAP_EACH(e, &c->symbols)) {
        const struct symbol *s = e->value;
        if (s->used || !is_asked_for(s->kind) || !has_rules[s->span.file]) {
            continue;
        }
        struct diag *d = check_lint(c, DIAG_WARNING, "W0417", s->span, "nothing uses `%.*s`",
                                    SLICE_ARG(s->name));
        check_help(c, d, "remove it, or move it into a file of declarations for other files");
    }
}

/* One finding per file: a note for each of thousands of rules would hide the others. */
void lint_untested(struct checker *c)
{
    struct map tested;
    map_init(&tested, MAP_BORROW_KEYS);
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind == AST_DECL_TEST && ast_name_given(d->test->rule)) {
            map_set(&tested, d->test->rule->text, c);
        }
    }
    const struct ast_name **first = ARENA_ARRAY(c->arena, const struct ast_name *,
                                                (size_t)c->sources->n + 1);
    uint32_t *n = ARENA_ARRAY(c->arena, uint32_t, (size_t)c->sources->n + 1);
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind == AST_DECL_RULE && !d->rule.tests && ast_name_given(d->rule.name) &&
            !map_get(&tested, d->rule.name->text)) {
            uint32_t file = d->span.file;
            first[file] = n[file]++ == 0 ? d->rule.name : first[file];
        }
    }
    map_release(&tested);
    for (uint32_t f = 0; f < c->sources->n; f++) {
        if (n[f] == 0) {
            continue;
        }
        const char *more = n[f] == 1 ? "" : arena_printf(c->arena, ", and %u more of this file",
                                                         n[f] - 1);
        struct diag *d = check_lint(c, DIAG_NOTE, "W0418", first[f]->span,
                                    "`%.*s` has no test%s", SLICE_ARG(first[f]->text), more);
        check_help(c, d, "write one beside the rule: `test \"…\" for %.*s { at 0s … expect … }`",
                   SLICE_ARG(first[f]->text));
    }
}
