/* Short texts that are much alike, each by itself: a text becomes literal bytes and references to what stood
 * earlier in it or in a dictionary that all share. For records of tens to hundreds of bytes, where a general
 * compressor's frame alone would cost more than is won.
 *
 *   token   0nnnnnnn                  n + 1 literal bytes follow
 *           10nnnnnn dddddddd         n + 3 bytes from d + 1 bytes back
 *           11nnnnnn pppppppp         n + 3 bytes from place p of the dictionary
 *
 * Thread rule: a dictionary that is not added to may be read by many. */
#ifndef FYKE_BASE_SHORT_LZ_H
#define FYKE_BASE_SHORT_LZ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define SHORT_LZ_DICT_BYTES 256
#define SHORT_LZ_TABLE 256

/* Bytes are only ever added, so what was packed before stays readable. All zero: empty. */
struct short_lz_dict {
    uint16_t n;
    uint8_t bytes[SHORT_LZ_DICT_BYTES];
    uint16_t places[SHORT_LZ_TABLE]; /* per hash of three bytes: where they stand, + 1; 0: nowhere */
};

/* Adds as much of the text as there is room for. */
void short_lz_learn(struct short_lz_dict *d, struct slice text);
/* Appends the packed text to `out`. */
void short_lz_pack(const struct short_lz_dict *d, struct slice text, struct buf *out);
/* Appends the text to `out`; false: the bytes are not such a text, or it is longer than `max`. */
bool short_lz_unpack(const struct short_lz_dict *d, struct slice packed, size_t max, struct buf *out);

#endif
