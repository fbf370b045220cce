/* Where the plain text of strings ends, for a whole JSON text at once: a bit per byte, set where no run of plain
 * text (json_run.h) goes on. So the end of a string is a matter of one shift, however long the string is, and nothing
 * waits for the bytes themselves.
 *
 * x86 alone; elsewhere there are no stops, and texts are scanned without. */
#ifndef FYKE_ENGINE_DECODE_JSON_STOPS_H
#define FYKE_ENGINE_DECODE_JSON_STOPS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

/* Room that json_stops_copy() wants for a text of `len` bytes, and for its stops in words. */
#define JSON_STOPS_TEXT(len) ((len) + 64)
#define JSON_STOPS_WORDS(len) ((len) / 64 + 2)

/* Copies the text, puts 64 zero bytes behind it and notes its stops; every byte behind it is one. */
typedef void (*json_stops_fn)(char *to, const char *from, size_t len, uint64_t *stops);

/* The best that the machine can; NULL: nothing. */
json_stops_fn json_stops_best(void);
/* Each of them, for comparing; NULL: not on this machine. */
json_stops_fn json_stops_sse2(void);
json_stops_fn json_stops_avx2(void);

/* Of a run that is longer than what one look shows. */
size_t json_stop_far(const uint64_t *stops, size_t at);

/* The first stop from byte `at` on. */
static inline size_t json_stop_from(const uint64_t *stops, size_t at)
{
    uint64_t left;
    memcpy(&left, (const char *)stops + at / 8, sizeof(left));
    left >>= at % 8;
    return FYKE_LIKELY(left != 0) ? at + (unsigned)__builtin_ctzll(left)
                                  : json_stop_far(stops, at);
}

#endif
