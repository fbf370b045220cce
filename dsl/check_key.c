/* `for each user = Login.user = Reset.account`: every source must have every part of the key, of
 * one type (language.md 3.9). */
#include "dsl/check.h"

/* The mapping path of a key part for a role: under the name as written, under a let on the way to
 * the declaration (outermost first), under the declaration; NULL without. */
static const struct ast_path *mapping_under(const struct ast_key *key, struct slice source)
{
    for (const struct ast_path *p = key->paths.first->next; p; p = p->next) {
        if (p->names.n > 1 && slice_eq(p->names.first->text, source)) {
            return p;
        }
    }
    return NULL;
}

static const struct ast_path *find_mapping(const struct rule_ctx *r, const struct ast_key *key,
                                           const struct rule_role *role,
                                           const struct source_alt *alt)
{
    const struct ast_path *p = mapping_under(key, role->name);
    for (uint32_t i = 0; !p && i < alt->n_lets; i++) {
        p = mapping_under(key, alt->lets[i]);
    }
    return p ? p : mapping_under(key, r->c->rs->decls[role->decl].name);
}

/* Mappings must name an event or a let; one that this rule does not read is a mistake too. */
static void check_mappings(struct rule_ctx *r, const struct ast_key *key)
{
    for (const struct ast_path *p = key->paths.first->next; p; p = p->next) {
        if (p->names.n < 2) {
            struct diag *d = check_error(r->c, "E0421", p->span,
                                         "a mapping names an event and its field");
            check_help(r->c, d, "write `EVENT.%.*s`", SLICE_ARG(p->names.first->text));
            continue;
        }
        const struct event_source *s = source_resolve(r->c, p->names.first);
        bool used = s->broken;
        for (uint32_t i = 0; !used && i < r->rule->n_roles; i++) {
            used = find_mapping(r, key, &r->rule->roles[i], r->role_alts[i]) == p;
        }
        if (!used) {
            check_lint(r->c, DIAG_WARNING, "W0412", p->span,
                       "no step of this rule reads `%.*s`", SLICE_ARG(p->names.first->text));
        }
    }
}

static void lacks_key(struct rule_ctx *r, const struct ast_key *key, const struct rule_role *role,
                      struct slice name)
{
    const struct schema_decl *decl = &r->c->rs->decls[role->decl];
    struct suggest s = suggest_for(name);
    for (uint32_t i = 0; i < decl->n_fields; i++) {
        suggest_try(&s, decl->fields[i].name);
    }
    struct diag *d = check_error(r->c, "E0421", key->span, "`%.*s` has no field `%.*s`",
                                 SLICE_ARG(role->name), SLICE_ARG(name));
    const struct symbol *sym = scope_find(r->c, key->paths.first->names.first->text);
    if (sym && (sym->kind == SYM_EVENT || sym->kind == SYM_LET)) {
        check_help(r->c, d, "the key's name comes first: `for each KEY = %.*s`", SLICE_ARG(name));
    } else if (s.best.ptr) {
        check_help(r->c, d, "did you mean `%.*s`? map it: `for each %.*s = %.*s.%.*s`",
                   SLICE_ARG(s.best), SLICE_ARG(name), SLICE_ARG(role->name), SLICE_ARG(s.best));
    } else {
        check_help(r->c, d, "map the key: `for each %.*s = %.*s.FIELD`", SLICE_ARG(name),
                   SLICE_ARG(role->name));
    }
}

static void wrong_type(struct rule_ctx *r, struct span span, uint32_t index, uint32_t role,
                       struct typed t)
{
    struct typed first = {.kind = r->rule->key_kinds[index]};
    struct diag *d = check_error(r->c, "E0421", span,
                                 "the key `%.*s` has two types: %s in `%.*s`, %s in `%.*s`",
                                 SLICE_ARG(r->rule->key_names[index]), type_text(r->c, first),
                                 SLICE_ARG(r->rule->roles[0].name), type_text(r->c, t),
                                 SLICE_ARG(r->rule->roles[role].name));
    check_help(r->c, d, "a key has one type in all events of a rule");
}

static const struct expr *key_of_role(struct rule_ctx *r, const struct ast_key *key,
                                      uint32_t index, uint32_t role)
{
    const struct rule_role *at = &r->rule->roles[role];
    const struct ast_path *map = find_mapping(r, key, at, r->role_alts[role]);
    const struct ast_name *first = map ? map->names.first->next : key->paths.first->names.first;
    struct span span = map ? map->span : key->paths.first->span;
    struct slice name = path_text(r->c, first);
    if (!map && decl_find_field(&r->c->rs->decls[at->decl], name) < 0) {
        lacks_key(r, key, at, name);
        return NULL;
    }
    struct expr_ctx x = expr_ctx_new(r->c, PLACE_EVENT);
    struct typed t = check_field(&x, &at->decl, 1, first, span);
    if (!t.e) {
        return NULL;
    }
    if (t.kind == VAL_LIST || t.kind == VAL_GEO) {
        check_error(r->c, "E0421", span, "%s cannot be a key", type_text(r->c, t));
        return NULL;
    }
    if (r->rule->key_kinds[index] == VAL_MISSING) {
        r->rule->key_kinds[index] = t.kind;
    } else if (r->rule->key_kinds[index] != t.kind) {
        wrong_type(r, span, index, role, t);
    }
    return t.e;
}

static void check_key_once(struct rule_ctx *r, const struct ast_key *key, uint32_t index)
{
    const struct slice *names = r->rule->key_names;
    for (uint32_t i = 0; i < index; i++) {
        if (slice_eq(names[i], names[index])) {
            check_error(r->c, "E0304", key->span, "`%.*s` stands twice in the key",
                        SLICE_ARG(names[i]));
            return;
        }
    }
}

void rule_add_keys(struct rule_ctx *r)
{
    struct rule *rule = r->rule;
    uint32_t n = r->ast->head ? r->ast->head->keys.n : 0;
    rule->key_names = ARENA_ARRAY(r->c->out, struct slice, n + 1);
    rule->key_kinds = ARENA_ARRAY(r->c->out, enum value_kind, n + 1);
    for (uint32_t i = 0; i < rule->n_roles; i++) {
        rule->roles[i].key = ARENA_ARRAY(r->c->out, const struct expr *, n + 1);
    }
    const struct ast_key *key = n ? r->ast->head->keys.first : NULL;
    for (; key; key = key->next) {
        uint32_t index = rule->n_key++;
        rule->key_names[index] = path_text(r->c, key->paths.first->names.first);
        check_key_once(r, key, index);
        check_mappings(r, key);
        for (uint32_t i = 0; i < rule->n_roles; i++) {
            rule->roles[i].key[index] = key_of_role(r, key, index, i);
        }
    }
}
