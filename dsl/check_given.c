/* `given profile p for KEY { measure = value }` in tests. */
#include "dsl/check_given.h"

#include "nfa/profile.h"

static const struct profile *find_profile(struct checker *c, const struct ast_name *name)
{
    const struct profile *p = profile_named(c, name->text);
    if (p) {
        return p;
    }
    struct suggest near = suggest_for(name->text);
    for (uint32_t i = 0; i < c->rs->n_profiles; i++) {
        suggest_try(&near, c->rs->profiles[i].name);
    }
    struct diag *d = check_error(c, "E0435", name->span, "there is no profile `%.*s`",
                                 SLICE_ARG(name->text));
    check_suggest(c, d, &near);
    return NULL;
}

static bool given_key(struct checker *c, const struct ast_stmt *s, const struct profile *p,
                      struct profile_given *g)
{
    if (s->keys.n != p->n_key) {
        struct diag *d = check_error(c, "E0435", s->span, "profile `%.*s` has %u key part%s",
                                     SLICE_ARG(p->name), p->n_key, p->n_key == 1 ? "" : "s");
        check_help(c, d, "give one value for each, in the order of its `for each`");
        return false;
    }
    g->key = ARENA_ARRAY(c->out, struct value, p->n_key + 1);
    const struct ast_literal *lit = s->keys.first;
    bool ok = true;
    for (uint32_t i = 0; i < p->n_key; i++, lit = lit->next) {
        struct expr_ctx x = expr_ctx_new(c, PLACE_VALUE);
        struct want want = {p->key_kinds[i], VAL_MISSING, NULL};
        struct typed t = type_convert(c, check_literal(&x, lit), want, "the key");
        ok = ok && t.e;
        if (t.e) {
            g->key[i] = t.e->value;
        }
    }
    return ok;
}

static void given_measure(struct checker *c, const struct profile *p, const struct ast_assign *a,
                          given_value value, void *ctx, struct profile_given *g)
{
    struct slice name = path_text(c, a->path.names.first);
    struct suggest near = suggest_for(name);
    for (uint32_t i = 0; i < p->n_measures; i++) {
        const struct measure *m = &c->rs->measures[p->first_measure + i];
        suggest_try(&near, m->name);
        if (!slice_eq(m->name, name)) {
            continue;
        }
        if (!value_is_missing(g->measures[i])) {
            check_error(c, "E0304", a->path.span, "`%.*s` is given twice", SLICE_ARG(name));
        }
        const struct expr *e = measure_result(m);
        if (e) {
            struct want want = {(enum value_kind)e->kind, (enum value_kind)e->item_kind, NULL};
            value(ctx, a->value, want, arena_printf(c->arena, "`%.*s`", SLICE_ARG(name)),
                  &g->measures[i]);
        }
        return;
    }
    struct diag *d = check_error(c, "E0302", a->path.span, "profile `%.*s` has no measure `%.*s`",
                                 SLICE_ARG(p->name), SLICE_ARG(name));
    check_suggest(c, d, &near);
}

/* ---- who reads it --------------------------------------------------------------------------- */

static bool reads_profile(const struct rule *rule, const struct profile *p)
{
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        if (rule->profiles[i] == p->index) {
            return true;
        }
    }
    return false;
}

static bool plans_derive(const struct emit_plan *plans, uint32_t n, uint32_t decl)
{
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event && plans[i].decl == decl) {
            return true;
        }
    }
    return false;
}

static bool rule_reads(const struct rule *rule, const struct rule *producer)
{
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        uint32_t decl = rule->roles[i].decl;
        if (plans_derive(producer->emits, producer->n_emits, decl) ||
            plans_derive(producer->timeouts, producer->n_timeouts, decl)) {
            return true;
        }
    }
    return false;
}

/* `asked`: the rules that were, so that a circle (an error of its own) ends. */
static bool reads_through(const struct ruleset *rs, const struct rule *rule,
                          const struct profile *p, bool *asked)
{
    if (reads_profile(rule, p)) {
        return true;
    }
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (!asked[i] && rule_reads(rule, &rs->rules[i])) {
            asked[i] = true;
            if (reads_through(rs, &rs->rules[i], p, asked)) {
                return true;
            }
        }
    }
    return false;
}

/* Rules whose events a rule reads run in its tests, with their profiles. */
static bool read_in_test(struct checker *c, const struct rule *rule, const struct profile *p)
{
    bool *asked = ARENA_ARRAY(c->arena, bool, c->rs->n_rules + 1);
    return reads_through(c->rs, rule, p, asked);
}

/* ---- statements ----------------------------------------------------------------------------- */

bool check_given_profile(struct checker *c, const struct rule *rule, const struct ast_stmt *s,
                         given_value value, void *ctx, struct profile_given *g)
{
    const struct profile *p = find_profile(c, s->name);
    if (!p) {
        return false;
    }
    if (!read_in_test(c, rule, p)) {
        check_error(c, "E0435", s->name->span, "rule `%.*s` does not read profile `%.*s`",
                    SLICE_ARG(rule->name), SLICE_ARG(p->name));
        return false;
    }
    g->profile = p->index;
    g->measures = ARENA_ARRAY(c->out, struct value, p->n_measures + 1);
    bool ok = given_key(c, s, p, g);
    for (const struct ast_assign *a = s->body ? s->body->first : NULL; a; a = a->next) {
        given_measure(c, p, a, value, ctx, g);
    }
    return ok;
}

void check_all_given(struct checker *c, const struct rule *rule, const struct ast_test *ast)
{
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        const struct profile *p = &c->rs->profiles[rule->profiles[i]];
        bool given = false;
        for (const struct ast_stmt *s = ast->first; s; s = s->next) {
            given = given || (s->kind == AST_STMT_GIVEN_PROFILE &&
                              slice_eq(s->name->text, p->name));
        }
        if (!given) {
            struct diag *d = check_error(c, "E0435", ast->title->span,
                                         "rule `%.*s` reads profile `%.*s`, which this test does "
                                         "not give", SLICE_ARG(rule->name), SLICE_ARG(p->name));
            check_help(c, d, "write `given profile %.*s for KEY { %.*s = … }`",
                       SLICE_ARG(p->name), SLICE_ARG(c->rs->measures[p->first_measure].name));
        }
    }
}
