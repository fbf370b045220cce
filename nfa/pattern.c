#include "nfa/pattern.h"

bool pattern_has_step(const struct pattern *p, uint32_t test)
{
    if (p->kind == PAT_STEP || p->kind == PAT_COUNT) {
        return p->test == test;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        if (p->items[i].node && pattern_has_step(p->items[i].node, test)) {
            return true;
        }
    }
    return false;
}
