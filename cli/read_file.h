/* Small files as a whole. */
#ifndef FYKE_CLI_READ_FILE_H
#define FYKE_CLI_READ_FILE_H

#include "base/buf.h"

/* Appends the content; NULL, or why it cannot be read. More than `max` bytes are refused. */
const char *read_file(const char *path, size_t max, struct buf *out);

/* The same of standard input. */
const char *read_stdin(size_t max, struct buf *out);

#endif
