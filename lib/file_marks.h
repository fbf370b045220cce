/* Files of a rule set that was tried, with what they held then: a refused set may name a list or an import for
 * the first time, which is not there yet or is what is wrong with it. */
#ifndef FYKE_LIB_FILE_MARKS_H
#define FYKE_LIB_FILE_MARKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "base/slice.h"
#include "dsl/source.h"

struct file_mark {
    char *path;
    bool there;
    struct hash128 content; /* if it is there */
};

struct file_marks {
    struct file_mark *items;
    size_t n, cap;
};

void file_marks_release(struct file_marks *m);
/* In place of what it held: what was read, and what could not be opened. */
void file_marks_take(struct file_marks *m, const struct sources *set);
/* Does a file hold something else by now, or has it come or gone? It is marked as it is then. */
bool file_mark_renew(struct file_mark *m);
/* False: it cannot be read. */
struct buf;
bool file_read_now(const char *path, struct buf *out);

#endif
