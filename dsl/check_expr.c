/* Expressions: one function per kind of node; operators, names and calls have their own files. */
#include "dsl/check.h"

struct expr_ctx expr_ctx_new(struct checker *c, enum expr_place place)
{
    return (struct expr_ctx){.c = c,
                             .place = place,
                             .own = -1,
                             .group = -1,
                             .agg_slot = -1};
}

static struct typed as_condition(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed t = check_expr(x, e);
    if (t.e && t.kind != VAL_BOOL) {
        struct diag *d = check_error(x->c, "E0320", t.span, "this is %s, a condition is needed",
                                     type_text(x->c, t));
        check_help(x->c, d, "compare it with something: `… = …`, `… is present`");
        return TYPED_UNKNOWN;
    }
    return t;
}

const struct expr *check_condition(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed t = e ? as_condition(x, e) : TYPED_UNKNOWN;
    lint_condition(x, t);
    return t.e;
}

static struct typed of_kind(const struct expr *e, struct span span, bool may_miss)
{
    return (struct typed){.e = e,
                          .kind = (enum value_kind)e->kind,
                          .item = (enum value_kind)e->item_kind,
                          .may_miss = may_miss,
                          .span = span};
}

static bool is_link(const struct ast_expr *e, enum ast_binary_op op)
{
    return e->kind == AST_EXPR_BINARY && e->binary.op == op;
}

/* `a and b and c` as one: its parts are judged together. */
static struct typed check_logic(struct expr_ctx *x, const struct ast_expr *e)
{
    enum ast_binary_op op = e->binary.op;
    uint32_t n = 1;
    bool ok = true;
    for (const struct ast_expr *at = e; is_link(at, op); at = ast_bare(at->binary.left)) {
        n++;
    }
    struct typed *parts = ARENA_ARRAY(x->c->arena, struct typed, n);
    const struct ast_expr **links = ARENA_ARRAY(x->c->arena, const struct ast_expr *, n);
    for (uint32_t i = n - 1; i > 0; i--, e = ast_bare(e->binary.left)) {
        links[i] = e;
    }
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = as_condition(x, i == 0 ? e : links[i]->binary.right);
        ok = ok && parts[i].e;
    }
    if (!ok) {
        return TYPED_UNKNOWN;
    }
    struct typed all = parts[0];
    for (uint32_t i = 1; i < n; i++) {
        struct expr *both = expr_new(x->c, op == AST_AND ? EX_AND : EX_OR, VAL_BOOL, 2);
        both->kids[0] = all.e;
        both->kids[1] = parts[i].e;
        all = of_kind(both, links[i]->span, all.may_miss || parts[i].may_miss);
    }
    lint_chain(x, op == AST_OR, parts, n, all.span);
    return all;
}

static struct typed check_not(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed a = as_condition(x, e->unary.operand);
    if (!a.e) {
        return TYPED_UNKNOWN;
    }
    struct expr *n = expr_new(x->c, EX_NOT, VAL_BOOL, 1);
    n->kids[0] = a.e;
    return of_kind(n, e->span, a.may_miss);
}

static struct typed check_is(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed v = check_expr(x, e->is.value);
    if (!v.e) {
        return TYPED_UNKNOWN;
    }
    bool present = e->is.present != e->is.negated;
    struct expr *t = expr_new(x->c, present ? EX_IS_PRESENT : EX_IS_MISSING, VAL_BOOL, 1);
    t->kids[0] = v.e;
    return of_kind(t, e->span, false);
}

static struct typed check_if(struct expr_ctx *x, const struct ast_expr *e)
{
    struct typed test = as_condition(x, e->cond.test);
    struct typed yes = check_expr(x, e->cond.yes);
    struct typed no = check_expr(x, e->cond.no);
    bool literal = yes.literal && no.literal;
    if (!test.e || !type_unify(x->c, &yes, &no, e->span, "if")) {
        return TYPED_UNKNOWN;
    }
    struct expr *c = expr_new(x->c, EX_IF, yes.kind, 3);
    c->kids[0] = test.e;
    c->kids[1] = yes.e;
    c->kids[2] = no.e;
    c->item_kind = (uint8_t)yes.item;
    struct typed t = of_kind(c, e->span, test.may_miss || yes.may_miss || no.may_miss);
    t.enum_of = literal ? NULL : yes.enum_of;
    return t;
}

