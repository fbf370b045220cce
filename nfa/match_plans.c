/* What a match of a kind says, by its rule. */
#include "nfa/state.h"

const struct emit_plan *rule_plans(const struct rule *rule, enum match_kind kind, uint32_t *ret_n)
{
    switch (kind) {
    case MATCH_MATCH:
    case MATCH_PENDING: *ret_n = rule->n_emits; return rule->emits;
    case MATCH_TIMEOUT: *ret_n = rule->n_timeouts; return rule->timeouts;
    case MATCH_QUIET_ENDED:
    case MATCH_CAPPED:
    case MATCH_OPEN: break;
    }
    *ret_n = 0;
    return NULL;
}

const struct emit_plan *rule_alert_plan(const struct rule *rule, enum match_kind kind)
{
    uint32_t n;
    const struct emit_plan *plans = rule_plans(rule, kind, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!plans[i].is_event) {
            return &plans[i];
        }
    }
    return NULL;
}

bool rule_derives(const struct rule *rule, enum match_kind kind)
{
    uint32_t n;
    const struct emit_plan *plans = rule_plans(rule, kind, &n);
    for (uint32_t i = 0; i < n && kind != MATCH_PENDING; i++) {
        if (plans[i].is_event) {
            return true;
        }
    }
    return false;
}
