#include "nfa/finder.h"

#include <assert.h>

#include "base/xalloc.h"
#include "nfa/detect.h"

/* ---- completion --------------------------------------------------------------------------- */

static bool root_done(struct finder *f, const struct cont *k, const struct entry *e)
{
    (void)k;
    if (f->partial) {
        return stop_here(f, e);
    }
    size_t absent = f->scratch->n_absent;
    bool complete = completes_here(f, e);
    f->n_completed += complete;
    bool stop = complete && (f->dry || f->found(f));
    f->scratch->n_absent = absent;
    return stop;
}

/* ---- sequences ---------------------------------------------------------------------------- */

struct seq_cont {
    struct cont k;
    const struct pattern *seq;
    uint32_t next;
};

static bool run_items(struct finder *f, const struct pattern *seq, uint32_t i,
                      const struct entry *e, const struct cont *up);

static bool seq_go_on(struct finder *f, const struct cont *k, const struct entry *e)
{
    const struct seq_cont *s = (const struct seq_cont *)k;
    return run_items(f, s->seq, s->next, e, k->up);
}

/* Nothing is bound after item i of the sequence, whatever happens. */
static bool nothing_follows(const struct pattern *seq, uint32_t i)
{
    for (uint32_t j = i + 1; j < seq->n_items; j++) {
        if (seq->items[j].node) {
            return false;
        }
    }
    return true;
}

/* With an `all of` in the pattern a failure may be about what stands before: which event came first,
 * which ones are taken. */
static uint32_t *failure_mark(struct finder *f, const struct pattern *seq, uint32_t i,
                             const struct entry *e)
{
    if (f->partial || seq != f->rule->root || !f->rule->closed[i] || e->prev == NONE || e->pending ||
        e->after.ns != INT64_MIN || f->rule->has_all) {
        return NULL;
    }
    return &f->scratch->failed[(size_t)i * f->n + e->prev];
}

/* An absence at the end of a group is judged when the next event is bound, perhaps in the next
 * iteration: the names of its own iteration must be kept for it. */
static size_t iteration_marks(struct finder *f, const struct pattern_absence *a)
{
    const struct rule *r = f->rule;
    struct nfa_scratch *s = f->scratch;
    const struct rule_test *test = &r->tests[a->test];
    if (test->group < 0 || !test->joint) {
        return NO_MARKS;
    }
    size_t at = s->n_stack;
    for (uint32_t g = 0; g < r->n_groups; g++) {
        for (uint32_t slot = 0; slot < r->n_slots; slot++) {
            VEC_PUSH(s->stack, s->n_stack, s->cap_stack) = s->iter_start[g][slot];
        }
    }
    return at;
}

static bool run_item(struct finder *f, const struct pattern *seq, uint32_t i,
                     const struct entry *e, const struct cont *up)
{
    const struct pattern_item *item = &seq->items[i];
    if (!item->node) {
        return run_items(f, seq, i + 1, e, up);
    }
    struct pending_link link = {&item->link, e->links};
    struct entry linked = *e;
    if (i > 0) {
        linked.links = &link;
    }
    struct seq_cont k = {{seq_go_on, up, up->last && nothing_follows(seq, i), NULL}, seq, i + 1};
    if (f->partial && item->node->optional) {
        return match_begun(f, item->node, &linked, &k.k) || run_items(f, seq, i + 1, e, up) ||
               stop_here(f, &linked);
    }
    if (match_node(f, item->node, &linked, &k.k)) {
        return true;
    }
    return item->node->optional && f->jump == NONE && run_items(f, seq, i + 1, e, up);
}

/* The absences in front of the part, one frame each. */
static bool run_absences(struct finder *f, const struct pattern *seq, uint32_t i, uint32_t a,
                         const struct entry *e, const struct cont *up)
{
    if (a == seq->items[i].n_absences) {
        return run_item(f, seq, i, e, up);
    }
    const struct pattern_absence *absence = &seq->items[i].absences[a];
    struct pending pending = {absence, e->pending, iteration_marks(f, absence)};
    struct entry next = *e;
    next.pending = &pending;
    return run_absences(f, seq, i, a + 1, &next, up);
}

