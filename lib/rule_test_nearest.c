#include "lib/rule_test_nearest.h"

#include "lib/json_view.h"
#include "lib/rule_test_actual.h"
#include "lib/rule_test_probe.h"
#include "lib/rule_test_timeline.h"
#include "nfa/expr.h"

/* Partial matches that are looked at. */
#define MAX_TRIED 8

/* The event that came closest to being the next one. */
struct reason {
    bool found;
    unsigned failed;   /* conditions that did not hold */
    const struct event *event;
    struct buf text;
};

struct nearest {
    struct test_run *r;
    const struct rule *rule;
    const struct pattern_item *item; /* which was not reached; NULL: all were */
    struct json_view view;  /* the partial match; root JSON_NONE: none */
    struct etime from;      /* events before are of no interest: its last; ETIME_MIN: none */
    struct reason refused;  /* by a condition of the step */
    struct reason passed;   /* passes the step, so something else was in the way */
    struct reason alone;    /* passes as far as it is read alone; was not asked with bindings */
    unsigned n_passed;      /* events that pass a counted step which reads nothing else */
    struct reason unwanted; /* passes an absence of the item */
};

/* ---- what was asked --------------------------------------------------------------------------- */

static bool is_absence_of(const struct pattern_item *item, uint32_t test)
{
    for (uint32_t a = 0; a < item->n_absences; a++) {
        if (item->absences[a].test == test) {
            return true;
        }
    }
    return item->node && item->node->guard_test == test;
}

/* Of the key of the partial match. */
static bool same_key(const struct nearest *n, const struct eval *ev)
{
    struct json_span key = json_view_get(n->view.root, "key");
    for (uint32_t i = 0; key.kind == JSON_OBJECT && i < n->rule->n_key; i++) {
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
        buf_put_slice(&name, n->rule->key_names[i]);
        value_to_json(ev->key[i], &text);
        if (!slice_eq(json_view_raw(json_view_get(key, buf_cstr(&name))), buf_slice(&text))) {
            return false;
        }
    }
    return true;
}

/* "country was "NL", wanted country not in home". */
static void put_condition(const struct nearest *n, const struct rule_condition *c,
                          struct eval *ev, struct buf *out)
{
    size_t before = out->len;
    rule_test_put_actual(c->expr, n->rule, &n->r->first->rs, ev, out);
    buf_printf(out, "%swanted %.*s", out->len > before ? ", " : "", SLICE_ARG(c->text));
}

/* The event as it arrived: the one that was asked is a copy that does not last. */
static const struct event *arrived_as(const struct nearest *n, const struct event *e)
{
    for (size_t i = 0; i < n->r->n_arrived; i++) {
        const struct event *a = n->r->arrived[i].event;
        if (a->at.topic == e->at.topic && a->at.offset == e->at.offset) {
            return a;
        }
    }
    return NULL;
}

static bool passes(const struct rule_test *t, struct eval *ev)
{
    for (uint32_t i = 0; i < t->n_conditions; i++) {
        if (!expr_true(t->conditions[i].expr, ev)) {
            return false;
        }
    }
    return true;
}

static void note(const struct nearest *n, struct reason *best, const struct rule_test *t,
                 const struct event *e, struct eval *ev, bool bound)
{
    unsigned failed = 0;
    const struct rule_condition *first = NULL;
    for (uint32_t i = 0; i < t->n_conditions; i++) {
        const struct rule_condition *c = &t->conditions[i];
        if ((c->own || bound) && !expr_true(c->expr, ev)) {
            first = first ? first : c;
            failed++;
        }
    }
    bool refusal = best == &n->refused;
    if (refusal != (failed > 0) || (best->found && (failed > best->failed || !refusal))) {
        return;
    }
    best->found = true;
    best->failed = failed;
    best->event = arrived_as(n, e);
    buf_clear(&best->text);
    if (first) {
        put_condition(n, first, ev, &best->text);
    }
}

static void on_asked(void *ctx, const struct rule *rule, uint32_t test, const struct event *e,
                     struct eval *ev, bool bound)
{
    struct nearest *n = ctx;
    const struct rule_test *t = &rule->tests[test];
    FYKE_CLEANUP(buf_release) struct buf step = BUF_INIT;
    bool is_step = n->item && n->item->node && pattern_has_step(n->item->node, test);
    bool is_other = n->item ? is_absence_of(n->item, test) : t->use == TEST_WITHOUT;
    if (!slice_eq(rule->name, n->rule->name) || (!is_step && !is_other) ||
        etime_lt(e->time, n->from) || !same_key(n, ev) || event_is_derived(e) ||
        test_step_of(n->r, n->view.root, e, &step)) {
        return;
    }
    bool whole = bound || !t->joint;
    if (is_step) {
        note(n, &n->refused, t, e, ev, bound);
        n->n_passed += !t->joint && passes(t, ev);
    }
    if (whole) {
        note(n, is_step ? &n->passed : &n->unwanted, t, e, ev, bound);
    } else if (is_step) {
        note(n, &n->alone, t, e, ev, bound);
    }
}