/* Items take the type of the first one that is no literal, else of the widest number. */
static bool unify_items(struct expr_ctx *x, struct typed *items, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (!type_unify(x->c, &items[i - 1], &items[i], items[i].span, "list")) {
            return false;
        }
    }
    struct want want = {items[n - 1].kind, items[n - 1].item, NULL};
    for (uint32_t i = 0; i + 1 < n; i++) {
        items[i] = type_convert(x->c, items[i], want, "the list");
        if (!items[i].e) {
            return false;
        }
    }
    return true;
}

/* Addresses and networks side by side, perhaps with text literals among them. */
static bool ips_and_networks(const struct typed *items, uint32_t n)
{
    bool some = false;
    for (uint32_t i = 0; i < n; i++) {
        bool address = items[i].kind == VAL_IP || items[i].kind == VAL_CIDR;
        if (!address && !(items[i].literal && items[i].kind == VAL_STRING)) {
            return false;
        }
        some = some || address;
    }
    return some;
}

/* `[a, b]` and the parenthesised list after `in`, `~`, …: addresses and networks may be mixed. */
static struct typed check_list(struct expr_ctx *x, const struct ast_expr *e)
{
    uint32_t n = e->items.n;
    if (n > EXPR_MAX_KIDS) {
        struct diag *d = check_error(x->c, "E0423", e->span, "a list written out has at most %d "
                                     "values", EXPR_MAX_KIDS);
        check_help(x->c, d, "put them into a file: `list NAME : TYPE from file \"…\"`");
        return TYPED_UNKNOWN;
    }
    struct typed *items = ARENA_ARRAY(x->c->arena, struct typed, n + 1);
    bool ok = true;
    bool literal = true;
    bool may_miss = false;
    uint32_t i = 0;
    for (const struct ast_expr *it = e->items.first; it; it = it->next, i++) {
        items[i] = check_expr(x, it);
        ok = ok && items[i].e;
        literal = literal && items[i].literal;
        may_miss = may_miss || items[i].may_miss;
    }
    bool mixed = ok && ips_and_networks(items, n);
    for (i = 0; mixed && i < n; i++) {
        items[i] = type_address(x->c, items[i]);
        ok = ok && items[i].e;
    }
    if (!ok || (n && !mixed && !unify_items(x, items, n))) {
        return TYPED_UNKNOWN;
    }
    struct expr *list = expr_new(x->c, EX_LIST, VAL_LIST, n);
    for (i = 0; i < n; i++) {
        list->kids[i] = items[i].e;
    }
    list->item_kind = (uint8_t)(n ? items[0].kind : VAL_MISSING);
    struct typed t = of_kind(list, e->span, may_miss);
    t.literal = literal;
    t.items = items;
    return t;
}

static const struct symbol *indexed_symbol(struct expr_ctx *x, const struct ast_expr *e)
{
    const struct ast_expr *base = e->kind == AST_EXPR_INDEX ? ast_bare(e->index.base) : NULL;
    return base && base->kind == AST_EXPR_PATH ? path_symbol(x, base->path) : NULL;
}

struct typed expr_place_part(struct expr_ctx *x, struct typed place, struct slice name,
                             struct span span)
{
    if (!place.e) {
        return TYPED_UNKNOWN;
    }
    struct expr *m = expr_new(x->c, EX_MEMBER, VAL_FLOAT, 1);
    m->member = slice_eq_str(name, "lat") ? MEMBER_LAT : MEMBER_LON;
    m->kids[0] = place.e;
    return of_kind(m, span, place.may_miss);
}

