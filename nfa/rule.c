#include "nfa/rule.h"

#include <stdlib.h>

bool rule_is_disabled(const struct rule *rule)
{
    return slice_eq_str(rule->status, "disabled");
}

bool rule_is_shadow(const struct rule *rule)
{
    return slice_eq_str(rule->status, "shadow");
}

void ruleset_free(struct ruleset *rs)
{
    if (!rs) {
        return;
    }
    arena_release(&rs->arena);
    free(rs);
}
