/* The operational error that a caller of the public API sees: one line per thread. */
#ifndef FYKE_LIB_LAST_ERROR_H
#define FYKE_LIB_LAST_ERROR_H

#include "base/error.h"
#include "fyke/fyke.h"

/* Keeps the words and says which public result they are. */
enum fyke_result last_error_set(const struct error *err);
enum fyke_result last_error_usage(const char *fmt, ...) FYKE_PRINTF(1, 2);

#endif
