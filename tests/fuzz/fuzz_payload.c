/* Schemas and messages that are not JSON. Byte 0 chooses: 0 a message of an Avro schema that has
 * everything, 1 a schema (two bytes of length before it) and a message of it, 3 the same with
 * descriptors and their message `t.M`. What a message becomes is JSON within the bounds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decode/json_scan.h"
#include "engine/decode/payload_codec.h"
#include "engine/decode/payload_schema.h"
#include "tests/fuzz/fuzz.h"

#define MAX_TEXT (1u << 16)
#define MAX_DEPTH 64

static const char everything[] =
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
    "{\"name\":\"a\",\"type\":[\"null\",\"boolean\",\"int\",\"long\",\"float\",\"double\",\"bytes\","
    "\"string\",{\"type\":\"fixed\",\"name\":\"F\",\"size\":3},"
    "{\"type\":\"enum\",\"name\":\"G\",\"symbols\":[\"x\",\"y\"]},"
    "{\"type\":\"array\",\"items\":\"E\"},{\"type\":\"map\",\"values\":\"E\"},\"E\"]},"
    "{\"name\":\"b\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
    "{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":["
    "{\"type\":\"int\",\"logicalType\":\"date\"},{\"type\":\"long\",\"logicalType\":\"time-micros\"},"
    "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"},"
    "{\"type\":\"long\",\"logicalType\":\"local-timestamp-nanos\"},"
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9},"
    "{\"type\":\"fixed\",\"name\":\"H\",\"size\":12,\"logicalType\":\"duration\"},"
    "{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}]}}]}";

/* Every prefix of a path of the schema may be what is wanted; here the first field alone. */
static const struct payload_want *want_first(const struct payload_type *t, struct arena *arena)
{
    struct payload_want *w = ARENA_NEW(arena, struct payload_want);
    uint32_t n = t->n_fields + t->n_branches;
    w->parts = ARENA_ARRAY(arena, const struct payload_want *, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        w->parts[i] = t->kind == PAYLOAD_UNION || i == 0 ? &payload_want_all : NULL;
    }
    return t->kind == PAYLOAD_RECORD || t->kind == PAYLOAD_UNION ? w : &payload_want_all;
}

static void check_json(const struct payload_codec *c)
{
    struct json_scan scan;
    struct json_paths paths;
    struct json_span root;
    json_scan_init(&scan, 2 * MAX_DEPTH);
    json_paths_init(&paths);
    json_paths_seal(&paths);
    assert(c->text.len <= MAX_TEXT);
    assert(json_scan_run(&scan, c->text.ptr, c->text.len, &paths, &root));
    json_paths_release(&paths);
    json_scan_release(&scan);
}

static enum payload_result read_message(struct payload_codec *c, const struct payload_schema *s,
                                        const struct payload_want *want, struct slice message)
{
    size_t position = 0;
    struct record r = {.has_value = true, .in_format = true, .value = message};
    enum payload_result result = payload_to_json(c, s, want, &r, &position);
    if (result == PAYLOAD_TEXT) {
        check_json(c);
    } else if (result == PAYLOAD_INVALID) {
        assert(c->reason != INVALID_NONE && position <= message.len);
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct payload_problem problem = {0};
    struct payload_codec codec;
    struct slice rest = slice_from((const char *)data, size);
    struct slice schema = slice_of(everything);
    if (size < 1 || size > 1 << 16) {
        return 0;
    }
    rest = slice_from(rest.ptr + 1, rest.len - 1);
    if (data[0] & 1) {
        size_t len = size < 3 ? 0 : (size_t)data[1] << 8 | data[2];
        if (size < 3 || len > rest.len - 2) {
            return 0;
        }
        schema = slice_from(rest.ptr + 2, len);
        rest = slice_from(rest.ptr + 2 + len, rest.len - 2 - len);
    }
    bool proto = (data[0] & 3) == 3;
    const struct payload_schema *s = payload_schema_parse(
        proto ? PAYLOAD_PROTOBUF : PAYLOAD_AVRO, schema, proto ? SLICE_LIT("t.M") : SLICE_LIT(""),
        &arena, &problem);
    assert(s || problem.text[0] != '\0');
    if (s) {
        payload_codec_init(&codec, MAX_TEXT, MAX_DEPTH);
        enum payload_result all = read_message(&codec, s, &payload_want_all, rest);
        /* Whether a message is one does not depend on what of it is wanted, unless it was too
         * much or no text. */
        enum payload_result first = read_message(&codec, s, want_first(s->root, &arena), rest);
        assert(all != PAYLOAD_TEXT || first == PAYLOAD_TEXT);
        payload_codec_release(&codec);
    }
    arena_release(&arena);
    return 0;
}
