/* Calls: aggregates over a step's name, and functions of values. */
#include "dsl/check.h"

static const struct {
    const char *name;
    enum agg_op op;
} aggregates[] = {
    {"count", AGG_COUNT},
    {"sum", AGG_SUM},
    {"min", AGG_MIN},
    {"max", AGG_MAX},
    {"average", AGG_AVERAGE},
    {"stddev", AGG_STDDEV},
    {"first", AGG_FIRST},
    {"last", AGG_LAST},
    {"nth", AGG_NTH},
    {"count_distinct", AGG_COUNT_DISTINCT},
    {"distinct", AGG_DISTINCT},
    {"collect", AGG_COLLECT},
    {"percentile", AGG_PERCENTILE},
    {"gap_average", AGG_GAP_AVERAGE},
    {"gap_stddev", AGG_GAP_STDDEV},
};

struct typed check_call(struct expr_ctx *x, const struct ast_expr *e)
{
    struct slice name = e->call.name->text;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(aggregates); i++) {
        if (slice_eq_str(name, aggregates[i].name)) {
            return check_aggregate(x, e, aggregates[i].op);
        }
    }
    check_error(x->c, "E0314", e->call.name->span, "there is no function `%.*s`",
                SLICE_ARG(name));
    return TYPED_UNKNOWN;
}
