/* Near misses as part of a report. Private to report/. */
#ifndef FYKE_REPORT_NEAR_H
#define FYKE_REPORT_NEAR_H

#include "base/json_out.h"
#include "lib/replay_near.h"
#include "report/table.h"

/* The changes that are shown, as a table; table_release(). */
void near_table(const struct replay_result *r, struct report_table *t);
/* "12 changes tried, 3 left out"; a sentence. */
void near_put_tried(const struct replay_result *r, struct buf *out);
/* The member `near_misses`. */
void near_put_json(struct json_out *j, const struct replay_result *r);

#endif
