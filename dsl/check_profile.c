/* Profiles: their declaration, and reading them in rules. */
#include "dsl/check_derived.h"

#include "base/hash.h"
#include "nfa/profile.h"

/* ---- declaration --------------------------------------------------------------------------- */

/* The key as that of a rule that reads the source alone. */
static void profile_source(struct checker *c, const struct ast_profile *ast, struct profile *p)
{
    const struct event_source *from = source_resolve(c, ast->filter->source);
    struct event_source *source = ARENA_NEW(c->arena, struct event_source);
    *source = *from;
    source->alts = ARENA_ARRAY(c->arena, struct source_alt, from->n_alts + 1);
    for (uint32_t i = 0; i < from->n_alts; i++) {
        source->alts[i] = source_narrow(c, &from->alts[i], ast->filter, from->name);
    }
    struct ast_head *head = ARENA_NEW(c->arena, struct ast_head);
    struct ast_rule *as_rule = ARENA_NEW(c->arena, struct ast_rule);
    struct rule_ctx *r = ARENA_NEW(c->arena, struct rule_ctx);
    head->keys = ast->keys;
    as_rule->head = head;
    r->c = c;
    r->ast = as_rule;
    r->rule = ARENA_NEW(c->arena, struct rule);
    r->rule->roles = ARENA_ARRAY(c->out, struct rule_role, RULE_MAX_ROLES);
    rule_add_roles(r, source, false, ast->filter->span);
    rule_add_keys(r);
    p->key_names = r->rule->key_names;
    p->key_kinds = r->rule->key_kinds;
    p->n_key = r->rule->n_key;
    p->roles = r->rule->roles;
    p->n_roles = r->rule->n_roles;
}

static uint32_t decls_of(struct checker *c, const struct profile *p, uint32_t **ret)
{
    uint32_t n = 0;
    *ret = ARENA_ARRAY(c->arena, uint32_t, p->n_roles + 1);
    for (uint32_t i = 0; i < p->n_roles; i++) {
        bool known = false;
        for (uint32_t k = 0; k < n; k++) {
            known = known || (*ret)[k] == p->roles[i].decl;
        }
        if (!known) {
            (*ret)[n++] = p->roles[i].decl;
        }
    }
    return n;
}

static void declare_measures(struct checker *c, const struct ast_profile *ast, struct profile *p)
{
    p->first_measure = c->rs->n_measures;
    for (const struct ast_measure *a = ast->measures; a; a = a->next) {
        struct measure *m = &c->rs->measures[c->rs->n_measures];
        *m = (struct measure){.index = c->rs->n_measures++, .profile = p->index};
        m->name = arena_copy(c->out, a->name->text);
        for (uint32_t i = 0; i < p->n_measures; i++) {
            if (slice_eq(c->rs->measures[p->first_measure + i].name, m->name)) {
                check_error(c, "E0304", a->name->span, "`%.*s` is declared twice",
                            SLICE_ARG(m->name));
            }
        }
        p->n_measures++;
        m->full_name = slice_of(arena_printf(c->out, "%.*s.%.*s", SLICE_ARG(p->name),
                                             SLICE_ARG(m->name)));
    }
}

/* With room for the leaves of every one that may have some. */
static uint32_t count_measures(const struct checker *c, uint32_t *profiles)
{
    uint32_t n = 0;
    *profiles = 0;
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind == AST_DECL_PROFILE) {
            (*profiles)++;
            for (const struct ast_measure *m = d->profile.measures; m; m = m->next) {
                n += 1 + measure_room(m);
            }
        }
    }
    return n;
}

void check_profiles_declare(struct checker *c)
{
    uint32_t n_profiles;
    uint32_t n_measures = count_measures(c, &n_profiles);
    c->rs->profiles = ARENA_ARRAY(c->out, struct profile, n_profiles + 1);
    c->rs->measures = ARENA_ARRAY(c->out, struct measure, n_measures + 1);
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        struct symbol *s = d->kind == AST_DECL_PROFILE && ast_name_given(d->profile.name)
                               ? scope_peek(c, d->profile.name->text)
                               : NULL;
        if (!s || s->ast != d) {
            continue; /* without a name, or declared twice */
        }
        struct profile *p = &c->rs->profiles[c->rs->n_profiles];
        *p = (struct profile){.index = c->rs->n_profiles++};
        p->name = arena_copy(c->out, d->profile.name->text);
        s->decl = p->index;
        declare_measures(c, &d->profile, p);
    }
}

