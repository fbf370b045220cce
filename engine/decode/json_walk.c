#include "engine/decode/json_walk.h"

#include "base/utf8.h"

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
        p++;
    }
    return p;
}

/* From behind the opening quote to the closing one. */
static const char *string_end(const char *p, bool *escaped)
{
    *escaped = false;
    for (; *p != '"'; p++) {
        if (*p == '\\') {
            *escaped = true;
            p++;
        }
    }
    return p;
}

/* From an opening bracket to behind its closing one. */
static const char *container_end(const char *p)
{
    size_t depth = 0;
    bool escaped;
    for (;; p++) {
        switch (*p) {
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0) {
                return p + 1;
            }
            break;
        case '"': p = string_end(p + 1, &escaped); break;
        default: break;
        }
    }
}

static const char *number_span(const char *p, struct json_span *ret)
{
    ret->ptr = p;
    ret->kind = JSON_INT;
    for (;; p++) {
        if (*p == '.' || *p == 'e' || *p == 'E') {
            ret->kind = JSON_REAL;
        } else if (!((*p >= '0' && *p <= '9') || *p == '-' || *p == '+')) {
            break;
        }
    }
    ret->len = (uint32_t)(p - ret->ptr);
    return p;
}

/* The value at `p`; returns what is behind it. */
static const char *value_span(const char *p, struct json_span *ret)
{
    const char *end;
    *ret = (struct json_span){.ptr = p};
    switch (*p) {
    case '"':
        end = string_end(p + 1, &ret->escaped);
        ret->kind = JSON_STRING;
        ret->ptr = p + 1;
        ret->len = (uint32_t)(end - ret->ptr);
        return end + 1;
    case '{':
    case '[':
        ret->kind = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
        end = container_end(p);
        break;
    case 't':
        ret->kind = JSON_TRUE;
        end = p + 4;
        break;
    case 'f':
        ret->kind = JSON_FALSE;
        end = p + 5;
        break;
    case 'n':
        ret->kind = JSON_NULL;
        end = p + 4;
        break;
    default: return number_span(p, ret);
    }
    ret->len = (uint32_t)(end - p);
    return end;
}

/* Behind a value: past a comma, or at the closing bracket. */
static const char *next_place(const char *p)
{
    p = skip_blanks(p);
    return *p == ',' ? p + 1 : p;
}

bool json_walk_item(struct json_walk *w, struct json_span *item)
{
    const char *p = skip_blanks(w->at);
    if (*p == ']') {
        w->at = p;
        return false;
    }
    w->at = next_place(value_span(p, item));
    return true;
}

bool json_walk_member(struct json_walk *w, struct json_span *key, struct json_span *value)
{
    const char *p = skip_blanks(w->at);
    if (*p == '}') {
        w->at = p;
        return false;
    }
    p = skip_blanks(value_span(p, key)); /* now at the colon */
    w->at = next_place(value_span(skip_blanks(p + 1), value));
    return true;
}

struct json_span json_walk_find(struct json_span object, struct slice key)
{
    struct json_span found = {0};
    struct json_span name, value;
    struct json_walk w = json_walk_into(object);
    while (json_walk_member(&w, &name, &value)) {
        if (json_string_equals(name, key)) {
            found = value;
        }
    }
    return found;
}

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        v = v << 4 | (c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10));
    }
    return v;
}

/* One escape; `p` is at its backslash. Returns what is behind it. */
static const char *unescape_one(const char *p, char out[4], size_t *len)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    if (p[1] != 'u') {
        const char *c = strchr(from, p[1]);
        out[0] = c ? to[c - from] : p[1];
        *len = 1;
        return p + 2;
    }
    uint32_t cp = hex4(p + 2);
    p += 6;
    if (cp >= 0xD800 && cp <= 0xDBFF) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
        p += 6;
    }
    *len = utf8_encode(cp, out);
    return p;
}

size_t json_unescape(struct json_span string, char *out)
{
    const char *p = string.ptr;
    const char *end = p + string.len;
    size_t n = 0;
    if (!string.escaped) {
        memcpy(out, p, string.len);
        return string.len;
    }
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash ? slash : end) - p);
        memcpy(out + n, p, run);
        n += run;
        p += run;
        if (slash) {
            char bytes[4];
            size_t len;
            p = unescape_one(p, bytes, &len);
            memcpy(out + n, bytes, len);
            n += len;
        }
    }
    return n;
}

bool json_string_equals(struct json_span string, struct slice text)
{
    const char *p = string.ptr;
    const char *end = p + string.len;
    size_t n = 0;
    if (!string.escaped) {
        return slice_eq(slice_from(string.ptr, string.len), text);
    }
    while (p < end) {
        char bytes[4];
        size_t len = 1;
        if (*p == '\\') {
            p = unescape_one(p, bytes, &len);
        } else {
            bytes[0] = *p++;
        }
        if (len > text.len - n || memcmp(text.ptr + n, bytes, len) != 0) {
            return false;
        }
        n += len;
    }
    return n == text.len;
}