/* Where the event bound last stands matters to nothing: the next one is the last, and known. */
static bool leads_to_point(const struct finder *f, const struct pattern *seq, uint32_t i,
                           const struct entry *e, const struct cont *up)
{
    const struct pattern_item *item = &seq->items[i];
    const struct pattern_link *l = &item->link;
    return f->last_is_point && e->prev != f->point && up->last && nothing_follows(seq, i) && item->node->kind == PAT_STEP &&
           !item->node->optional && item->n_absences == 0 && !e->pending && !e->links &&
           e->after.ns == INT64_MIN && l->kind == LINK_LATER && duration_is_infinite(l->within) &&
           l->after.ns == 0 && f->all_depth == 0;
}

/* Other searches may come here with the same things in sight. */
static bool may_come_again(const struct finder *f, const struct pattern *seq, uint32_t i,
                           const struct entry *e, enum memo_place place)
{
    const struct pattern *first = f->rule->root->items[0].node;
    if (i == 0 || !seq->items[i].node || (e->prev == NONE && f->all_depth == 0)) {
        return false;
    }
    bool behind_first = seq == f->rule->root && i == 1 && first->kind == PAT_STEP && !first->optional;
    return !behind_first || place == MEMO_LATER;
}

static struct memo item_memo(struct finder *f, const struct pattern *seq, uint32_t i,
                             const struct entry *e, const struct cont *up)
{
    enum memo_place place = memo_place_of(&seq->items[i], e);
    if (!may_come_again(f, seq, i, e, place)) {
        return (struct memo){.entry = NONE};
    }
    if (leads_to_point(f, seq, i, e, up)) {
        place = MEMO_ANY;
    }
    return memo_open(f, &seq->items[i], e, up, place);
}

/* The rest has failed from item i on, false. If it is the last step and the point is refused, whatever does
 * not bind what the step reads would be chosen anew in vain: the search goes back behind it. */
static bool blame(struct finder *f, const struct pattern *seq, uint32_t i, const struct entry *e,
                  const struct cont *up)
{
    const struct rule *r = f->rule;
    if (seq != r->root) {
        return false;
    }
    if (f->jump == i) {
        f->jump = NONE; /* the item before is to be chosen anew */
    }
    bool tells = f->n_completed == f->n_before && !f->exhausted && f->remembers && !r->always_live &&
                 !r->has_all && !f->partial;
    if (i + 1 == seq->n_items && i > r->last_reads && tells && seq->items[i].node &&
        leads_to_point(f, seq, i, e, up)) {
        f->jump = r->last_reads;
    }
    return false;
}

static bool run_items(struct finder *f, const struct pattern *seq, uint32_t i,
                      const struct entry *e, const struct cont *up)
{
    if (i == seq->n_items) {
        return up->run(f, up, e);
    }
    if (f->jump != NONE) {
        return false;
    }
    bool of_root = f->partial && seq == f->rule->root;
    if (of_root && item_not_longer(f, i, e)) {
        return false;
    }
    uint32_t *failed = failure_mark(f, seq, i, e);
    if (failed && *failed == f->scratch->epoch) {
        return false;
    }
    struct memo memo = {.entry = NONE};
    if (!failed) {
        memo = item_memo(f, seq, i, e, up);
    }
    if (memo.failed) {
        return blame(f, seq, i, e, up);
    }
    size_t stack = f->scratch->n_stack;
    uint32_t behind = f->behind;
    if (of_root) {
        item_enter(f, i);
    }
    bool stop = memo_close(f, &memo, run_absences(f, seq, i, 0, e, up));
    f->scratch->n_stack = stack;
    f->behind = behind;
    if (failed && !stop) {
        /* With every match wanted, "not stopped" is no failure. */
        *failed = f->scratch->n_seen == 0 ? f->scratch->epoch : 0;
    }
    return stop || blame(f, seq, i, e, up);
}

/* ---- steps and choices --------------------------------------------------------------------- */

/* The event that completes the match is known: what its test asks of the events bound so far can be
 * judged now. */
