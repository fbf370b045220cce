/* Measures of profiles: `hourly = average(sum(amount)) over 30 days every 1 hour warm 14 days`,
 * `mean = sum(amount) / count() over 7 days`. */
#include "dsl/check.h"

#include "nfa/functions.h"
#include "nfa/profile.h"

struct measure_ctx {
    struct checker *c;
    const struct ast_measure *ast;
    const struct ast_filter *filter;
    struct expr_ctx event; /* the source's events */
    struct measure *m;
    struct measure *into;  /* whose aggregate is being looked at: m or a leaf of it */
};

static const struct ast_expr *as_aggregate(const struct ast_expr *e)
{
    e = ast_bare(e);
    return e && e->kind == AST_EXPR_CALL && aggregates_find(e->call.name->text) ? e : NULL;
}

uint32_t measure_room(const struct ast_measure *ast)
{
    return as_aggregate(ast->value) ? 0 : MEASURE_MAX_LEAVES;
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
        k->into->nested = true;
        *value = typed_aggregate(k, nested, true);
        return value->e != NULL;
    }
    *value = check_expr(&k->event, arg);
    return value->e != NULL;
}

static struct typed typed_aggregate(struct measure_ctx *k, const struct ast_expr *e, bool inner)
{
    const struct aggregate *agg = aggregates_find(e->call.name->text);
    struct typed value = {.span = e->span}, t = {.span = e->span};
    const struct expr *filter = NULL;
    bool ok = arity_fits(k, e, agg) && argument(k, e, agg, inner, &value);
    if (ok && e->call.where) {
        filter = check_condition(&k->event, e->call.where->expr);
        ok = filter != NULL;
    }
    if (ok && e->call.where && k->into->nested && !inner) {
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

/* ---- computed ------------------------------------------------------------------------------ */

/* The same aggregate twice is kept once. */
static struct measure *find_leaf(const struct measure_ctx *k, const struct measure *leaf)
{
    struct buf want = BUF_INIT, other = BUF_INIT;
    struct measure *found = NULL;
    expr_canonical(leaf->agg, k->c->rs->decls, &want);
    for (uint32_t i = 0; i < k->m->n_leaves && !found; i++) {
        struct measure *m = &k->c->rs->measures[k->m->first_leaf + i];
        buf_clear(&other);
        expr_canonical(m->agg, k->c->rs->decls, &other);
        bool same = m->as_set == leaf->as_set && slice_eq(buf_slice(&want), buf_slice(&other));
        found = same ? m : NULL;
    }
    buf_release(&want);
    buf_release(&other);
    return found;
}

static void name_leaf(struct measure_ctx *k, struct measure *leaf)
{
    unsigned n = k->m->n_leaves;
    leaf->name = slice_of(arena_printf(k->c->out, "%.*s#%u", SLICE_ARG(k->m->name), n));
    leaf->full_name = slice_of(arena_printf(k->c->out, "%.*s#%u", SLICE_ARG(k->m->full_name), n));
}

/* In the place of an aggregate stands the reading of a measure that is this aggregate. */
struct typed check_measure_aggregate(struct measure_ctx *k, const struct ast_expr *e)
{
    struct ruleset *rs = k->c->rs;
    if (k->m->n_leaves == MEASURE_MAX_LEAVES) {
        check_error(k->c, "E0347", e->span, "a measure is computed from at most %d aggregates",
                    MEASURE_MAX_LEAVES);
        return TYPED_UNKNOWN;
    }
    struct measure *leaf = &rs->measures[rs->n_measures];
    *leaf = (struct measure){.index = rs->n_measures,
                             .profile = k->m->profile,
                             .over = k->m->over,
                             .every = k->m->every,
                             .warm = k->m->warm};
    k->into = leaf;
    leaf->as_set = aggregates_find(e->call.name->text)->profiles_only;
    leaf->agg = typed_aggregate(k, e, false).e;
    if (!leaf->agg) {
        return TYPED_UNKNOWN;
    }
    struct measure *same = find_leaf(k, leaf);
    if (!same) {
        same = leaf;
        rs->n_measures++;
        k->m->n_leaves++;
        name_leaf(k, leaf);
    }
    return measure_typed(k->c, same, e->span);
}

struct typed check_measure_field(struct measure_ctx *k, const struct ast_path *path)
{
    struct slice name = path_text(k->c, path->names.first);
    struct diag *d = check_error(k->c, "E0347", path->span,
                                 "`%.*s` is a field of each event, a measure is of all of them",
                                 SLICE_ARG(name));
    check_help(k->c, d, "say which one is meant: `sum(%.*s)`, `last(%.*s)`, …", SLICE_ARG(name),
               SLICE_ARG(name));
    return TYPED_UNKNOWN;
}

static void check_computed(struct measure_ctx *k)
{
    struct expr_ctx x = k->event;
    x.measure = k;
    k->m->first_leaf = k->c->rs->n_measures;
    struct typed t = check_expr(&x, k->ast->value);
    if (t.e && k->m->n_leaves == 0) {
        struct diag *d = check_error(k->c, "E0347", t.span, "a measure needs an aggregate");
        check_help(k->c, d, "for example `set(country)`, `sum(amount)`, `count()`");
    } else if (t.e) {
        k->m->value = expr_fold(k->c, t.e);
    }
}

/* ---- window, buckets, bounds --------------------------------------------------------------- */

static void check_every(struct measure_ctx *k)
{
    const struct ast_timed *every = k->ast->every;
    if (!every || !check_timed(k->c, every, &k->m->every)) {
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

static void check_nested(struct measure_ctx *k, const struct measure *m)
{
    if (m->nested && !k->ast->every) {
        struct diag *d = check_error(k->c, "E0347", k->ast->value->span,
                                     "an aggregate of an aggregate needs buckets");
        check_help(k->c, d, "say how long a bucket is: `every 1 hour`");
    }
}

static bool is_bounded(const struct measure *m)
{
    return m->agg && !m->nested && m->agg->agg == AGG_DISTINCT;
}

static void check_max(struct measure_ctx *k, struct measure *const *all, uint32_t n)
{
    const struct ast_literal *max = k->ast->max;
    bool any = false;
    for (uint32_t i = 0; i < n; i++) {
        any = any || is_bounded(all[i]);
    }
    if (!any) {
        struct diag *d = check_error(k->c, "E0347", max->span,
                                     "`max` bounds how many values a set keeps");
        check_help(k->c, d, "it belongs to `set(…)` and `distinct(…)`");
    } else if (max->int_value < 1 || max->int_value > INT32_MAX) {
        check_error(k->c, "E0347", max->span, "a set keeps at least one value");
    } else {
        for (uint32_t i = 0; i < n; i++) {
            all[i]->max = is_bounded(all[i]) ? (uint32_t)max->int_value : 0;
            all[i]->as_set = all[i]->as_set || is_bounded(all[i]);
        }
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

/* What the aggregates make of `every` and `max`; a leaf that was refused is not among them. */
static void check_aggregates(struct measure_ctx *k)
{
    struct measure *all[MEASURE_MAX_LEAVES] = {k->m};
    uint32_t n = k->m->n_leaves;
    for (uint32_t i = 0; i < n; i++) {
        all[i] = &k->c->rs->measures[k->m->first_leaf + i];
    }
    n = n ? n : 1;
    bool nested = false;
    for (uint32_t i = 0; i < n && !nested; i++) {
        check_nested(k, all[i]);
        nested = all[i]->nested;
    }
    if (k->ast->max && (all[0]->agg || all[0]->nested)) {
        check_max(k, all, n);
    }
}

void check_measure(struct checker *c, const struct ast_measure *ast, const struct ast_filter *filter,
                   const uint32_t *decls, uint32_t n_decls, struct measure *m)
{
    struct measure_ctx k = {c, ast, filter, expr_ctx_new(c, PLACE_EVENT), m, m};
    const struct ast_expr *e = as_aggregate(ast->value);
    k.event.self = decls;
    k.event.n_self = n_decls;
    if (span_given(ast->repeated)) {
        check_error(c, "E0330", ast->repeated, "this is stated twice");
    }
    check_timed(c, ast->over, &m->over);
    check_every(&k);
    check_warm(&k);
    if (e) {
        m->as_set = aggregates_find(e->call.name->text)->profiles_only;
        m->agg = typed_aggregate(&k, e, false).e;
    } else {
        check_computed(&k);
    }
    check_aggregates(&k);
}
