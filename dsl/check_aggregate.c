/* Aggregates over the events of a name: count(x), sum(x.v), last(x.v), count(x where c), … */
#include "dsl/check.h"

#include "nfa/functions.h"

/* The name that the arguments are over: the first part of the first path that is an alias. */
static const struct ast_path *find_alias_path(const struct expr_ctx *x, const struct ast_expr *e)
{
    e = ast_bare(e);
    if (!e) {
        return NULL;
    }
    if (e->kind == AST_EXPR_PATH) {
        return rule_find_name(x->rule, e->path->names.first->text) >= 0 ? e->path : NULL;
    }
    const struct ast_path *found = NULL;
    if (e->kind == AST_EXPR_BINARY) {
        found = find_alias_path(x, e->binary.left);
        return found ? found : find_alias_path(x, e->binary.right);
    }
    if (e->kind == AST_EXPR_UNARY) {
        return find_alias_path(x, e->unary.operand);
    }
    if (e->kind == AST_EXPR_PERCENT_OF) {
        return find_alias_path(x, e->percent_of.operand);
    }
    if (e->kind == AST_EXPR_IF) {
        found = find_alias_path(x, e->cond.test);
        found = found ? found : find_alias_path(x, e->cond.yes);
        return found ? found : find_alias_path(x, e->cond.no);
    }
    if (e->kind == AST_EXPR_CALL) {
        for (const struct ast_expr *a = e->call.args.first; a && !found; a = a->next) {
            found = find_alias_path(x, a);
        }
    }
    return found;
}

static const char *call_name(struct expr_ctx *x, const struct ast_expr *e)
{
    return arena_printf(x->c->arena, "%.*s", SLICE_ARG(e->call.name->text));
}

/* ---- the name ------------------------------------------------------------------------------ */

static bool in_bare_group(const struct rule_ctx *r, int32_t group, int32_t scope)
{
    for (int32_t g = group; g >= 0 && g != scope; g = r->rule->groups[g].parent) {
        if (r->groups[g].bare) {
            return true;
        }
    }
    return false;
}

/* Which subset was chosen is not settled while conditions are judged. */
static bool settled(struct expr_ctx *x, int32_t slot, int32_t scope, struct span span)
{
    const struct name_info *n = &x->rule->names[slot];
    bool bare = in_bare_group(x->rule, n->group, scope);
    if (x->place == PLACE_EMIT || (!n->anywhere && !bare)) {
        return true;
    }
    struct diag *d = check_error(x->c, "E0414", span,
                                 "an aggregate over `%.*s` may stand in `emit` only",
                                 SLICE_ARG(n->text));
    check_second(x->c, d, n->span, bare ? "its group may leave events out"
                                        : "any subset may be chosen here");
    check_help(x->c, d, bare ? "write `in a row` after the group" : "leave `anywhere` out");
    return false;
}

static bool find_slot(struct expr_ctx *x, const struct ast_expr *e, int32_t *slot,
                      struct span *name_span)
{
    const struct ast_path *path = e->call.args.first ? find_alias_path(x, e->call.args.first)
                                                     : NULL;
    if (!path) {
        struct diag *d = check_error(x->c, "E0324", e->span,
                                     "`%s` is an aggregate over the events of a step's name",
                                     call_name(x, e));
        check_help(x->c, d, "name the step and write `%s(name.FIELD)`", call_name(x, e));
        return false;
    }
    *slot = rule_find_name(x->rule, path->names.first->text);
    *name_span = path->names.first->span;
    bool visible = x->visible >> *slot & 1;
    if (!visible) {
        struct diag *d = check_error(x->c, "E0308", path->span, "`%.*s` is not bound yet here",
                                     SLICE_ARG(x->rule->names[*slot].text));
        check_second(x->c, d, x->rule->names[*slot].span, "bound here");
        check_help(x->c, d, "a condition may use names that stand before its step");
    }
    return visible;
}

/* ---- arguments ----------------------------------------------------------------------------- */

static struct expr_ctx inner_ctx(const struct expr_ctx *x, int32_t slot)
{
    struct expr_ctx in = *x;
    const struct name_info *n = &x->rule->names[slot];
    in.self = n->decls;
    in.n_self = n->n_decls;
    in.agg_slot = slot;
    in.place = x->place == PLACE_EMIT ? PLACE_EMIT : PLACE_LOOP;
    return in;
}

static bool is_whole_name(const struct expr_ctx *x, const struct ast_expr *e, int32_t slot)
{
    e = ast_bare(e);
    return e && e->kind == AST_EXPR_PATH && !e->path->names.first->next &&
           rule_find_name(x->rule, e->path->names.first->text) == slot;
}

static bool agg_value(struct expr_ctx *x, const struct ast_expr *e, const struct aggregate *agg,
                      int32_t slot, struct typed *value)
{
    const struct ast_expr *arg = e->call.args.first;
    if (is_whole_name(x, arg, slot)) {
        if (agg->argument == AGG_TAKES_NAME || agg->argument == AGG_TAKES_EVENTS) {
            return true;
        }
        struct diag *d = check_error(x->c, "E0315", arg->span, "`%s` needs a field",
                                     call_name(x, e));
        check_help(x->c, d, "write `%s(%.*s.FIELD)`", call_name(x, e),
                   SLICE_ARG(x->rule->names[slot].text));
        return false;
    }
    if (agg->argument == AGG_TAKES_EVENTS) {
        check_error(x->c, "E0315", arg->span, "`%s` takes the name of a step, without a field",
                    agg->name);
        return false;
    }
    struct expr_ctx in = inner_ctx(x, slot);
    *value = check_expr(&in, arg);
    return value->e != NULL;
}

