/* An alert as a picture: a lane per step, the window, where nothing was allowed to come. */
#ifndef FYKE_CLI_EXPLAIN_SVG_H
#define FYKE_CLI_EXPLAIN_SVG_H

#include "lib/why.h"

/* The alert, or, if the rule did not fire, the part that came furthest. One SVG document of its own: no
 * scripts, no fonts, no links; text from events is escaped. */
void explain_svg(const struct rule *rule, const struct why_config *c, const struct why_result *r,
                 struct buf *out);

#endif
