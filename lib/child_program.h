/* A program that is run to its end, for what it writes. */
#ifndef FYKE_LIB_CHILD_PROGRAM_H
#define FYKE_LIB_CHILD_PROGRAM_H

#include "base/buf.h"
#include "base/error.h"

/* More is an error. */
#define CHILD_MAX_OUTPUT ((size_t)512 << 20)

struct child_result {
    bool missing; /* there is no such program */
    int exit;     /* of a program that was ended by a signal: 128 + its number */
    struct buf out, complaint; /* what it wrote; of errors the first line */
};

/* `argv` ends with NULL; the program is looked for in PATH, no shell is involved. `input` is its
 * standard input. Fails when the machine does; everything else is in *ret, which the caller releases. */
enum err child_program_run(const char *const *argv, struct slice input, struct child_result *ret,
                           struct error *err) FYKE_MUST_USE;
void child_result_release(struct child_result *r);

#endif
