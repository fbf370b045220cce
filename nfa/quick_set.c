#include "nfa/quick_set.h"

#include "base/attr.h"

#define LAST_BIT (UINT64_C(1) << (QUICK_SET_MAX - 1))

static bool is_same(const struct quick_comparison *a, const struct quick_comparison *b)
{
    return a->slot == b->slot && a->op == b->op && value_equal(a->constant, b->constant);
}

static uint32_t place_of_text(struct quick_set *s, const struct quick_comparison *c)
{
    struct slice text = slice_from(c->constant.u.str, c->constant.len);
    uint32_t i = 0;
    while (i < s->n_texts &&
           (s->texts[i].slot != c->slot || !slice_eq(slice_from(s->texts[i].text, s->texts[i].len), text))) {
        i++;
    }
    if (i == s->n_texts && quick_set_size(s) < QUICK_SET_MAX) {
        s->texts[s->n_texts++] = (struct quick_text){c->slot, c->constant.len, c->constant.u.str};
    }
    return i;
}

static uint32_t place_of_other(struct quick_set *s, const struct quick_comparison *c)
{
    uint32_t i = 0;
    while (i < s->n_others && !is_same(s->others[i], c)) {
        i++;
    }
    if (i == s->n_others && quick_set_size(s) < QUICK_SET_MAX) {
        s->others[s->n_others++] = c;
    }
    return i;
}

/* False: no room. */
static bool add_comparison(struct quick_set *s, const struct quick_comparison *c, uint64_t *set)
{
    bool is_text = c->is_text && c->constant.len <= SHORT_BYTES;
    uint32_t i = is_text ? place_of_text(s, c) : place_of_other(s, c);
    if (i == (is_text ? s->n_texts : s->n_others)) {
        return false;
    }
    uint32_t least = is_text ? c->slot + 1 : UINT32_MAX;
    s->least = s->least < least ? least : s->least;
    *set |= is_text ? UINT64_C(1) << i : LAST_BIT >> i;
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

static uint32_t distance(const struct quick_need *need)
{
    return (uint32_t)(__builtin_ctzll(need->test) - __builtin_ctzll(need->comparisons)) % 64;
}

uint32_t quick_needs_shift(const struct quick_need *needs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (__builtin_popcountll(needs[i].comparisons) != 1 || distance(&needs[i]) != distance(&needs[0])) {
            return QUICK_NO_SHIFT;
        }
    }
    return n > 0 ? distance(&needs[0]) : QUICK_NO_SHIFT;
}

FYKE_NOINLINE uint64_t quick_set_ask_all(const struct quick_set *s, const struct event *e)
{
    uint64_t holds = 0;
    for (uint32_t i = 0; i < s->n_texts; i++) {
        const struct quick_text *t = &s->texts[i];
        holds |= t->slot < e->n_values && quick_text_holds(t, &e->values[t->slot]) ? UINT64_C(1) << i : 0;
    }
    for (uint32_t i = 0; i < s->n_others; i++) {
        holds |= quick_comparison_true(s->others[i], e) ? LAST_BIT >> i : 0;
    }
    return holds;
}