/* ---- words ------------------------------------------------------------------------------------ */

static void put_event(const struct nearest *n, const struct event *e, struct buf *out)
{
    buf_printf(out, "%.*s at ", SLICE_ARG(n->r->first->rs.decls[e->decl].name));
    test_put_moment(n->r, e->time, out);
}

static struct etime time_of(const struct nearest *n, const char *member)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct etime t = ETIME_MIN;
    json_view_text(json_view_get(n->view.root, member), &text);
    (void)!etime_parse(buf_slice(&text), false, &t);
    return t;
}

static bool put_beyond(const struct nearest *n, const struct event *e, struct duration limit,
                       struct etime from, const char *what, struct buf *out)
{
    char over[DURATION_TEXT_MAX], length[DURATION_TEXT_MAX];
    struct duration took = etime_diff(e->time, from);
    if (duration_is_infinite(limit) || took.ns <= limit.ns) {
        return false;
    }
    duration_format((struct duration){took.ns - limit.ns}, over);
    duration_format(limit, length);
    put_event(n, e, out);
    buf_printf(out, " came %s after the %s of %s had ended", over, what, length);
    return true;
}

static bool has_begun(const struct nearest *n)
{
    return n->view.root.kind == JSON_OBJECT;
}

static bool put_too_late(const struct nearest *n, const struct event *e, struct buf *out)
{
    return has_begun(n) &&
           (put_beyond(n, e, n->rule->window, time_of(n, "first"), "window", out) ||
            put_beyond(n, e, n->item->link.within, time_of(n, "last"), "gap", out));
}

/* "2 events fit, wanted 3 or more within 5m". */
static void put_count(const struct nearest *n, struct buf *out)
{
    const struct pattern *p = n->item->node;
    buf_printf(out, "%u event%s fit%s, wanted %u", n->n_passed, n->n_passed == 1 ? "" : "s",
               n->n_passed == 1 ? "s" : "", p->min);
    if (p->max == COUNT_UNBOUNDED) {
        buf_puts(out, " or more");
    } else if (p->max > p->min) {
        buf_printf(out, " to %u", p->max);
    }
    buf_puts(out, p->adjacency == ADJ_IN_A_ROW ? " in a row" : "");
    if (!duration_is_infinite(p->span)) {
        char length[DURATION_TEXT_MAX];
        duration_format(p->span, length);
        buf_printf(out, " within %s", length);
    }
}

/* An event that passes all conditions of the step, and yet there is no match. */
static void put_passed(const struct nearest *n, struct buf *out)
{
    if (put_too_late(n, n->passed.event, out)) {
        return;
    }
    if (n->unwanted.found) {
        put_event(n, n->unwanted.event, out);
        buf_puts(out, " is what must not come");
        return;
    }
    if (n->item->node->kind == PAT_COUNT && n->n_passed > 0) {
        put_count(n, out);
        return;
    }
    put_event(n, n->passed.event, out);
    buf_puts(out, n->item->node->kind == PAT_COUNT || n->item->node->n_items > 0
                      ? " fits, but the part is not complete"
                      : " fits its conditions, but does not follow as the pattern says");
}

/* The names of the sources that the item waits for. */
static void put_sources(const struct nearest *n, struct buf *out)
{
    bool first = true;
    for (uint32_t t = 0; t < n->rule->n_tests; t++) {
        const struct rule_test *test = &n->rule->tests[t];
        for (uint32_t i = 0; pattern_has_step(n->item->node, t) && i < n->rule->n_roles; i++) {
            if (test->roles & (UINT64_C(1) << i)) {
                buf_printf(out, "%s%.*s", first ? "" : " or ", SLICE_ARG(n->rule->roles[i].name));
                first = false;
            }
        }
    }
}

static void put_unwanted(const struct nearest *n, const char *otherwise, struct buf *out)
{
    if (n->unwanted.found) {
        put_event(n, n->unwanted.event, out);
        buf_puts(out, " is what must not come");
    } else {
        buf_puts(out, otherwise);
    }
}

