/* Which rules several instances can share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "dsl/compile.h"
#include "lib/group.h"
#include "tests/support/compile_text.h"

#define EVENTS                                                                                     \
    "language 1\n"                                                                                \
    "event A from topic \"a\" {\n user : string key\n at : timestamp in ms event time\n"           \
    " ip : string\n}\n"                                                                           \
    "event B from topic \"b\" {\n account : string key\n at : timestamp in ms event time\n}\n"

static void hear(void *ctx, const char *line)
{
    buf_puts(ctx, line);
    buf_puts(ctx, "\n");
}

/* `names`: of the rules that are refused, each with a blank behind it. */
static void refused(const char *rules, const char *names)
{
    struct buf text = BUF_INIT, said = BUF_INIT, is = BUF_INIT;
    struct error err = ERROR_INIT;
    buf_printf(&text, "%s%s", EVENTS, rules);
    struct compilation *c = compile_text(buf_cstr(&text));
    assert_string_equal(codes_of(c, true), "");
    enum err rc = group_check_rules(c->ruleset, hear, &said, &err);
    for (const char *at = buf_cstr(&said); (at = strstr(at, "rule ")) != NULL; at += 5) {
        buf_printf(&is, "%.*s ", (int)strcspn(at + 5, " "), at + 5);
    }
    assert_string_equal(buf_cstr(&is), names);
    assert_int_equal(rc, *names ? ERR_USAGE : ERR_OK);
    compilation_free(c);
    buf_release(&text);
    buf_release(&said);
    buf_release(&is);
}

static void keys_that_hold_the_key_field_are_shared(void **state)
{
    (void)state;
    refused("rule one { for each user within 1m when A as x then A as y emit alert { n = 1 } }", "");
    refused("rule two { for each user, ip within 1m when A as x then A as y emit alert { n = 1 } }",
            "");
    refused("rule three { for each who = A.user = B.account within 1m when A then B "
            "emit alert { n = 1 } }", "");
}

static void others_are_refused_all_at_once(void **state)
{
    (void)state;
    refused("rule by_ip { for each ip within 1m when A as x then A as y emit alert { n = 1 } }\n"
            "rule all { within 1m when A as x then A as y emit alert { n = 1 } }\n"
            "rule fine { for each user when A emit alert { n = 1 } }\n"
            "rule mixed { for each who = A.ip = B.account within 1m when A then B "
            "emit alert { n = 1 } }", "by_ip all mixed ");
}

static void derived_events_carry_the_key_on_or_not(void **state)
{
    (void)state;
    refused("rule makes { for each user when A emit event D { n = 1 } }\n"
            "rule reads { for each user when D emit alert { m = 1 } }", "");
    refused("rule makes { for each user when A as a emit event D { place = a.ip } }\n"
            "rule reads { for each place when D emit alert { m = 1 } }", "reads ");
    refused("rule makes { for each user when A as a emit event D { user = a.ip } }\n"
            "rule reads { for each user when D emit alert { m = 1 } }", "reads ");
}

/* Alerts of several keys, but all of one partition. */
static void a_silence_is_shared_within_a_partition(void **state)
{
    (void)state;
    refused("rule one { for each user, ip when A quiet for 1m per user emit alert { n = 1 } }\n"
            "rule two { for each user, ip when A as x quiet for 1m per x.user emit alert { n = 1 } }\n"
            "rule three { for each who = A.user = B.account, n = A.at = B.at when A as x then B "
            "quiet for 1m per who emit alert { n = 1 } }", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silence_is_shared_within_a_partition),
        cmocka_unit_test(keys_that_hold_the_key_field_are_shared),
        cmocka_unit_test(others_are_refused_all_at_once),
        cmocka_unit_test(derived_events_carry_the_key_on_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
