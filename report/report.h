/* What a replay has found, written for people and programs. Every function appends a whole document
 * to `out`; what is shown comes from the result alone, so equal results give equal bytes but for the
 * time that it took. */
#ifndef FYKE_REPORT_REPORT_H
#define FYKE_REPORT_REPORT_H

#include "base/buf.h"
#include "lib/replay.h"

void report_text(const struct replay_result *r, struct buf *out);
void report_json(const struct replay_result *r, struct buf *out);

#endif
