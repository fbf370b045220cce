/* The cost class of a rule (docs/classes.md): which detector it has, why it is not a cheaper one, and
 * what the author can change. */
#ifndef FYKE_NFA_CLASSIFY_H
#define FYKE_NFA_CLASSIFY_H

#include "base/buf.h"
#include "nfa/rule.h"

const char *rule_class_name(enum rule_class c);
/* What is kept per key beside the events themselves, and what an event costs: one line each. */
const char *rule_class_keeps(enum rule_class c);
const char *rule_class_costs(enum rule_class c);
/* Why the rule has no cheaper class; nothing if none is. `decls`: the rule set's. */
void rule_class_reason(const struct rule *rule, const struct schema_decl *decls, struct buf *out);
/* The edit that makes it cheaper; nothing if there is none. */
void rule_class_edit(const struct rule *rule, const struct schema_decl *decls, struct buf *out);

/* Sets rule.class_of and rule.class_why (after the detector's plan). */
void rule_classify(struct rule *rule, struct arena *arena);

#endif
