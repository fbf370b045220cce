/* UTF-8 by code points (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF), and
 * simple case mapping that depends on no locale and no table. */
#ifndef FYKE_BASE_UTF8_H
#define FYKE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* What a byte decodes to that is not part of valid UTF-8. */
#define UTF8_BAD UINT32_MAX

bool utf8_valid(struct slice s);
/* The code point at byte `at` (< s.len); returns the bytes it takes. A bad byte takes 1 and gives
 * UTF8_BAD, so a walk always ends. */
size_t utf8_decode(struct slice s, size_t at, uint32_t *cp);
/* Returns 1..4, or 0 when `cp` is no Unicode scalar value. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* Code points; a bad byte counts as one. */
size_t utf8_length(struct slice s);
/* The part from code point `from`, at most `count` of them. */
struct slice utf8_substring(struct slice s, size_t from, size_t count);

/* One-to-one case mapping for ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic, Armenian and
 * fullwidth Latin; other characters (and ß, dotted and dotless i) stay as they are. */
uint32_t utf8_lower(uint32_t cp);
uint32_t utf8_upper(uint32_t cp);
/* Equal for characters that differ in case only: lower case, final sigma as sigma. */
uint32_t utf8_fold(uint32_t cp);

/* Appends the mapped text; bad bytes are copied. */
void utf8_put_lower(struct buf *b, struct slice s);
void utf8_put_upper(struct buf *b, struct slice s);
void utf8_put_fold(struct buf *b, struct slice s);

#endif
