#include "lib/rule_test_actual.h"

#include <string.h>

#include "nfa/table.h"

struct actual {
    const struct rule *rule;
    const struct ruleset *rs;
    struct eval *ev;
    struct buf *out;
    size_t from; /* of `out`: what was appended so far */
};

static void put_field(const struct actual *a, const struct expr *e, struct buf *name)
{
    if (!e->field || e->field->n == 0) {
        buf_puts(name, "at");
        return;
    }
    uint32_t i = 0;
    for (uint32_t k = 0; a->ev->self && k < e->field->n; k++) {
        i = e->field->alt[k].decl == a->ev->self->decl ? k : i;
    }
    const struct schema_decl *d = &a->rs->decls[e->field->alt[i].decl];
    buf_put_slice(name, d->fields[e->field->alt[i].slot].name);
}

static void put_alias(const struct actual *a, int32_t slot, struct buf *name)
{
    for (uint32_t t = 0; t < a->rule->n_tests; t++) {
        if (a->rule->tests[t].slot == slot) {
            buf_put_slice(name, a->rule->tests[t].label);
            return;
        }
    }
}

static const char *aggregate_name(enum agg_op op)
{
    static const char *const names[AGG_OP_COUNT] = {
        [AGG_COUNT] = "count",
        [AGG_SUM] = "sum",
        [AGG_MIN] = "min",
        [AGG_MAX] = "max",
        [AGG_AVERAGE] = "average",
        [AGG_STDDEV] = "stddev",
        [AGG_FIRST] = "first",
        [AGG_LAST] = "last",
        [AGG_NTH] = "nth",
        [AGG_COUNT_DISTINCT] = "count_distinct",
        [AGG_DISTINCT] = "distinct",
        [AGG_COLLECT] = "collect",
        [AGG_PERCENTILE] = "percentile",
        [AGG_GAP_AVERAGE] = "gap_average",
        [AGG_GAP_STDDEV] = "gap_stddev",
    };
    return op < AGG_OP_COUNT ? names[op] : "";
}

/* "count(fail)", "sum(p.amount)". */
static void put_aggregate(const struct actual *a, const struct expr *e, struct buf *name)
{
    buf_printf(name, "%s(", aggregate_name((enum agg_op)e->agg));
    put_alias(a, e->slot, name);
    if (e->n_kids > 0 && e->kids[0] && e->kids[0]->op == EX_FIELD) {
        buf_puts(name, ".");
        put_field(a, e->kids[0], name);
    }
    buf_puts(name, ")");
}

static bool put_name(const struct actual *a, const struct expr *e, struct buf *name)
{
    switch (e->op) {
    case EX_FIELD: put_field(a, e, name); return true;
    case EX_BOUND:
    case EX_ITER:
        put_alias(a, e->slot, name);
        buf_puts(name, ".");
        put_field(a, e, name);
        return true;
    case EX_AGG: put_aggregate(a, e, name); return true;
    case EX_PROFILE: buf_puts(name, e->fn_name); return true;
    case EX_KEY: buf_put_slice(name, a->rule->key_names[e->slot]); return true;
    case EX_LOOKUP: buf_printf(name, "%.*s[…]", SLICE_ARG(e->table->name)); return true;
    default: return false;
    }
}

static void put_one(const struct actual *a, struct slice name, const struct expr *e)
{
    FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
    struct value v = expr_eval(e, a->ev);
    buf_printf(&line, "%.*s was ", SLICE_ARG(name));
    if (value_is_missing(v)) {
        buf_puts(&line, "missing");
    } else {
        value_to_json(v, &line);
    }
    if (!strstr(buf_cstr(a->out) + a->from, buf_cstr(&line))) {
        buf_puts(a->out, a->out->len > a->from ? ", " : "");
        buf_put_slice(a->out, buf_slice(&line));
    }
}

static void walk(const struct actual *a, const struct expr *e)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    if (!e) {
        return;
    }
    if (put_name(a, e, &name)) {
        put_one(a, buf_slice(&name), e);
        if (e->op != EX_LOOKUP) {
            return;
        }
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        walk(a, e->kids[i]);
    }
}

void rule_test_put_actual(const struct expr *e, const struct rule *rule, const struct ruleset *rs,
                          struct eval *ev, struct buf *out)
{
    struct actual a = {.rule = rule, .rs = rs, .ev = ev, .out = out, .from = out->len};
    walk(&a, e);
}
