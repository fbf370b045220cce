#include "nfa/classify.h"

#include "nfa/detect.h"

/* The part of the rule that decides. */
enum why {
    WHY_NOTHING,
    WHY_ALL_MATCHES,
    WHY_GROUP,      /* a group that is more than one event */
    WHY_ANYWHERE,
    WHY_OTHER_TEST, /* a condition that is no comparison of one event with one */
    WHY_AGGREGATE,  /* a condition on what another step has collected */
    WHY_OWN_RUN,    /* a counted step whose test looks at what it has collected */
    WHY_HAVING,
    WHY_UNTIL,      /* an aggregate that can fall as events are added in front */
    WHY_ABSENCE,    /* an absence or `without` that reads names */
    WHY_CROSS,      /* conditions between the parts of `all of` */
    WHY_VALUE,
    WHY_AVOID,
    WHY_ORDER,
};

struct rule_class_why {
    enum why kind;
    uint32_t test; /* NO_TEST: none */
    const struct detect_join *join;
};

static const struct {
    const char *name, *keeps, *costs;
} texts[] = {
    [CLASS_SINGLE] = {"single event", "nothing", "the conditions of the step"},
    [CLASS_COUNT] = {"count", "where the last events of the counted step stand", "O(1)"},
    [CLASS_CHAIN] = {"chain", "per step the latest start",
                     "O(steps), however many partial matches overlap"},
    [CLASS_BY_VALUE] = {"chain by value",
                        "per step the latest start; per distinct value how many events wait",
                        "O(steps), however many partial matches and values there are"},
    [CLASS_STAIRCASE] = {"staircase", "per step the latest start; the values that wait, best first",
                         "O(log n) in the values that wait"},
    [CLASS_REGISTERS] = {"registers", "the aggregates over the longest possible run",
                         "O(1), amortised; an event that completes a match: the events it takes"},
    [CLASS_DEADLINE] = {"deadline", "which events may end a match, and what was seen since",
                        "O(steps); a deadline: the events of its time"},
    [CLASS_GENERAL] = {"general", "per step the latest start",
                       "O(what waits): a later event asks each that waits once; a search when a match may be "
                       "complete"},
    [CLASS_ALL_MATCHES] = {"all matches", "per step the latest start",
                           "O(steps), and a search whenever a match completes: every match is shown"},
};

const char *rule_class_name(enum rule_class c)
{
    return texts[c].name;
}

const char *rule_class_keeps(enum rule_class c)
{
    return texts[c].keeps;
}

const char *rule_class_costs(enum rule_class c)
{
    return texts[c].costs;
}

/* ---- the choice --------------------------------------------------------------------------------- */

static void because(struct rule_class_why *w, enum why kind, uint32_t test)
{
    if (w->kind == WHY_NOTHING) {
        w->kind = kind;
        w->test = test;
    }
}

static bool reads_collected(const struct expr *e)
{
    bool found = e->op == EX_AGG;
    for (uint32_t i = 0; i < e->n_kids && !found; i++) {
        found = e->kids[i] && reads_collected(e->kids[i]);
    }
    return found;
}

/* Steps and counted steps inside of groups and `all of`. */
static void look_inside(const struct rule *r, const struct pattern *p, enum why kind,
                        struct rule_class_why *w)
{
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        if (r->tests[p->test].joint || p->until || p->having) {
            because(w, kind, p->test);
        }
        return;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node) {
            look_inside(r, p->items[i].node, kind, w);
        }
    }
}

static void look_at_count(const struct rule *r, const struct detect_plan *plan, uint32_t i,
                          struct rule_class_why *w, bool *registers)
{
    const struct pattern *p = plan->items[i].node;
    if (p->adjacency == ADJ_ANYWHERE) {
        because(w, WHY_ANYWHERE, p->test);
    }
    if (r->tests[p->test].joint) {
        because(w, WHY_OWN_RUN, p->test);
    }
    if (p->until || p->having) {
        *registers = true;
        if (!plan->items[i].registers_whole) {
            because(w, p->until ? WHY_UNTIL : WHY_HAVING, p->test);
        }
    }
}

