#include "tests/support/alert_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static struct slice without_set(struct slice line)
{
    const char *at = memmem(line.ptr, line.len, ",\"ruleset\":", 11);
    assert_non_null(at);
    return slice_from(line.ptr, (size_t)(at - line.ptr));
}

static bool is_of(struct slice line, const char *rule)
{
    char text[40];
    int len = snprintf(text, sizeof(text), "{\"rule\":\"%s\",", rule);
    return line.len > (size_t)len && memcmp(line.ptr, text, (size_t)len) == 0;
}

/* INT64_MIN: it is about no match, as `quiet_ended`. */
static int64_t begin_of(struct slice line)
{
    static const char name[] = "\"emit\":{\"t\":";
    const char *at = memmem(line.ptr, line.len, name, sizeof(name) - 1);
    return at ? strtoll(at + sizeof(name) - 1, NULL, 10) : INT64_MIN;
}

void alert_lines_add(struct alert_lines *l, const struct buf *text, const char *rule, int64_t from,
                     int64_t to)
{
    for (const char *p = text->ptr, *end = p + text->len; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        struct slice line = slice_from(p, (size_t)(nl - p));
        p = nl + 1;
        if (is_of(line, rule) && begin_of(line) > from && begin_of(line) <= to) {
            l->items = xrealloc(l->items, (l->n + 1) * sizeof(*l->items));
            l->items[l->n++] = without_set(line);
        }
    }
}

void alert_lines_release(struct alert_lines *l)
{
    free(l->items);
    *l = (struct alert_lines){0};
}

static int by_bytes(const void *x, const void *y)
{
    const struct slice *a = x, *b = y;
    return slice_cmp(*a, *b);
}

static void sort(struct alert_lines *l)
{
    if (l->n > 0) {
        qsort(l->items, l->n, sizeof(*l->items), by_bytes);
    }
}

void alert_lines_same(const char *rule, struct alert_lines *want, struct alert_lines *got)
{
    sort(want);
    sort(got);
    for (size_t i = 0; i < want->n && i < got->n; i++) {
        if (!slice_eq(want->items[i], got->items[i])) {
            fail_msg("rule %s: line %zu\n%.*s\n%.*s", rule, i, SLICE_ARG(want->items[i]),
                     SLICE_ARG(got->items[i]));
        }
    }
    if (want->n != got->n) {
        fail_msg("rule %s: %zu alerts instead of %zu", rule, got->n, want->n);
    }
    alert_lines_release(want);
    alert_lines_release(got);
}
