/* From the tree of a pattern to the one the finder walks, conditions included. `visible` is
 * threaded through in written order: what a condition may name. */
#include "dsl/check.h"

struct lowering {
    struct rule_ctx *r;
    uint64_t visible;
    int32_t group;
};

static struct pattern *pattern_new(struct checker *c, enum pattern_kind kind, uint32_t n_items)
{
    struct pattern *p = ARENA_NEW(c->out, struct pattern);
    p->kind = kind;
    p->test = NO_TEST;
    p->guard_test = NO_TEST;
    p->min = p->max = 1;
    p->each_within = DURATION_INFINITE;
    p->span = DURATION_INFINITE;
    p->items = n_items ? ARENA_ARRAY(c->out, struct pattern_item, n_items) : NULL;
    for (uint32_t i = 0; i < n_items; i++) {
        p->items[i].link.within = DURATION_INFINITE;
    }
    return p;
}

/* ---- conditions ---------------------------------------------------------------------------- */

static struct expr_ctx test_ctx(struct lowering *l, uint32_t test, enum expr_place place)
{
    struct rule_ctx *r = l->r;
    struct expr_ctx x = expr_ctx_new(r->c, place);
    const struct event_source *s = r->tests[test].source;
    uint32_t *decls = ARENA_ARRAY(r->c->arena, uint32_t, s->n_alts + 1);
    for (uint32_t a = 0; a < s->n_alts; a++) {
        bool known = false;
        for (uint32_t i = 0; i < x.n_self; i++) {
            known = known || decls[i] == s->alts[a].decl;
        }
        if (!known) {
            decls[x.n_self++] = s->alts[a].decl;
        }
    }
    x.rule = r;
    x.self = decls;
    x.visible = l->visible;
    x.own = r->rule->tests[test].slot;
    x.group = l->group;
    if (x.own >= 0 && r->names[x.own].repeated) {
        x.visible |= UINT64_C(1) << x.own;
    }
    return x;
}

/* Types the test's `where` with what may be named here. */
static uint32_t lower_test(struct lowering *l, const struct ast_event_test *ast)
{
    int32_t found = rule_test_of(l->r, ast);
    if (found < 0) {
        return NO_TEST; /* beyond RULE_MAX_TESTS, reported */
    }
    uint32_t index = (uint32_t)found;
    if (!ast->where || l->r->tests[index].source->broken) {
        return index;
    }
    struct expr_ctx x = test_ctx(l, index, PLACE_TEST);
    const struct expr *cond = check_condition(&x, ast->where->expr);
    struct rule_test *t = &l->r->rule->tests[index];
    expr_split(l->r->c, cond, &t->own, &t->joint);
    t->joint = rule_capture_condition(l->r, t->joint, UINT64_C(1) << index);
    t->where = condition_text(l->r->c, ast->where->expr->span);
    t->conditions = conditions_of(l->r->c, ast->where->expr, cond, &t->n_conditions);
    return index;
}

/* At most two of each counted step, one of each group. */
static void note_clause(struct lowering *l, const char *word, uint32_t test,
                        const struct ast_clause *clause, const struct expr *e)
{
    struct rule *rule = l->r->rule;
    if (!e) {
        return;
    }
    if (!rule->clauses) {
        rule->clauses = ARENA_ARRAY(l->r->c->out, struct rule_clause,
                                    2 * rule->n_tests + rule->n_groups + 1u);
    }
    struct rule_clause *to = &rule->clauses[rule->n_clauses++];
    *to = (struct rule_clause){.word = slice_of(word), .test = test, .decides = e};
    to->text = condition_text(l->r->c, clause->expr->span);
    to->conditions = conditions_of(l->r->c, clause->expr, e, &to->n_conditions);
}

static const struct expr *loop_condition(struct lowering *l, const char *word, uint32_t test,
                                         const struct ast_clause *clause)
{
    if (!clause || test == NO_TEST || l->r->tests[test].source->broken) {
        return NULL;
    }
    struct expr_ctx x = test_ctx(l, test, PLACE_LOOP);
    const struct expr *e = check_condition(&x, clause->expr);
    e = e ? rule_capture_condition(l->r, e, UINT64_C(1) << test) : NULL;
    note_clause(l, word, test, clause, e);
    return e;
}

static uint64_t step_tests(const struct rule *rule)
{
    uint64_t tests = 0;
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        tests |= rule->tests[t].use == TEST_STEP ? UINT64_C(1) << t : 0;
    }
    return tests;
}

