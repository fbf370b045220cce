/* Calls: aggregates over a step's name, and functions of values. The tables of nfa/functions.h say
 * what exists; literals take the type that a parameter asks for. */
#include "dsl/check.h"
#include "dsl/foreign.h"

#include "dsl/zone_load.h"
#include "nfa/functions.h"

/* More arguments than any function needs. */
#define CALL_MAX_ARGS 64

struct call {
    struct expr_ctx *x;
    const struct ast_expr *ast;
    const struct function *fn;
    struct typed *args;
    uint32_t n;
    struct function_match match;
};

static void unknown_function(struct expr_ctx *x, const struct ast_name *name)
{
    uint32_t n;
    struct suggest s = suggest_for(name->text);
    const struct function *fns = functions_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        suggest_try(&s, slice_of(fns[i].name));
    }
    const struct aggregate *aggs = aggregates_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (x->measure || !aggs[i].profiles_only) {
            suggest_try(&s, slice_of(aggs[i].name));
        }
    }
    struct diag *d = check_error(x->c, "E0314", name->span, "there is no function `%.*s`",
                                 SLICE_ARG(name->text));
    const char *help = foreign_function_help(name->text);
    if (help) {
        check_help(x->c, d, "%s", help);
    } else if (s.best.ptr) {
        check_suggest(x->c, d, &s);
    } else {
        check_help(x->c, d, "`fyke list functions` shows all");
    }
}

/* ---- choosing an overload ------------------------------------------------------------------ */

static bool resolve(struct call *k, bool fractions_as_float)
{
    enum value_kind kinds[CALL_MAX_ARGS];
    for (uint32_t i = 0; i < k->n; i++) {
        bool fraction = k->args[i].literal && k->args[i].kind == VAL_DECIMAL;
        kinds[i] = fractions_as_float && fraction ? VAL_FLOAT : k->args[i].kind;
    }
    return function_resolve(k->fn, kinds, k->n, &k->match);
}

static struct typed wrong_arguments(struct call *k)
{
    struct checker *c = k->x->c;
    struct buf got = BUF_INIT;
    struct buf want = BUF_INIT;
    for (uint32_t i = 0; i < k->n; i++) {
        buf_printf(&got, "%s%s", i ? ", " : "", type_text(c, k->args[i]));
    }
    for (uint32_t i = 0; i < k->fn->n_overloads; i++) {
        buf_puts(&want, i ? " or `" : "`");
        function_signature(k->fn, i, &want);
        buf_puts(&want, "`");
    }
    struct diag *d = check_error(c, "E0315", k->ast->span, "`%s` does not take (%s)", k->fn->name,
                                 buf_cstr(&got));
    check_help(c, d, "it is %s", buf_cstr(&want));
    buf_release(&got);
    buf_release(&want);
    return TYPED_UNKNOWN;
}

/* ---- constants among the arguments ---------------------------------------------------------- */

static bool constant_text(struct call *k, uint32_t i, const char *what)
{
    if (k->args[i].e->op == EX_CONST && k->args[i].kind == VAL_STRING) {
        return true;
    }
    check_error(k->x->c, "E0322", k->args[i].span, "%s is a constant text here", what);
    return false;
}

static bool check_zone(struct call *k, uint32_t i)
{
    struct checker *c = k->x->c;
    if (!constant_text(k, i, "the time zone")) {
        return false;
    }
    struct slice name = value_as_slice(k->args[i].e->value);
    const struct zone *zone = map_get(&c->zones, name);
    if (!zone) {
        zone = zone_load(name, c->out);
        if (!zone) {
            struct diag *d = check_error(c, "E0315", k->args[i].span, "there is no time zone "
                                         "\"%.*s\"", SLICE_ARG(name));
            check_help(c, d, "for example \"Europe/Amsterdam\" or \"UTC\"");
            return false;
        }
        map_set(&c->zones, name, (void *)(uintptr_t)zone);
    }
    k->args[i].e = expr_const(c, zone_value(zone));
    return true;
}

