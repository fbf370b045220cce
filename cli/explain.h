/* A rule read back in plain words. */
#ifndef FYKE_CLI_EXPLAIN_H
#define FYKE_CLI_EXPLAIN_H

#include "base/buf.h"
#include "dsl/compile.h"

/* `rule`: of c->ruleset. */
void explain_rule(const struct compilation *c, const struct rule *rule, struct buf *out);

#endif
