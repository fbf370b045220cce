#include "nfa/kin.h"

#include <string.h>

#include "nfa/detect.h"
#include "nfa/instance.h"
#include "nfa/scratch.h"

/* ---- which rules ------------------------------------------------------------------------------- */

/* What such a rule keeps of a key are events alone, and time decides nothing but how long. */
static bool keeps_events_alone(const struct rule *r)
{
    return !r->drains && !r->keeps_quiet && !rule_is_copy(r) && r->n_captures == 0 &&
           r->n_profiles == 0 && r->quick_tests && r->lead_tests == 0 && r->n_tails == 0 &&
           !r->to_window_end && r->n_timeouts == 0 && !r->uses_counted && !r->keep_counted &&
           !r->ends_with_next_no;
}

/* The event that completes a match is not kept, and whether there is a match is asked of a detector of the
 * rule's class. */
static bool is_decided_in_passing(const struct rule *r)
{
    return r->policy != NO_SKIP && r->class_of != CLASS_GENERAL &&
           r->class_of != CLASS_ALL_MATCHES && r->detect->at_events && r->last_tests != 0 &&
           (r->last_tests & ~r->passing_tests) == 0;
}

static bool has_filter(const struct rule *r)
{
    for (uint32_t i = 0; i < r->n_roles; i++) {
        if (r->roles[i].filter != NULL) {
            return true;
        }
    }
    return false;
}

/* Any choice of events that the part allows it allows with a longer span, too. */
static bool can_differ(const struct pattern *p)
{
    return p->kind == PAT_COUNT && p->min == p->max && p->until == NULL && p->having == NULL &&
           p->adjacency == ADJ_NONE && duration_is_infinite(p->each_within) &&
           p->guard_test == NO_TEST && !p->optional && !duration_is_infinite(p->span);
}

/* The span in which rules may differ: of a part of the outermost sequence, the first that there is. */
static const struct pattern *part_that_differs(const struct rule *r)
{
    for (uint32_t i = 0; i < r->root->n_items; i++) {
        const struct pattern *p = r->root->items[i].node;
        if (p != NULL && can_differ(p)) {
            return p;
        }
    }
    return NULL;
}

static void put_expr(const struct expr *e, struct buf *out)
{
    buf_put_byte(out, e != NULL);
    if (e != NULL) {
        struct buf text = BUF_INIT;
        expr_canonical(e, NULL, &text);
        buf_put_blob(out, buf_slice(&text));
        buf_release(&text);
    }
}

static void put_absence(const struct pattern_absence *a, struct buf *out)
{
    buf_put_varint(out, (uint64_t)a->kind);
    buf_put_varint(out, a->test);
    buf_put_zigzag(out, a->length.ns);
    buf_put_byte(out, a->assume_quiet);
}

static void put_pattern(const struct pattern *p, const struct pattern *differs, struct buf *out);

static void put_item(const struct pattern_item *item, const struct pattern *differs,
                     struct buf *out)
{
    buf_put_varint(out, (uint64_t)item->link.kind);
    buf_put_zigzag(out, item->link.within.ns);
    buf_put_zigzag(out, item->link.after.ns);
    buf_put_varint(out, item->n_absences);
    for (uint32_t a = 0; a < item->n_absences; a++) {
        put_absence(&item->absences[a], out);
    }
    buf_put_byte(out, item->node != NULL);
    if (item->node != NULL) {
        put_pattern(item->node, differs, out);
    }
}

static void put_pattern(const struct pattern *p, const struct pattern *differs, struct buf *out)
{
    bool one = p->kind == PAT_STEP || p->kind == PAT_COUNT;
    buf_put_varint(out, (uint64_t)p->kind);
    buf_put_byte(out, p->optional);
    buf_put_varint(out, one ? p->test : 0);
    buf_put_varint(out, p->min);
    buf_put_varint(out, p->max);
    buf_put_varint(out, (uint64_t)p->adjacency);
    buf_put_zigzag(out, p->each_within.ns);
    put_expr(p->until, out);
    put_expr(p->having, out);
    buf_put_varint(out, p->kind == PAT_REPEAT ? p->group : 0);
    buf_put_varint(out, p->guard_test);
    buf_put_zigzag(out, p == differs ? -1 : p->span.ns);
    buf_put_varint(out, one ? 0 : p->n_items);
    for (uint32_t i = 0; !one && i < p->n_items; i++) {
        put_item(&p->items[i], differs, out);
    }
}

