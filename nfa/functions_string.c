/* Text functions. Results lie in the scratch arena or are parts of the argument. */
#include "base/utf8.h"
#include "nfa/functions_internal.h"

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static struct value result_from(struct buf *b, struct eval *ev)
{
    struct value v = value_string(arena_copy(ev->scratch, buf_slice(b)));
    buf_release(b);
    return v;
}

static struct value map_ascii(struct slice s, char first, struct eval *ev)
{
    char *out = arena_strndup(ev->scratch, s.ptr, s.len);
    for (size_t i = 0; i < s.len; i++) {
        if (out[i] >= first && out[i] <= first + 25) {
            out[i] = (char)(out[i] ^ 0x20);
        }
    }
    return value_string(slice_from(out, s.len));
}

struct value fn_lower(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    struct slice s = value_as_slice(args[0]);
    if (is_ascii(s)) {
        return map_ascii(s, 'A', ev);
    }
    struct buf b = BUF_INIT;
    utf8_put_lower(&b, s);
    return result_from(&b, ev);
}

struct value fn_upper(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)n;
    struct slice s = value_as_slice(args[0]);
    if (is_ascii(s)) {
        return map_ascii(s, 'a', ev);
    }
    struct buf b = BUF_INIT;
    utf8_put_upper(&b, s);
    return result_from(&b, ev);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct value fn_trim(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    struct slice s = value_as_slice(args[0]);
    while (s.len && is_blank(s.ptr[0])) {
        s = slice_from(s.ptr + 1, s.len - 1);
    }
    while (s.len && is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return value_string(s);
}

struct value fn_length(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    return value_int((int64_t)utf8_length(value_as_slice(args[0])));
}

struct value fn_length_list(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    return value_int(args[0].len);
}

/* Positions below 1 and negative lengths are mistakes in the data: missing, not clipped. */
struct value fn_substring(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    int64_t from = args[1].u.i;
    int64_t count = n > 2 ? args[2].u.i : INT64_MAX;
    if (from < 1 || count < 0) {
        return VALUE_MISSING;
    }
    return value_string(
        utf8_substring(value_as_slice(args[0]), (size_t)(from - 1), (size_t)count));
}

struct value fn_concat(struct eval *ev, const struct value *args, uint32_t n)
{
    size_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        len += args[i].len;
    }
    if (len > UINT32_MAX) {
        return eval_overflow(ev);
    }
    char *out = arena_alloc(ev->scratch, len + 1);
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].len) {
            memcpy(out + at, args[i].u.str, args[i].len);
        }
        at += args[i].len;
    }
    return value_string(slice_from(out, len));
}

/* The text up to the next separator; *rest is what follows it, ptr NULL when there was none. */
static struct slice take_part(struct slice text, struct slice separator, struct slice *rest)
{
    const char *hit = memmem(text.ptr, text.len, separator.ptr, separator.len);
    if (!hit) {
        *rest = slice_from(NULL, 0);
        return text;
    }
    size_t len = (size_t)(hit - text.ptr);
    *rest = slice_from(hit + separator.len, text.len - len - separator.len);
    return slice_from(text.ptr, len);
}

static int64_t count_parts(struct slice text, struct slice separator)
{
    int64_t parts = 0;
    do {
        take_part(text, separator, &text);
        parts++;
    } while (text.ptr);
    return parts;
}

struct value fn_split_part(struct eval *ev, const struct value *args, uint32_t n)
{
    (void)ev;
    (void)n;
    struct slice text = value_as_slice(args[0]);
    struct slice separator = value_as_slice(args[1]);
    int64_t want = args[2].u.i;
    if (!text.ptr || text.len == 0 || separator.len == 0) {
        return want == 1 || want == -1 ? value_string(text) : VALUE_MISSING;
    }
    if (want < 0) {
        int64_t parts = count_parts(text, separator);
        if (want < -parts) {
            return VALUE_MISSING;
        }
        want = parts + 1 + want;
    }
    for (int64_t i = 1; text.ptr && want >= 1; i++) {
        struct slice part = take_part(text, separator, &text);
        if (i == want) {
            return value_string(part);
        }
    }
    return VALUE_MISSING;
}
