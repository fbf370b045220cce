/* Messages in Avro and Protobuf through the decoder: what fields see, which records are refused and
 * why. The bytes are worked out by hand from the specifications. */
#include "tests/support/decode_world.h"

#include <stdio.h>

#include "engine/decode/payload_codec.h"
#include "engine/decode/payload_schema.h"

static const struct payload_schema *avro(struct world *w, const char *text)
{
    struct payload_problem problem = {0};
    const struct payload_schema *s = payload_schema_parse(
        PAYLOAD_AVRO, slice_of(text), (struct slice){0}, &w->rs.arena, &problem);
    assert_string_equal(problem.text, "");
    assert_non_null(s);
    return s;
}

#define BYTES(literal) literal, sizeof(literal) - 1

static enum decode_result message(struct world *w, const char *bytes, size_t len)
{
    w->record.in_format = true;
    return decode_bytes(w, bytes, len);
}

/* The specification's example of a record: {"a": 27, "b": "foo"}. */
static const char example[] =
    "{\"type\":\"record\",\"name\":\"test\",\"fields\":["
    "{\"name\":\"a\",\"type\":\"long\"},{\"name\":\"b\",\"type\":\"string\"}]}";

static void declare_example(struct world *w)
{
    uint32_t d = add_decl(w, "E");
    w->fields[0][0].path_text = w->fields[0][0].parts[0].name = SLICE_LIT("a");
    w->fields[0][0].unit = UNIT_S;
    add_field(w, d, "b", TYPE_STRING);
    w->topic.payload = avro(w, example);
}

static void example_of_the_specification(void **state)
{
    struct world *w = *state;
    declare_example(w);
    assert_int_equal(message(w, BYTES("\x36\x06\x66\x6f\x6f")), DECODE_EVENTS);
    assert_int_equal(w->got.events[0]->time.ns, 27 * NS_PER_S);
    assert_string_equal(value_text(w, 0, 1), "\"foo\"");
}

static void refused(struct world *w, const char *bytes, size_t len, enum invalid_reason reason,
                    size_t position)
{
    assert_int_equal(message(w, bytes, len), DECODE_INVALID);
    assert_string_equal(invalid_reason_name(w->got.reason), invalid_reason_name(reason));
    assert_int_equal(w->got.position, position);
}

static void reasons(void **state)
{
    struct world *w = *state;
    declare_example(w);
    refused(w, BYTES(""), INVALID_NOT_IN_FORMAT, 0);
    refused(w, BYTES("\x36"), INVALID_NOT_IN_FORMAT, 1);
    refused(w, BYTES("\x36\x06\x66\x6f"), INVALID_NOT_IN_FORMAT, 2);
    refused(w, BYTES("\x36\x06\x66\x6f\x6f\x00"), INVALID_BYTES_LEFT, 5);
    refused(w, BYTES("\x36\x01"), INVALID_NOT_IN_FORMAT, 2);      /* a length of -1 */
    refused(w, BYTES("\x36\x02\xff"), INVALID_UTF8, 3);
    refused(w, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00"), INVALID_NOT_IN_FORMAT, 0);
    /* The largest number there is: a time behind 2262. */
    refused(w, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), INVALID_BAD_TIME, 0);
    w->limits.max_value_bytes = 12;
    world_changed(w);
    refused(w, BYTES("\x36\x06\x66\x6f\x6f"), INVALID_TOO_LONG, 5); /* the JSON would be */
}

/* Two zero bytes begin a frame; one does not; a header with the id says that there is none. */
static void framing(void **state)
{
    struct world *w = *state;
    declare_example(w);
    assert_int_equal(message(w, BYTES("\0\0\0\1\2\x36\x02x")), DECODE_EVENTS);
    assert_string_equal(value_text(w, 0, 1), "\"x\"");
    assert_true(w->got.has_schema_id);
    assert_int_equal(w->got.schema_id, 258);
    assert_int_equal(message(w, BYTES("\0\x08name")), DECODE_EVENTS);
    assert_string_equal(value_text(w, 0, 1), "\"name\"");
    assert_false(w->got.has_schema_id);
    assert_int_equal(message(w, BYTES("\0\0")), DECODE_EVENTS);
    refused(w, BYTES("\0\0\0\0\7\x36\x02x!"), INVALID_BYTES_LEFT, 8);
    assert_int_equal(w->got.schema_id, 7);
    struct record_header header = {SLICE_LIT("__value_schema_id"), SLICE_LIT("\1guid")};
    w->record.headers = &header;
    w->record.n_headers = 1;
    refused(w, BYTES("\0\0\0\0\7\x36\x02x"), INVALID_BYTES_LEFT, 2);
    assert_int_equal(message(w, BYTES("\0\x0a" "12345")), DECODE_EVENTS);
    w->record.n_headers = 0;
}

