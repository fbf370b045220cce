#include "lib/last_error.h"

#include <stdarg.h>
#include <stdio.h>

/* Per thread, so that it is no shared state. */
static _Thread_local char last_error[sizeof(((struct error *)0)->text)];

const char *fyke_last_error(void)
{
    return last_error;
}

static enum fyke_result result_of(enum err code)
{
    switch (code) {
    case ERR_OK: return FYKE_OK;
    case ERR_STATE: return FYKE_STATE;
    case ERR_INPUT: return FYKE_INPUT;
    case ERR_USAGE: return FYKE_USAGE;
    case ERR_RULES: return FYKE_RULES_INVALID;
    case ERR_IO:
    case ERR_KAFKA:
    case ERR_CORRUPT:
    case ERR_ABORTED:
    case ERR_LIMIT: break;
    }
    return FYKE_IO;
}

enum fyke_result last_error_set(const struct error *err)
{
    snprintf(last_error, sizeof(last_error), "%s", err->text);
    return result_of(err->code);
}

enum fyke_result last_error_usage(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(last_error, sizeof(last_error), fmt, args);
    va_end(args);
    return FYKE_USAGE;
}
