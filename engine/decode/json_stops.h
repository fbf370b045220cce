/* Where the plain text of strings ends, for a whole JSON text at once: a bit per byte, set where no run of plain
 * text (json_run.h) goes on. So the end of a string is a matter of one shift, however long the string is, and nothing
 * waits for the bytes themselves.
 *
 * x86 alone; elsewhere there are no stops, and texts are scanned without. */
#ifndef FYKE_ENGINE_DECODE_JSON_STOPS_H
#define FYKE_ENGINE_DECODE_JSON_STOPS_H

#include <stdbool.h>
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

/* Of the stops from a byte on so many at least are seen by one look. */
#define JSON_STOP_SEEN 56

static inline uint64_t json_stops_at(const uint64_t *stops, size_t at)
{
    uint64_t word;
    memcpy(&word, (const char *)stops + at / 8, sizeof(word));
    return word >> (at % 8);
}

/* It is the first one from byte `at` on, `len` bytes behind it, at most JSON_STOP_SEEN. */
static inline bool json_stop_is(const uint64_t *stops, size_t at, size_t len)
{
    return json_stops_at(stops, at) << (63 - len) == UINT64_C(1) << 63;
}

/* The first stop from byte `at` on. */
static inline size_t json_stop_from(const uint64_t *stops, size_t at)
{
    uint64_t left = json_stops_at(stops, at);
    return FYKE_LIKELY(left != 0) ? at + (unsigned)__builtin_ctzll(left)
                                  : json_stop_far(stops, at);
}

#endif