/* Its source may be derived by a rule: that one has been checked before any that reads it. */
static const struct profile *profile_resolve(struct checker *c, const struct symbol *s)
{
    struct profile *p = &c->rs->profiles[s->decl];
    const struct ast_profile *ast = &s->ast->profile;
    uint32_t *decls;
    if (p->roles) {
        return p;
    }
    profile_source(c, ast, p);
    uint32_t n_decls = decls_of(c, p, &decls);
    struct measure *m = &c->rs->measures[p->first_measure];
    for (const struct ast_measure *a = ast->measures; a && n_decls; a = a->next) {
        check_measure(c, a, ast->filter, decls, n_decls, m++);
    }
    return p;
}

const struct profile *profile_named(struct checker *c, struct slice name)
{
    const struct symbol *s = scope_find(c, name);
    return s && s->kind == SYM_PROFILE && s->decl != UINT32_MAX ? profile_resolve(c, s) : NULL;
}

void check_profiles(struct checker *c)
{
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind == AST_DECL_PROFILE && ast_name_given(d->profile.name)) {
            const struct symbol *s = scope_peek(c, d->profile.name->text);
            if (s->ast == d) {
                profile_resolve(c, s);
            }
        }
    }
}

/* ---- reading ------------------------------------------------------------------------------- */

static const struct measure *find_measure(struct checker *c, const struct profile *p,
                                          const struct ast_name *name)
{
    struct suggest s = suggest_for(name->text);
    for (uint32_t i = 0; i < p->n_measures; i++) {
        const struct measure *m = &c->rs->measures[p->first_measure + i];
        if (slice_eq(m->name, name->text)) {
            return m;
        }
        suggest_try(&s, m->name);
    }
    struct diag *d = check_error(c, "E0302", name->span, "profile `%.*s` has no measure `%.*s`",
                                 SLICE_ARG(p->name), SLICE_ARG(name->text));
    check_suggest(c, d, &s);
    return NULL;
}

static bool has_key(const struct rule *rule, struct slice name, enum value_kind kind)
{
    for (uint32_t i = 0; i < rule->n_key; i++) {
        if (slice_eq(rule->key_names[i], name)) {
            return rule->key_kinds[i] == kind;
        }
    }
    return false;
}

static const char *key_text(struct checker *c, const struct slice *names, uint32_t n)
{
    struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(&b, "%s%.*s", i ? ", " : "for each ", SLICE_ARG(names[i]));
    }
    const char *text = arena_printf(c->arena, "%s", n ? buf_cstr(&b) : "no key");
    buf_release(&b);
    return text;
}

static bool has_whole_key(const struct profile *p)
{
    for (uint32_t i = 0; i < p->n_key; i++) {
        if (p->key_kinds[i] == VAL_MISSING) {
            return false;
        }
    }
    return p->n_roles > 0;
}

/* Exactly the rule's key, in any order: its state stands in the rule's record. */
static bool same_key(struct expr_ctx *x, const struct profile *p, struct span span)
{
    const struct rule *rule = x->rule->rule;
    bool same = p->n_key == rule->n_key;
    for (uint32_t i = 0; i < p->n_key && same; i++) {
        same = has_key(rule, p->key_names[i], p->key_kinds[i]);
    }
    if (!same) {
        struct diag *d = check_error(x->c, "E0348", span, "profile `%.*s` has another key than "
                                     "this rule", SLICE_ARG(p->name));
        const struct symbol *s = scope_peek(x->c, p->name);
        if (s) {
            check_second(x->c, d, s->span, "it is kept %s",
                         key_text(x->c, p->key_names, p->n_key));
        }
        check_help(x->c, d, "this rule is kept %s; names and types must be the same",
                   key_text(x->c, rule->key_names, rule->n_key));
    }
    return same;
}