/* Files and tests give JSON, whatever the topic's format is. */
static void text_stays_json(void **state)
{
    struct world *w = *state;
    declare_example(w);
    assert_int_equal(decode(w, "{\"a\":1,\"b\":\"x\"}"), DECODE_EVENTS);
    w->record.in_format = true;
    w->topic.payload = NULL;
    world_changed(w);
    assert_int_equal(decode(w, "{\"a\":1,\"b\":\"x\"}"), DECODE_EVENTS);
}

static const char nested[] =
    "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
    "{\"name\":\"at\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"skipped\",\"type\":{\"type\":\"array\",\"items\":\"bytes\"}},"
    "{\"name\":\"in\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"In\",\"fields\":["
    "{\"name\":\"ip\",\"type\":\"string\"},{\"name\":\"more\",\"type\":[\"null\",\"In\"]}]}]},"
    "{\"name\":\"many\",\"type\":{\"type\":\"array\",\"items\":\"In\"}},"
    "{\"name\":\"money\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
    "\"precision\":20,\"scale\":2}}]}";

static void nested_fields(void **state)
{
    struct world *w = *state;
    uint32_t d = add_decl(w, "E");
    add_field(w, d, "in.ip", TYPE_IP);
    add_field(w, d, "in.more.ip", TYPE_STRING);
    struct schema_field *all = add_field(w, d, "many[*].ip", TYPE_STRING);
    all->is_list = true;
    add_field(w, d, "money", TYPE_DECIMAL);
    w->topic.payload = avro(w, nested);
    assert_int_equal(message(w, BYTES("\x80\x89\x7a"     /* 1 s */
                                      "\x03\x08\x02" "a\x02" "b\0" /* two items, 8/2 bytes */
                                      "\x02\x10" "10.0.0.1\x02\x02x\0"
                                      "\x04\x02p\0\x02q\0\0"
                                      "\x04\xfb\x2e")),  /* -1234 */
                     DECODE_EVENTS);
    assert_int_equal(w->got.events[0]->time.ns, NS_PER_S);
    assert_string_equal(value_text(w, 0, 1), "\"10.0.0.1\"");
    assert_string_equal(value_text(w, 0, 2), "\"x\"");
    assert_string_equal(value_text(w, 0, 3), "[\"p\",\"q\"]");
    assert_string_equal(value_text(w, 0, 4), "-12.34");
    assert_int_equal(message(w, BYTES("\0\x01\0\0\0\0")), DECODE_INVALID);
    assert_int_equal(message(w, BYTES("\x02\0\0\0\0")), DECODE_EVENTS);
    assert_true(value_is_missing(w->got.events[0]->values[1]));
    assert_string_equal(value_text(w, 0, 4), "0");
}

