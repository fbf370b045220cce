/* Values that need no event: what tests give, what lists and lookups hold. */
#include "dsl/check.h"

/* A place as payloads write it: [lon, lat]. */
static bool place_value(struct expr_ctx *x, const struct ast_expr *e, struct value *ret)
{
    struct want number = {VAL_FLOAT, VAL_MISSING, NULL};
    struct typed lon = type_convert(x->c, check_expr(x, e->items.first), number, "a place");
    struct typed lat = type_convert(x->c, check_expr(x, e->items.last), number, "a place");
    if (!lon.e || !lat.e || lon.e->op != EX_CONST || lat.e->op != EX_CONST) {
        return false;
    }
    struct geo place = {.lat = lat.e->value.u.f, .lon = lon.e->value.u.f};
    if (!geo_valid(place)) {
        struct diag *d = check_error(x->c, "E0313", e->span, "there is no such place");
        check_help(x->c, d, "a place is [longitude, latitude] or geo(latitude, longitude)");
        return false;
    }
    *ret = value_geo(place);
    return true;
}

bool check_constant(struct expr_ctx *x, const struct ast_expr *e, struct want want,
                    const char *what, struct value *ret)
{
    const struct ast_expr *bare = ast_bare(e);
    if (want.kind == VAL_GEO && bare->kind == AST_EXPR_ARRAY && bare->items.n == 2) {
        return place_value(x, bare, ret);
    }
    struct typed v = type_convert(x->c, check_expr(x, e), want, what);
    if (!v.e) {
        return false;
    }
    if (expr_reads(v.e)) {
        check_error(x->c, "E0322", e->span, "%s takes a constant, this reads lists or lookups",
                    what);
        return false;
    }
    struct eval_counters counters = {0};
    struct arena scratch;
    arena_init(&scratch);
    struct eval ev = {.scratch = &scratch, .counters = &counters};
    *ret = value_copy(expr_eval(v.e, &ev), x->c->out);
    eval_release(&ev);
    arena_release(&scratch);
    return true;
}
