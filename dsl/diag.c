#include "dsl/diag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct diag_code codes[] = {
#define DIAG_CODE(code, title, help) {code, title, help},
#include "dsl/codes.def"
#undef DIAG_CODE
};

static const struct diag_example examples[] = {
#define CODE_EXAMPLE(code, wrong, right) {code, wrong, right, false, NULL},
#define CODE_EXAMPLE_FILE(code, wrong, right) {code, wrong, right, true, NULL},
#define CODE_NO_EXAMPLE(code, why) {code, NULL, NULL, false, why},
#include "dsl/codes_examples.def"
#undef CODE_EXAMPLE
#undef CODE_EXAMPLE_FILE
#undef CODE_NO_EXAMPLE
};

const char *diag_prelude(void)
{
    static const char text[] =
#define CODE_PRELUDE(text) text
#include "dsl/codes_examples.def"
#undef CODE_PRELUDE
        ;
    return text;
}

const struct diag_example *diag_example_find(const char *code)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(examples); i++) {
        if (strcmp(examples[i].code, code) == 0) {
            return &examples[i];
        }
    }
    return NULL;
}

const struct diag_code *diag_codes(uint32_t *n)
{
    *n = FYKE_ARRAY_LEN(codes);
    return codes;
}

const struct diag_code *diag_code_find(const char *code)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(codes); i++) {
        if (strcmp(codes[i].code, code) == 0) {
            return &codes[i];
        }
    }
    return NULL;
}

void diags_init(struct diags *ds, struct arena *arena)
{
    *ds = (struct diags){.arena = arena};
}

static const char *format(struct diags *ds, const char *fmt, va_list args) FYKE_PRINTF(2, 0);
static const char *format(struct diags *ds, const char *fmt, va_list args)
{
    va_list copy;
    va_copy(copy, args);
    int n = vsnprintf(NULL, 0, fmt, copy);
    va_end(copy);
    if (n < 0) {
        return fmt;
    }
    char *text = arena_alloc(ds->arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    return text;
}

struct diag *diag_add(struct diags *ds, enum diag_severity severity, const char *code,
                      struct span span, const char *fmt, ...)
{
    struct diag *d = ARENA_NEW(ds->arena, struct diag);
    va_list args;
    assert(diag_code_find(code));
    d->severity = severity;
    d->code = code;
    d->span = span;
    va_start(args, fmt);
    d->message = format(ds, fmt, args);
    va_end(args);
    if (ds->last) {
        ds->last->next = d;
    } else {
        ds->first = d;
    }
    ds->last = d;
    ds->n_errors += severity == DIAG_ERROR;
    ds->n_warnings += severity == DIAG_WARNING;
    ds->n_notes += severity == DIAG_NOTE;
    return d;
}

void diag_help(struct diags *ds, struct diag *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    d->help = format(ds, fmt, args);
    va_end(args);
}

void diag_second(struct diags *ds, struct diag *d, struct span span, const char *fmt, ...)
{
    va_list args;
    d->second = span;
    va_start(args, fmt);
    d->second_label = format(ds, fmt, args);
    va_end(args);
}

static bool comes_before(const struct diag *a, const struct diag *b)
{
    if (a->span.file != b->span.file) {
        return a->span.file < b->span.file;
    }
    return a->span.start < b->span.start;
}

/* Merges two sorted lists; of equal ones that of `a` first. */
static struct diag *merge(struct diag *a, struct diag *b)
{
    struct diag *first = NULL;
    struct diag **tail = &first;
    while (a && b) {
        struct diag **from = comes_before(b, a) ? &b : &a;
        *tail = *from;
        tail = &(*from)->next;
        *from = *tail;
    }
    *tail = a ? a : b;
    return first;
}

/* Merge sort from the bottom: slot i holds a sorted run of 2^i diagnostics. */
void diags_sort(struct diags *ds)
{
    struct diag *runs[32] = {0};
    struct diag *sorted = NULL;
    for (struct diag *d = ds->first, *next; d; d = next) {
        size_t i = 0;
        next = d->next;
        d->next = NULL;
        for (; i < FYKE_ARRAY_LEN(runs) - 1 && runs[i]; i++) {
            d = merge(runs[i], d);
            runs[i] = NULL;
        }
        runs[i] = merge(runs[i], d);
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(runs); i++) {
        sorted = merge(runs[i], sorted);
    }
    ds->first = sorted;
    while (sorted) {
        ds->last = sorted;
        sorted = sorted->next;
    }
}

const char *diag_severity_name(enum diag_severity severity)
{
    switch (severity) {
    case DIAG_ERROR: return "error";
    case DIAG_WARNING: return "warning";
    case DIAG_NOTE: return "note";
    }
    return "error";
}