static bool early_holds(struct finder *f, uint32_t test)
{
    const struct detect_plan *plan = f->rule->detect;
    if (!(f->early & (UINT64_C(1) << test))) {
        return true;
    }
    for (uint32_t i = 0; i < plan->n_early; i++) {
        if (plan->early[i].test != test || (test == f->skip_test && plan->early[i].alone)) {
            continue; /* judged by fits_point() */
        }
        if (f->steps_left == 0) {
            f->exhausted = true;
            return false;
        }
        f->steps_left--;
        f->work->tests++;
        f->eval->self = cand(f, f->point)->event;
        if (!expr_true(plan->early[i].condition, f->eval)) {
            return false;
        }
    }
    return true;
}

static uint32_t step_next(struct finder *f, uint32_t i, uint32_t end, uint32_t test)
{
    i = next_with(f, i, end, test);
    return test == f->skip_test ? skip_refused(f, i, end) : i;
}

/* False: `next` asks for another event, which is known before the test is. */
static bool stands_next(const struct finder *f, const struct entry *e, uint32_t index)
{
    if (e->prev == NONE || e->pending || e->after.ns != INT64_MIN) {
        return true;
    }
    for (const struct pending_link *l = e->links; l; l = l->up) {
        if (l->link->kind == LINK_NEXT && cand(f, index)->position != cand(f, e->prev)->position + 1) {
            return false;
        }
    }
    return true;
}

static bool match_step(struct finder *f, const struct pattern *p, const struct entry *e,
                       const struct cont *k)
{
    size_t absent = f->scratch->n_absent;
    uint32_t end = entry_end(f, e, k->last), begin = entry_begin(f, e, k->last);
    narrow(f, p->test, &begin, &end);
    if (f->pinned == p) {
        begin = f->pin_begin > begin ? f->pin_begin : begin;
        end = f->pin_end < end ? f->pin_end : end;
    }
    for (uint32_t i = step_next(f, begin, end, p->test); i < end;
         i = step_next(f, i + 1, end, p->test)) {
        if (!may_bind(f, e, i, k->last) || !could_end_item(f, p->test, i) || !stands_next(f, e, i) ||
            !fits_point(f, p->test, i)) {
            continue;
        }
        if (test_holds(f, p->test, i) && entry_allows(f, e, p->test, i)) {
            bind_event(f, p->test, i);
            struct entry next = entry_after(i);
            bool stop = early_holds(f, p->test) && lead_allows(f, e, i) && k->run(f, k, &next);
            unbind_event(f);
            if (stop || f->jump != NONE) {
                return stop;
            }
        }
        f->scratch->n_absent = absent;
    }
    return f->partial && stop_here(f, e);
}

/* A part with a guard or a span: checked when its last event is bound. */
struct part_cont {
    struct cont k;
    struct open_part open;
};

struct etime part_end(const struct finder *f, const struct entry *e)
{
    struct etime begin = cand_time(f, e->prev);
    struct etime base = etime_lt(begin, e->after) ? e->after : begin;
    struct etime end = e->after;
    for (const struct pending *p = e->pending; p; p = p->up) {
        const struct pattern_absence *a = p->absence;
        if (a->kind == ABSENT_FOR && end.ns < etime_add(base, a->length).ns) {
            end = etime_add(base, a->length);
        }
    }
    return end;
}

static bool part_done(struct finder *f, const struct cont *k, const struct entry *e)
{
    const struct open_part *p = &((const struct part_cont *)k)->open;
    struct etime end = part_end(f, e);
    bool allowed = part_allows(f, p->part, (uint32_t)p->from, end);
    if (f->partial && end.ns != INT64_MIN && (end.ns > f->now.ns || !allowed)) {
        return stop_here(f, e); /* it waits for its deadline, or that comes too late */
    }
    const struct open_part *open = f->open;
    f->open = p->up;
    bool stop = allowed && k->up->run(f, k->up, e);
    f->open = open;
    return stop;
}

static void put_part(struct finder *f, const struct cont *k, struct memo_key *key)
{
    const struct open_part *open = &((const struct part_cont *)k)->open;
    if (open->part->kind != PAT_ALL) { /* that writes its own extent */
        memo_put_extent(f, key, open->from);
    }
}

