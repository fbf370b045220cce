#include "nfa/rule.h"

#include <stdlib.h>

void ruleset_free(struct ruleset *rs)
{
    if (!rs) {
        return;
    }
    arena_release(&rs->arena);
    free(rs);
}