static const struct expr *group_condition(struct lowering *l, const struct ast_clause *clause)
{
    if (!clause) {
        return NULL;
    }
    struct expr_ctx x = expr_ctx_new(l->r->c, PLACE_GROUP);
    x.rule = l->r;
    x.visible = l->visible;
    x.group = l->group;
    /* asked with the event that ended the group as the current one: any step's */
    const struct expr *e = check_condition(&x, clause->expr);
    e = e ? rule_capture_condition(l->r, e, step_tests(l->r->rule)) : NULL;
    note_clause(l, "having", NO_TEST, clause, e);
    return e;
}

/* ---- parts --------------------------------------------------------------------------------- */

static struct pattern *lower_sequence(struct lowering *l, const struct ast_pattern *p);

static void bind(struct lowering *l, uint32_t test)
{
    if (test != NO_TEST && l->r->rule->tests[test].slot >= 0) {
        l->visible |= UINT64_C(1) << l->r->rule->tests[test].slot;
    }
}

static void lower_count(struct pattern *p, const struct ast_count *count)
{
    p->min = (uint32_t)count->from->int_value;
    p->max = p->min;
    if (count->open) {
        p->max = COUNT_UNBOUNDED;
    } else if (count->to) {
        p->max = (uint32_t)count->to->int_value;
    }
    if (p->min == 0) { /* `0 or more` = `optional 1 or more` */
        p->min = 1;
        p->optional = true;
    }
}

static enum pattern_adjacency adjacency_of(const struct ast_adj *adj)
{
    return adj->kind == AST_ADJ_IN_A_ROW   ? ADJ_IN_A_ROW
           : adj->kind == AST_ADJ_ANYWHERE ? ADJ_ANYWHERE
                                           : ADJ_NONE;
}

static struct pattern *lower_event(struct lowering *l, const struct ast_part *part)
{
    struct pattern *p = pattern_new(l->r->c, PAT_STEP, 0);
    p->test = lower_test(l, &part->event);
    bind(l, p->test);
    return p;
}

static struct pattern *lower_counted(struct lowering *l, const struct ast_part *part)
{
    struct pattern *p = pattern_new(l->r->c, PAT_COUNT, 0);
    lower_count(p, &part->count);
    p->adjacency = adjacency_of(&part->adj);
    p->test = lower_test(l, &part->event);
    check_timed(l->r->c, part->pace, &p->each_within);
    bind(l, p->test);
    p->until = loop_condition(l, "until", p->test, part->until);
    p->having = loop_condition(l, "having", p->test, part->having);
    return p;
}

static struct pattern *lower_repeated(struct lowering *l, const struct ast_part *part,
                                      uint32_t group)
{
    struct pattern *p = pattern_new(l->r->c, PAT_REPEAT, 1);
    int32_t outer = l->group;
    lower_count(p, &part->count);
    p->n_items = 1;
    p->adjacency = adjacency_of(&part->adj);
    p->group = group;
    l->group = (int32_t)group;
    p->items[0].node = lower_sequence(l, part->group);
    l->group = outer;
    p->having = group_condition(l, part->having);
    return p;
}

static struct pattern *lower_choice(struct lowering *l, const struct ast_part *part)
{
    bool any = part->choice.kind == AST_CHOICE_ANY;
    struct pattern *p = pattern_new(l->r->c, any ? PAT_ANY : PAT_ALL, part->choice.n_parts);
    uint64_t before = l->visible;
    uint64_t after = before;
    for (const struct ast_pattern *a = part->choice.first; a; a = a->next) {
        if (any) {
            l->visible = before;
        }
        p->items[p->n_items++].node = lower_sequence(l, a);
        after |= l->visible;
    }
    l->visible = after;
    if (part->choice.kind == AST_CHOICE_N) {
        p->min = p->max = (uint32_t)part->choice.n->int_value;
    } else if (!any) {
        p->min = p->max = p->n_items;
    }
    return p;
}

static uint32_t group_index(const struct rule_ctx *r, const struct ast_part *part)
{
    uint32_t g = 0;
    while (g + 1 < r->rule->n_groups && r->groups[g].ast != part) {
        g++;
    }
    return g;
}

