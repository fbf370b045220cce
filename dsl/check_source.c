/* Sources: what a step, absence or filter reads. An event type is itself; a let narrows its source
 * or joins several. A filter is compiled once per alternative, on that alternative's fields. */
#include "dsl/check.h"

/* Lets of lets of lets: each level is work for every rule that uses the outermost. */
#define MAX_LETS 64

static struct event_source *source_new(struct checker *c, struct slice name, uint32_t n)
{
    struct event_source *s = ARENA_NEW(c->arena, struct event_source);
    s->name = arena_copy(c->out, name);
    s->alts = ARENA_ARRAY(c->arena, struct source_alt, n + 1);
    return s;
}

static const struct event_source *broken_source(struct checker *c, struct slice name)
{
    struct event_source *s = source_new(c, name, 0);
    s->broken = true;
    return s;
}

static void unknown_source(struct checker *c, const struct ast_name *name)
{
    struct suggest s = suggest_for(name->text);
    for (MAP_EACH(e, &c->symbols)) {
        const struct symbol *sym = e->value;
        if (sym->kind == SYM_EVENT || sym->kind == SYM_LET) {
            suggest_try(&s, sym->name);
        }
    }
    struct diag *d = check_error(c, "E0301", name->span, "there is no event or let `%.*s`",
                                 SLICE_ARG(name->text));
    if (s.best.ptr) {
        check_suggest(c, d, &s);
    } else {
        check_help(c, d, "declare it: `event %.*s from topic \"…\" { … }`",
                   SLICE_ARG(name->text));
    }
}

/* ---- lets ---------------------------------------------------------------------------------- */

