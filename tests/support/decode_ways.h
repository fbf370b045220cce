/* The ways to decode a record (engine/decode/decode.h) against each other: which texts the scanners
 * accept, the spans they find, and what the decoders make of them: events byte for byte, errors
 * with their place. A disagreement is told on stderr and aborts. */
#ifndef FYKE_TESTS_DECODE_WAYS_H
#define FYKE_TESTS_DECODE_WAYS_H

#include <stddef.h>
#include <stdint.h>

struct decode_ways;

struct decode_ways *decode_ways_new(void);
void decode_ways_free(struct decode_ways *w);
void decode_ways_check(struct decode_ways *w, const char *text, size_t len);
/* How many texts gave an event so far. */
uint64_t decode_ways_events(const struct decode_ways *w);

#endif