static void put_reason(const struct nearest *n, struct buf *out)
{
    if (!n->item) {
        put_unwanted(n, "an earlier match had used its events", out);
    } else if (!n->item->node) {
        put_unwanted(n, "the test ends before it is decided that nothing comes (watermark)", out);
    } else if (n->passed.found) {
        put_passed(n, out);
    } else if (n->alone.found && put_too_late(n, n->alone.event, out)) {
        return;
    } else if (n->refused.found) {
        put_event(n, n->refused.event, out);
        buf_printf(out, ": %.*s", (int)n->refused.text.len, n->refused.text.ptr);
    } else {
        buf_puts(out, "no ");
        put_sources(n, out);
        buf_puts(out, has_begun(n) ? " came after it" : " came");
    }
}

/* ---- the search ------------------------------------------------------------------------------- */

/* How much is to be said about it: something in the way of an event that fits, then an event of which
 * few conditions failed, then none. */
static unsigned weight(const struct nearest *n)
{
    if (n->passed.found || n->unwanted.found || n->alone.found) {
        return 1000;
    }
    return n->refused.found ? 500 - (n->refused.failed < 400 ? n->refused.failed : 400) : 1;
}

static void forget_reasons(struct nearest *n)
{
    struct reason *const all[] = {&n->refused, &n->passed, &n->alone, &n->unwanted};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(all); i++) {
        buf_release(&all[i]->text);
        *all[i] = (struct reason){0};
    }
    n->n_passed = 0;
}

/* Looks on while the next item is tried behind the partial match in the view. */
static void find_reasons(struct nearest *n, uint32_t reached)
{
    uint32_t items = n->rule->root->n_items;
    const struct nfa_watch watch = {.asked = on_asked, .ctx = n};
    struct memory_sink sink;
    memory_sink_init(&sink);
    forget_reasons(n);
    n->item = reached < items ? &n->rule->root->items[reached] : NULL;
    n->from = has_begun(n) ? time_of(n, n->item ? "last" : "first") : ETIME_MIN;
    (void)!test_probe(n->r, reached < items ? reached + 1 : 0, &watch, &sink);
    memory_sink_release(&sink);
}

/* The partial match of which most is to be said. */
static void choose(struct nearest *n, const struct memory_sink *matches, uint32_t reached)
{
    size_t most = matches->n_alerts < MAX_TRIED ? matches->n_alerts : MAX_TRIED;
    size_t best = 0;
    unsigned weight_of_best = 0;
    for (size_t i = 0; i < most; i++) {
        (void)!json_view_set(&n->view, memory_sink_value(matches, i));
        find_reasons(n, reached);
        if (weight(n) > weight_of_best) {
            best = i;
            weight_of_best = weight(n);
        }
    }
    if (most > 0 && best + 1 < most) {
        (void)!json_view_set(&n->view, memory_sink_value(matches, best));
        find_reasons(n, reached);
    }
}

/* The furthest part of the rule that matched somewhere. */
static void explain(struct nearest *n, struct buf *out)
{
    uint32_t items = n->rule->root->n_items, k = items;
    struct memory_sink sink;
    memory_sink_init(&sink);
    while (k > 0 && !(test_probe(n->r, k, NULL, &sink) && sink.n_alerts > 0)) {
        k--;
    }
    if (k > 0) {
        choose(n, &sink, k);
    } else {
        find_reasons(n, 0);
    }
    memory_sink_release(&sink);
    buf_printf(out, "reached step %u of %u, then: ", k, items);
    put_reason(n, out);
}

/* ---- of a failed test ------------------------------------------------------------------------- */

static bool lacks_something(const struct rule_test_result *ret)
{
    for (size_t i = 0; i < ret->n_expected; i++) {
        if (!ret->expected[i].met) {
            return true;
        }
    }
    return false;
}

static const struct rule_test_line *first_unwanted(const struct rule_test_result *ret)
{
    for (size_t i = 0; i < ret->n_got; i++) {
        if (!ret->got[i].met) {
            return &ret->got[i];
        }
    }
    return NULL;
}

void rule_test_nearest(struct test_run *r, struct rule_test_result *ret)
{
    struct nearest n = {.r = r, .rule = &r->c->ruleset->rules[r->test->rule], .from = ETIME_MIN};
    const struct rule_test_line *unwanted = first_unwanted(ret);
    json_view_init(&n.view);
    if (unwanted) {
        (void)!json_view_set(&n.view, buf_slice(&unwanted->json));
    } else if (lacks_something(ret) && !rule_test_has_reload(r->test)) {
        explain(&n, &ret->nearest);
    }
    test_put_timeline(r, n.view.root, &ret->timeline);
    json_view_release(&n.view);
    forget_reasons(&n);
}
