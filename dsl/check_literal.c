#include "dsl/check.h"

#include "base/decimal.h"
#include "base/ip.h"

static struct typed literal_of(struct expr_ctx *x, const struct ast_literal *lit, struct value v,
                               bool adapts)
{
    return (struct typed){.e = expr_const(x->c, v),
                          .kind = (enum value_kind)v.kind,
                          .literal = adapts,
                          .span = lit->span};
}

static struct typed decimal_literal(struct expr_ctx *x, const struct ast_literal *lit)
{
    struct decimal d;
    if (!decimal_parse(lit->number, &d)) {
        struct diag *e = check_error(x->c, "E0313", lit->span, "the number has too many digits");
        check_help(x->c, e, "a decimal has 38 significant digits, 18 of them behind the point");
        return TYPED_UNKNOWN;
    }
    return literal_of(x, lit, value_decimal(d), true);
}

static struct typed address_literal(struct expr_ctx *x, const struct ast_literal *lit)
{
    struct ip ip;
    struct cidr net;
    if (lit->kind == AST_LIT_IP && ip_parse(lit->spelling, &ip)) {
        return literal_of(x, lit, value_ip(ip), false);
    }
    if (lit->kind == AST_LIT_CIDR && cidr_parse(lit->spelling, &net)) {
        return literal_of(x, lit, value_cidr(net), false);
    }
    check_error(x->c, "E0313", lit->span, "not an address");
    return TYPED_UNKNOWN;
}

struct typed check_literal(struct expr_ctx *x, const struct ast_literal *lit)
{
    switch (lit->kind) {
    case AST_LIT_INT:
        return literal_of(x, lit, value_int(lit->int_value), true);
    case AST_LIT_DECIMAL:
    case AST_LIT_PERCENT:
        return decimal_literal(x, lit);
    case AST_LIT_FLOAT:
        return literal_of(x, lit, value_float(lit->float_value), true);
    case AST_LIT_STRING:
        return literal_of(x, lit, value_string(arena_copy(x->c->out, lit->string)), true);
    case AST_LIT_DURATION:
        return literal_of(x, lit, value_duration(lit->duration), false);
    case AST_LIT_TIMESTAMP:
        return literal_of(x, lit, value_timestamp(lit->time), false);
    case AST_LIT_IP:
    case AST_LIT_CIDR:
        return address_literal(x, lit);
    case AST_LIT_BOOL:
        return literal_of(x, lit, value_bool(lit->bool_value), false);
    }
    return TYPED_UNKNOWN;
}
