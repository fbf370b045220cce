/* A file of records read on its own, in one go: events of a test, a compacted topic that serves as a
 * lookup. Lines are payloads or envelopes of `kcat -J` (envelope.h). */
#ifndef FYKE_CONNECTORS_RECORD_LINES_H
#define FYKE_CONNECTORS_RECORD_LINES_H

#include "connectors/envelope.h"
#include "connectors/lines.h"

enum record_lines_format {
    RECORD_LINES_PAYLOAD,
    RECORD_LINES_KCAT,
    RECORD_LINES_ANY, /* line by line: what has coordinates and a payload is an envelope */
};

struct record_lines {
    enum record_lines_format format;
    const char *path; /* borrowed */
    struct lines lines;
    struct envelope envelope;
    struct arena arena; /* of one record */
};

enum err record_lines_open(struct record_lines *r, const char *path,
                           enum record_lines_format format, struct error *err) FYKE_MUST_USE;
void record_lines_close(struct record_lines *r);
/* The next record, valid until the next call; *ret_end at the end of the file. `topic`: of an
 * envelope, else empty. A line that is none has record.broken. Empty lines are left out. */
enum err record_lines_next(struct record_lines *r, struct record *ret, struct slice *topic,
                           bool *ret_end, struct error *err) FYKE_MUST_USE;

#endif