static void look_at_items(const struct rule *r, struct rule_class_why *w, bool *registers,
                          bool *counts)
{
    const struct detect_plan *plan = r->detect;
    for (uint32_t i = 0; i < plan->n; i++) {
        const struct detect_item *it = &plan->items[i];
        switch (it->kind) {
        case DETECT_STEP:
            if (it->node->kind == PAT_ANY) {
                look_inside(r, it->node, WHY_OTHER_TEST, w);
            }
            break;
        case DETECT_COUNT:
            *counts |= it->min > 1;
            look_at_count(r, plan, i, w, registers);
            break;
        case DETECT_ALL: look_inside(r, it->node, WHY_CROSS, w); break;
        case DETECT_PART: because(w, WHY_GROUP, NO_TEST); break;
        }
        if (it->node->guard_test != NO_TEST && r->tests[it->node->guard_test].joint) {
            because(w, WHY_ABSENCE, it->node->guard_test);
        }
    }
    if (plan->unsplit) {
        because(w, reads_collected(plan->unsplit) ? WHY_AGGREGATE : WHY_OTHER_TEST,
                plan->unsplit_test);
    }
}

static void look_at_absences(const struct rule *r, struct rule_class_why *w)
{
    for (uint32_t t = 0; t < r->n_tests; t++) {
        bool absent = r->tests[t].use == TEST_ABSENT || r->tests[t].use == TEST_WITHOUT;
        if (absent && r->tests[t].joint && !(r->lead_tests & (UINT64_C(1) << t))) {
            because(w, WHY_ABSENCE, t);
        }
    }
}

static uint32_t rule_test_of(const struct detect_plan *plan, uint32_t item)
{
    return plan->items[item].node->test;
}

static enum rule_class by_joins(const struct rule *r, struct rule_class_why *w, bool counts)
{
    const struct detect_plan *plan = r->detect;
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        if (plan->joins[i].op == EX_NE) {
            because(w, WHY_AVOID, rule_test_of(plan, plan->joins[i].at));
            continue;
        }
        if (plan->joins[i].op != EX_EQ) {
            w->kind = WHY_ORDER;
            w->join = &plan->joins[i];
            return CLASS_STAIRCASE;
        }
        w->kind = WHY_VALUE;
        w->join = &plan->joins[i];
    }
    if (plan->n_joins) {
        return CLASS_BY_VALUE;
    }
    if (plan->n_avoids) {
        because(w, WHY_AVOID, rule_test_of(plan, plan->avoids[0].at));
        return CLASS_BY_VALUE;
    }
    if (plan->n == 1 && plan->items[0].kind == DETECT_STEP) {
        return CLASS_SINGLE;
    }
    return counts ? CLASS_COUNT : CLASS_CHAIN;
}

void rule_classify(struct rule *r, struct arena *arena)
{
    struct rule_class_why *w = ARENA_NEW(arena, struct rule_class_why);
    bool registers = false, counts = false;
    *w = (struct rule_class_why){.test = NO_TEST};
    r->class_why = w;
    look_at_items(r, w, &registers, &counts);
    look_at_absences(r, w);
    if (r->policy == NO_SKIP) {
        *w = (struct rule_class_why){.kind = WHY_ALL_MATCHES, .test = NO_TEST};
        r->class_of = CLASS_ALL_MATCHES;
    } else if (w->kind != WHY_NOTHING || !r->detect->at_events) {
        r->class_of = CLASS_GENERAL;
    } else if (registers) {
        r->class_of = CLASS_REGISTERS;
    } else if (r->n_tails || r->to_window_end || r->n_timeouts) {
        r->class_of = CLASS_DEADLINE;
    } else {
        r->class_of = by_joins(r, w, counts);
    }
    r->detector = rule_class_name(r->class_of);
}

/* ---- what is said about it ------------------------------------------------------------------------ */

static void put_label(const struct rule *r, uint32_t test, struct buf *out)
{
    buf_printf(out, "`%.*s`", SLICE_ARG(r->tests[test].label));
}

