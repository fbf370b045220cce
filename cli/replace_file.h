/* Replaces a file as a whole and keeps its permissions; false after an error on stderr. */
#ifndef FYKE_CLI_REPLACE_FILE_H
#define FYKE_CLI_REPLACE_FILE_H

#include <stdbool.h>

#include "base/slice.h"

bool replace_file(const char *path, struct slice text);

#endif
