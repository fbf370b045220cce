/* What the forms of a diff share. Private to report/. */
#ifndef FYKE_REPORT_DIFF_PARTS_H
#define FYKE_REPORT_DIFF_PARTS_H

#include "report/diff.h"
#include "report/parts.h"

/* "added", "gone", "changed", … */
const char *diff_fate_name(const struct diff_rule *r);
/* "3 new, 1 lost"; "nothing changed". */
void diff_put_counts(const uint64_t *n, struct buf *out);
/* What is different: "1 event more, 2 fewer, another emit", "1m earlier". */
void diff_put_difference(const struct diff_example *e, struct buf *out);
/* The alert that is shown: the new one if there is one. */
const struct replay_alert *diff_shown(const struct diff_example *e);
/* Its key text; empty without `for each`. */
struct slice diff_key(const struct replay_diff *d, const struct diff_example *e);
/* Figures of the rule in a set; NULL: it has no such rule. */
const struct replay_rule *diff_figures(const struct replay_result *r, uint32_t index);

#endif
