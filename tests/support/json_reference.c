#include "tests/support/json_reference.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/slice.h"
#include "base/xalloc.h"

static void put_string(struct buf *out, const char *text, size_t len)
{
    buf_printf(out, "s%zu:", len);
    buf_put(out, text, len);
}

static int compare_keys(const void *a, const void *b)
{
    const struct slice *x = a;
    const struct slice *y = b;
    return slice_cmp(*x, *y);
}

static void put_value(struct buf *out, const json_t *v);

static void put_object(struct buf *out, const json_t *v)
{
    size_t n = json_object_size(v), i = 0;
    struct slice *keys = xcalloc(n + 1, sizeof(*keys));
    json_t *object = (json_t *)v; /* its iterators take no const */
    for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
        keys[i++] = slice_from(json_object_iter_key(it), json_object_iter_key_len(it));
    }
    qsort(keys, n, sizeof(*keys), compare_keys);
    buf_puts(out, "{");
    for (i = 0; i < n; i++) {
        put_string(out, keys[i].ptr, keys[i].len);
        put_value(out, json_object_getn(v, keys[i].ptr, keys[i].len));
    }
    buf_puts(out, "}");
    free(keys);
}

static void put_value(struct buf *out, const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_NULL: buf_puts(out, "n"); break;
    case JSON_TRUE: buf_puts(out, "t"); break;
    case JSON_FALSE: buf_puts(out, "f"); break;
    case JSON_INTEGER: buf_printf(out, "i%lld;", (long long)json_integer_value(v)); break;
    case JSON_REAL: buf_printf(out, "d%a;", json_real_value(v)); break;
    case JSON_STRING: put_string(out, json_string_value(v), json_string_length(v)); break;
    case JSON_ARRAY:
        buf_puts(out, "[");
        for (size_t i = 0; i < json_array_size(v); i++) {
            put_value(out, json_array_get(v, i));
        }
        buf_puts(out, "]");
        break;
    case JSON_OBJECT: put_object(out, v); break;
    }
}

enum reference_verdict json_reference(const char *text, size_t len, struct buf *out)
{
    json_error_t error;
    if (len > 0 && memchr(text, '\0', len)) {
        return REFERENCE_CANNOT_TELL;
    }
    json_t *v = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!v) {
        enum json_error_code code = json_error_code(&error);
        return code == json_error_numeric_overflow || code == json_error_null_byte_in_key
                   ? REFERENCE_CANNOT_TELL
                   : REFERENCE_REJECTS;
    }
    put_value(out, v);
    json_decref(v);
    return REFERENCE_ACCEPTS;
}
