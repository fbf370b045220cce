/* `in`, `~`, `like`, `matches`, `contains`, `starts with`, `ends with`: a value against one
 * operand or a list of them. */
#include "dsl/check.h"

#include "nfa/regex.h"
#include "nfa/value_index.h"

/* Shorter lists are compared item by item. */
#define INDEX_MIN_ITEMS 8

static const char *test_text(enum ast_test_op op)
{
    static const char *const text[] = {
        [AST_TEST_IN] = "in",
        [AST_TEST_GLOB] = "~",
        [AST_TEST_LIKE] = "like",
        [AST_TEST_MATCHES] = "matches",
        [AST_TEST_CONTAINS] = "contains",
        [AST_TEST_STARTS_WITH] = "starts with",
        [AST_TEST_ENDS_WITH] = "ends with",
    };
    return text[op];
}

static struct typed test_node(struct expr_ctx *x, const struct ast_expr *e, enum expr_op op,
                              struct typed v, struct typed operand)
{
    struct expr *t = expr_new(x->c, op, VAL_BOOL, 2);
    t->kids[0] = v.e;
    t->kids[1] = expr_constant_list(x->c, operand.e);
    t->fold = e->test.ignore_case;
    t->changes = operand.e->op == EX_TABLE; /* not the list: it would be kept with every event */
    if (op == EX_IN && t->kids[1]->op == EX_CONST && t->kids[1]->value.len > INDEX_MIN_ITEMS) {
        t->index = value_index_new(t->kids[1]->value, x->c->out);
    }
    return (struct typed){.e = t,
                          .kind = VAL_BOOL,
                          .may_miss = v.may_miss || operand.may_miss,
                          .span = e->span};
}

static struct typed negate_if(struct expr_ctx *x, const struct ast_expr *e, struct typed t)
{
    if (!t.e || !e->test.negated) {
        return t;
    }
    struct expr *n = expr_new(x->c, EX_NOT, VAL_BOOL, 1);
    n->kids[0] = t.e;
    t.e = n;
    return t;
}

/* A single value where a list is meant: `ip in 10.0.0.0/8`. */
static struct typed list_of_one(struct expr_ctx *x, struct typed t)
{
    struct expr *list = expr_new(x->c, EX_LIST, VAL_LIST, 1);
    list->kids[0] = t.e;
    list->item_kind = (uint8_t)t.kind;
    struct typed *item = ARENA_NEW(x->c->arena, struct typed);
    *item = t;
    return (struct typed){.e = list,
                          .items = item,
                          .kind = VAL_LIST,
                          .item = t.kind,
                          .literal = t.literal,
                          .may_miss = t.may_miss,
                          .span = t.span};
}

/* ---- in ------------------------------------------------------------------------------------ */

/* Items may be addresses and networks side by side. */
static struct typed in_addresses(struct expr_ctx *x, struct typed operand)
{
    if (operand.item == VAL_IP || operand.item == VAL_CIDR || operand.item == VAL_MISSING) {
        return operand;
    }
    if (!operand.items) {
        return type_convert(x->c, operand, (struct want){VAL_LIST, VAL_IP, NULL},
                            "`in` after an address");
    }
    struct expr *list = expr_new(x->c, EX_LIST, VAL_LIST, operand.e->n_kids);
    for (uint32_t i = 0; i < list->n_kids; i++) {
        list->kids[i] = type_address(x->c, operand.items[i]).e;
        if (!list->kids[i]) {
            return TYPED_UNKNOWN;
        }
    }
    list->item_kind = VAL_IP;
    operand.e = list;
    operand.items = NULL;
    return operand;
}

static struct typed in_values(struct expr_ctx *x, struct typed *v, struct typed operand)
{
    struct want want = {VAL_LIST, v->kind, v->enum_of};
    if (type_fits(operand, want)) {
        return type_convert(x->c, operand, want, "`in`");
    }
    /* A literal or an int on the left follows the list. */
    struct want item = {operand.item, VAL_MISSING, NULL};
    if (type_fits(*v, item)) {
        *v = type_convert(x->c, *v, item, "`in`");
        return v->e ? operand : TYPED_UNKNOWN;
    }
    if (operand.literal && v->kind == VAL_INT && operand.item == VAL_DECIMAL) {
        *v = type_convert(x->c, *v, item, "`in`");
        return operand;
    }
    return type_convert(x->c, operand, want, "`in`");
}

