/* The points of a sweep as a picture. Private to report/. */
#ifndef FYKE_REPORT_SWEEP_CHART_H
#define FYKE_REPORT_SWEEP_CHART_H

#include "base/buf.h"
#include "lib/replay_sweep.h"

/* A picture of one rule, UINT32_MAX: of all together: a bar of alerts per point, with labels precision
 * and recall as lines over them. */
void sweep_chart(const struct replay_sweep *s, uint32_t rule, struct buf *out);

#endif
