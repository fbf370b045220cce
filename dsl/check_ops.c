/* Comparison and arithmetic. Literals are computed here; everything else becomes nodes. */
#include "dsl/check.h"

#include "base/decimal.h"

static const char *op_text(enum ast_binary_op op)
{
    static const char *const text[] = {
        [AST_OR] = "or", [AST_AND] = "and", [AST_EQ] = "=",  [AST_NE] = "!=",
        [AST_LT] = "<",  [AST_LE] = "<=",   [AST_GT] = ">",  [AST_GE] = ">=",
        [AST_ADD] = "+", [AST_SUB] = "-",   [AST_MUL] = "*", [AST_DIV] = "/",
    };
    return text[op];
}

static enum expr_op op_node(enum ast_binary_op op)
{
    static const enum expr_op node[] = {
        [AST_OR] = EX_OR,   [AST_AND] = EX_AND, [AST_EQ] = EX_EQ,   [AST_NE] = EX_NE,
        [AST_LT] = EX_LT,   [AST_LE] = EX_LE,   [AST_GT] = EX_GT,   [AST_GE] = EX_GE,
        [AST_ADD] = EX_ADD, [AST_SUB] = EX_SUB, [AST_MUL] = EX_MUL, [AST_DIV] = EX_DIV,
    };
    return node[op];
}

static struct typed node2(struct checker *c, enum expr_op op, enum value_kind kind,
                          struct typed a, struct typed b, struct span span)
{
    struct expr *e = expr_new(c, op, kind, 2);
    e->kids[0] = a.e;
    e->kids[1] = b.e;
    return (struct typed){
        .e = e, .kind = kind, .may_miss = a.may_miss || b.may_miss, .span = span};
}

/* ---- comparison ---------------------------------------------------------------------------- */

static bool check_ordered(struct checker *c, struct typed t, struct span op_span, const char *op)
{
    if (kind_is_ordered(t.kind) && !t.enum_of) {
        return true;
    }
    struct diag *d = check_error(c, "E0305", op_span, "`%s` needs an order; %s has none", op,
                                 type_text(c, t));
    check_help(c, d, "numbers, text, timestamps, durations and addresses can be ordered");
    return false;
}

static struct typed compare(struct expr_ctx *x, const struct ast_expr *e, struct typed a,
                            struct typed b)
{
    const char *op = op_text(e->binary.op);
    bool equality = e->binary.op == AST_EQ || e->binary.op == AST_NE;
    if (!type_unify(x->c, &a, &b, e->binary.op_span, op)) {
        return TYPED_UNKNOWN;
    }
    if (!equality && !check_ordered(x->c, a.enum_of ? a : b, e->binary.op_span, op)) {
        return TYPED_UNKNOWN;
    }
    struct typed t = node2(x->c, op_node(e->binary.op), VAL_BOOL, a, b, e->span);
    lint_self_comparison(x, t.e, t.span);
    return t;
}

/* ---- arithmetic ---------------------------------------------------------------------------- */

static bool fold_decimals(enum ast_binary_op op, struct decimal a, struct decimal b,
                          struct decimal *ret)
{
    switch (op) {
    case AST_ADD:
        return decimal_add(a, b, ret);
    case AST_SUB:
        return decimal_sub(a, b, ret);
    case AST_MUL:
        return decimal_mul(a, b, ret);
    case AST_DIV:
        return decimal_div(a, b, ret);
    case AST_OR:
    case AST_AND:
    case AST_EQ:
    case AST_NE:
    case AST_LT:
    case AST_LE:
    case AST_GT:
    case AST_GE:
        break;
    }
    return false;
}

/* Literals stay literals: `20 * 1.5` takes the type of what it meets. */
static bool fold(struct checker *c, enum ast_binary_op op, struct typed a, struct typed b,
                 struct typed *ret)
{
    struct want decimal = {VAL_DECIMAL, VAL_MISSING, NULL};
    struct decimal d;
    int64_t whole;
    if (!a.literal || !b.literal || !kind_is_number(a.kind) || !kind_is_number(b.kind) ||
        !type_fits(a, decimal) || !type_fits(b, decimal)) {
        return false;
    }
    bool ints = a.kind == VAL_INT && b.kind == VAL_INT && op != AST_DIV;
    a = type_convert(c, a, decimal, "");
    b = type_convert(c, b, decimal, "");
    if (!fold_decimals(op, value_as_decimal(a.e->value), value_as_decimal(b.e->value), &d) ||
        (ints && !decimal_to_int64(d, &whole))) {
        check_error(c, "E0313", ret->span, "this has no value: %s",
                    op == AST_DIV ? "a division by zero, or too large" : "it is too large");
        *ret = TYPED_UNKNOWN;
        return true;
    }
    struct value v = ints ? value_int(whole) : value_decimal(d);
    ret->e = expr_const(c, v);
    ret->kind = (enum value_kind)v.kind;
    ret->literal = true;
    return true;
}

static struct typed no_arith(struct checker *c, enum ast_binary_op op, struct span op_span,
                             struct typed a, struct typed b)
{
    struct diag *d = check_error(c, "E0305", op_span, "`%s` has no meaning for %s and %s",
                                 op_text(op), type_text(c, a), type_text(c, b));
    if ((a.kind == VAL_DECIMAL && b.kind == VAL_FLOAT) ||
        (a.kind == VAL_FLOAT && b.kind == VAL_DECIMAL)) {
        check_help(c, d, "a decimal and a float need a cast: `float(…)` or `decimal(…)`");
    } else if (a.kind == VAL_STRING && b.kind == VAL_STRING && op == AST_ADD) {
        check_help(c, d, "texts are joined by `concat(a, b)`");
    }
    return TYPED_UNKNOWN;
}