struct typed measure_typed(struct checker *c, const struct measure *m, struct span span)
{
    const struct expr *result = measure_result(m);
    struct expr *e = expr_new(c, EX_PROFILE, (enum value_kind)result->kind, 0);
    e->item_kind = result->item_kind;
    e->slot = (int32_t)m->index;
    e->changes = true;
    e->fn_name = arena_printf(c->out, "%.*s", SLICE_ARG(m->full_name));
    return (struct typed){.e = e,
                          .kind = (enum value_kind)e->kind,
                          .item = (enum value_kind)e->item_kind,
                          .may_miss = measure_may_miss(c->rs, m),
                          .span = span};
}

struct typed check_profile_read(struct expr_ctx *x, const struct symbol *s,
                                const struct ast_name *measure, struct span span)
{
    if (!x->rule || x->place == PLACE_EVENT || x->place == PLACE_CONST) {
        struct diag *d = check_error(x->c, "E0348", span, "a profile is read in rules");
        check_help(x->c, d, "put the condition into a step's `where`");
        return TYPED_UNKNOWN;
    }
    if (s->decl == UINT32_MAX) {
        return TYPED_UNKNOWN; /* a second declaration of the name, reported */
    }
    const struct profile *p = profile_resolve(x->c, s);
    if (!has_whole_key(p)) {
        return TYPED_UNKNOWN; /* its source or its key was reported */
    }
    if (!measure || measure->next) {
        struct diag *d = check_error(x->c, "E0348", span, "a profile is read by measure");
        check_help(x->c, d, "write `%.*s.%.*s`", SLICE_ARG(p->name),
                   SLICE_ARG(x->c->rs->measures[p->first_measure].name));
        return TYPED_UNKNOWN;
    }
    const struct measure *m = find_measure(x->c, p, measure);
    if (!m || !measure_result(m) || !same_key(x, p, span)) {
        return TYPED_UNKNOWN;
    }
    return measure_typed(x->c, m, span);
}

/* The field of the event under test that its key is made of. */
static bool is_key_field(const struct rule *rule, const struct expr *e)
{
    if (e->op != EX_FIELD || !e->field || rule->n_key == 0) {
        return false;
    }
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        const struct expr *key = rule->roles[i].key[0];
        for (uint32_t a = 0; a < e->field->n; a++) {
            bool same = key && key->field && key->field->alt[0].slot == e->field->alt[a].slot;
            if (e->field->alt[a].decl == rule->roles[i].decl && !same) {
                return false;
            }
        }
    }
    return true;
}

/* `habits[f.user].countries`: other keys have no place in this key's order. */
struct typed check_profile_by_key(struct expr_ctx *x, const struct symbol *s,
                                  const struct ast_expr *index, const struct ast_name *measure,
                                  struct span span)
{
    struct typed key = check_expr(x, index);
    if (!x->rule) {
        return check_profile_read(x, s, measure, span); /* says that it is no place for profiles */
    }
    if (!key.e) {
        return TYPED_UNKNOWN;
    }
    bool own = is_key_field(x->rule->rule, key.e) || rule_is_key_part(x->rule, key.e, 0);
    if (x->rule->rule->n_key != 1 || !own) {
        struct diag *d = check_error(x->c, "E0348", span, "a profile is read for the key at hand");
        check_help(x->c, d, "`%.*s.MEASURE` is this key's; those of other keys would need one order "
                            "over all keys",
                   SLICE_ARG(s->name));
        return TYPED_UNKNOWN;
    }
    return check_profile_read(x, s, measure, span);
}

/* ---- which ones a rule reads ---------------------------------------------------------------- */

static void note_profile(void *ctx, uint32_t measure)
{
    struct rule_ctx *r = ctx;
    struct rule *rule = r->rule;
    uint32_t profile = r->c->rs->measures[measure].profile;
    uint32_t at = 0;
    while (at < rule->n_profiles && rule->profiles[at] < profile) {
        at++;
    }
    if (at < rule->n_profiles && rule->profiles[at] == profile) {
        return;
    }
    memmove(rule->profiles + at + 1, rule->profiles + at,
            (rule->n_profiles - at) * sizeof(*rule->profiles));
    rule->profiles[at] = profile;
    rule->n_profiles++;
}

void rule_find_profiles(struct rule_ctx *r)
{
    r->rule->profiles = ARENA_ARRAY(r->c->out, uint32_t, r->c->rs->n_profiles + 1);
    rule_each_measure(r->rule, note_profile, r);
}