static bool match_any(struct finder *f, const struct pattern *p, const struct entry *e,
                      const struct cont *k)
{
    for (uint32_t i = 0; i < p->n_items && f->jump == NONE; i++) {
        if (match_node(f, p->items[i].node, e, k)) {
            return true;
        }
    }
    return false;
}

static bool dispatch(struct finder *f, const struct pattern *p, const struct entry *e,
                     const struct cont *k)
{
    switch (p->kind) {
    case PAT_STEP: return match_step(f, p, e, k);
    case PAT_COUNT: return match_count(f, p, e, k);
    case PAT_SEQ: return run_items(f, p, 0, e, k);
    case PAT_REPEAT: return match_repeat(f, p, e, k);
    case PAT_ANY: return match_any(f, p, e, k);
    case PAT_ALL: return match_all(f, p, e, k);
    }
    return false;
}

bool match_node(struct finder *f, const struct pattern *p, const struct entry *e,
                const struct cont *k)
{
    if (f->partial && f->all_depth == 0 && rest_not_longer(f, e)) {
        return false;
    }
    if (p->guard_test == NO_TEST && duration_is_infinite(p->span)) {
        return dispatch(f, p, e, k);
    }
    struct part_cont part = {{part_done, k, k->last, put_part}, {p, f->scratch->n_bound, f->open}};
    f->open = &part.open;
    bool stop = dispatch(f, p, e, &part.k);
    f->open = part.open.up;
    return stop;
}

bool match_root(struct finder *f)
{
    struct cont done = {root_done, NULL, true, NULL};
    struct entry e = {.prev = NONE, .after = ETIME_MIN};
    assert(f->scratch->n_bound == 0);
    f->scratch->n_absent = 0; /* a search that was stopped leaves what held */
    f->all_depth = 0;
    f->dry = false;
    f->pinned = NULL;
    f->jump = NONE;
    f->n_before = f->n_completed;
    f->open = NULL;
    f->behind = 0;
    return run_items(f, f->rule->root, 0, &e, &done);
}

void finder_ready(struct finder *f)
{
    const struct rule *r = f->rule;
    f->turn = f->scratch->turn;
    f->remembers = r->remembers && !f->scratch->limits.forgetful;
    f->last_is_point = !f->at_deadline && !r->last_is_free && !r->ends_with_next_no;
    f->tail_known = f->at_deadline && !r->last_is_free && !r->to_window_end && r->n_tails == 1;
    f->tail = r->n_tails ? r->tails[0] : (struct duration){0};
    f->last_begin = 0;
    f->last_end = f->n;
    if (f->last_is_point) {
        f->last_begin = f->point;
    } else if (f->tail_known) {
        struct etime at = etime_sub(f->now, f->tail);
        f->last_begin = retained_at_or_after(f->events, at);
        f->last_end = retained_at_or_after(f->events, (struct etime){at.ns + 1});
    }
    f->early = 0;
    f->skip_test = NO_TEST;
    for (uint32_t i = 0; f->last_is_point && i < r->detect->n_early; i++) {
        f->early |= UINT64_C(1) << r->detect->early[i].test;
        if (r->detect->early[i].alone) {
            f->skip_test = r->detect->early[i].test;
        }
    }
    if (f->scratch->limits.watch) {
        f->early = 0;
        f->skip_test = NO_TEST;
        f->avoid_test = f->limited_test = NO_TEST;
    } else {
        find_avoided(f);
        find_run_limit(f);
    }
    scratch_forget_failures(f->scratch, (size_t)r->root->n_items * f->n + 1);
}

bool finder_search(struct finder *f)
{
    const struct rule *r = f->rule;
    struct nfa_scratch *s = f->scratch;
    f->partial = false;
    /* What follows an event fails alike for every start, if the window ends at the point anyway. */
    if (!f->last_is_point || r->policy == NO_SKIP) {
        scratch_forget_failures(s, (size_t)r->root->n_items * f->n + 1);
    }
    return match_root(f);
}
