/* Canonical bytes (value.h) of text of few bytes, straight to where they shall stand. */
#ifndef FYKE_NFA_VALUE_SHORT_H
#define FYKE_NFA_VALUE_SHORT_H

#include "nfa/value.h"

#define VALUE_SHORT_TEXT 64

static inline bool value_is_short_text(const struct value *v)
{
    return v->kind == VAL_STRING && v->len <= VALUE_SHORT_TEXT;
}
/* Of text of so many bytes, at most VALUE_SHORT_TEXT. */
static inline size_t value_short_text_bytes(size_t len)
{
    return len + 2;
}
/* `out` has room for them. */
void value_encode_short_text(struct slice text, char *out);

#endif
