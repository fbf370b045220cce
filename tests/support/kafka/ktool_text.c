/* JSON and hexadecimal, as far as the tool needs them. */
#include "tests/support/kafka/ktool.h"

#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) != NULL && *at != '\0') {
        at++;
    }
    return at;
}

/* From the opening quote to behind the closing one; NULL when it does not close. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '\\') {
            at++;
        } else if (*at == '"') {
            return at + 1;
        }
    }
    return NULL;
}

/* Behind the value that starts here, at any depth; NULL when the text ends inside it. */
static const char *skip_value(const char *at, const char *end)
{
    int depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            if (at == NULL || depth == 0) {
                return at;
            }
            continue;
        }
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0) {
                return at;
            }
            if (--depth == 0) {
                return at + 1;
            }
        } else if (depth == 0 && (*at == ',' || *at == ' ' || *at == '\t')) {
            return at;
        }
        at++;
    }
    return NULL;
}

static bool take_value(const char *from, const char *to, struct bytes *value)
{
    *value = (struct bytes){from, (size_t)(to - from)};
    if (*from == '"') {
        *value = (struct bytes){from + 1, (size_t)(to - from) - 2};
    }
    return value->size != 0 && !(value->size == 4 && memcmp(from, "null", 4) == 0) &&
           memchr(value->data, '\\', value->size) == NULL;
}

bool ktool_json_field(struct bytes object, const char *field, struct bytes *value)
{
    const char *end = object.data + object.size;
    const char *at = skip_space(object.data, end);
    size_t length = strlen(field);
    while (at < end && (*at == '{' || *at == ',')) {
        const char *name = skip_space(at + 1, end);
        if (name >= end || *name != '"') {
            return false;
        }
        const char *name_end = skip_string(name, end);
        if (name_end == NULL) {
            return false;
        }
        const char *colon = skip_space(name_end, end);
        if (colon >= end || *colon != ':') {
            return false;
        }
        const char *from = skip_space(colon + 1, end);
        const char *to = skip_value(from, end);
        if (to == NULL) {
            return false;
        }
        if ((size_t)(name_end - name) == length + 2 && memcmp(name + 1, field, length) == 0) {
            return take_value(from, to, value);
        }
        at = skip_space(to, end);
    }
    return false;
}

void ktool_json_string(FILE *out, struct bytes text)
{
    if (text.data == NULL) {
        fputs("null", out);
        return;
    }
    putc('"', out);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '"' || byte == '\\') {
            putc('\\', out);
            putc(byte, out);
        } else if (byte < 0x20) {
            fprintf(out, "\\u%04x", byte);
        } else {
            putc(byte, out);
        }
    }
    putc('"', out);
}

static int hex_digit(char digit)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;
    return found != NULL ? (int)((found - digits) % 16) : -1;
}

bool ktool_hex_decode(struct bytes text, char **data, size_t *size)
{
    if (text.size % 2 != 0) {
        return false;
    }
    char *bytes = malloc(text.size / 2 + 1);
    if (bytes == NULL) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 2) {
        int high = hex_digit(text.data[i]);
        int low = hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0) {
            free(bytes);
            return false;
        }
        bytes[i / 2] = (char)(high * 16 + low);
    }
    *data = bytes;
    *size = text.size / 2;
    return true;
}
