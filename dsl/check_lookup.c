/* Where expressions read lists and lookups: `in list NAME`, `NAME[key]`, `geoip(ip).FIELD`. */
#include "dsl/check.h"

#include "nfa/eval_env.h"

/* ---- lists and lookups ---------------------------------------------------------------------- */

const struct symbol *table_symbol(struct checker *c, const struct ast_name *name,
                                  enum symbol_kind kind)
{
    const struct symbol *s = scope_find(c, name->text);
    const char *word = kind == SYM_LIST ? "list" : "lookup";
    if (s && s->kind == kind) {
        return s;
    }
    if (s) {
        struct diag *d = check_error(c, "E0318", name->span, "`%.*s` is %s, not a %s",
                                     SLICE_ARG(name->text), symbol_kind_name(s->kind), word);
        check_second(c, d, s->span, "declared here");
        return NULL;
    }
    struct suggest near = suggest_for(name->text);
    for (MAP_EACH(e, &c->symbols)) {
        const struct symbol *other = e->value;
        if (other->kind == kind) {
            suggest_try(&near, other->name);
        }
    }
    struct diag *d = check_error(c, "E0303", name->span, "there is no %s `%.*s`", word,
                                 SLICE_ARG(name->text));
    check_suggest(c, d, &near);
    return NULL;
}

/* The declaration; NULL when it was reported already. */
static const struct table_decl *table_of(const struct checker *c, const struct symbol *s)
{
    return s && s->decl < c->rs->n_tables ? &c->rs->tables[s->decl] : NULL;
}

struct typed check_named_list(struct expr_ctx *x, const struct ast_expr *e)
{
    if (!ast_name_given(e->named_list.name)) {
        return TYPED_UNKNOWN;
    }
    const struct table_decl *t = table_of(x->c, table_symbol(x->c, e->named_list.name, SYM_LIST));
    if (!t) {
        return TYPED_UNKNOWN;
    }
    struct expr *list = expr_new(x->c, EX_TABLE, VAL_LIST, 0);
    list->table = t;
    list->item_kind = (uint8_t)type_value_kind(t->key.type);
    return (struct typed){.e = list,
                          .kind = VAL_LIST,
                          .item = (enum value_kind)list->item_kind,
                          .enum_of = NULL,
                          .span = e->span};
}

struct typed check_lookup(struct expr_ctx *x, const struct ast_expr *e, const struct symbol *s)
{
    const struct table_decl *t = table_of(x->c, s);
    struct typed key = check_expr(x, e->index.index);
    if (!t || !key.e) {
        return TYPED_UNKNOWN;
    }
    const char *what = arena_printf(x->c->arena, "`%.*s[…]`", SLICE_ARG(t->name));
    bool address = t->key.type == TYPE_CIDR && key.kind == VAL_IP;
    struct want ip = {.kind = VAL_IP};
    if (t->key.type == TYPE_CIDR && key.literal && type_fits(key, ip)) {
        key = type_convert(x->c, key, ip, what);
    } else if (!address) {
        key = type_convert(x->c, key, table_want(&t->key), what);
    }
    if (!key.e) {
        return TYPED_UNKNOWN;
    }
    struct want result = table_want(&t->value);
    struct expr *read = expr_new(x->c, EX_LOOKUP, result.kind, 1);
    read->table = t;
    read->changes = true;
    read->kids[0] = key.e;
    read->item_kind = (uint8_t)result.item;
    return (struct typed){.e = read,
                          .kind = result.kind,
                          .item = result.item,
                          .enum_of = result.kind == VAL_LIST ? NULL : result.enum_of,
                          .may_miss = true,
                          .span = e->span};
}

/* ---- geoip ---------------------------------------------------------------------------------- */

bool is_geoip(const struct ast_expr *e)
{
    return e && e->kind == AST_EXPR_CALL && slice_eq_str(e->call.name->text, "geoip");
}

static bool find_geoip_field(struct checker *c, const struct ast_name *name, uint8_t *ret)
{
    struct suggest s = suggest_for(name->text);
    struct buf all = BUF_INIT;
    for (uint8_t i = 0; i < GEOIP_FIELD_COUNT; i++) {
        const char *field = geoip_field_name((enum geoip_field)i);
        if (slice_eq_str(name->text, field)) {
            *ret = i;
            buf_release(&all);
            return true;
        }
        suggest_try(&s, slice_of(field));
        buf_printf(&all, "%s%s", i ? ", " : "", field);
    }
    struct diag *d = check_error(c, "E0302", name->span, "`geoip(…)` has no field `%.*s`",
                                 SLICE_ARG(name->text));
    if (s.best.ptr) {
        check_suggest(c, d, &s);
    } else {
        check_help(c, d, "its fields are %s", buf_cstr(&all));
    }
    buf_release(&all);
    return false;
}

struct typed check_geoip(struct expr_ctx *x, const struct ast_expr *e,
                         const struct ast_name *field)
{
    uint8_t member = 0;
    if (!field) {
        struct diag *d = check_error(x->c, "E0324", e->span,
                                     "`geoip(…)` is a whole place; a value is needed here");
        check_help(x->c, d, "write `geoip(ip).country`");
        return TYPED_UNKNOWN;
    }
    if (!find_geoip_field(x->c, field, &member)) {
        return TYPED_UNKNOWN;
    }
    if (e->call.args.n != 1 || e->call.where) {
        struct diag *d = check_error(x->c, "E0315", e->span, "`geoip` takes one address");
        check_help(x->c, d, "write `geoip(ip).%s`", geoip_field_name((enum geoip_field)member));
        return TYPED_UNKNOWN;
    }
    struct typed ip = type_convert(x->c, check_expr(x, e->call.args.first),
                                   (struct want){.kind = VAL_IP}, "`geoip`");
    if (!ip.e) {
        return TYPED_UNKNOWN;
    }
    struct expr *g = expr_new(x->c, EX_GEOIP, geoip_field_kind((enum geoip_field)member), 1);
    g->member = member;
    g->changes = true;
    g->kids[0] = ip.e;
    x->c->rs->uses_geoip = true;
    return (struct typed){.e = g,
                          .kind = (enum value_kind)g->kind,
                          .may_miss = true,
                          .span = span_join(e->span, field->span)};
}