static const struct expr *agg_filter(struct expr_ctx *x, const struct ast_expr *e, int32_t slot,
                                     bool *ok)
{
    if (!e->call.where) {
        return NULL;
    }
    struct expr_ctx in = inner_ctx(x, slot);
    in.agg_where = true;
    const struct expr *f = check_condition(&in, e->call.where->expr);
    *ok = f != NULL;
    return f;
}

/* nth(x.v, 2), percentile(x.v, 95). */
const struct expr *check_aggregate_constant(struct expr_ctx *x, const struct ast_expr *e,
                                            const struct aggregate *agg, bool *ok)
{
    if (!agg->second || !*ok) {
        return NULL;
    }
    const struct ast_expr *arg = e->call.args.last;
    struct typed t = check_expr(x, arg);
    *ok = false;
    if (!t.e) {
        return NULL;
    }
    if (t.e->op != EX_CONST) {
        check_error(x->c, "E0322", arg->span, "a constant is needed here");
        return NULL;
    }
    if (!aggregate_second_fits(agg, t.e->value)) {
        check_error(x->c, "E0315", arg->span,
                    agg->op == AGG_NTH ? "positions are whole numbers from 1 on"
                                       : "a percentage lies in 0 to 100");
        return NULL;
    }
    *ok = true;
    return t.e;
}

static bool check_arity(struct expr_ctx *x, const struct ast_expr *e, const struct aggregate *agg)
{
    uint32_t wanted = agg->second ? 2 : 1;
    if (e->call.args.n == wanted) {
        return true;
    }
    struct buf text = BUF_INIT;
    aggregate_signature(agg, &text);
    struct diag *d = check_error(x->c, "E0315", e->span, "`%s` takes %u argument%s", agg->name,
                                 wanted, wanted == 1 ? "" : "s");
    check_help(x->c, d, "it is `%s`", buf_cstr(&text));
    buf_release(&text);
    return false;
}

/* ---- the type ------------------------------------------------------------------------------ */

bool check_aggregate_type(struct expr_ctx *x, const struct aggregate *agg, struct typed v,
                          struct typed *t)
{
    if (!aggregate_resolve(agg, v.kind, &t->kind, &t->item)) {
        static const char *const wants[] = {
            [AGG_TAKES_NAME] = "events",
            [AGG_TAKES_EVENTS] = "events",
            [AGG_TAKES_NUMBER] = "numbers or durations",
            [AGG_TAKES_ORDERED] = "values with an order",
            [AGG_TAKES_SCALAR] = "single values",
            [AGG_TAKES_ANY] = "values",
        };
        check_error(x->c, "E0305", v.span, "`%s` needs %s, this is %s", agg->name,
                    wants[agg->argument], type_text(x->c, v));
        return false;
    }
    if (agg->result == AGG_GIVES_SAME) {
        t->item = v.item;
        t->enum_of = v.enum_of;
    }
    return true;
}

struct typed check_aggregate(struct expr_ctx *x, const struct ast_expr *e,
                             const struct aggregate *agg)
{
    int32_t slot;
    struct span name_span;
    struct typed value = {.span = e->span};
    bool ok = true;
    if (x->agg_slot >= 0) {
        check_error(x->c, "E0324", e->span, "an aggregate cannot stand inside an aggregate");
        return TYPED_UNKNOWN;
    }
    if (!x->rule || !find_slot(x, e, &slot, &name_span)) {
        if (!x->rule) {
            check_error(x->c, "E0324", e->span, "an aggregate needs the events of a rule's step");
        }
        return TYPED_UNKNOWN;
    }
    if (!check_arity(x, e, agg) || !agg_value(x, e, agg, slot, &value)) {
        return TYPED_UNKNOWN;
    }
    const struct expr *filter = agg_filter(x, e, slot, &ok);
    const struct expr *constant = check_aggregate_constant(x, e, agg, &ok);
    int32_t scope = rule_common_group(x->rule, x->rule->names[slot].group, x->group);
    struct typed t = {.span = e->span, .may_miss = agg->op != AGG_COUNT && agg->op != AGG_SUM};
    if (!ok || !settled(x, slot, scope, name_span) || !check_aggregate_type(x, agg, value, &t)) {
        return TYPED_UNKNOWN;
    }
    struct expr *a = expr_new(x->c, EX_AGG, t.kind, 3);
    a->agg = (uint8_t)agg->op;
    a->item_kind = (uint8_t)t.item;
    a->slot = slot;
    a->scope = scope;
    a->cache = x->rule->rule->n_caches++;
    a->kids[0] = value.e;
    a->kids[1] = filter;
    a->kids[2] = constant;
    t.e = a;
    return t;
}
