/* What has become of the alerts under new rules, written for people and programs. Every function
 * appends a whole document to `out`. */
#ifndef FYKE_REPORT_DIFF_H
#define FYKE_REPORT_DIFF_H

#include "base/buf.h"
#include "lib/replay_diff.h"

/* How the two sets are called: as on the command line. */
struct diff_names {
    const char *was, *is;
};

void report_diff_text(const struct replay_diff *d, struct diff_names names, struct buf *out);
void report_diff_json(const struct replay_diff *d, struct diff_names names, struct buf *out);
void report_diff_markdown(const struct replay_diff *d, struct diff_names names, struct buf *out);
/* Annotations: a line per rule with differences, at its place in the new rules. */
void report_diff_github(const struct replay_diff *d, struct diff_names names, struct buf *out);

typedef void (*diff_form)(const struct replay_diff *d, struct diff_names names, struct buf *out);
/* human, json, markdown, github; .txt, .json, .md. NULL: there is none. */
diff_form report_diff_named(const char *name);
diff_form report_diff_of_file(const char *path);

#endif
