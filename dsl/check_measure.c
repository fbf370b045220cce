/* Measures of profiles: `hourly = average(sum(amount)) over 30 days every 1 hour warm 14 days`. */
#include "dsl/check.h"

#include "nfa/functions.h"
#include "nfa/profile.h"

struct measure_ctx {
    struct checker *c;
    const struct ast_measure *ast;
    const struct ast_filter *filter;
    struct expr_ctx event; /* the source's events */
    struct measure *m;
};

static bool is_set_call(const struct ast_expr *e)
{
    return slice_eq_str(e->call.name->text, "set");
}

/* `set` is distinct as a measure; elsewhere there is none. */
static const struct aggregate *aggregate_of(const struct ast_expr *e)
{
    return is_set_call(e) ? aggregates_find(SLICE_LIT("distinct"))
                          : aggregates_find(e->call.name->text);
}

static const struct ast_expr *as_aggregate(const struct ast_expr *e)
{
    e = ast_bare(e);
    return e && e->kind == AST_EXPR_CALL && aggregate_of(e) ? e : NULL;
}

static void suggest_aggregates(struct measure_ctx *k, struct diag *d, struct slice name)
{
    uint32_t n;
    struct suggest s = suggest_for(name);
    const struct aggregate *all = aggregates_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        suggest_try(&s, slice_of(all[i].name));
    }
    suggest_try(&s, SLICE_LIT("set"));
    check_suggest(k->c, d, &s);
}

static void not_an_aggregate(struct measure_ctx *k)
{
    const struct ast_expr *e = ast_bare(k->ast->value);
    if (!e) {
        return;
    }
    struct diag *d = check_error(k->c, "E0347", e->span, "a measure is one aggregate");
    if (e->kind == AST_EXPR_CALL) {
        suggest_aggregates(k, d, e->call.name->text);
    } else if (e->kind == AST_EXPR_BINARY) {
        check_help(k->c, d, "make each aggregate a measure and compute with them in the rule");
    } else {
        check_help(k->c, d, "for example `set(country)`, `sum(amount)`, `count()`");
    }
}

/* The source's name stands for its events: `count(Payment)`. */
static bool is_source_name(const struct measure_ctx *k, const struct ast_expr *e)
{
    e = ast_bare(e);
    return e && e->kind == AST_EXPR_PATH && !e->path->names.first->next &&
           slice_eq(e->path->names.first->text, k->filter->source->text) &&
           decl_find_field(&k->c->rs->decls[k->event.self[0]], e->path->names.first->text) < 0;
}

static bool arity_fits(struct measure_ctx *k, const struct ast_expr *e,
                       const struct aggregate *agg)
{
    bool events = agg->argument == AGG_TAKES_NAME || agg->argument == AGG_TAKES_EVENTS;
    uint32_t most = agg->second ? 2 : 1;
    uint32_t least = events ? most - 1 : most;
    if (e->call.args.n >= least && e->call.args.n <= most) {
        return true;
    }
    struct diag *d = check_error(k->c, "E0315", e->span, "`%.*s` takes %u argument%s here",
                                 SLICE_ARG(e->call.name->text), most, most == 1 ? "" : "s");
    check_help(k->c, d, "%s", agg->second ? "a field and a constant: `percentile(amount, 95)`"
                                          : "a field of the source: `sum(amount)`");
    return false;
}

static struct typed typed_aggregate(struct measure_ctx *k, const struct ast_expr *e, bool inner);

/* The value under the aggregate; *value stays unknown when whole events are meant. */
static bool argument(struct measure_ctx *k, const struct ast_expr *e, const struct aggregate *agg,
                     bool inner, struct typed *value)
{
    const struct ast_expr *arg = e->call.args.first;
    if (!arg || is_source_name(k, arg)) {
        return true;
    }
    if (agg->argument == AGG_TAKES_EVENTS) {
        struct diag *d = check_error(k->c, "E0315", arg->span,
                                     "`%s` looks at the events, not at a field", agg->name);
        check_help(k->c, d, "write `%s()`", agg->name);
        return false;
    }
    const struct ast_expr *nested = as_aggregate(arg);
    if (nested && inner) {
        check_error(k->c, "E0347", arg->span, "aggregates nest two deep: of a bucket, and over the "
                    "buckets");
        return false;
    }
    if (nested) {
        k->m->nested = true;
        *value = typed_aggregate(k, nested, true);
        return value->e != NULL;
    }
    *value = check_expr(&k->event, arg);
    return value->e != NULL;
}

