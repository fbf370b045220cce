/* Canonical text of an expression: (op:kind part part …). It is hashed into the plan, so the names
 * below never change, and nothing that depends on the compilation (cache numbers, addresses) may
 * stand in it. Named lists and lookups stand by name: new content keeps the state. */
#include "nfa/eval_env.h"
#include "nfa/expr.h"
#include "nfa/regex.h"
#include "nfa/schema.h"
#include "nfa/table.h"

static const char *const op_names[EX_OP_COUNT] = {
    [EX_CONST] = "const",
    [EX_FIELD] = "field",
    [EX_BOUND] = "bound",
    [EX_ITER] = "turn",
    [EX_AGG] = "aggregate",
    [EX_KEY] = "key",
    [EX_FIRST_AT] = "first_at",
    [EX_LAST_AT] = "last_at",
    [EX_DETECTED_AT] = "detected_at",
    [EX_NOT] = "not",
    [EX_AND] = "and",
    [EX_OR] = "or",
    [EX_EQ] = "=",
    [EX_NE] = "!=",
    [EX_LT] = "<",
    [EX_LE] = "<=",
    [EX_GT] = ">",
    [EX_GE] = ">=",
    [EX_BETWEEN] = "between",
    [EX_IN] = "in",
    [EX_GLOB] = "~",
    [EX_LIKE] = "like",
    [EX_MATCHES] = "matches",
    [EX_CONTAINS] = "contains",
    [EX_STARTS_WITH] = "starts-with",
    [EX_ENDS_WITH] = "ends-with",
    [EX_IS_MISSING] = "is-missing",
    [EX_IS_PRESENT] = "is-present",
    [EX_NEG] = "negate",
    [EX_ADD] = "+",
    [EX_SUB] = "-",
    [EX_MUL] = "*",
    [EX_DIV] = "/",
    [EX_IF] = "if",
    [EX_LIST] = "list",
    [EX_CALL] = "call",
    [EX_TO_DECIMAL] = "to-decimal",
    [EX_TO_FLOAT] = "to-float",
    [EX_MEMBER] = "member",
    [EX_TABLE] = "named",
    [EX_LOOKUP] = "lookup",
    [EX_PROFILE] = "profile",
    [EX_CAPTURE] = "capture",
    [EX_GEOIP] = "geoip",
};

static const char *const agg_names[AGG_OP_COUNT] = {
    [AGG_COUNT] = "count",
    [AGG_SUM] = "sum",
    [AGG_MIN] = "min",
    [AGG_MAX] = "max",
    [AGG_AVERAGE] = "average",
    [AGG_STDDEV] = "stddev",
    [AGG_FIRST] = "first",
    [AGG_LAST] = "last",
    [AGG_NTH] = "nth",
    [AGG_COUNT_DISTINCT] = "count_distinct",
    [AGG_DISTINCT] = "distinct",
    [AGG_COLLECT] = "collect",
    [AGG_PERCENTILE] = "percentile",
    [AGG_GAP_AVERAGE] = "gap_average",
    [AGG_GAP_STDDEV] = "gap_stddev",
};

static void put_field(const struct field_ref *ref, const struct schema_decl *decls,
                      struct buf *out)
{
    if (!ref) {
        buf_puts(out, " @time");
        return;
    }
    for (uint32_t i = 0; i < ref->n; i++) {
        uint32_t decl = ref->alt[i].decl;
        uint32_t slot = ref->alt[i].slot;
        buf_put_byte(out, i ? '|' : ' ');
        if (decls && slot < decls[decl].n_fields) {
            buf_put_slice(out, decls[decl].name);
            buf_put_byte(out, '.');
            buf_put_slice(out, decls[decl].fields[slot].name);
        } else {
            buf_printf(out, "%u.%u", decl, slot);
        }
    }
}

static void put_typed(struct value v, struct buf *out);

static void put_list(struct value v, struct buf *out)
{
    for (uint32_t i = 0; i < v.len; i++) {
        buf_put_byte(out, i ? ' ' : '[');
        put_typed(v.u.items[i], out);
    }
    buf_puts(out, v.len ? "]" : "[]");
}

static void put_typed(struct value v, struct buf *out)
{
    if (value_is_missing(v)) {
        buf_puts(out, "missing");
        return;
    }
    buf_printf(out, "%s:", value_kind_name((enum value_kind)v.kind));
    if (v.kind == VAL_LIST) {
        put_list(v, out);
    } else {
        value_to_json(v, out);
    }
}

static void put_type(const struct schema_field *f, struct buf *out)
{
    buf_printf(out, " %s%s", f->is_set ? "set-of-" : f->is_list ? "list-of-" : "",
               type_name(f->type));
    for (uint32_t i = 0; i < f->n_enum_values; i++) {
        buf_put_byte(out, ' ');
        value_to_json(value_string(f->enum_values[i]), out);
    }
}

static void put_table(const struct table_decl *t, struct buf *out)
{
    buf_put_byte(out, ' ');
    buf_put_slice(out, t->name);
    put_type(&t->key, out);
    if (t->is_lookup) {
        put_type(&t->value, out);
    }
}

/* What belongs to the op besides its kids. */
static void put_details(const struct expr *e, const struct schema_decl *decls, struct buf *out)
{
    static const char *const members[] = {
        [MEMBER_LAT] = "lat", [MEMBER_LON] = "lon", [MEMBER_ITEM] = "item"};
    if (e->fold) {
        buf_puts(out, " fold");
    }
    if (e->op == EX_FIELD || e->op == EX_BOUND || e->op == EX_ITER) {
        if (e->op != EX_FIELD) {
            buf_printf(out, " #%d", e->slot);
        }
        if (e->op == EX_ITER) {
            buf_printf(out, " @%d", e->scope);
        }
        put_field(e->field, decls, out);
    } else if (e->op == EX_AGG) {
        buf_printf(out, " %s #%d @%d", agg_names[e->agg], e->slot, e->scope);
    } else if (e->op == EX_KEY) {
        buf_printf(out, " %d", e->slot);
    } else if (e->op == EX_CALL) {
        buf_printf(out, " %s", e->fn_name);
    } else if (e->op == EX_MEMBER) {
        buf_printf(out, " %s", members[e->member]);
    } else if (e->op == EX_MATCHES) {
        buf_put_byte(out, ' ');
        value_to_json(value_string(regex_pattern(e->regex)), out);
    } else if (e->op == EX_PROFILE) {
        buf_printf(out, " %s", e->fn_name);
    } else if (e->op == EX_TABLE || e->op == EX_LOOKUP) {
        put_table(e->table, out);
    } else if (e->op == EX_GEOIP) {
        buf_printf(out, " %s", geoip_field_name((enum geoip_field)e->member));
    }
}

void expr_canonical(const struct expr *e, const struct schema_decl *decls, struct buf *out)
{
    if (!e) {
        buf_put_byte(out, '-');
        return;
    }
    if (e->op == EX_CONST) {
        put_typed(e->value, out);
        return;
    }
    if (e->op == EX_CAPTURE) { /* where it is computed is no part of the meaning */
        expr_canonical(e->kids[0], decls, out);
        return;
    }
    buf_printf(out, "(%s:%s", op_names[e->op], value_kind_name((enum value_kind)e->kind));
    put_details(e, decls, out);
    uint32_t n = e->op == EX_AGG ? 3 : e->n_kids;
    for (uint32_t i = 0; i < n; i++) {
        buf_put_byte(out, ' ');
        expr_canonical(e->kids[i], decls, out);
    }
    buf_put_byte(out, ')');
}
