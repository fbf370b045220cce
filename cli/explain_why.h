/* What lib/why.h found, for people and as JSON. */
#ifndef FYKE_CLI_EXPLAIN_WHY_H
#define FYKE_CLI_EXPLAIN_WHY_H

#include "lib/why.h"

void explain_why_text(const struct why_config *c, const struct why_result *r, struct buf *out);
/* One object. */
void explain_why_json(const struct why_config *c, const struct why_result *r, struct buf *out);

#endif
