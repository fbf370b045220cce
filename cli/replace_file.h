/* Replaces files as a whole; they keep their permissions. */
#ifndef FYKE_CLI_REPLACE_FILE_H
#define FYKE_CLI_REPLACE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* False after an error on stderr. */
bool replace_file(const char *path, struct slice text);

struct new_text {
    const char *path;
    struct slice text;
};
/* All of them or none: the new ones are written beside the old ones first, and if one of them cannot take its place
 * those that have go back. False after an error on stderr. */
bool replace_files(const struct new_text *files, size_t n);

#endif