static struct typed check_member(struct expr_ctx *x, const struct ast_expr *e)
{
    if (is_geoip(ast_bare(e->member.base))) {
        return check_geoip(x, ast_bare(e->member.base), e->member.name);
    }
    const struct ast_expr *base = ast_bare(e->member.base);
    const struct symbol *s = base ? indexed_symbol(x, base) : NULL;
    if (s && s->kind == SYM_PROFILE) {
        return check_profile_by_key(x, s, base->index.index, e->member.name, e->span);
    }
    struct typed b = check_expr(x, e->member.base);
    struct slice part = e->member.name->text;
    if (b.e && b.kind == VAL_GEO && (slice_eq_str(part, "lat") || slice_eq_str(part, "lon"))) {
        return expr_place_part(x, b, part, e->span);
    }
    if (b.e) {
        check_error(x->c, "E0302", e->member.name->span, "%s has no parts", type_text(x->c, b));
    }
    return TYPED_UNKNOWN;
}

/* `tags[0]`: an item of a list. `home[user]`: the value of a lookup's key. */
static struct typed check_index(struct expr_ctx *x, const struct ast_expr *e)
{
    const struct ast_expr *base = ast_bare(e->index.base);
    const struct symbol *s = indexed_symbol(x, e);
    if (s && s->kind == SYM_LOOKUP) {
        return check_lookup(x, e, s);
    }
    if (s && s->kind == SYM_PROFILE) {
        return check_profile_by_key(x, s, e->index.index, NULL, e->span);
    }
    struct typed list = check_expr(x, base);
    struct typed index = check_expr(x, e->index.index);
    if (!list.e || !index.e) {
        return TYPED_UNKNOWN;
    }
    if (list.kind != VAL_LIST || index.kind != VAL_INT) {
        check_error(x->c, "E0305", e->span, "`[…]` takes the item of a list, this is %s[%s]",
                    type_text(x->c, list), type_text(x->c, index));
        return TYPED_UNKNOWN;
    }
    struct expr *m = expr_new(x->c, EX_MEMBER, list.item, 2);
    m->member = MEMBER_ITEM;
    m->kids[0] = list.e;
    m->kids[1] = index.e;
    return of_kind(m, e->span, true);
}

static struct typed check_unary(struct expr_ctx *x, const struct ast_expr *e)
{
    return e->unary.op == AST_NOT ? check_not(x, e) : check_negation(x, e);
}

struct typed check_expr(struct expr_ctx *x, const struct ast_expr *e)
{
    e = ast_bare(e);
    if (!e) {
        return TYPED_UNKNOWN;
    }
    switch (e->kind) {
    case AST_EXPR_LITERAL:
        return check_literal(x, e->literal);
    case AST_EXPR_PATH:
        return check_path(x, e->path);
    case AST_EXPR_CALL:
        return check_call(x, e);
    case AST_EXPR_MEMBER:
        return check_member(x, e);
    case AST_EXPR_INDEX:
        return check_index(x, e);
    case AST_EXPR_ARRAY:
    case AST_EXPR_TUPLE:
        return check_list(x, e);
    case AST_EXPR_NAMED_LIST:
        return check_named_list(x, e);
    case AST_EXPR_PAREN:
        break;
    case AST_EXPR_UNARY:
        return check_unary(x, e);
    case AST_EXPR_PERCENT_OF:
        return check_percent_of(x, e);
    case AST_EXPR_BINARY:
        return e->binary.op == AST_AND || e->binary.op == AST_OR ? check_logic(x, e)
                                                                 : check_binary(x, e);
    case AST_EXPR_BETWEEN:
        return check_between(x, e);
    case AST_EXPR_TEST:
        return check_test_op(x, e);
    case AST_EXPR_IS:
        return check_is(x, e);
    case AST_EXPR_IF:
        return check_if(x, e);
    }
    return TYPED_UNKNOWN;
}
