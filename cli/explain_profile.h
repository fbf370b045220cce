#ifndef FYKE_CLI_EXPLAIN_PROFILE_H
#define FYKE_CLI_EXPLAIN_PROFILE_H

#include "base/buf.h"
#include "dsl/compile.h"

/* "reads profile habits, from GoodLogin" and its measures that the rule reads; nothing without. */
void explain_profiles(const struct compilation *c, const struct rule *rule, struct buf *out);

#endif