/* The first field that an expression names. */
static bool put_field(const struct expr *e, const struct schema_decl *decls, struct buf *out)
{
    if ((e->op == EX_FIELD || e->op == EX_BOUND) && e->field && decls) {
        const struct schema_decl *d = &decls[e->field->alt[0].decl];
        buf_printf(out, "`%.*s`", SLICE_ARG(d->fields[e->field->alt[0].slot].name));
        return true;
    }
    for (uint32_t i = 0; i < e->n_kids; i++) {
        if (e->kids[i] && put_field(e->kids[i], decls, out)) {
            return true;
        }
    }
    return false;
}

static void put_compared(const struct rule_class_why *w, const struct schema_decl *decls,
                         struct buf *out)
{
    if (!put_field(w->join->mine[0], decls, out)) {
        buf_puts(out, "a value");
    }
}

void rule_class_reason(const struct rule *r, const struct schema_decl *decls, struct buf *out)
{
    static const char *const words[] = {
        [WHY_NOTHING] = "an absence at the end that only the next event or a deadline decides",
        [WHY_ALL_MATCHES] = "`no skip` asks for every match",
        [WHY_GROUP] = "a group of several events",
        [WHY_ANYWHERE] = "`anywhere` lets any subset be chosen in",
        [WHY_OTHER_TEST] = "a condition that is no comparison of one event with one other in",
        [WHY_AGGREGATE] = "a condition on what another step has collected in",
        [WHY_OWN_RUN] = "a condition on what the step itself has collected or on other names in",
        [WHY_HAVING] = "`having` on an aggregate that can fall or rise in",
        [WHY_UNTIL] = "`until` on an aggregate that can fall or rise in",
        [WHY_ABSENCE] = "names bound before are read by",
        [WHY_CROSS] = "a condition on other names in a part of `all of`:",
        [WHY_VALUE] = "equality on",
        [WHY_AVOID] = "a value that another step must not have had in",
        [WHY_ORDER] = "an inequality on",
    };
    const struct rule_class_why *w = r->class_why;
    if (w->kind == WHY_NOTHING && r->class_of != CLASS_GENERAL) {
        return;
    }
    buf_puts(out, words[w->kind]);
    if (w->test != NO_TEST) {
        buf_puts(out, " ");
        put_label(r, w->test, out);
    }
    if (w->join) {
        buf_puts(out, " ");
        put_compared(w, decls, out);
        buf_puts(out, w->kind == WHY_VALUE ? ", which is not in the key" : " between two steps");
    }
}

void rule_class_edit(const struct rule *r, const struct schema_decl *decls, struct buf *out)
{
    const struct rule_class_why *w = r->class_why;
    switch (w->kind) {
    case WHY_ALL_MATCHES:
        buf_puts(out, "drop `no skip`, or write `skip to next`: one match per first event");
        return;
    case WHY_GROUP:
        buf_puts(out, "drop the group where its parts can stand in the sequence, or write a group of "
                      "one step as a counted step");
        return;
    case WHY_ANYWHERE: buf_puts(out, "drop `anywhere`"); return;
    case WHY_AGGREGATE:
        buf_puts(out, "ask it inside the counted step with `until`, or drop it");
        return;
    case WHY_OTHER_TEST:
        buf_puts(out, "write it as comparisons joined by `and`, with names of one step on one side");
        return;
    case WHY_OWN_RUN:
        buf_puts(out, "move what reads the event alone into a `let`, the rest into `until`");
        return;
    case WHY_UNTIL:
    case WHY_HAVING:
        buf_puts(out, "compare count, count_distinct, sum or max with `>` or `>=`, min with `<` or "
                      "`<=`; totals of a window are a profile's");
        return;
    case WHY_ABSENCE:
        buf_puts(out, "let the absence ask about its own event alone");
        return;
    case WHY_CROSS: buf_puts(out, "key by what the parts have in common"); return;
    case WHY_VALUE:
        buf_puts(out, "key by ");
        put_compared(w, decls, out);
        buf_puts(out, ", too");
        return;
    case WHY_AVOID:
    case WHY_ORDER:
    case WHY_NOTHING: return;
    }
}