/* A message of a few bytes that would take for ever, or all memory, or the stack. */
static void bombs(void **state)
{
    struct world *w = *state;
    uint32_t d = add_decl(w, "E");
    add_field(w, d, "x", TYPE_STRING);
    const char *deep = "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
                       "{\"name\":\"x\",\"type\":\"E\"}]}";
    w->topic.payload = avro(w, deep);
    refused(w, BYTES(""), INVALID_TOO_DEEP, 0);
    const char *nulls = "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
                        "{\"name\":\"x\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
                        "{\"name\":\"y\",\"type\":{\"type\":\"array\",\"items\":\"null\"}}]}";
    w->topic.payload = avro(w, nulls);
    w->limits.max_value_bytes = 1000;
    world_changed(w);
    refused(w, BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x40\0\0"), INVALID_TOO_LONG, 9);
    refused(w, BYTES("\2\0\x80\x80\x80\x80\x80\x80\x80\x80\x40\0"), INVALID_NO_TIME, 0);
    refused(w, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0"), INVALID_NOT_IN_FORMAT, 11);
}

/* What lies outside of a logical type's range stands as a number, which no field of it takes. */
static void outside_of_the_range(void **state)
{
    struct world *w = *state;
    uint32_t d = add_decl(w, "E");
    add_field(w, d, "day", TYPE_STRING);
    add_field(w, d, "time", TYPE_STRING);
    add_field(w, d, "big", TYPE_DECIMAL);
    w->topic.payload =
        avro(w, "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
                "{\"name\":\"at\","
                "\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}},"
                "{\"name\":\"day\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
                "{\"name\":\"time\",\"type\":{\"type\":\"int\",\"logicalType\":\"time-millis\"}},"
                "{\"name\":\"big\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
                "\"precision\":50,\"scale\":0}}]}");
    assert_int_equal(message(w, BYTES("\2\0\0\0")), DECODE_EVENTS);
    assert_string_equal(value_text(w, 0, 1), "\"1970-01-01\"");
    assert_string_equal(value_text(w, 0, 2), "\"00:00:00.000\"");
    assert_int_equal(w->got.bad_values, 0);
    assert_int_equal(message(w, BYTES("\2\xfe\xff\xff\xff\x0f\1"
                                      "\x22\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")),
                     DECODE_EVENTS);
    assert_int_equal(w->got.bad_values, 3);
}

static void schemas_that_are_none(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *text, *problem;
        uint32_t start;
    } cases[] = {
        {"", "an Avro schema is JSON, this is not", 0},
        {"\"string\"", "an event is a record, this is a string", 1},
        {"{\"type\":\"record\",\"fields\":[]}", "this needs a `name`", 0},
        {"{\"type\":\"record\",\"name\":\"a b\",\"fields\":[]}", "`a b` is no name", 25},
        {"{\"type\":\"record\",\"name\":\"A\"}", "the record `A` needs `fields`", 0},
        {"{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"x\"}]}",
         "the field `x` needs a `type`", 38},
        {"{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"x\",\"type\":[[\"int\"]]}]}",
         "a union has no unions as branches", 58},
        {"{\"type\":\"record\",\"name\":\"n.A\",\"fields\":[{\"name\":\"x\",\"type\":{\"type\":"
         "\"enum\",\"name\":\"A\",\"symbols\":[]}}]}", "`n.A` is defined twice", 82},
        {"{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},"
         "{\"name\":\"x\",\"type\":\"int\"}]}", "`A` has two fields `x`", 73},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct payload_problem p = {0};
        assert_null(payload_schema_parse(PAYLOAD_AVRO, slice_of(cases[i].text), (struct slice){0},
                                         &w->rs.arena, &p));
        assert_string_equal(p.text, cases[i].problem);
        assert_true(p.in_text);
        assert_int_equal(p.start, cases[i].start);
    }
}

/* Documentation, names of types, order of attributes: not what messages look like. */
static void hash_is_of_the_meaning(void **state)
{
    struct world *w = *state;
    struct hash128 a = avro(w, example)->hash;
    struct hash128 b = avro(w, "{\"doc\":\"x\",\"fields\":["
                               "{\"type\":{\"type\":\"long\"},\"name\":\"a\",\"default\":1},"
                               "{\"name\":\"b\",\"type\":\"string\"}],"
                               "\"namespace\":\"n\",\"name\":\"other\",\"type\":\"record\"}")->hash;
    struct hash128 c = avro(w, "{\"type\":\"record\",\"name\":\"test\",\"fields\":["
                               "{\"name\":\"a\",\"type\":\"int\"},"
                               "{\"name\":\"b\",\"type\":\"string\"}]}")->hash;
    assert_true(hash128_eq(a, b));
    assert_false(hash128_eq(a, c));
}

/* ---- Protobuf: tests/golden/diag/schemas/login.proto ---------------------------------------- */

static void declare_login(struct world *w)
{
    char text[4096];
    struct payload_problem problem = {0};
    FILE *in = fopen("tests/golden/diag/schemas/login.desc", "rb");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof(text), in);
    assert_int_equal(fclose(in), 0);
    w->topic.payload = payload_schema_parse(PAYLOAD_PROTOBUF, slice_from(text, len),
                                            SLICE_LIT("acme.Login"), &w->rs.arena, &problem);
    assert_string_equal(problem.text, "");
    uint32_t d = add_decl(w, "Login");
    add_field(w, d, "user", TYPE_STRING)->optional = false;
    add_field(w, d, "ip", TYPE_IP);
    add_field(w, d, "tags", TYPE_STRING)->is_list = true;
    add_field(w, d, "labels.x", TYPE_INT);
    add_field(w, d, "tries", TYPE_INT)->optional = false;
    add_field(w, d, "result", TYPE_STRING);
}

#define AT_1S "\x12\x02\x08\x01"