static struct pattern *lower_part(struct lowering *l, const struct ast_part *part)
{
    struct pattern *p = NULL;
    switch (part->kind) {
    case AST_PART_EVENT:
        p = lower_event(l, part);
        break;
    case AST_PART_COUNTED:
        p = lower_counted(l, part);
        break;
    case AST_PART_REPEATED:
        p = lower_repeated(l, part, group_index(l->r, part));
        break;
    case AST_PART_GROUP:
        p = lower_sequence(l, part->group);
        break;
    case AST_PART_CHOICE:
        p = lower_choice(l, part);
        break;
    }
    p->optional = p->optional || part->optional;
    if (part->guard) {
        p->guard_test = lower_test(l, &part->guard->event);
    }
    check_timed(l->r->c, part->within, &p->span);
    return p;
}

/* ---- sequences ----------------------------------------------------------------------------- */

static void lower_link(struct lowering *l, const struct ast_link *link, struct pattern_link *ret)
{
    ret->kind = link->kind == AST_LINK_FIRST  ? LINK_FIRST
                : link->kind == AST_LINK_NEXT ? LINK_NEXT
                                              : LINK_LATER;
    check_timed(l->r->c, link->within, &ret->within);
    check_timed(l->r->c, link->after, &ret->after);
}

static uint64_t slots_of_part(const struct rule_ctx *r, const struct ast_part *part);

static uint64_t slots_of_pattern(const struct rule_ctx *r, const struct ast_pattern *p)
{
    uint64_t slots = 0;
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        slots |= e->kind == AST_ELEM_STEP ? slots_of_part(r, e->part) : 0;
    }
    return slots;
}

static uint64_t slots_of_part(const struct rule_ctx *r, const struct ast_part *part)
{
    uint64_t slots = 0;
    if (part->kind == AST_PART_EVENT || part->kind == AST_PART_COUNTED) {
        int32_t t = rule_test_of(r, &part->event);
        return t >= 0 ? UINT64_C(1) << r->rule->tests[t].slot : 0;
    }
    if (part->kind == AST_PART_REPEATED || part->kind == AST_PART_GROUP) {
        return slots_of_pattern(r, part->group);
    }
    for (const struct ast_pattern *a = part->choice.first; a; a = a->next) {
        slots |= slots_of_pattern(r, a);
    }
    return slots;
}

/* A leading absence is decided at the step that follows and may use its names. */
static uint64_t next_step_slots(const struct rule_ctx *r, const struct ast_elem *e)
{
    while (e && e->kind != AST_ELEM_STEP) {
        e = e->next;
    }
    return e ? slots_of_part(r, e->part) : 0;
}

static void lower_absence(struct lowering *l, const struct ast_elem *e, struct pattern_absence *a)
{
    uint64_t visible = l->visible;
    if (e->kind == AST_ELEM_LEADING_ABSENCE) {
        l->visible |= next_step_slots(l->r, e);
        a->kind = ABSENT_LEAD;
    } else if (e->kind == AST_ELEM_NEXT_NO) {
        a->kind = ABSENT_NEXT;
    } else {
        a->kind = e->absence.for_time ? ABSENT_FOR : ABSENT_OPEN;
    }
    a->test = lower_test(l, &e->absence.event);
    check_timed(l->r->c, e->absence.for_time, &a->length);
    a->assume_quiet = span_given(e->absence.assume_quiet);
    l->visible = visible;
}

static struct pattern *lower_sequence(struct lowering *l, const struct ast_pattern *p)
{
    struct pattern *seq = pattern_new(l->r->c, PAT_SEQ, p->n + 1);
    struct pattern_absence *absences = ARENA_ARRAY(l->r->c->out, struct pattern_absence, p->n + 1);
    struct pattern_item *item = &seq->items[0];
    item->absences = absences;
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind != AST_ELEM_STEP) {
            lower_absence(l, e, &item->absences[item->n_absences++]);
            continue;
        }
        lower_link(l, &e->link, &item->link);
        item->node = lower_part(l, e->part);
        absences = item->absences + item->n_absences;
        seq->n_items++;
        item++;
        item->absences = absences;
    }
    seq->n_items += item->n_absences > 0;
    return seq;
}

void rule_lower_pattern(struct rule_ctx *r)
{
    struct lowering l = {.r = r, .group = -1};
    r->rule->root = lower_sequence(&l, r->ast->pattern);
    for (const struct ast_event_test *w = r->ast->withouts.first; w; w = w->next) {
        l.visible = r->rule->n_slots == 64 ? UINT64_MAX : (UINT64_C(1) << r->rule->n_slots) - 1;
        lower_test(&l, w);
    }
}