static void put_sources(const struct rule *r, struct buf *out)
{
    buf_put_varint(out, r->n_roles);
    for (uint32_t i = 0; i < r->n_roles; i++) {
        buf_put_varint(out, r->roles[i].decl);
        buf_put_byte(out, r->roles[i].counted);
        for (uint32_t k = 0; k < r->n_key; k++) {
            put_expr(r->roles[i].key[k], out);
        }
    }
    buf_put_varint(out, r->n_tests);
    for (uint32_t t = 0; t < r->n_tests; t++) {
        const struct rule_test *test = &r->tests[t];
        buf_put_varint(out, (uint64_t)test->use);
        buf_put_varint(out, test->roles);
        buf_put_zigzag(out, test->slot);
        buf_put_zigzag(out, test->group);
        put_expr(test->own, out);
        put_expr(test->joint, out);
    }
}

bool rule_kin_text(const struct rule *rule, struct buf *out, struct kin_span *ret)
{
    if (!keeps_events_alone(rule) || !is_decided_in_passing(rule) || has_filter(rule)) {
        return false;
    }
    const struct pattern *differs = part_that_differs(rule);
    *ret = differs != NULL ? (struct kin_span){differs->span, differs->test}
                           : (struct kin_span){{0}, NO_TEST};
    put_sources(rule, out);
    buf_put_zigzag(out, rule->window.ns);
    buf_put_zigzag(out, rule->horizon.ns);
    buf_put_varint(out, (uint64_t)rule->policy);
    buf_put_varint(out, rule->policy_slot);
    buf_put_varint(out, rule->n_groups);
    buf_put_varint(out, rule->n_slots);
    buf_put_varint(out, (uint64_t)rule->class_of);
    put_pattern(rule->root, differs, out);
    return true;
}

/* The match uses up everything, and what is chosen does not depend on a span that it fits into: the order in
 * which choices are preferred does not. */
bool rule_kin_says(const struct rule *rule, struct buf *out)
{
    const struct emit_plan *plan = rule_alert_plan(rule, MATCH_MATCH);
    if (rule->policy != SKIP_PAST_LAST || rule->quiet.present || rule_derives(rule, MATCH_MATCH)) {
        return false;
    }
    buf_put_byte(out, plan != NULL);
    for (uint32_t i = 0; plan != NULL && i < plan->n_fields; i++) {
        buf_put_blob(out, plan->fields[i].name);
        put_expr(plan->fields[i].value, out);
    }
    return true;
}

struct duration match_took(const struct match *m, const struct kin_span *span)
{
    struct etime first = ETIME_MAX, last = ETIME_MIN;
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        struct etime t = m->evidence[i].event->time;
        if (m->evidence[i].test == span->test) {
            first = etime_lt(t, first) ? t : first;
            last = etime_lt(last, t) ? t : last;
        }
    }
    return first.ns == INT64_MAX ? (struct duration){0} : etime_diff(last, first);
}

bool rule_kin_part(const struct rule *rule, uint64_t tests)
{
    return (tests & rule->last_tests) != 0 && (tests & ~rule->passing_tests) != 0;
}

/* ---- instances --------------------------------------------------------------------------------- */

bool instance_is_plain(const struct instance *in)
{
    return quiet_count(in) == 0 && in->capped_until.ns == INT64_MIN;
}

struct instance *instance_copy(const struct instance *in, const struct rule *rule)
{
    struct instance *copy = pool_alloc(in->pool, instance_block_bytes(rule));
    memcpy(copy, in, instance_block_bytes(rule));
    copy->rule = rule;
    copy->detector = NULL; /* made when it is asked */
    copy->quiet = NULL;
    copy->told = false;
    retained_copy(&in->events, in->pool, &copy->events);
    return copy;
}

void instance_become(struct instance *in, const struct rule *rule)
{
    detector_free(in);
    in->rule = rule;
    in->told = false;
}

static bool same_segments(const struct instance *a, const struct instance *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    bool same = true;
    for (uint32_t i = 0; same && i < a->events.n_segs; i++) {
        buf_clear(&x);
        buf_clear(&y);
        instance_encode_segment(a, i, &NEAR_NOTHING, &x);
        instance_encode_segment(b, i, &NEAR_NOTHING, &y);
        same = slice_eq(buf_slice(&x), buf_slice(&y));
    }
    buf_release(&x);
    buf_release(&y);
    return same;
}

bool instance_same(const struct instance *a, const struct instance *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    instance_encode_head(a, &NEAR_NOTHING, &x);
    instance_encode_head(b, &NEAR_NOTHING, &y);
    bool same = slice_eq(buf_slice(&x), buf_slice(&y)) && instance_is_plain(a) &&
                instance_is_plain(b);
    buf_release(&x);
    buf_release(&y);
    return same && same_segments(a, b);
}

bool instance_is_full(const struct instance *in, const struct nfa_call *call)
{
    return in->live_starts >= call->scratch->limits.max_runs;
}
