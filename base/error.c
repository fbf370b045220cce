#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

enum err error_set(struct error *err, enum err code, const char *fmt, ...)
{
    err->code = code;
    err->retriable = false;
    err->fatal = false;
    err->stopped = false;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return code;
}

enum err error_context(struct error *err, const char *fmt, ...)
{
    char head[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof(head), fmt, ap);
    va_end(ap);
    char text[sizeof(err->text)];
    snprintf(text, sizeof(text), "%s", err->text);
    snprintf(err->text, sizeof(err->text), "%s: %.*s", head, (int)(sizeof(err->text) - 260), text);
    return err->code;
}

const char *err_name(enum err code)
{
    switch (code) {
    case ERR_OK: return "ok";
    case ERR_IO: return "io";
    case ERR_STATE: return "state";
    case ERR_KAFKA: return "kafka";
    case ERR_CORRUPT: return "corrupt";
    case ERR_INPUT: return "input";
    case ERR_LIMIT: return "limit";
    case ERR_USAGE: return "usage";
    case ERR_RULES: return "rules";
    case ERR_ABORTED: return "aborted";
    }
    return "unknown";
}
