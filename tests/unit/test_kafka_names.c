/* No two processes of different names get in each other's way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "connectors/kafka_names.h"

/* In place of an instance. */
static const char THE_RULES[] = "*";

static void id(const char *app, const char *instance, char ret[64])
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    if (instance == THE_RULES) {
        kafka_rules_transactional_id(app, &b);
    } else {
        kafka_transactional_id(app, instance, &b);
    }
    snprintf(ret, 64, "%s", buf_cstr(&b));
}

static void names_without_dash_or_dot_keep_the_id_they_had(void **state)
{
    char s[64];
    (void)state;
    id("fraud", "7", s);
    assert_string_equal(s, "fraud-7");
    id("a-b", "c_1", s);
    assert_string_equal(s, "a-b-c_1");
    id("fraud", NULL, s);
    assert_string_equal(s, "fraud.solo");
}

static void no_two_processes_share_an_id(void **state)
{
    static const char *const apps[] = {"a",      "b",        "a-b", "a-b-c", "a.solo",
                                       "a-b.solo", "a.rules", "a-",  "a--b"};
    static const char *const instances[] = {NULL,  "a",   "b",      "c",      "b-c", "-c",
                                            "a-b", "-",   "b.solo", "c.solo", "solo", ".solo",
                                            "-b",  "b--c", "rules", "b.rules", THE_RULES};
    enum { APPS = 9, INSTANCES = 17 };
    static char ids[APPS * INSTANCES][64];
    (void)state;
    for (int i = 0; i < APPS * INSTANCES; i++) {
        const char *app = apps[i / INSTANCES];
        id(app, instances[i % INSTANCES], ids[i]);
        assert_memory_equal(ids[i], app, strlen(app)); /* the prefix that rights are given by */
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(ids[i], ids[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_without_dash_or_dot_keep_the_id_they_had),
        cmocka_unit_test(no_two_processes_share_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
