/* jansson's opinion on a text, behind an interface that shares no name with engine/decode/json_scan.h. */
#ifndef FYKE_TESTS_JSON_REFERENCE_H
#define FYKE_TESTS_JSON_REFERENCE_H

#include <stddef.h>

#include "base/buf.h"

enum reference_verdict {
    REFERENCE_ACCEPTS,
    REFERENCE_REJECTS,
    /* A limit of its own: integers beyond 64 bits, reals beyond doubles, \u0000 in keys; a NUL byte
     * behind a number (it skips that one, which is no JSON anywhere). */
    REFERENCE_CANNOT_TELL,
};

/* When it accepts, appends the canonical form of the value:
 *   null n, true t, false f, integer i<decimal>; real d<%a>; string s<bytes>:<content>,
 *   array [<items>], object {<string><value>…} with keys ascending by bytes, the last of equals. */
enum reference_verdict json_reference(const char *text, size_t len, struct buf *out);

#endif
