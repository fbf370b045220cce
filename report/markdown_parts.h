/* What the Markdown forms share. Private to report/. */
#ifndef FYKE_REPORT_MARKDOWN_PARTS_H
#define FYKE_REPORT_MARKDOWN_PARTS_H

#include "base/buf.h"

/* Nothing of it means anything to Markdown or to HTML. */
void put_markdown(struct slice s, struct buf *out);

#endif
