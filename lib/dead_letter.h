/* Records that were not evaluated, as JSON lines into a file:
 *   {"why":"invalid","reason":…,"topic":…,"partition":…,"offset":…,"file":…,"line":…,
 *    "timestamp":…,"key":…,"value":…,"headers":[[name,value],…]}
 * Bytes that are not UTF-8 stand in "key_base64", "value_base64". */
#ifndef FYKE_LIB_DEAD_LETTER_H
#define FYKE_LIB_DEAD_LETTER_H

#include <stdio.h>

#include "base/buf.h"
#include "engine/engine.h"

struct dead_letter {
    FILE *file;
    const char *path; /* borrowed */
    const struct ruleset *rs;
    struct buf line;
};

/* The file is emptied, or with `append` continued. */
enum err dead_letter_open(struct dead_letter *d, const char *path, bool append,
                          const struct ruleset *rs, struct error *err) FYKE_MUST_USE;
/* Everything written has left the process. */
enum err dead_letter_sync(struct dead_letter *d, struct error *err) FYKE_MUST_USE;
enum err dead_letter_close(struct dead_letter *d, struct error *err) FYKE_MUST_USE;
/* An engine_refused function; ctx is the dead_letter. */
enum err dead_letter_write(void *ctx, enum refused_why why, const char *reason,
                           const struct record *r, struct error *err);

#endif
