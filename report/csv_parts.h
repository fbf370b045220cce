/* What the forms in CSV share. Private to report/. */
#ifndef FYKE_REPORT_CSV_PARTS_H
#define FYKE_REPORT_CSV_PARTS_H

#include "base/buf.h"

/* RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe in front. */
void put_csv_cell(struct slice s, struct buf *out);

#endif