/* What proto3 does not write is the default value; `optional` fields and messages are absent. */
static void defaults_and_presence(void **state)
{
    struct world *w = *state;
    declare_login(w);
    assert_int_equal(message(w, BYTES(AT_1S)), DECODE_EVENTS);
    assert_int_equal(w->got.events[0]->time.ns, NS_PER_S);
    assert_string_equal(value_text(w, 0, 1), "\"\"");
    assert_true(value_is_missing(w->got.events[0]->values[2]));
    assert_string_equal(value_text(w, 0, 3), "[]");
    assert_true(value_is_missing(w->got.events[0]->values[4]));
    assert_string_equal(value_text(w, 0, 5), "0");
    assert_string_equal(value_text(w, 0, 6), "\"UNKNOWN\"");
    refused(w, BYTES(""), INVALID_NO_TIME, 0);
}

static void last_one_merged_unknown(void **state)
{
    struct world *w = *state;
    declare_login(w);
    assert_int_equal(message(w, BYTES("\x0a\x01" "a" AT_1S        /* user, at */
                                      "\x12\x02\x10\x05"          /* more of at: 5 ns */
                                      "\x2a\x01p\x38\x07\x2a\x01q" /* tags around tries */
                                      "\x32\x05\x0a\x01x\x10\x03"
                                      "\x32\x05\x10\x04\x0a\x01x" /* the same key, later */
                                      "\x0a\x01" "b"
                                      "\x78\x96\x01\x7b\x08\x01\x7c" /* field 15: 150, a group */
                                      "\x3d" "1234")),             /* tries as 32 bits */
                     DECODE_EVENTS);
    assert_int_equal(w->got.events[0]->time.ns, NS_PER_S + 5);
    assert_string_equal(value_text(w, 0, 1), "\"b\"");
    assert_string_equal(value_text(w, 0, 3), "[\"p\",\"q\"]");
    assert_string_equal(value_text(w, 0, 4), "4");
    assert_string_equal(value_text(w, 0, 5), "7");
}

/* acme.Login is the second message of its file. */
static void frames_name_the_message(void **state)
{
    struct world *w = *state;
    declare_login(w);
    assert_int_equal(message(w, BYTES("\0\0\0\0\7\2\2" AT_1S)), DECODE_EVENTS);
    assert_int_equal(w->got.schema_id, 7);
    assert_int_equal(message(w, BYTES("\0\0\0\0\7\0\x0a\x01" "a")), DECODE_UNCLAIMED);
    assert_int_equal(message(w, BYTES("\0\0\0\0\7\4\2\0" AT_1S)), DECODE_UNCLAIMED);
    refused(w, BYTES("\0\0\0\0\7\1" AT_1S), INVALID_NOT_IN_FORMAT, 6);
    refused(w, BYTES("\0\0\0\0\7\2"), INVALID_NOT_IN_FORMAT, 6);
    refused(w, BYTES("\0\0\0\7"), INVALID_NOT_IN_FORMAT, 1);
}

static void broken_wire_format(void **state)
{
    struct world *w = *state;
    declare_login(w);
    refused(w, BYTES(AT_1S "\x0a\x02" "a"), INVALID_NOT_IN_FORMAT, 6);
    refused(w, BYTES(AT_1S "\x0c"), INVALID_NOT_IN_FORMAT, 5);      /* a group ends */
    refused(w, BYTES(AT_1S "\x7b\x08\x01"), INVALID_NOT_IN_FORMAT, 7); /* one that does not */
    refused(w, BYTES(AT_1S "\x0f"), INVALID_NOT_IN_FORMAT, 5);      /* wire type 7 */
    refused(w, BYTES(AT_1S "\x02\x00"), INVALID_NOT_IN_FORMAT, 5);  /* field 0 */
    refused(w, BYTES(AT_1S "\x0a\x01\xff"), INVALID_UTF8, 0);
    /* Twelve bytes that become more JSON than is allowed. */
    w->limits.max_value_bytes = 24;
    world_changed(w);
    refused(w, BYTES("\x32\0\x32\0\x32\0\x32\0\x32\0\x32\0"), INVALID_TOO_LONG, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(example_of_the_specification), CASE(reasons), CASE(framing), CASE(text_stays_json),
        CASE(nested_fields), CASE(bombs), CASE(outside_of_the_range), CASE(schemas_that_are_none),
        CASE(hash_is_of_the_meaning), CASE(defaults_and_presence),
        CASE(last_one_merged_unknown), CASE(frames_name_the_message), CASE(broken_wire_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
