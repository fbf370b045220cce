#include "connectors/envelope.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/json_walk.h"

/* The payload's own nesting is the decoder's business; this only bounds the scanner's memory. */
#define MAX_DEPTH 1024

void envelope_init(struct envelope *e)
{
    static const char *const names[ENVELOPE_FIELDS] = {
        [ENVELOPE_TOPIC] = "topic",     [ENVELOPE_PARTITION] = "partition",
        [ENVELOPE_OFFSET] = "offset",   [ENVELOPE_TSTYPE] = "tstype",
        [ENVELOPE_TS] = "ts",           [ENVELOPE_KEY] = "key",
        [ENVELOPE_PAYLOAD] = "payload", [ENVELOPE_HEADERS] = "headers",
        [ENVELOPE_PAYLOAD_BASE64] = "payload_base64",
    };
    *e = (struct envelope){0};
    json_paths_init(&e->paths);
    for (int i = 0; i < ENVELOPE_FIELDS; i++) {
        e->nodes[i] = json_paths_add(&e->paths, 0, slice_of(names[i]));
    }
    json_paths_seal(&e->paths);
    json_scan_init(&e->scan, MAX_DEPTH);
}

void envelope_release(struct envelope *e)
{
    json_scan_release(&e->scan);
    json_paths_release(&e->paths);
    free(e->text);
}

static struct json_span span_of(const struct envelope *e, enum envelope_field f)
{
    return e->found[e->nodes[f]];
}

static bool scan_line(struct envelope *e, struct slice line)
{
    if (line.len + JSON_PAD_BYTES > e->cap) {
        free(e->text);
        e->cap = (line.len + JSON_PAD_BYTES) * 2;
        e->text = xmalloc(e->cap);
    }
    if (line.len > 0) {
        memcpy(e->text, line.ptr, line.len);
    }
    memset(e->text + line.len, 0, JSON_PAD_BYTES);
    return json_scan_run(&e->scan, e->text, line.len, &e->paths, e->found);
}

static const char *scan_failure(const struct envelope *e)
{
    switch (e->scan.error) {
    case JSON_BAD_TEXT: return "envelope is not valid UTF-8";
    case JSON_TOO_DEEP: return "envelope is too deeply nested";
    case JSON_OK:
    case JSON_BAD_SYNTAX: break;
    }
    return "envelope is not JSON";
}

static bool whole_number(struct json_span s, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = s.kind == JSON_INT && s.ptr[0] == '-';
    int64_t v = 0;
    if (s.kind != JSON_INT) {
        return false;
    }
    for (uint32_t i = negative; i < s.len; i++) {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s.ptr[i] - '0', &v)) {
            return false;
        }
    }
    *ret = negative ? -v : v;
    return *ret >= min && *ret <= max;
}

/* The content of a text, the spelling of anything else. */
static struct slice text_of(struct json_span s, struct arena *arena)
{
    if (s.kind != JSON_STRING) {
        return arena_copy(arena, slice_from(s.ptr, s.len));
    }
    char *out = arena_alloc(arena, (size_t)s.len + 1);
    return slice_from(out, json_unescape(s, out));
}

const char *envelope_place(struct envelope *e, struct slice line, struct slice *topic,
                           int32_t *partition, int64_t *offset)
{
    int64_t number;
    if (!scan_line(e, line)) {
        return scan_failure(e);
    }
    if (e->found[0].kind != JSON_OBJECT) {
        return "envelope is not an object";
    }
    struct json_span name = span_of(e, ENVELOPE_TOPIC);
    if (name.kind != JSON_STRING || name.len == 0) {
        return "envelope without topic";
    }
    if (!whole_number(span_of(e, ENVELOPE_PARTITION), 0, INT32_MAX, &number)) {
        return "envelope without partition";
    }
    *partition = (int32_t)number;
    if (!whole_number(span_of(e, ENVELOPE_OFFSET), 0, INT64_MAX - 1, offset)) {
        return "envelope without offset";
    }
    /* Topic names have no characters that JSON escapes. */
    *topic = slice_from(name.ptr, name.len);
    return NULL;
}

/* ---- headers ------------------------------------------------------------------------------ */

struct header_list {
    struct record_header *items;
    uint32_t n;
};

/* A header without value keeps a NULL pointer, as one read from Kafka does. */
static void add_header(struct header_list *l, struct json_span name, struct json_span value,
                       struct arena *arena)
{
    struct slice text = value.kind == JSON_NULL || value.kind == JSON_NONE ? slice_from(NULL, 0)
                                                                           : text_of(value, arena);
    l->items[l->n++] = (struct record_header){text_of(name, arena), text};
}

