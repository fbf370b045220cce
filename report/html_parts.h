/* What the forms in HTML share. Private to report/. */
#ifndef FYKE_REPORT_HTML_PARTS_H
#define FYKE_REPORT_HTML_PARTS_H

#include "base/buf.h"

/* As text, also within an attribute. */
void put_html(struct slice s, struct buf *out);
/* Everything up to what stands in the body; no script, nothing from elsewhere. */
void html_begin(const char *title, struct buf *out);

#endif
