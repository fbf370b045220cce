/* malloc that does not return NULL. Out of memory is no state that fyke can answer correctly in:
 * the process says so and ends; committed state is on disk and a restart continues from it. */
#ifndef FYKE_BASE_XALLOC_H
#define FYKE_BASE_XALLOC_H

#include <stddef.h>

#include "base/attr.h"

void *xmalloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t bytes) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull));
void xalloc_die(size_t bytes) FYKE_NORETURN;

/* Makes room for `need` elements in a growing array. `*cap` and the array change only when it
 * must grow; growth doubles. Use through VEC_GROW. */
void *xgrow(void *p, size_t *cap, size_t need, size_t elem_bytes) __attribute__((returns_nonnull));

/* `VEC_PUSH(v->items, v->n, v->cap) = item;` for a struct with items, size_t n, size_t cap. */
#define VEC_PUSH(items, n, cap)                                                                    \
    (*((items) = (n) < (cap) ? (items)                                                             \
                             : xgrow((items), &(cap), (n) + 1, sizeof(*(items))),                  \
       &(items)[(n)++]))

#endif
