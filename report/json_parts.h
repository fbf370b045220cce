/* What the JSON forms share. Private to report/. */
#ifndef FYKE_REPORT_JSON_PARTS_H
#define FYKE_REPORT_JSON_PARTS_H

#include "base/json_out.h"
#include "lib/replay.h"

/* The ends of time are null. */
void json_put_time(struct json_out *j, const char *key, struct etime t);
/* p50, p95, p99, max in seconds; {} without any. */
void json_put_lengths(struct json_out *j, const char *key, const struct replay_lengths *l);
/* Members of an object: true_alerts, precision, recall, … */
void json_put_figures(struct json_out *j, const struct replay_result *r,
                      const struct replay_label_figures *f, uint64_t alerts);
/* null where the range has no length. */
void json_put_per_day(struct json_out *j, const struct replay_result *r, uint64_t alerts);
void json_put_double_member(struct json_out *j, const char *key, double v);

#endif