static bool check_word(struct call *k, uint32_t i, enum param_role role)
{
    struct checker *c = k->x->c;
    const char *what = role == PARAM_UNIT ? "the unit" : "the part of a date";
    if (!constant_text(k, i, what)) {
        return false;
    }
    struct slice word = value_as_slice(k->args[i].e->value);
    if (function_word_known(role, word)) {
        return true;
    }
    struct suggest s = suggest_for(word);
    struct buf all = BUF_INIT;
    for (const char *const *w = function_words(role); *w; w++) {
        suggest_try(&s, slice_of(*w));
        buf_printf(&all, "%s\"%s\"", all.len ? ", " : "", *w);
    }
    struct diag *d = check_error(c, "E0315", k->args[i].span, "\"%.*s\" is no %s",
                                 SLICE_ARG(word),
                                 role == PARAM_UNIT ? "unit of time" : "part of a date");
    if (s.best.ptr) {
        check_help(c, d, "did you mean \"%.*s\"?", SLICE_ARG(s.best));
    } else {
        check_help(c, d, "one of %s", buf_cstr(&all));
    }
    buf_release(&all);
    return false;
}

static bool check_argument(struct call *k, uint32_t i)
{
    enum param_role role = function_param_role(&k->match, i);
    enum value_kind kind = function_param_kind(&k->match, i);
    if (role == PARAM_ZONE) {
        return check_zone(k, i);
    }
    if (role != PARAM_PLAIN) {
        return check_word(k, i, role);
    }
    if (kind != VAL_MISSING && kind != k->args[i].kind) {
        const char *what = arena_printf(k->x->c->arena, "`%s`", k->fn->name);
        k->args[i] = type_convert(k->x->c, k->args[i], (struct want){.kind = kind}, what);
    }
    return k->args[i].e != NULL;
}

/* ---- functions ------------------------------------------------------------------------------ */

static struct typed call_node(struct call *k)
{
    struct expr *e = expr_new(k->x->c, EX_CALL, k->match.result, k->n);
    struct typed t = {.kind = k->match.result, .span = k->ast->span};
    for (uint32_t i = 0; i < k->n; i++) {
        e->kids[i] = k->args[i].e;
        t.may_miss = t.may_miss || k->args[i].may_miss;
        if (k->match.result == VAL_LIST && k->args[i].kind == VAL_LIST) {
            e->item_kind = (uint8_t)k->args[i].item;
        }
    }
    e->fn = k->match.overload->impl;
    e->fn_name = k->fn->name;
    e->takes_missing = k->fn->takes_missing;
    t.item = (enum value_kind)e->item_kind;
    t.e = e;
    return t;
}

static struct typed check_function(struct expr_ctx *x, const struct ast_expr *e,
                                   const struct function *fn)
{
    struct call *k = ARENA_NEW(x->c->arena, struct call);
    bool ok = true;
    k->x = x;
    k->ast = e;
    k->fn = fn;
    if (e->call.where) {
        check_error(x->c, "E0315", e->call.where->span, "only an aggregate takes a `where`");
        return TYPED_UNKNOWN;
    }
    if (e->call.args.n > CALL_MAX_ARGS) {
        check_error(x->c, "E0315", e->span, "too many arguments");
        return TYPED_UNKNOWN;
    }
    k->args = ARENA_ARRAY(x->c->arena, struct typed, (size_t)e->call.args.n + 1);
    for (const struct ast_expr *a = e->call.args.first; a; a = a->next) {
        k->args[k->n] = check_expr(x, a);
        ok = ok && k->args[k->n].e;
        k->n++;
    }
    if (!ok) {
        return TYPED_UNKNOWN;
    }
    if (!resolve(k, false) && !resolve(k, true)) {
        return wrong_arguments(k);
    }
    for (uint32_t i = 0; i < k->n; i++) {
        ok = check_argument(k, i) && ok;
    }
    return ok ? call_node(k) : TYPED_UNKNOWN;
}

struct typed check_call(struct expr_ctx *x, const struct ast_expr *e)
{
    struct slice name = e->call.name->text;
    const struct aggregate *agg = aggregates_find(name);
    if (agg && x->measure) {
        return check_measure_aggregate(x->measure, e);
    }
    if (agg && !agg->profiles_only) {
        return check_aggregate(x, e, agg);
    }
    if (agg) {
        struct diag *d = check_error(x->c, "E0314", e->call.name->span,
                                     "`%s` is an aggregate of profiles", agg->name);
        check_help(x->c, d, "write `distinct(x.FIELD)`");
        return TYPED_UNKNOWN;
    }
    const struct function *fn = functions_find(name);
    if (fn) {
        return check_function(x, e, fn);
    }
    if (is_geoip(e)) {
        return check_geoip(x, e, NULL);
    }
    unknown_function(x, e->call.name);
    return TYPED_UNKNOWN;
}
