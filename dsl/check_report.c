/* Reporting: the same finding at the same place is told once, because an expression may be looked
 * at several times (a const at each use, a let's condition for each alternative). */
#include <stdarg.h>
#include <stdio.h>

#include "dsl/check.h"

/* Enters the finding; false if it was there already. */
static bool report_once(struct checker *c, const char *code, struct span span)
{
    char key[48];
    int n = snprintf(key, sizeof(key), "%s %u %u %u", code, span.file, span.start, span.end);
    return map_add(&c->reported, slice_from(key, (size_t)n), c);
}

/* Unknown events, names, rules. */
static bool follows_from_gaps(const struct checker *c, const char *code)
{
    return c->gaps && (strcmp(code, "E0301") == 0 || strcmp(code, "E0303") == 0 ||
                       strcmp(code, "E0317") == 0);
}

static const char *format(struct checker *c, const char *fmt, va_list args) FYKE_PRINTF(2, 0);
static const char *format(struct checker *c, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    size_t len = n > 0 ? (size_t)n : 0;
    char *text = arena_alloc(c->arena, len + 1);
    vsnprintf(text, len + 1, fmt, args);
    return text;
}

struct diag *check_error(struct checker *c, const char *code, struct span span, const char *fmt,
                         ...)
{
    if (follows_from_gaps(c, code) || !report_once(c, code, span)) {
        return NULL;
    }
    va_list args;
    va_start(args, fmt);
    const char *text = format(c, fmt, args);
    va_end(args);
    return diag_add(c->diags, DIAG_ERROR, code, span, "%s", text);
}

struct diag *check_lint(struct checker *c, enum diag_severity severity, const char *code,
                        struct span span, const char *fmt, ...)
{
    if (!report_once(c, code, span)) {
        return NULL;
    }
    va_list args;
    va_start(args, fmt);
    const char *text = format(c, fmt, args);
    va_end(args);
    return diag_add(c->diags, severity, code, span, "%s", text);
}

void check_help(struct checker *c, struct diag *d, const char *fmt, ...)
{
    if (!d) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    const char *text = format(c, fmt, args);
    va_end(args);
    diag_help(c->diags, d, "%s", text);
}

void check_second(struct checker *c, struct diag *d, struct span span, const char *fmt, ...)
{
    if (!d) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    const char *text = format(c, fmt, args);
    va_end(args);
    diag_second(c->diags, d, span, "%s", text);
}

void check_suggest(struct checker *c, struct diag *d, const struct suggest *s)
{
    if (s->best.ptr) {
        check_help(c, d, "did you mean `%.*s`?", SLICE_ARG(s->best));
    }
}
