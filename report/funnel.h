/* The steps of rules, and what each rule has cost. Private to report/. */
#ifndef FYKE_REPORT_FUNNEL_H
#define FYKE_REPORT_FUNNEL_H

#include "base/json_out.h"
#include "report/report.h"
#include "report/table.h"

/* A row per step, and one for what the rule made of them. */
void funnel_table(const struct replay_result *r, struct report_table *t);
void funnel_put_json(struct json_out *j, const struct replay_rule *rule);
/* "bad 6, good 2" */
void funnel_put_line(const struct replay_rule *rule, struct buf *out);

#define REPORT_FUNNEL                                                                              \
    "A step's number: first events that got so far, each once. Matches: what was not used up or quiet."

/* Of the operations of all rules, in per cent: "41.2 %"; "-" if there were none. */
void put_cost(const struct replay_result *r, const struct replay_rule *rule, struct buf *out);
double report_cost(const struct replay_result *r, const struct replay_rule *rule);

#endif
