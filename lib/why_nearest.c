#include "lib/why_nearest.h"

#include "lib/json_view.h"
#include "lib/rule_test_actual.h"
#include "nfa/expr.h"
#include "nfa/rule_prefix.h"
#include "nfa/watch.h"

struct nearest {
    const struct why_events *w;
    const struct ruleset *rs;
    const struct rule *rule;
    const struct pattern_item *item; /* that was not reached */
    struct etime from; /* when what was reached ends; ETIME_MIN: nothing was */
    bool came;         /* an event that the item asks about */
    bool passed;       /* one that meets all conditions: something else was in the way */
    unsigned failed;   /* conditions, of the event in `text` */
    struct etime time;
    struct buf text;
};

/* ---- what was asked ------------------------------------------------------------------------- */

static void put_event(const struct nearest *n, const struct event *e, struct buf *out)
{
    char at[ETIME_TEXT_MAX];
    etime_format(e->time, at);
    buf_printf(out, "%.*s at %s", SLICE_ARG(n->rs->decls[e->decl].name), at);
    if (!event_is_derived(e)) {
        buf_printf(out, " (%.*s/%d@%lld)", SLICE_ARG(n->rs->topics[e->at.topic].name),
                   (int)e->at.partition, (long long)e->at.offset);
    }
}

/* "A at … (a/0@1): n was 5, wanted n > 5". */
static void take(struct nearest *n, const struct rule_condition *c, const struct event *e,
                 struct eval *ev)
{
    buf_clear(&n->text);
    put_event(n, e, &n->text);
    buf_puts(&n->text, ": ");
    size_t before = n->text.len;
    rule_test_put_actual(c->expr, n->rule, n->rs, ev, &n->text);
    buf_printf(&n->text, "%swanted %.*s", n->text.len > before ? ", " : "", SLICE_ARG(c->text));
}

static void on_asked(void *ctx, const struct rule *rule, uint32_t test, const struct event *e,
                     struct eval *ev, bool bound)
{
    struct nearest *n = ctx;
    const struct rule_test *t = &rule->tests[test];
    const struct rule_condition *first = NULL;
    unsigned failed = 0;
    if (!slice_eq(rule->name, n->rule->name) || !pattern_has_step(n->item->node, test) ||
        key_compare(ev->key, n->rule->n_key, n->w->key, n->rule->n_key) != 0 ||
        (n->from.ns != INT64_MIN && !etime_lt(n->from, e->time))) {
        return;
    }
    for (uint32_t i = 0; i < t->n_conditions; i++) {
        const struct rule_condition *c = &t->conditions[i];
        if ((c->own || bound) && !expr_true(c->expr, ev)) {
            first = first ? first : c;
            failed++;
        }
    }
    n->came = true;
    n->passed |= failed == 0 && (bound || !t->joint);
    if (first && (n->failed == 0 || failed < n->failed ||
                  (failed == n->failed && etime_lt(n->time, e->time)))) {
        n->failed = failed;
        n->time = e->time;
        take(n, first, e, ev);
    }
}

/* ---- the longest beginning ------------------------------------------------------------------ */

/* The earliest match of the first `items` items for the key, so that what came behind any is looked at. *found = false: there is none. */
static enum err find_beginning(struct nearest *n, uint32_t rule, uint32_t items, bool *found,
                               struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct memory_sink sink;
    struct json_view v;
    struct rule prefix;
    *found = false;
    memory_sink_init(&sink);
    json_view_init(&v);
    rule_prefix(n->rule, items, &arena, &prefix);
    const struct why_evaluation how = {.instead = &prefix};
    enum err rc = why_evaluate(n->w, n->rs, rule, &how, &sink, err);
    for (size_t i = 0; rc == ERR_OK && i < sink.n_alerts && !*found; i++) {
        if (slice_eq(memory_sink_key(&sink, i), n->w->key_text) &&
            json_view_set(&v, memory_sink_value(&sink, i))) {
            *found = true;
            n->from = json_view_time(json_view_get(v.root, "last"));
        }
    }
    json_view_release(&v);
    memory_sink_release(&sink);
    arena_release(&arena);
    return rc;
}

/* Looks on while the next item is tried. */
static enum err look_on(struct nearest *n, uint32_t rule, uint32_t items, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct memory_sink sink;
    struct rule prefix;
    const struct nfa_watch watch = {.asked = on_asked, .ctx = n};
    memory_sink_init(&sink);
    rule_prefix(n->rule, items, &arena, &prefix);
    const struct why_evaluation how = {.instead = &prefix, .watch = &watch};
    enum err rc = why_evaluate(n->w, n->rs, rule, &how, &sink, err);
    memory_sink_release(&sink);
    arena_release(&arena);
    return rc;
}

/* The names of the sources that the item waits for. */
static void put_sources(const struct nearest *n, struct buf *out)
{
    bool first = true;
    for (uint32_t t = 0; t < n->rule->n_tests; t++) {
        for (uint32_t i = 0; pattern_has_step(n->item->node, t) && i < n->rule->n_roles; i++) {
            if (n->rule->tests[t].roles & (UINT64_C(1) << i)) {
                buf_printf(out, "%s%.*s", first ? "" : " or ", SLICE_ARG(n->rule->roles[i].name));
                first = false;
            }
        }
    }
}

enum err why_find_nearest(const struct why_events *w, const struct ruleset *rs, uint32_t rule,
                          struct why_result *ret, struct error *err)
{
    struct nearest n = {.w = w, .rs = rs, .rule = &rs->rules[rule], .from = ETIME_MIN};
    uint32_t items = n.rule->root->n_items, reached = items;
    enum err rc = ERR_OK;
    bool found = false;
    if (rule_is_disabled(n.rule)) {
        return ERR_OK;
    }
    while (rc == ERR_OK && !found && reached > 0) {
        rc = find_beginning(&n, rule, reached, &found, err);
        reached -= !found;
    }
    ret->reached = reached;
    ret->parts = items;
    n.item = reached < items ? &n.rule->root->items[reached] : NULL;
    if (rc == ERR_OK && n.item && n.item->node) {
        rc = look_on(&n, rule, reached + 1, err);
        if (!n.came) {
            buf_puts(&n.text, "no ");
            put_sources(&n, &n.text);
            buf_puts(&n.text, reached > 0 ? " came after it" : " came");
        }
        if (rc == ERR_OK && !n.passed) {
            ret->nearest = arena_copy(&ret->arena, buf_slice(&n.text));
        }
    }
    buf_release(&n.text);
    return rc;
}
