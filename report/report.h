/* What a replay has found, written for people and programs. Every function appends a whole document
 * to `out`; what is shown comes from the result alone, so equal results give equal bytes but for the
 * time that it took. */
#ifndef FYKE_REPORT_REPORT_H
#define FYKE_REPORT_REPORT_H

#include "base/buf.h"
#include "lib/replay.h"

void report_text(const struct replay_result *r, struct buf *out);
void report_json(const struct replay_result *r, struct buf *out);
void report_csv(const struct replay_result *r, struct buf *out);
void report_markdown(const struct replay_result *r, struct buf *out);
void report_html(const struct replay_result *r, struct buf *out);

typedef void (*report_form)(const struct replay_result *r, struct buf *out);
/* By name (human, json, csv, markdown, html) or by the suffix of a file (.json, .csv, .md, .html,
 * .txt). NULL: there is none. */
report_form report_named(const char *name);
report_form report_of_file(const char *path);

#endif
