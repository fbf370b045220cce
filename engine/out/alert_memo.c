#include "engine/out/alert_memo.h"

#include <stdlib.h>

#include "base/xalloc.h"

void alert_memo_release(struct alert_memo *memo)
{
    free(memo->events);
    buf_release(&memo->text);
    buf_release(&memo->id);
    *memo = (struct alert_memo){0};
}

static bool is_same(const struct alert_memo_event *have, const struct match *m,
                    const struct match_evidence *ev)
{
    const struct event *e = ev->event;
    return have->event == e && have->decl == e->decl && have->time.ns == e->time.ns &&
           have->at.topic == e->at.topic && have->at.partition == e->at.partition &&
           have->at.offset == e->at.offset &&
           slice_eq(have->label, m->rule->tests[ev->test].label);
}

static bool is_same_evidence(const struct alert_memo *memo, const struct match *m)
{
    bool same = memo->n == m->n_evidence;
    for (uint32_t i = 0; same && i < m->n_evidence; i++) {
        same = is_same(&memo->events[i], m, &m->evidence[i]);
    }
    return same;
}

/* Events are known by where they were read; iterations are told apart by no such thing. */
static bool has_memo(const struct match *m)
{
    bool has = m->kind == MATCH_MATCH && m->n_evidence > 0;
    for (uint32_t i = 0; has && i < m->n_evidence; i++) {
        has = m->evidence[i].n_turns == 0 && !event_is_derived(m->evidence[i].event);
    }
    return has;
}

struct alert_memo *alert_memo_take(struct alert_memo *memo, const struct match *m)
{
    if (!has_memo(m)) {
        return NULL;
    }
    if (is_same_evidence(memo, m)) {
        return memo;
    }
    memo->n = 0;
    buf_clear(&memo->text);
    buf_clear(&memo->id);
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        const struct event *e = m->evidence[i].event;
        VEC_PUSH(memo->events, memo->n, memo->cap) = (struct alert_memo_event){
            e, e->at, e->time, e->decl, m->rule->tests[m->evidence[i].test].label};
    }
    return memo;
}
