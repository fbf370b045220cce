/* Writes JSON text without blanks into a buffer and keeps the commas.
 *
 *   struct json_out j = json_out_to(&buf);
 *   json_object_begin(&j); json_key(&j, SLICE_LIT("n")); json_int(&j, 1); json_object_end(&j);
 *
 * A comma is due exactly when the previous token ended a value, so one flag does for any depth. */
#ifndef FYKE_BASE_JSON_OUT_H
#define FYKE_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "base/slice.h"

struct json_out {
    struct buf *buf; /* borrowed */
    size_t depth;
    bool comma_due;
};

static inline struct json_out json_out_to(struct buf *buf)
{
    return (struct json_out){.buf = buf};
}

void json_object_begin(struct json_out *j);
void json_object_end(struct json_out *j);
void json_array_begin(struct json_out *j);
void json_array_end(struct json_out *j);
void json_key(struct json_out *j, struct slice key);
/* A key as it stands in JSON, with its colon: JSON_KEY("rule"). */
#define JSON_KEY(name) SLICE_LIT("\"" name "\":")
void json_known_key(struct json_out *j, struct slice quoted);
/* Ends a top-level value with a newline; the next one may follow. */
void json_line_end(struct json_out *j);

/* RFC 8259: `"`, `\` and control characters escaped, other UTF-8 kept, each byte that is not part
 * of valid UTF-8 becomes U+FFFD. */
void json_text(struct json_out *j, struct slice s);
/* A text: the bytes in base64 (RFC 4648 with padding). */
void json_base64(struct json_out *j, struct slice s);
void json_int(struct json_out *j, int64_t v);
void json_uint(struct json_out *j, uint64_t v);
/* All digits, never an exponent. */
void json_decimal(struct json_out *j, struct decimal d);
/* The shortest text that reads back as the same double. `v` must be finite. */
void json_double(struct json_out *j, double v);
void json_bool(struct json_out *j, bool v);
void json_nil(struct json_out *j);
/* One complete JSON value, already encoded. */
void json_raw(struct json_out *j, struct slice value);
/* Where the caller puts one. */
struct buf *json_value_place(struct json_out *j);

/* A known key and a text. */
void json_known_member(struct json_out *j, struct slice quoted, struct slice s);
/* `"key":value` in one call; the key is a C string. */
void json_member_string(struct json_out *j, const char *key, struct slice s);
void json_member_int(struct json_out *j, const char *key, int64_t v);
void json_member_uint(struct json_out *j, const char *key, uint64_t v);
void json_member_bool(struct json_out *j, const char *key, bool v);

/* The pieces, for text that is not JSON as a whole. */
void json_put_string(struct buf *b, struct slice s);
void json_put_double(struct buf *b, double v);

#endif