/* [name, value] inside a list of pairs. */
static void add_pair(struct header_list *l, struct json_span pair, struct arena *arena)
{
    struct json_walk w = json_walk_into(pair);
    struct json_span name, value = {.kind = JSON_NONE};
    if (json_walk_item(&w, &name) && name.kind == JSON_STRING) {
        json_walk_item(&w, &value);
        add_header(l, name, value, arena);
    }
}

static void add_members(struct header_list *l, struct json_span object, struct arena *arena)
{
    struct json_walk w = json_walk_into(object);
    struct json_span name, value;
    while (json_walk_member(&w, &name, &value)) {
        add_header(l, name, value, arena);
    }
}

static void add_list(struct header_list *l, struct json_span list, struct arena *arena)
{
    struct json_walk w = json_walk_into(list);
    struct json_span item;
    while (json_walk_item(&w, &item)) {
        if (item.kind == JSON_ARRAY) {
            add_pair(l, item, arena);
        } else if (item.kind == JSON_OBJECT) {
            add_members(l, item, arena);
        } else if (item.kind == JSON_STRING) {
            struct json_span value = {.kind = JSON_NONE};
            json_walk_item(&w, &value);
            add_header(l, item, value, arena);
        }
    }
}

static void read_headers(struct json_span headers, struct arena *arena, struct record *r)
{
    struct header_list l = {0};
    /* Every header takes two bytes of text or more. */
    l.items = ARENA_ARRAY(arena, struct record_header, headers.len / 2 + 1);
    if (headers.kind == JSON_OBJECT) {
        add_members(&l, headers, arena);
    } else if (headers.kind == JSON_ARRAY) {
        add_list(&l, headers, arena);
    }
    r->headers = l.items;
    r->n_headers = l.n;
}

/* ---- content ------------------------------------------------------------------------------ */

static void read_timestamp(const struct envelope *e, struct record *r)
{
    int64_t ms;
    struct json_span type = span_of(e, ENVELOPE_TSTYPE);
    if (!whole_number(span_of(e, ENVELOPE_TS), 0, INT64_MAX / NS_PER_MS, &ms)) {
        return;
    }
    r->has_timestamp = true;
    r->timestamp.ns = ms * NS_PER_MS;
    r->log_append_time =
        type.kind == JSON_STRING && slice_eq_str(slice_from(type.ptr, type.len), "logappend");
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, section 4: with padding, nothing else between. */
static bool take_base64(struct json_span s, struct arena *arena, struct slice *ret)
{
    struct slice text = text_of(s, arena);
    uint8_t *out = arena_alloc(arena, text.len / 4 * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        uint32_t v = 0;
        size_t k = 0;
        for (; k < 4 && i + k < text.len && base64_digit(text.ptr[i + k]) >= 0; k++) {
            v = v << 6 | (uint32_t)base64_digit(text.ptr[i + k]);
        }
        size_t pad = k < 2 ? 0 : 4 - k;
        bool ends = i + 4 == text.len && memcmp(text.ptr + i + k, "==", pad) == 0;
        if (k < 2 || (k < 4 && !ends)) {
            return false;
        }
        v <<= 6 * pad;
        for (size_t b = 0; b < 3 - pad; b++) {
            out[n++] = (uint8_t)(v >> (16 - 8 * b));
        }
    }
    *ret = slice_from((char *)out, n);
    return true;
}

/* NULL, or what is wrong. */
static const char *read_payload(const struct envelope *e, struct arena *arena, struct record *r)
{
    struct json_span text = span_of(e, ENVELOPE_PAYLOAD);
    struct json_span bytes = span_of(e, ENVELOPE_PAYLOAD_BASE64);
    if (text.kind == JSON_NONE && bytes.kind == JSON_NONE) {
        return "envelope without payload";
    }
    if (bytes.kind > JSON_NULL) {
        bool ok = bytes.kind == JSON_STRING && take_base64(bytes, arena, &r->value);
        r->has_value = r->in_format = ok;
        return ok ? NULL : "payload_base64 is not base64";
    }
    if (text.kind > JSON_NULL) {
        r->has_value = true;
        r->value = text_of(text, arena);
    }
    return NULL;
}

const char *envelope_content(struct envelope *e, struct arena *arena, struct record *r)
{
    struct json_span key = span_of(e, ENVELOPE_KEY);
    struct json_span headers = span_of(e, ENVELOPE_HEADERS);
    if (key.kind != JSON_NONE && key.kind != JSON_NULL) {
        r->has_key = true;
        r->key = text_of(key, arena);
    }
    const char *why = read_payload(e, arena, r);
    if (why) {
        return why;
    }
    read_timestamp(e, r);
    if (headers.kind == JSON_OBJECT || headers.kind == JSON_ARRAY) {
        read_headers(headers, arena, r);
    }
    return NULL;
}
