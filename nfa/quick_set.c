#include "nfa/quick_set.h"

static bool is_same(const struct quick_comparison *a, const struct quick_comparison *b)
{
    return a->slot == b->slot && a->op == b->op && value_equal(a->constant, b->constant);
}

/* False: no room. */
static bool add_comparison(struct quick_set *s, const struct quick_comparison *c, uint64_t *set)
{
    uint32_t i = 0;
    while (i < s->n && !is_same(s->comparisons[i], c)) {
        i++;
    }
    if (i == QUICK_SET_MAX) {
        return false;
    }
    s->comparisons[i] = c;
    s->n += i == s->n;
    *set |= UINT64_C(1) << i;
    return true;
}

static bool can_hold(const struct quick_test *t, uint32_t decl)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->items[i].decl != decl) {
            return false;
        }
    }
    return true;
}

uint32_t quick_set_add(struct quick_set *s, const struct rule *rule, uint64_t roles, struct quick_need *ret)
{
    uint32_t n = 0;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        const struct quick_test *quick = rule->tests[t].quick;
        if ((rule->tests[t].roles & roles) == 0 || !can_hold(quick, s->decl)) {
            continue;
        }
        ret[n] = (struct quick_need){.test = UINT64_C(1) << t};
        for (uint32_t i = 0; i < quick->n; i++) {
            if (!add_comparison(s, &quick->items[i], &ret[n].comparisons)) {
                return UINT32_MAX;
            }
        }
        n++;
    }
    return n;
}

uint64_t quick_set_ask(const struct quick_set *s, const struct event *e)
{
    uint64_t holds = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        holds |= (uint64_t)quick_comparison_true(s->comparisons[i], e) << i;
    }
    return holds;
}
