#include "lib/replay_shared.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "nfa/profile.h"
#include "nfa/rule_link.h"
#include "nfa/rule_same.h"

enum { OLD, NEW };

/* ---- may they be one? ----------------------------------------------------------------------- */

static bool reads(const struct rule_role *roles, uint32_t n, uint32_t decl)
{
    for (uint32_t i = 0; i < n; i++) {
        if (roles[i].decl == decl) {
            return true;
        }
    }
    return false;
}

static bool is_read(const struct ruleset *rs, uint32_t decl)
{
    bool any = false;
    for (uint32_t i = 0; i < rs->n_rules && !any; i++) {
        any = reads(rs->rules[i].roles, rs->rules[i].n_roles, decl);
    }
    for (uint32_t i = 0; i < rs->n_profiles && !any; i++) {
        any = reads(rs->profiles[i].roles, rs->profiles[i].n_roles, decl);
    }
    return any;
}

/* Declarations have the same numbers in both sets. */
static bool derives_for_others(const struct ruleset *was, const struct ruleset *is, const struct rule *rule)
{
    bool any = false;
    for (uint32_t i = 0; i < rule->n_emits && !any; i++) {
        uint32_t d = rule->emits[i].decl;
        any = rule->emits[i].is_event && (is_read(was, d) || is_read(is, d));
    }
    for (uint32_t i = 0; i < rule->n_timeouts && !any; i++) {
        uint32_t d = rule->timeouts[i].decl;
        any = rule->timeouts[i].is_event && (is_read(was, d) || is_read(is, d));
    }
    return any;
}

/* same[i]: of `was` the rule of `is`; shared[k]: that one is. */
static bool changed_ones_stand_alone(const struct ruleset *was, const struct ruleset *is, const uint32_t *same,
                                     const bool *shared)
{
    bool alone = true;
    for (uint32_t i = 0; i < was->n_rules && alone; i++) {
        alone = same[i] != RULE_NONE || !derives_for_others(was, is, &was->rules[i]);
    }
    for (uint32_t k = 0; k < is->n_rules && alone; k++) {
        alone = shared[k] || !derives_for_others(was, is, &is->rules[k]);
    }
    return alone;
}

/* ---- linking -------------------------------------------------------------------------------- */

static bool data_agree(const struct ruleset *was, const struct ruleset *is, const uint32_t *same)
{
    for (uint32_t i = 0; i < was->n_rules; i++) {
        if (same[i] == RULE_NONE && rule_data_differ(was, &was->rules[i], is)) {
            return false; /* the lists of the old set are not at hand in the new one */
        }
    }
    return true;
}

static bool link_old(struct replay_shared *s, struct ruleset *was, const struct ruleset *is, const uint32_t *same)
{
    struct link_rule *old = xcalloc(was->n_rules + 1u, sizeof(*old));
    uint32_t n = 0;
    for (uint32_t i = 0; i < was->n_rules; i++) {
        if (same[i] == RULE_NONE) {
            old[n++] = (struct link_rule){.from = was, .rule = i};
        }
    }
    bool all = ruleset_may_link_beside(is, old, n);
    s->rs = all ? ruleset_link_beside(is, old, n) : NULL;
    free(old);
    return all;
}

static void note_sides(struct replay_shared *s, uint32_t n_new, uint32_t n_old, const uint32_t *same)
{
    for (int i = 0; i < REPLAY_SIDES; i++) {
        s->belongs[i] = xcalloc(s->rs->n_rules + 1u, sizeof(bool));
    }
    for (uint32_t u = 0; u < s->rs->n_rules; u++) {
        s->belongs[NEW][u] = u < n_new;
        s->belongs[OLD][u] = u >= n_new;
    }
    for (uint32_t i = 0; i < n_old; i++) {
        if (same[i] != RULE_NONE) {
            s->belongs[OLD][same[i]] = true;
        }
    }
}

/* ---- what comes of it ----------------------------------------------------------------------- */

static enum err shared_write(struct sink *sink, const struct out_record *record, struct error *err)
{
    struct replay_shared *s = (struct replay_shared *)sink;
    for (int i = 0; i < REPLAY_SIDES; i++) {
        struct sink *to = &s->sides[i]->sink;
        if (s->belongs[i][record->rule_index]) {
            FYKE_TRY(to->ops->write(to, record, err));
        }
    }
    return ERR_OK;
}

static enum err shared_flush(struct sink *sink, struct error *err)
{
    (void)sink;
    (void)err;
    return ERR_OK;
}

static void shared_close(struct sink *sink)
{
    (void)sink;
}

void replay_shared_event(void *ctx, enum event_fate fate, const struct event *e, const struct record *r)
{
    struct replay_shared *s = ctx;
    for (int i = 0; i < REPLAY_SIDES; i++) {
        replay_collect_event(s->sides[i], fate, e, r);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

bool replay_shared_init(struct replay_shared *s, struct ruleset *was, const struct ruleset *is)
{
    static const struct sink_ops ops = {shared_write, shared_flush, shared_close};
    *s = (struct replay_shared){.sink = {&ops}};
    if (!rulesets_read_alike(was, is)) {
        return false;
    }
    uint32_t *same = xcalloc(was->n_rules + 1u, sizeof(*same));
    bool *shared = xcalloc(is->n_rules + 1u, sizeof(*shared));
    rulesets_find_same(was, is, same);
    for (uint32_t i = 0; i < was->n_rules; i++) {
        if (same[i] != RULE_NONE) {
            shared[same[i]] = true;
        }
    }
    if (changed_ones_stand_alone(was, is, same, shared) && data_agree(was, is, same) &&
        link_old(s, was, is, same)) {
        note_sides(s, is->n_rules, was->n_rules, same);
    }
    free(shared);
    free(same);
    return s->rs != NULL;
}

void replay_shared_release(struct replay_shared *s)
{
    for (int i = 0; i < REPLAY_SIDES; i++) {
        free(s->belongs[i]);
    }
    if (s->rs) {
        ruleset_free(s->rs);
    }
    *s = (struct replay_shared){0};
}
