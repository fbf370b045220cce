/* What drains while a test runs. A running engine keeps the texts of older sets with its state (drain.h);
 * here the sets are at hand, and the state alone says what is open: an old version that has nothing open, or
 * whose rule was gone in between, begins nothing. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/last_error.h"
#include "lib/rule_store.h"
#include "lib/rule_test_parts.h"
#include "nfa/rule_link.h"

struct drain_list {
    struct link_rule *rules; /* newest set first */
    size_t n, cap;
};

/* An old version in the older set `t`, whose rules are `from`, of the rule in force. */
static void add_version(struct drain_list *l, const struct test_rules *t, uint32_t rule,
                        uint32_t in_force)
{
    const struct rule *was = &t->whole->rules[rule];
    for (size_t i = 0; i < l->n; i++) {
        const struct rule *newer = &l->rules[i].from->rules[l->rules[i].rule];
        if (l->rules[i].in_force == in_force && newer->plan == was->plan) {
            return; /* kept: what is open went over to the newer one */
        }
    }
    VEC_PUSH(l->rules, l->n, l->cap) = (struct link_rule){
        .from = t->compilation->ruleset, .rule = rule, .in_force = in_force};
}

/* The tested rule is evaluated whatever its status; of others the disabled ones say nothing. */
static bool is_silent(const struct test_drain *d, const struct rule *rule)
{
    const struct test_run *r = d->r;
    bool tested = slice_eq(rule->name, r->c->ruleset->rules[r->test->rule].name);
    return rule_is_disabled(rule) && !tested;
}

static void add_changed(const struct test_drain *d, struct drain_list *l, const struct test_rules *t)
{
    const struct ruleset *base = &d->rules->rs;
    for (uint32_t i = 0; i < t->whole->n_rules; i++) {
        const struct rule *was = &t->whole->rules[i];
        for (uint32_t k = 0; k < base->n_rules; k++) {
            const struct rule *is = &base->rules[k];
            if (slice_eq(was->name, is->name) && was->plan != is->plan && !is_silent(d, was) &&
                !is_silent(d, is)) {
                add_version(l, t, i, k);
            }
        }
    }
}

/* Linking changes a set in place: each needs a copy of its own. False: a bug or too large a set; nothing
 * of it drains. */
static bool copy_set(struct test_drain *d, const struct ruleset *from, struct ruleset **ret)
{
    FYKE_CLEANUP(buf_release) struct buf texts = BUF_INIT;
    struct error err = ERROR_INIT;
    struct fyke_rules *copy;
    for (const struct test_rules *t = d->rules->before; t; t = t->before) {
        const struct fyke_rules whole = {.compilation = (struct compilation *)(uintptr_t)t->compilation};
        if (t->whole != from) {
            continue;
        }
        rule_store_encode(&whole, &texts);
        if (rule_store_decode(buf_slice(&texts), from->fingerprint, NULL, 0, &copy, &err) != ERR_OK) {
            test_run_fail((struct test_run *)(uintptr_t)d->r, err.text);
            return false;
        }
        d->copies[d->n_copies++] = copy;
        *ret = copy->compilation->ruleset;
        return true;
    }
    return false;
}

/* Oldest first, as a running engine has them; those of a set stand together. */
static void copy_listed(struct test_drain *d, struct drain_list *l)
{
    const struct ruleset *from = NULL;
    struct ruleset *copy = NULL;
    for (size_t i = 0; i < l->n / 2; i++) {
        struct link_rule other = l->rules[i];
        l->rules[i] = l->rules[l->n - 1 - i];
        l->rules[l->n - 1 - i] = other;
    }
    d->copies = xcalloc(l->n + 1u, sizeof(struct fyke_rules *));
    for (size_t i = 0; i < l->n; i++) {
        if (l->rules[i].from != from) {
            from = l->rules[i].from;
            if (!copy_set(d, from, &copy)) {
                l->n = i;
                return;
            }
        }
        l->rules[i].from = copy;
        copy->rules[l->rules[i].rule].status = (struct slice){0};
    }
}

/* ---- what the engine asks ------------------------------------------------------------------------- */

static const struct ruleset *open_rules(void *ctx, struct slice texts, struct hash128 fingerprint)
{
    struct test_drain *d = ctx;
    struct drain_list l = {0};
    (void)texts;
    (void)fingerprint;
    for (const struct test_rules *t = d->rules->before; t; t = t->before) {
        add_changed(d, &l, t);
    }
    copy_listed(d, &l);
    d->linked = l.n > 0 ? ruleset_link(&d->rules->rs, l.rules, (uint32_t)l.n) : NULL;
    free(l.rules);
    return d->linked ? d->linked : &d->rules->rs;
}

/* It stays linked: without anything open it says nothing. */
static void note_drained(void *ctx, const struct rule *rule)
{
    (void)ctx;
    (void)rule;
}

static struct slice no_texts(void *ctx, struct hash128 fingerprint)
{
    (void)ctx;
    (void)fingerprint;
    return (struct slice){0};
}

/* ---- life ----------------------------------------------------------------------------------------- */

void test_drain_init(struct test_drain *d, const struct test_run *r)
{
    *d = (struct test_drain){.r = r};
}

void test_drain_opening(struct test_drain *d, const struct test_rules *rules)
{
    test_drain_release(d);
    d->rules = rules;
    d->hooks = (struct engine_old_rules){open_rules, note_drained, no_texts, d};
}

void test_drain_release(struct test_drain *d)
{
    ruleset_free(d->linked);
    for (size_t i = 0; i < d->n_copies; i++) {
        fyke_rules_free(d->copies[i]);
    }
    free(d->copies);
    d->linked = NULL;
    d->copies = NULL;
    d->n_copies = 0;
}
