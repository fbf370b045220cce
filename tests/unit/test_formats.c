/* `format` of declarations through the compiler: where schemas are found, what they change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "engine/decode/payload_schema.h"

#define RULES                                                                                      \
    "language 1\n"                                                                                 \
    "import \"in/events.rules\"\n"                                                                 \
    "rule r { for each user when Login emit alert\n"                                               \
    "  test \"t\" { at 0s Login { user = \"a\" } expect at 0s match } }\n"
#define EVENTS                                                                                     \
    "language 1\n"                                                                                 \
    "event Login from topic \"auth\" format avro schema \"login.avsc\" {\n"                        \
    "  user : string  at : timestamp in s event time }\n"
#define SCHEMA(user, more)                                                                         \
    "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"user\",\"type\":" user "},"       \
    "{\"name\":\"at\",\"type\":\"long\"}" more "]}"

/* The rules in one file, the event in an imported one, the schema beside that. */
static struct compilation *compile(const char *schema, payload_parse parse)
{
    const struct compile_source sources[] = {{"main.rules", slice_of(RULES)},
                                             {"in/events.rules", slice_of(EVENTS)}};
    const struct compile_source data[] = {{"in/login.avsc", slice_of(schema ? schema : "")}};
    struct compile_input input = {.sources = sources,
                                  .n_sources = 2,
                                  .data = data,
                                  .n_data = schema != NULL,
                                  .payload_parse = parse};
    struct error err = ERROR_INIT;
    struct compilation *c = dsl_compile(&input, &err);
    assert_non_null(c);
    return c;
}

struct identity {
    uint64_t plan;
    struct hash128 fingerprint;
};

static struct identity identity_with(const char *schema)
{
    struct compilation *c = compile(schema, payload_schema_parse);
    assert_non_null(c->ruleset);
    struct identity id = {c->ruleset->rules[0].plan, c->ruleset->fingerprint};
    assert_non_null(c->ruleset->topics[0].payload);
    compilation_free(c);
    return id;
}

/* Another meaning is another plan, other bytes are another rule set. */
static void schema_is_part_of_the_declaration(void **state)
{
    (void)state;
    struct identity a = identity_with(SCHEMA("\"string\"", ""));
    struct identity same = identity_with(SCHEMA("{ \"type\": \"string\" }", ""));
    struct identity nullable = identity_with(SCHEMA("[\"null\",\"string\"]", ""));
    struct identity longer =
        identity_with(SCHEMA("\"string\"", ",{\"name\":\"x\",\"type\":\"int\"}"));
    assert_true(a.plan == same.plan);
    assert_false(hash128_eq(a.fingerprint, same.fingerprint));
    assert_true(a.plan != nullable.plan && a.plan != longer.plan && nullable.plan != longer.plan);
}

static void refused_with(const char *schema, payload_parse parse, const char *message)
{
    struct compilation *c = compile(schema, parse);
    assert_null(c->ruleset);
    assert_int_equal(c->diags.n_errors, 1);
    assert_string_equal(c->diags.first->code, "E0337");
    assert_string_equal(c->diags.first->message, message);
    compilation_free(c);
}

static void without_a_schema(void **state)
{
    (void)state;
    refused_with(NULL, payload_schema_parse,
                 "the schema cannot be read: there is no file in/login.avsc");
    refused_with(SCHEMA("\"string\"", ""), NULL, "schemas are not read here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_is_part_of_the_declaration),
        cmocka_unit_test(without_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
