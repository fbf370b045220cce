/* Events that can be bound behind a match's first event alone, by a step that asks for a field of it (`then Login as b
 * where device = a.device`): if no event is kept that a match can begin with and that has the value, none will come, for
 * what comes later stands later in the order. Such an event is not kept. What decides depends on what is kept and on the
 * event, so the same is kept whatever the batches and restarts.
 *
 * Beside an event that a match can begin with stands a mark of the field, so that events with another value need
 * not be looked at: they have lain for long, and reading one takes longer than all else here. */
#include "base/short_bytes.h"
#include "nfa/detect.h"
#include "nfa/instance.h"

/* Of more events that wait the new one is kept, as it would have to be compared with all of them. */
#define SIFT_EVENTS 32

/* Of kinds whose values are equal when their bytes are. */
static uint16_t mark_of(const struct value *v)
{
    if (v != NULL && v->kind == VAL_STRING) {
        return short_bytes_mark(v->u.str, v->len);
    }
    return v != NULL && v->kind == VAL_INT ? short_bytes_mark((const char *)&v->u.i, sizeof(v->u.i)) : 0;
}

static bool same_field(const struct expr *a, const struct expr *b)
{
    return a->field->alt[0].decl == b->field->alt[0].decl && a->field->alt[0].slot == b->field->alt[0].slot;
}

/* Events are bound one by one, in order, and an event that is bound nowhere says nothing: counted ones stand for places,
 * items of several events and absences at the end keep what they have seen. Timeouts, `without` and other policies are left
 * out for simplicity. */
static bool is_plain(const struct detect_plan *plan, const struct rule *rule)
{
    return plan->at_events && !plan->has_more && !rule->uses_counted && rule->n_timeouts == 0 && rule->without == 0 &&
           rule->policy == SKIP_PAST_LAST;
}

/* Of all comparisons with the first item those with the field that comes first are marked. */
static void set_asks(struct detect_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_joins; i++) {
        struct detect_join *j = &plan->joins[i];
        struct detect_item *at = &plan->items[j->at];
        if (j->of != 0 || plan->items[0].optional || !join_is_of_fields(j)) {
            continue;
        }
        at->asks = at->asks ? at->asks : j;
        plan->marked = plan->marked ? plan->marked : j;
        j->marked = same_field(j->theirs[0], plan->marked->theirs[0]);
    }
}

void sift_plan(struct detect_plan *plan, const struct rule *rule)
{
    if (!is_plain(plan, rule)) {
        return;
    }
    set_asks(plan);
    for (uint32_t t = 0; t < rule->n_tests; t++) {
        uint32_t i = plan->item_of_test[t];
        bool only = i != NO_ITEM && plan->items_of_test[t] == UINT64_C(1) << i;
        if (only && rule->tests[t].use == TEST_STEP && plan->items[i].asks != NULL) {
            plan->sifted |= UINT64_C(1) << t;
        }
    }
}

uint16_t sift_mark(const struct detect_plan *plan, const struct event *e, uint64_t tests)
{
    const struct detect_join *j = plan->marked;
    if (j == NULL || !(tests & plan->items[0].first)) {
        return 0;
    }
    return mark_of(join_standing(j->theirs[0], j->slot, NULL, e));
}

uint16_t sift_asked(const struct detect_join *j, const struct event *self)
{
    return j->marked ? mark_of(join_standing(j->mine[0], j->slot, self, NULL)) : 0;
}

/* Equal marks are taken for equal values: it is kept in vain, rarely, and nothing is read. Most marks differ. */
static bool any_first(struct instance *in, const struct detect_join *j, const struct event *e)
{
    uint32_t n = retained_count(&in->events), i = instance_first_start(in);
    uint16_t asked = sift_asked(j, e);
    bool any = n - i > SIFT_EVENTS;
    for (; !any && i < n; i++) {
        const struct candidate *c = retained_at(&in->events, i);
        if (!sift_differs(asked, c->mark) && instance_is_start(in, i)) {
            any = (asked != 0 && asked == c->mark) || join_fits(j, e, c->event);
        }
    }
    return any;
}

bool sift_lets_in(struct instance *in, const struct event *e, uint64_t tests)
{
    const struct detect_plan *plan = in->rule->detect;
    bool lets = (tests & ~plan->sifted) != 0;
    for (uint64_t left = tests; !lets && left != 0; left &= left - 1) {
        lets = any_first(in, plan->items[plan->item_of_test[__builtin_ctzll(left)]].asks, e);
    }
    return lets;
}
