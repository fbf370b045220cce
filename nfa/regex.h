/* Regular expressions of `matches`: PCRE2, UTF-8, unanchored search, bounded.
 *
 * The compiled pattern is immutable and shared by threads. Matching uses the interpreter, not the
 * just-in-time compiler, because only then the match limit counts the same steps everywhere and a
 * rule gives the same answer on every machine. */
#ifndef FYKE_NFA_REGEX_H
#define FYKE_NFA_REGEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* Steps of one search (all starts together) and of one start in the text, depending on the text's
 * length only; a search beyond gives no answer (missing, counted). */
#define REGEX_MAX_STEPS UINT64_C(10000000)
#define REGEX_MAX_STEPS_PER_START 100000
#define REGEX_MIN_STEPS_PER_START 1000
#define REGEX_DEPTH_LIMIT 10000
#define REGEX_HEAP_LIMIT_KIB 4096
#define REGEX_MAX_PATTERN 8192
#define REGEX_ERROR_MAX 160

struct regex;
struct regex_scratch;

enum regex_result { REGEX_NO, REGEX_YES, REGEX_LIMIT };

/* The pattern lives in `arena`, together with a copy of its text. NULL: `error` says why and
 * *error_at is the byte in the pattern. */
const struct regex *regex_compile(struct slice pattern, struct arena *arena,
                                  char error[REGEX_ERROR_MAX], size_t *error_at);
struct slice regex_pattern(const struct regex *re);

/* Working memory of one thread, made at first use (*scratch NULL); then no search allocates. */
enum regex_result regex_search(const struct regex *re, struct slice text,
                               struct regex_scratch **scratch);
void regex_scratch_free(struct regex_scratch *scratch);

#endif
