/* The tests of several rules that compare fields with constants (quick_test.h), of one event: what they have in
 * common is compared once.
 *
 *   comparisons   result = "failure" · result = "success" · amount > 4900.00
 *   needs         per test of a rule, which of them must hold
 */
#ifndef FYKE_NFA_QUICK_SET_H
#define FYKE_NFA_QUICK_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "nfa/quick_test.h"
#include "nfa/rule.h"

#define QUICK_SET_MAX 64

/* field = text, a short one: most are. */
struct quick_text {
    uint32_t slot;
    uint32_t len;
    const char *text;
};

struct quick_set {
    uint32_t decl; /* of the events */
    uint32_t least; /* so many values hold every field that is asked for; UINT32_MAX: there are others than texts */
    uint32_t n_texts, n_others; /* QUICK_SET_MAX together */
    struct quick_text texts[QUICK_SET_MAX];               /* bits from the first on */
    const struct quick_comparison *others[QUICK_SET_MAX]; /* bits from the last on, downwards */
};
static inline uint32_t quick_set_size(const struct quick_set *s)
{
    return s->n_texts + s->n_others;
}

/* One test of a rule. */
struct quick_need {
    uint64_t test;        /* its bit */
    uint64_t comparisons; /* bits in the set */
};

/* Puts what the tests with these roles ask into the set; `ret` has room for rule->n_tests. Tests that no event of
 * the declaration passes are left out. Returns how many there are, UINT32_MAX if the set is full. Every test of
 * the rule is quick. */
uint32_t quick_set_add(struct quick_set *s, const struct rule *rule, uint64_t roles, struct quick_need *ret);

/* Which comparisons hold, whatever they are and whatever the event lacks. */
uint64_t quick_set_ask_all(const struct quick_set *s, const struct event *e);
static inline bool quick_text_holds(const struct quick_text *t, const struct value *v)
{
    return v->kind == VAL_STRING && v->len == t->len && short_bytes_same(v->u.str, t->text, t->len);
}
/* The same. */
static inline uint64_t quick_set_ask(const struct quick_set *s, const struct event *e)
{
    if (e->n_values < s->least) {
        return quick_set_ask_all(s, e);
    }
    uint64_t holds = 0, bit = 1;
    for (const struct quick_text *t = s->texts, *end = t + s->n_texts; t != end; t++, bit <<= 1) {
        holds |= quick_text_holds(t, &e->values[t->slot]) ? bit : 0;
    }
    return holds;
}

/* Where each test needs one comparison, and its bit is as far from that one's bit as with the others: how far, as
 * quick_needs_shifted() takes it. Else QUICK_NO_SHIFT. */
#define QUICK_NO_SHIFT 64
uint32_t quick_needs_shift(const struct quick_need *needs, uint32_t n);
/* The tests that pass of these, all there are: what quick_needs_met() says. */
static inline uint64_t quick_needs_shifted(uint64_t tests, uint32_t shift, uint64_t holds)
{
    return (holds << shift | holds >> (64 - shift) % 64) & tests;
}

/* The tests that pass: rule_own_tests(). */
static inline uint64_t quick_needs_met(const struct quick_need *needs, uint32_t n, uint64_t holds)
{
    uint64_t tests = 0;
    for (uint32_t i = 0; i < n; i++) {
        tests |= (needs[i].comparisons & ~holds) == 0 ? needs[i].test : 0;
    }
    return tests;
}

#endif
