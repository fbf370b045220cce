#include "cli/plain_text.h"

#include <string.h>

#include "base/utf8.h"

/* Those that turn the direction of what follows are some. */
static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069);
}

void plain_put(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t cp;
        size_t n = utf8_decode(text, i, &cp);
        if (cp == '\n') {
            buf_puts(out, "\\n");
        } else if (cp == '\t') {
            buf_puts(out, "\\t");
        } else if (is_control(cp)) {
            buf_printf(out, "\\u{%x}", (unsigned)cp);
        } else {
            buf_put(out, text.ptr + i, n);
        }
        i += n;
    }
}

void plain_put_lines(struct buf *out, const char *prefix, const char *indent, struct slice text)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t n = end ? (size_t)(end - text.ptr) : text.len;
        size_t used = n + (end != NULL);
        buf_puts(out, prefix);
        buf_puts(out, indent);
        plain_put(out, slice_from(text.ptr, n));
        buf_puts(out, "\n");
        text = slice_from(text.ptr + used, text.len - used);
    }
}

void plain_put_tap(struct buf *out, struct slice text)
{
    FYKE_CLEANUP(buf_release) struct buf plain = BUF_INIT;
    plain_put(&plain, text);
    for (size_t i = 0; i < plain.len; i++) {
        buf_puts(out, plain.ptr[i] == '#' || plain.ptr[i] == '\\' ? "\\" : "");
        buf_put(out, plain.ptr + i, 1);
    }
}