static struct typed check_in(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed v = check_expr(x, e->test.value);
    struct typed operand = check_expr(x, e->test.operand);
    if (!v.e || !operand.e) {
        return TYPED_UNKNOWN;
    }
    if (operand.kind == VAL_CIDR || (v.kind == VAL_IP && operand.literal &&
                                     operand.kind == VAL_STRING)) {
        operand = list_of_one(x, operand);
    }
    if (operand.kind != VAL_LIST) {
        struct diag *d = check_error(x->c, "E0305", operand.span,
                                     "`in` needs a list, a set or a network, this is %s",
                                     type_text(x->c, operand));
        check_help(x->c, d, "write `in (…)` for a list of values, `=` for one");
        return TYPED_UNKNOWN;
    }
    if (v.kind == VAL_LIST) {
        check_error(x->c, "E0305", v.span, "`in` asks for one value, this is %s",
                    type_text(x->c, v));
        return TYPED_UNKNOWN;
    }
    operand = v.kind == VAL_IP ? in_addresses(x, operand) : in_values(x, &v, operand);
    if (!operand.e || !v.e) {
        return TYPED_UNKNOWN;
    }
    return negate_if(x, e, test_node(x, e, EX_IN, v, operand));
}

/* ---- text ---------------------------------------------------------------------------------- */

static bool want_text_value(struct expr_ctx *x, struct typed t, const char *op)
{
    if (t.e && (t.kind == VAL_STRING)) {
        return true;
    }
    if (t.e) {
        struct diag *d = check_error(x->c, "E0305", t.span, "`%s` works on text, this is %s", op,
                                     type_text(x->c, t));
        if (t.kind != VAL_LIST) {
            check_help(x->c, d, "convert it: `string(…)`");
        }
    }
    return false;
}

static struct typed check_text(struct expr_ctx *x, const struct ast_expr *e, enum expr_op op)
{
    const char *name = test_text(e->test.op);
    struct typed v = check_expr(x, e->test.value);
    struct typed operand = check_expr(x, e->test.operand);
    bool list_left = op == EX_CONTAINS && v.e && v.kind == VAL_LIST;
    if (!v.e || !operand.e || (!list_left && !want_text_value(x, v, name))) {
        return TYPED_UNKNOWN;
    }
    if (list_left) {
        struct want item = {v.item, VAL_MISSING, NULL};
        struct want items = {VAL_LIST, v.item, NULL};
        operand = type_convert(x->c, operand, operand.kind == VAL_LIST ? items : item,
                               "`contains` on a list");
    } else if (operand.kind == VAL_LIST) {
        operand = type_convert(x->c, operand, (struct want){VAL_LIST, VAL_STRING, NULL}, name);
    } else if (!want_text_value(x, operand, name)) {
        return TYPED_UNKNOWN;
    }
    return operand.e ? negate_if(x, e, test_node(x, e, op, v, operand)) : TYPED_UNKNOWN;
}

/* ---- matches ------------------------------------------------------------------------------- */

static const struct regex *compile_regex(struct expr_ctx *x, struct typed pattern)
{
    char why[REGEX_ERROR_MAX];
    size_t at = 0;
    const struct regex *re =
        regex_compile(value_as_slice(pattern.e->value), x->c->out, why, &at);
    if (!re) {
        check_error(x->c, "E0326", pattern.span, "the regular expression is wrong at byte %zu: %s",
                    at, why);
    }
    return re;
}

static struct typed check_matches(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed v = check_expr(x, e->test.value);
    struct typed pattern = check_expr(x, e->test.operand);
    if (!v.e || !pattern.e || !want_text_value(x, v, "matches")) {
        return TYPED_UNKNOWN;
    }
    if (pattern.e->op != EX_CONST || pattern.kind != VAL_STRING) {
        struct diag *d = check_error(x->c, "E0326", pattern.span,
                                     "`matches` takes one regular expression as a literal");
        check_help(x->c, d, "several become one: `matches r\"^(a|b)$\"`");
        return TYPED_UNKNOWN;
    }
    const struct regex *re = compile_regex(x, pattern);
    if (!re) {
        return TYPED_UNKNOWN;
    }
    struct expr *t = expr_new(x->c, EX_MATCHES, VAL_BOOL, 1);
    t->kids[0] = v.e;
    t->regex = re;
    struct typed result = {.e = t, .kind = VAL_BOOL, .may_miss = v.may_miss, .span = e->span};
    return negate_if(x, e, result);
}

struct typed check_test_op(struct expr_ctx *x, const struct ast_expr *e)
{
    switch (e->test.op) {
    case AST_TEST_IN:
        return check_in(x, e);
    case AST_TEST_GLOB:
        return check_text(x, e, EX_GLOB);
    case AST_TEST_LIKE:
        return check_text(x, e, EX_LIKE);
    case AST_TEST_MATCHES:
        return check_matches(x, e);
    case AST_TEST_CONTAINS:
        return check_text(x, e, EX_CONTAINS);
    case AST_TEST_STARTS_WITH:
        return check_text(x, e, EX_STARTS_WITH);
    case AST_TEST_ENDS_WITH:
        return check_text(x, e, EX_ENDS_WITH);
    }
    return TYPED_UNKNOWN;
}
