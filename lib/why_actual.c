#include "lib/why_actual.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/json_view.h"
#include "lib/rule_test_actual.h"
#include "nfa/expr.h"
#include "nfa/rule_exprs.h"
#include "nfa/watch.h"

struct looking {
    const struct why_events *w;
    const struct ruleset *rs;
    struct slice condition;
    struct etime *times; /* of the events of the match */
    size_t n, cap;
    bool found;
    unsigned failed; /* conditions of that event, this one among them */
    struct buf text;
};

static void take_times(struct looking *l, struct slice alert)
{
    struct json_view v;
    struct json_span item, list;
    json_view_init(&v);
    if (json_view_set(&v, alert)) {
        list = json_view_get(v.root, "evidence");
        struct json_walk items = json_walk_into(list);
        while (list.kind == JSON_ARRAY && json_walk_item(&items, &item)) {
            VEC_PUSH(l->times, l->n, l->cap) = json_view_time(json_view_get(item, "time"));
        }
    }
    json_view_release(&v);
}

static bool is_in_match(const struct looking *l, const struct rule *rule, const struct eval *ev)
{
    bool is = false;
    for (size_t i = 0; i < l->n && !is; i++) {
        is = l->times[i].ns - l->times[i].ns % NS_PER_MS ==
             ev->self->time.ns - ev->self->time.ns % NS_PER_MS;
    }
    return is && slice_eq(rule->name, l->w->rule->name) &&
           key_compare(ev->key, rule->n_key, l->w->key, rule->n_key) == 0;
}

static void look_for_more(void *ctx, const struct expr *e)
{
    bool *more = ctx;
    *more = *more || e->op == EX_AGG || e->op == EX_PROFILE || e->op == EX_LOOKUP ||
            e->op == EX_BOUND || e->op == EX_ITER;
}

/* Of several times that it was asked: where the fewest others failed as well, the last one. */
static void take(struct looking *l, const struct rule *rule, const struct rule_condition *c,
                 struct eval *ev, unsigned failed)
{
    bool more = false;
    expr_each(c->expr, look_for_more, &more);
    if (!more || expr_true(c->expr, ev) || (l->found && failed > l->failed)) {
        return;
    }
    l->found = true;
    l->failed = failed;
    buf_clear(&l->text);
    rule_test_put_actual(c->expr, rule, l->rs, ev, &l->text);
}

static void on_asked(void *ctx, const struct rule *rule, uint32_t test, const struct event *e,
                     struct eval *ev, bool bound)
{
    struct looking *l = ctx;
    const struct rule_test *t = &rule->tests[test];
    unsigned failed = 0;
    (void)e;
    if (!is_in_match(l, rule, ev)) {
        return;
    }
    for (uint32_t i = 0; i < t->n_conditions; i++) {
        const struct rule_condition *c = &t->conditions[i];
        failed += (c->own || bound) && !expr_true(c->expr, ev);
    }
    for (uint32_t i = 0; i < t->n_conditions; i++) {
        const struct rule_condition *c = &t->conditions[i];
        if ((c->own || bound) && slice_eq(c->text, l->condition)) {
            take(l, rule, c, ev, failed);
        }
    }
}

static void on_judged(void *ctx, const struct rule *rule, const struct expr *e, struct eval *ev)
{
    struct looking *l = ctx;
    for (uint32_t i = 0; is_in_match(l, rule, ev) && i < rule->n_clauses; i++) {
        const struct rule_clause *clause = &rule->clauses[i];
        for (uint32_t k = 0; clause->decides == e && k < clause->n_conditions; k++) {
            if (slice_eq(clause->conditions[k].text, l->condition)) {
                take(l, rule, &clause->conditions[k], ev, 1);
            }
        }
    }
}

enum err why_find_actual(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                         struct slice condition, struct slice alert, struct arena *arena,
                         struct slice *ret, struct error *err)
{
    struct looking l = {.w = w, .rs = rs, .condition = condition};
    const struct nfa_watch watch = {.asked = on_asked, .judged = on_judged, .ctx = &l};
    const struct why_evaluation how = {.watch = &watch};
    struct memory_sink sink;
    take_times(&l, alert);
    memory_sink_init(&sink);
    enum err rc = why_evaluate(w, rs, rule, &how, &sink, err);
    *ret = arena_copy(arena, buf_slice(&l.text));
    memory_sink_release(&sink);
    buf_release(&l.text);
    free(l.times);
    return rc;
}