/* Behind those of the lets that it narrows. */
static void add_conditions(struct checker *c, struct source_alt *alt, const struct ast_expr *ast,
                           const struct expr *e)
{
    uint32_t n;
    const struct rule_condition *mine = conditions_of(c, ast, e, &n), *before = alt->conditions;
    alt->conditions = ARENA_ARRAY(c->out, struct rule_condition, alt->n_conditions + n + 1u);
    for (uint32_t i = 0; i < alt->n_conditions; i++) {
        alt->conditions[i] = before[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        alt->conditions[alt->n_conditions++] = mine[i];
    }
}

struct source_alt source_narrow(struct checker *c, const struct source_alt *from,
                                const struct ast_filter *filter, struct slice let)
{
    struct source_alt alt = *from;
    struct slice *lets = ARENA_ARRAY(c->arena, struct slice, from->n_lets + 1);
    lets[0] = let;
    for (uint32_t i = 0; i < from->n_lets; i++) {
        lets[i + 1] = from->lets[i];
    }
    alt.lets = lets;
    alt.n_lets = from->n_lets + 1;
    if (filter->where) {
        struct expr_ctx x = expr_ctx_new(c, PLACE_EVENT);
        x.self = &alt.decl;
        x.n_self = 1;
        const struct expr *mine = check_condition(&x, filter->where->expr);
        alt.filter = expr_conjunction(c, from->filter, mine);
        add_conditions(c, &alt, filter->where->expr, mine);
        lint_let(c, mine, filter->where->span);
    }
    return alt;
}

static const struct event_source *resolve_let(struct checker *c, struct symbol *s)
{
    const struct ast_let *let = &s->ast->let;
    const struct event_source *parts[64];
    uint32_t n = 0;
    uint32_t total = 0;
    bool broken = false;
    c->let_depth++;
    for (const struct ast_filter *f = let->filters; f && n < FYKE_ARRAY_LEN(parts); f = f->next) {
        const struct event_source *part = source_resolve(c, f->source);
        broken = broken || part->broken;
        total += part->n_alts;
        parts[n++] = part;
    }
    c->let_depth--;
    struct event_source *result = source_new(c, s->name, total);
    result->broken = broken;
    if (let->n_filters > n || total > RULE_MAX_ROLES) {
        check_error(c, "E0423", s->span, "a let joins at most %d sources", RULE_MAX_ROLES);
        result->broken = true;
        return result;
    }
    const struct ast_filter *f = let->filters;
    for (uint32_t i = 0; i < n; i++, f = f->next) {
        for (uint32_t a = 0; a < parts[i]->n_alts; a++) {
            result->alts[result->n_alts++] = source_narrow(c, &parts[i]->alts[a], f, s->name);
        }
    }
    return result;
}

static const struct event_source *resolve_symbol(struct checker *c, struct symbol *s,
                                                 struct span use)
{
    if (s->source) {
        return s->source;
    }
    if (s->visiting) {
        struct diag *d = check_error(c, "E0316", use, "`%.*s` is defined by itself",
                                     SLICE_ARG(s->name));
        check_second(c, d, s->span, "declared here");
        return broken_source(c, s->name);
    }
    if (s->kind == SYM_LET && c->let_depth == MAX_LETS) {
        check_error(c, "E0224", use, "lets stand more than %d deep in each other", MAX_LETS);
        return broken_source(c, s->name);
    }
    if (s->kind == SYM_EVENT) {
        struct event_source *e = source_new(c, s->name, 1);
        e->alts[0].decl = s->decl;
        e->n_alts = 1;
        s->source = e;
        return e;
    }
    s->visiting = true;
    const struct event_source *resolved = resolve_let(c, s);
    s->visiting = false;
    struct event_source *kept = ARENA_NEW(c->arena, struct event_source);
    *kept = *resolved;
    s->source = kept;
    return kept;
}

const struct event_source *source_resolve(struct checker *c, const struct ast_name *name)
{
    struct symbol *s = scope_find(c, name->text);
    if (!s) {
        unknown_source(c, name);
        return broken_source(c, name->text);
    }
    if (s->kind != SYM_EVENT && s->kind != SYM_LET) {
        struct diag *d = check_error(c, "E0318", name->span,
                                     "`%.*s` is %s; an event or a let is needed here",
                                     SLICE_ARG(name->text), symbol_kind_name(s->kind));
        check_second(c, d, s->span, "declared here");
        return broken_source(c, name->text);
    }
    return resolve_symbol(c, s, name->span);
}

void check_lets(struct checker *c)
{
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind == AST_DECL_LET && ast_name_given(d->let.name)) {
            struct symbol *s = scope_peek(c, d->let.name->text);
            if (s->ast == d) {
                resolve_symbol(c, s, s->span);
            }
        }
    }
}

/* ---- roles --------------------------------------------------------------------------------- */

static bool same_role(const struct rule_role *role, const struct source_alt *alt,
                      struct slice name)
{
    return role->decl == alt->decl && role->filter == alt->filter && slice_eq(role->name, name);
}

/* The roles of a source in this rule, entered on first use. */
uint64_t rule_add_roles(struct rule_ctx *r, const struct event_source *s, bool counted,
                        struct span span)
{
    uint64_t roles = 0;
    for (uint32_t a = 0; a < s->n_alts; a++) {
        uint32_t i = 0;
        while (i < r->rule->n_roles && !same_role(&r->rule->roles[i], &s->alts[a], s->name)) {
            i++;
        }
        if (i == RULE_MAX_ROLES) {
            check_error(r->c, "E0423", span, "a rule reads at most %d sources", RULE_MAX_ROLES);
            r->overflow = true;
            return roles;
        }
        if (i == r->rule->n_roles) {
            r->rule->n_roles++;
            r->rule->roles[i].name = s->name;
            r->rule->roles[i].decl = s->alts[a].decl;
            r->rule->roles[i].filter = s->alts[a].filter;
            r->rule->roles[i].conditions = s->alts[a].conditions;
            r->rule->roles[i].n_conditions = s->alts[a].n_conditions;
            r->role_alts[i] = &s->alts[a];
        }
        r->rule->roles[i].counted = r->rule->roles[i].counted || counted;
        roles |= UINT64_C(1) << i;
    }
    return roles;
}
