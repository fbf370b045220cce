/* Lints: what is allowed and probably not meant (language.md 3.3, 3.9, 3.11, 4). */
#include "dsl/check.h"

void rule_lint(struct rule_ctx *r)
{
    (void)r;
}
