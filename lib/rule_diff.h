/* What a new rule set means for the rules of the one in force: by name and plan, since state belongs
 * to (rule name, plan). */
#ifndef FYKE_LIB_RULE_DIFF_H
#define FYKE_LIB_RULE_DIFF_H

#include <stdint.h>

#include "lib/rules.h"

struct rule_diff {
    uint32_t unchanged; /* same plan, same text */
    uint32_t kept;      /* same plan: what is open stays; another title, `emit`, … */
    uint32_t fresh;     /* begins at the switch */
    uint32_t changed, removed;
};

enum rule_fate { RULE_UNCHANGED, RULE_KEPT, RULE_NEW, RULE_CHANGED, RULE_REMOVED };
/* Rules in order of the new set, then those that are gone. */
typedef void (*rule_fate_fn)(void *ctx, struct slice name, enum rule_fate fate);

void rules_compare(const struct fyke_rules *before, const struct fyke_rules *after,
                   rule_fate_fn each, void *ctx, struct rule_diff *ret);
/* The same rule files, byte for byte: at most the contents of lists and lookups differ. */
bool rules_differ_in_data_only(const struct fyke_rules *before, const struct fyke_rules *after);

#endif