static struct typed typed_aggregate(struct measure_ctx *k, const struct ast_expr *e, bool inner)
{
    const struct aggregate *agg = aggregate_of(e);
    struct typed value = {.span = e->span}, t = {.span = e->span};
    const struct expr *filter = NULL;
    bool ok = arity_fits(k, e, agg) && argument(k, e, agg, inner, &value);
    if (ok && e->call.where) {
        filter = check_condition(&k->event, e->call.where->expr);
        ok = filter != NULL;
    }
    if (ok && e->call.where && k->m->nested && !inner) {
        struct diag *d = check_error(k->c, "E0347", e->call.where->span,
                                     "`where` belongs to the aggregate of a bucket");
        check_help(k->c, d, "write it inside: `average(count(x where …))`");
        ok = false;
    }
    const struct expr *constant = check_aggregate_constant(&k->event, e, agg, &ok);
    if (!ok || !check_aggregate_type(&k->event, agg, value, &t)) {
        return TYPED_UNKNOWN;
    }
    struct expr *a = expr_new(k->c, EX_AGG, t.kind, 3);
    a->agg = (uint8_t)agg->op;
    a->item_kind = (uint8_t)t.item;
    a->kids[0] = value.e;
    a->kids[1] = filter;
    a->kids[2] = constant;
    t.e = a;
    return t;
}

/* ---- window, buckets, bounds --------------------------------------------------------------- */

static void check_every(struct measure_ctx *k)
{
    const struct ast_timed *every = k->ast->every;
    if (!every) {
        if (k->m->nested) {
            struct diag *d = check_error(k->c, "E0347", k->ast->value->span,
                                         "an aggregate of an aggregate needs buckets");
            check_help(k->c, d, "say how long a bucket is: `every 1 hour`");
        }
        return;
    }
    if (!check_timed(k->c, every, &k->m->every)) {
        return;
    }
    if (k->m->every.ns <= 0) {
        check_error(k->c, "E0347", every->span, "a bucket is longer than nothing");
    } else if (k->m->every.ns > k->m->over.ns) {
        struct diag *d = check_error(k->c, "E0347", every->span,
                                     "a bucket is longer than the window: it would always be empty");
        check_second(k->c, d, k->ast->over->span, "the window");
        check_help(k->c, d, "`every` divides `over` into buckets: `over 30 days every 1 hour`");
    }
}

static void check_max(struct measure_ctx *k, const struct ast_expr *e)
{
    const struct ast_literal *max = k->ast->max;
    if (!max) {
        return;
    }
    bool values = e && !k->m->nested && aggregate_of(e)->op == AGG_DISTINCT;
    if (!values) {
        struct diag *d = check_error(k->c, "E0347", max->span,
                                     "`max` bounds how many values a set keeps");
        check_help(k->c, d, "it belongs to `set(…)` and `distinct(…)`");
    } else if (max->int_value < 1 || max->int_value > INT32_MAX) {
        check_error(k->c, "E0347", max->span, "a set keeps at least one value");
    } else {
        k->m->max = (uint32_t)max->int_value;
        k->m->as_set = true;
    }
}

static void check_warm(struct measure_ctx *k)
{
    if (check_timed(k->c, k->ast->warm, &k->m->warm) && k->m->warm.ns > k->m->over.ns) {
        struct diag *d = check_lint(k->c, DIAG_WARNING, "W0420", k->ast->warm->span,
                                    "warming up takes longer than the window");
        check_second(k->c, d, k->ast->over->span, "the window");
        check_help(k->c, d, "a key that pauses for the window starts anew, so it may never be warm");
    }
}

void check_measure(struct checker *c, const struct ast_measure *ast, const struct ast_filter *filter,
                   const uint32_t *decls, uint32_t n_decls, struct measure *m)
{
    struct measure_ctx k = {c, ast, filter, expr_ctx_new(c, PLACE_EVENT), m};
    const struct ast_expr *e = as_aggregate(ast->value);
    k.event.self = decls;
    k.event.n_self = n_decls;
    if (span_given(ast->repeated)) {
        check_error(c, "E0330", ast->repeated, "this is stated twice");
    }
    check_timed(c, ast->over, &m->over);
    if (!e) {
        not_an_aggregate(&k);
    } else {
        m->as_set = is_set_call(e);
        m->agg = typed_aggregate(&k, e, false).e;
    }
    check_every(&k);
    check_max(&k, e);
    check_warm(&k);
}
