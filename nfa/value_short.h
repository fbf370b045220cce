/* Canonical bytes (value.h) of text of few bytes, straight to where they shall stand. */
#ifndef FYKE_NFA_VALUE_SHORT_H
#define FYKE_NFA_VALUE_SHORT_H

#include "nfa/value.h"

#define VALUE_SHORT_TEXT 64
#define VALUE_SHORT_TEXT_BYTES (VALUE_SHORT_TEXT + 2)

static inline bool value_is_short_text(const struct value *v)
{
    return v->kind == VAL_STRING && v->len <= VALUE_SHORT_TEXT;
}
/* `out` has room for VALUE_SHORT_TEXT_BYTES; returns how many were written. */
size_t value_encode_short_text(struct value v, char *out);

#endif
