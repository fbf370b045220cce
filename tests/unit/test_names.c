/* What a run may be called and write to; what it may not: cli.run_names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "dsl/compile.h"
#include "lib/names.h"
#include "tests/support/compile_text.h"

#define RULES                                                                                      \
    "language 1\n"                                                                                 \
    "event A from topic \"a\" {\n user : string key\n at : timestamp in ms event time\n}\n"       \
    "event B from topic \"b\" {\n user : string key\n at : timestamp in ms event time\n}\n"       \
    "lookup home : string to set of string from topic \"homes\"\n"                                \
    "rule one { for each user when A where \"x\" not in home[user] emit event D { n = 1 } }\n"      \
    "rule two { for each user when D emit alert { m = 1 } }\n"                                     \
    "rule three { for each user when B emit alert { m = 1 } }\n"

static struct fyke_run_config config(const char *app, const char *output)
{
    struct fyke_run_config c;
    fyke_run_config_init(&c);
    c.options.app = app;
    c.output = output;
    return c;
}

static bool take(void *ctx, const struct fyke_alert *alert)
{
    return ctx == NULL && alert != NULL;
}

static enum err judge(const struct fyke_run_config *c, const char *topics)
{
    struct error err = ERROR_INIT;
    struct compilation *rules = compile_text(RULES);
    assert_string_equal(codes_of(rules, true), "");
    enum err rc = names_check(c, true, rules->ruleset, topics, &err);
    compilation_free(rules);
    return rc;
}

static void outputs_may_share_a_topic(void **state)
{
    struct fyke_run_config c = config("app", "kafka:out");
    (void)state;
    c.late = c.dead_letter = "kafka:out";
    assert_int_equal(judge(&c, NULL), ERR_OK);
    c.dead_letter = "kafka:homes";
    assert_int_equal(judge(&c, NULL), ERR_USAGE);
}

/* Derived events go to no topic, so one may have their name. */
static void a_topic_that_is_not_read_may_be_written(void **state)
{
    struct fyke_run_config c = config("app", "kafka:b");
    (void)state;
    assert_int_equal(judge(&c, "a"), ERR_OK);
    assert_int_equal(judge(&c, "a,b"), ERR_USAGE);
    assert_int_equal(judge(&c, NULL), ERR_USAGE);
    c.output = "kafka:D";
    assert_int_equal(judge(&c, NULL), ERR_OK);
}

static void names_of_others_are_no_own_ones(void **state)
{
    static const char *const outputs[] = {"kafka:ap.changelog", "kafka:apps.changelog",
                                          "kafka:app.changelog2", "kafka:app", "app.changelog", NULL};
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(outputs); i++) {
        struct fyke_run_config c = config("app", outputs[i]);
        assert_int_equal(judge(&c, NULL), ERR_OK);
    }
    struct fyke_run_config unnamed = config(NULL, "kafka:fyke.changelog");
    assert_int_equal(judge(&unnamed, NULL), ERR_USAGE);
    unnamed.on_alert = take; /* -o counts for nothing */
    assert_int_equal(judge(&unnamed, NULL), ERR_OK);
}

static void the_group_is_the_application(void **state)
{
    static const char *const same[] = {"group.id=app", "changelog.segment.bytes=1048576"};
    static const char *const other[] = {"group.id=app", "group.id=App"};
    static const char *const policy[] = {"changelog.cleanup.policy=compact,delete"};
    struct fyke_run_config c = config("app", "kafka:out");
    (void)state;
    c.kafka_properties = same;
    c.n_kafka_properties = 2;
    assert_int_equal(judge(&c, NULL), ERR_OK);
    c.kafka_properties = other;
    assert_int_equal(judge(&c, NULL), ERR_USAGE);
    c.kafka_properties = policy;
    c.n_kafka_properties = 1;
    assert_int_equal(judge(&c, NULL), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_may_share_a_topic),
        cmocka_unit_test(a_topic_that_is_not_read_may_be_written),
        cmocka_unit_test(names_of_others_are_no_own_ones),
        cmocka_unit_test(the_group_is_the_application),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
