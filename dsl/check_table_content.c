/* What lists and lookups hold as written in rule files and tests. */
#include "dsl/check.h"

#include "nfa/value_set.h"

struct want table_want(const struct schema_field *f)
{
    enum value_kind kind = type_value_kind(f->type);
    return (struct want){f->is_list ? VAL_LIST : kind, f->is_list ? kind : VAL_MISSING,
                         f->type == TYPE_ENUM ? f : NULL};
}

/* An address where networks are listed is the network of that address alone. */
static struct value as_network(struct value v)
{
    struct cidr net;
    struct ip ip = value_as_ip(v);
    return ip_subnet(&ip, ip_bits(&ip), &net) ? value_cidr(net) : v;
}

static bool single_address(struct checker *c, const struct ast_expr *e, const char *what,
                           struct value *ret)
{
    struct expr_ctx x = expr_ctx_new(c, PLACE_VALUE);
    struct typed t = check_expr(&x, e);
    bool text = t.e && t.literal && t.kind == VAL_STRING &&
                !memchr(t.e->value.u.str, '/', t.e->value.len);
    if (!t.e || (t.kind != VAL_IP && !text)) {
        return false;
    }
    t = type_convert(c, t, (struct want){.kind = VAL_IP}, what);
    if (!t.e || t.e->op != EX_CONST) {
        return false;
    }
    *ret = as_network(t.e->value);
    return true;
}

static bool list_value(struct checker *c, const struct table_decl *t, const struct ast_expr *e,
                       struct value *ret)
{
    struct expr_ctx x = expr_ctx_new(c, PLACE_VALUE);
    const char *what = arena_printf(c->arena, "`%.*s`", SLICE_ARG(t->name));
    if (t->key.type == TYPE_CIDR && single_address(c, e, what, ret)) {
        return true;
    }
    if (!check_constant(&x, e, table_want(&t->key), what, ret)) {
        return false;
    }
    if (value_is_missing(*ret)) {
        check_error(c, "E0322", e->span, "this has no value");
        return false;
    }
    return true;
}

const struct table *check_list_content(struct checker *c, const struct table_decl *t,
                                       const struct ast_expr *array)
{
    uint32_t n = 0;
    bool ok = true;
    struct value *keys = ARENA_ARRAY(c->out, struct value, (size_t)array->items.n + 1);
    for (const struct ast_expr *e = array->items.first; e; e = e->next) {
        ok = list_value(c, t, e, &keys[n++]) && ok;
    }
    return ok ? table_new(keys, NULL, n, c->out) : NULL;
}

struct value check_set_of(struct value v, struct arena *arena)
{
    struct value_set seen = {0};
    struct value *items = ARENA_ARRAY(arena, struct value, (size_t)v.len + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < v.len; i++) {
        if (value_set_add(&seen, v.u.items[i])) {
            items[n++] = v.u.items[i];
        }
    }
    value_set_release(&seen);
    return value_list(items, n);
}

static bool map_value(struct checker *c, const struct table_decl *t,
                      const struct ast_map_entry *entry, struct value *ret)
{
    struct expr_ctx x = expr_ctx_new(c, PLACE_VALUE);
    const char *what = arena_printf(c->arena, "a value of `%.*s`", SLICE_ARG(t->name));
    if (!check_constant(&x, entry->value, table_want(&t->value), what, ret)) {
        return false;
    }
    if (t->value.is_set && ret->kind == VAL_LIST) {
        *ret = check_set_of(*ret, c->out);
    }
    return true;
}

static bool map_key(struct checker *c, const struct table_decl *t, const struct ast_literal *lit,
                    struct value *ret)
{
    struct ast_expr e = {.kind = AST_EXPR_LITERAL, .span = lit->span,
                         .literal = (struct ast_literal *)(uintptr_t)lit};
    return list_value(c, t, &e, ret);
}

static bool report_twice(struct checker *c, const struct ast_map *map, const struct value *keys)
{
    struct value_set seen = {0};
    bool ok = true;
    uint32_t i = 0;
    for (const struct ast_map_entry *e = map->first; e; e = e->next, i++) {
        if (!value_set_add(&seen, keys[i])) {
            check_error(c, "E0304", e->key->span, "this key stands here twice");
            ok = false;
        }
    }
    value_set_release(&seen);
    return ok;
}

const struct table *check_lookup_content(struct checker *c, const struct table_decl *t,
                                         const struct ast_map *map)
{
    uint32_t n = 0;
    bool ok = true;
    struct value *keys = ARENA_ARRAY(c->out, struct value, (size_t)map->n + 1);
    struct value *values = ARENA_ARRAY(c->out, struct value, (size_t)map->n + 1);
    for (const struct ast_map_entry *e = map->first; e; e = e->next, n++) {
        ok = map_key(c, t, e->key, &keys[n]) && ok;
        ok = map_value(c, t, e, &values[n]) && ok;
    }
    return ok && report_twice(c, map, keys) ? table_new(keys, values, n, c->out) : NULL;
}