/* time - time, time ± duration, duration ± duration. */
static enum value_kind time_result(enum ast_binary_op op, enum value_kind a, enum value_kind b)
{
    if (a == VAL_TIMESTAMP && b == VAL_TIMESTAMP && op == AST_SUB) {
        return VAL_DURATION;
    }
    if (a == VAL_TIMESTAMP && b == VAL_DURATION && (op == AST_ADD || op == AST_SUB)) {
        return VAL_TIMESTAMP;
    }
    if (a == VAL_DURATION && b == VAL_DURATION && (op == AST_ADD || op == AST_SUB)) {
        return VAL_DURATION;
    }
    if (a == VAL_DURATION && b == VAL_INT && (op == AST_MUL || op == AST_DIV)) {
        return VAL_DURATION;
    }
    if (a == VAL_INT && b == VAL_DURATION && op == AST_MUL) {
        return VAL_DURATION;
    }
    return VAL_MISSING;
}

struct typed check_arith(struct checker *c, enum ast_binary_op op, struct span op_span,
                         struct typed a, struct typed b, struct span span)
{
    struct typed folded = {.span = span};
    if (!a.e || !b.e) {
        return TYPED_UNKNOWN;
    }
    if (fold(c, op, a, b, &folded)) {
        return folded;
    }
    if (kind_is_number(a.kind) && kind_is_number(b.kind)) {
        bool castless = !((a.kind == VAL_DECIMAL && b.kind == VAL_FLOAT) ||
                          (a.kind == VAL_FLOAT && b.kind == VAL_DECIMAL)) ||
                        a.literal || b.literal;
        if (!castless || !type_unify(c, &a, &b, op_span, op_text(op))) {
            return castless ? TYPED_UNKNOWN : no_arith(c, op, op_span, a, b);
        }
        enum value_kind kind = op == AST_DIV && a.kind == VAL_INT ? VAL_DECIMAL : a.kind;
        if (kind != a.kind) {
            struct want decimal = {VAL_DECIMAL, VAL_MISSING, NULL};
            a = type_convert(c, a, decimal, "`/`");
            b = type_convert(c, b, decimal, "`/`");
        }
        struct typed t = node2(c, op_node(op), kind, a, b, span);
        t.may_miss = true;
        return t;
    }
    enum value_kind kind = time_result(op, a.kind, b.kind);
    if (kind == VAL_MISSING) {
        return no_arith(c, op, op_span, a, b);
    }
    struct typed t = node2(c, op_node(op), kind, a, b, span);
    t.may_miss = a.may_miss || b.may_miss;
    return t;
}

struct typed check_binary(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed a = check_expr(x, e->binary.left);
    struct typed b = check_expr(x, e->binary.right);
    if (!a.e || !b.e) {
        return TYPED_UNKNOWN;
    }
    if (e->binary.op >= AST_ADD) {
        return check_arith(x->c, e->binary.op, e->binary.op_span, a, b, e->span);
    }
    return compare(x, e, a, b);
}

struct typed check_negation(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed a = check_expr(x, e->unary.operand);
    if (!a.e) {
        return a;
    }
    if (a.literal && a.e->op == EX_CONST && a.e->value.kind == VAL_FLOAT) {
        a.e = expr_const(x->c, value_float(-a.e->value.u.f));
        a.span = e->span;
        return a;
    }
    if (a.literal && kind_is_number(a.kind)) {
        struct typed zero = {
            .e = expr_const(x->c, value_int(0)), .kind = VAL_INT, .literal = true, .span = e->span};
        return check_arith(x->c, AST_SUB, e->unary.op_span, zero, a, e->span);
    }
    if (!kind_is_number(a.kind) && a.kind != VAL_DURATION) {
        check_error(x->c, "E0305", e->span, "`-` needs a number, this is %s",
                    type_text(x->c, a));
        return TYPED_UNKNOWN;
    }
    struct expr *n = expr_new(x->c, EX_NEG, a.kind, 1);
    n->kids[0] = a.e;
    return (struct typed){.e = n, .kind = a.kind, .may_miss = a.may_miss, .span = e->span};
}

/* `20% of x` = 0.20 * x. */
struct typed check_percent_of(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed part = check_literal(x, e->percent_of.percent);
    struct typed whole = check_expr(x, e->percent_of.operand);
    return check_arith(x->c, AST_MUL, e->percent_of.op_span, part, whole, e->span);
}

struct typed check_between(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed v = check_expr(x, e->between.value);
    struct typed low = check_expr(x, e->between.low);
    struct typed high = check_expr(x, e->between.high);
    /* Three operands meet pairwise; the second round carries a widening of `high` back. */
    if (!type_unify(x->c, &v, &low, e->between.op_span, "between") ||
        !type_unify(x->c, &v, &high, e->between.op_span, "between") ||
        !type_unify(x->c, &v, &low, e->between.op_span, "between") ||
        !check_ordered(x->c, v, e->between.op_span, "between")) {
        return TYPED_UNKNOWN;
    }
    struct expr *b = expr_new(x->c, EX_BETWEEN, VAL_BOOL, 3);
    b->kids[0] = v.e;
    b->kids[1] = low.e;
    b->kids[2] = high.e;
    const struct expr *result = b;
    if (e->between.negated) {
        struct expr *n = expr_new(x->c, EX_NOT, VAL_BOOL, 1);
        n->kids[0] = b;
        result = n;
    }
    return (struct typed){.e = result,
                          .kind = VAL_BOOL,
                          .may_miss = v.may_miss || low.may_miss || high.may_miss,
                          .span = e->span};
}
