/* Settings: how a file is read, which place wins, what is never shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/settings.h"

static int setup(void **state)
{
    struct settings *s = malloc(sizeof(*s));
    settings_init(s, "run");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    settings_release(*state);
    free(*state);
    return 0;
}

static void file(struct settings *s, const char *text)
{
    settings_read_text(s, "f.conf", slice_of(text));
}

static void flags(struct settings *s, const char *a, const char *b)
{
    char *argv[] = {(char[]){"run"}, (char *)(uintptr_t)a, (char *)(uintptr_t)b, NULL};
    settings_read_flags(s, b ? 3 : a ? 2 : 1, argv);
}

static void variables(struct settings *s, const char *a)
{
    const char *environment[] = {"HOME=/", a, NULL};
    settings_read_environment(s, environment);
}

static const char *kafka_value(const struct settings *s, const char *key)
{
    for (size_t i = 0; i < s->n_kafka; i++) {
        if (strcmp(s->kafka[i].key, key) == 0) {
            return s->kafka[i].value;
        }
    }
    return NULL;
}

static void assert_problems(struct settings *s, const char *want)
{
    assert_string_equal(buf_cstr(&s->problems), want);
}

/* ---- reading ------------------------------------------------------------------------------ */

static void test_lines(void **state)
{
    struct settings *s = *state;
    file(s, "\xEF\xBB\xBF# comment\n"
            "\n"
            "state=/var/lib/fyke\r\n"
            "  memory   =  2GiB   # half of the machine\n"
            "app = a#b\n"
            "rules = one\n"
            "rules = \"two # two\"\t# and a comment\n"
            "commit-every = 250ms\n"
            "once = true\n"
            "strict = false\n"
            "watermark-end = 2026-01-05T10:00:00Z\n"
            "detector = general");
    assert_problems(s, "");
    assert_string_equal(settings_text(s, SET_STATE), "/var/lib/fyke");
    assert_true(settings_number(s, SET_MEMORY) == UINT64_C(2) << 30);
    assert_string_equal(settings_text(s, SET_APP), "a#b");
    assert_int_equal(settings_count(s, SET_RULES), 2);
    assert_string_equal(settings_item(s, SET_RULES, 1), "two # two");
    assert_true(settings_ns(s, SET_COMMIT_EVERY) == 250000000);
    assert_true(settings_flag(s, SET_ONCE));
    assert_false(settings_flag(s, SET_STRICT));
    assert_true(settings_ns(s, SET_WATERMARK_END) > 0);
    assert_int_equal(settings_word(s, SET_WATERMARK_END), -1);
    assert_int_equal(settings_word(s, SET_DETECTOR), 1);
    assert_false(settings_flag(s, SET_QUIET));
    assert_true(settings_number(s, SET_JOBS) == 1);
}

static void test_quotes(void **state)
{
    struct settings *s = *state;
    file(s, "app = \" a \\\"b\\\\\\n \"\n");
    assert_problems(s, "");
    assert_string_equal(settings_text(s, SET_APP), " a \"b\\\n ");
}

static void test_wrong_lines(void **state)
{
    struct settings *s = *state;
    file(s, "stat = x\n"
            "[kafka]\n"
            "memory: 1GiB\n"
            "  memory = plenty\n"
            "app = \"open\n"
            "app = \"a\" b\n"
            "app = \"\\x\"\n"
            "= 3\n"
            "app =\n"
            "jobs = 0\n"
            "jobs = 2\n"
            "jobs = 3\n"
            "reset-state = true\n"
            "once = yes\n"
            "fault = after-commit\n"
            "\xC3\xA4pp = \xC3\xA4\n"
            "zookeeper = x\n");
    assert_problems(s,
                    "f.conf:1:1: error: unknown key 'stat'; did you mean 'state'?\n"
                    "f.conf:2:1: error: there are no sections here; lines read `name = value`\n"
                    "f.conf:3:1: error: a line reads `name = value`\n"
                    "f.conf:4:12: error: memory takes a size such as 512MiB, not 'plenty'\n"
                    "f.conf:5:7: error: the quote is not closed on this line\n"
                    "f.conf:6:10: error: nothing but a comment may stand behind the closing quote\n"
                    "f.conf:7:8: error: in quotes \\ stands before \", \\ or n only\n"
                    "f.conf:8:1: error: a line reads `name = value`\n"
                    "f.conf:9:6: error: app takes a text that is not empty, not ''\n"
                    "f.conf:10:8: error: jobs takes a number from 1 to 1000000000, not '0'\n"
                    "f.conf:12:8: error: 'jobs' stands in line 11 already\n"
                    "f.conf:13:1: error: 'reset-state' stands on the command line only\n"
                    "f.conf:14:8: error: once takes true or false, not 'yes'\n"
                    "f.conf:15:1: error: unknown key 'fault'\n"
                    "f.conf:16:1: error: unknown key '\xC3\xA4pp'; did you mean 'app'?\n"
                    "f.conf:17:1: error: unknown key 'zookeeper'\n");
    assert_false(s->wrong_usage);
}

static void test_columns_count_letters(void **state)
{
    struct settings *s = *state;
    file(s, "app = \"\xC3\xA4\xC3\xB6\" x\n");
    assert_problems(s, "f.conf:1:11: error: nothing but a comment may stand behind the closing "
                       "quote\n");
}

static void test_zero_byte(void **state)
{
    struct settings *s = *state;
    settings_read_text(s, "f.conf", slice_from("app = a\0b\n", 10));
    assert_problems(s, "f.conf:1:1: error: a zero byte cannot stand in a value\n");
}

static void test_missing_file(void **state)
{
    struct settings *s = *state;
    assert_false(settings_read_file(s, "no/such.conf"));
    assert_problems(s, "fyke run: cannot read no/such.conf: No such file or directory\n");
}

/* Whatever the bytes are: findings, never more. */
static void test_any_bytes(void **state)
{
    static const char alphabet[] = "akf.=\"\\#\n\r\t \0[";
    uint32_t seed = 7;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct settings s;
        char text[40];
        for (size_t i = 0; i < sizeof(text); i++) {
            seed = seed * 1664525U + 1013904223U;
            text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        settings_init(&s, "run");
        settings_read_text(&s, "f.conf", slice_from(text, sizeof(text)));
        assert_true(s.n_problems == 0 || s.problems.len > 0);
        settings_release(&s);
    }
}

/* ---- which place wins --------------------------------------------------------------------- */

static void test_precedence(void **state)
{
    struct settings *s = *state;
    flags(s, "--app=flag", NULL);
    variables(s, "FYKE_APP=variable");
    variables(s, "FYKE_MEMORY=3GiB");
    file(s, "app = file\nmemory = 2GiB\njobs = 4\n");
    assert_problems(s, "");
    assert_string_equal(settings_text(s, SET_APP), "flag");
    assert_true(settings_number(s, SET_MEMORY) == UINT64_C(3) << 30);
    assert_true(settings_number(s, SET_JOBS) == 4);
    assert_true(settings_number(s, SET_MAX_RUNS) == 1000);
}

/* The order of reading says nothing. */
static void test_precedence_the_other_way(void **state)
{
    struct settings *s = *state;
    file(s, "app = file\nrules = a\nrules = b\n");
    variables(s, "FYKE_APP=variable");
    flags(s, "-r", "c");
    assert_string_equal(settings_text(s, SET_APP), "variable");
    assert_int_equal(settings_count(s, SET_RULES), 1);
    assert_string_equal(settings_item(s, SET_RULES, 0), "c");
}

static void test_a_flag_takes_back(void **state)
{
    struct settings *s = *state;
    file(s, "once = true\n");
    flags(s, "--once=false", NULL);
    assert_false(settings_flag(s, SET_ONCE));
}

static void test_the_last_flag_counts(void **state)
{
    struct settings *s = *state;
    flags(s, "-j2", "--jobs=3");
    assert_true(settings_number(s, SET_JOBS) == 3);
}

static void test_what_loses_is_checked(void **state)
{
    struct settings *s = *state;
    flags(s, "--memory=1GiB", NULL);
    file(s, "memory = much\n");
    assert_problems(s, "f.conf:1:10: error: memory takes a size such as 512MiB, not 'much'\n");
}

static void test_flags(void **state)
{
    struct settings *s = *state;
    flags(s, "--sate=x", "--quitte");
    assert_problems(s, "fyke run: unknown option --sate; did you mean --state?\n"
                       "fyke run: unknown option --quitte; did you mean --quiet?\n");
    assert_true(s->wrong_usage);
}

static void test_variables(void **state)
{
    struct settings *s = *state;
    variables(s, "FYKE_COMMIT_EVERY=5");
    variables(s, "FYKE_COMIT_EVERY=5s");
    variables(s, "FYKE_PORT=tcp://10.0.0.1:80");
    variables(s, "FYKE_KAFKA_SERVICE_HOST=10.0.0.1");
    variables(s, "FYKE_KAFKA_SASL_PASWORD=hunter2");
    variables(s, "FYKE_RESET_STATE=true");
    variables(s, "FYKE_APP=");
    variables(s, "FYKE_CONFIG=x.conf");
    assert_problems(s, "fyke run: FYKE_COMMIT_EVERY takes a time such as 500ms or 5s, not '5'\n"
                       "fyke run: unknown variable FYKE_COMIT_EVERY; did you mean "
                       "FYKE_COMMIT_EVERY?\n"
                       "fyke run: unknown variable FYKE_KAFKA_SASL_PASWORD; did you mean "
                       "FYKE_KAFKA_SASL_PASSWORD?\n");
    assert_string_equal(settings_text(s, SET_APP), "fyke");
    assert_string_equal(settings_text(s, SET_CONFIG), "x.conf");
    assert_false(settings_flag(s, SET_RESET_STATE));
}

/* ---- kafka -------------------------------------------------------------------------------- */

static void test_kafka(void **state)
{
    struct settings *s = *state;
    file(s, "kafka.bootstrap.servers = file:9092\nkafka.linger.ms = 7\nkafka.acks = all\n");
    variables(s, "FYKE_KAFKA_LINGER_MS=8");
    flags(s, "-X", "bootstrap.servers=flag:9092");
    assert_problems(s, "");
    assert_string_equal(kafka_value(s, "bootstrap.servers"), "flag:9092");
    assert_string_equal(kafka_value(s, "linger.ms"), "8");
    assert_string_equal(kafka_value(s, "acks"), "all");
}

static void test_kafka_wrong(void **state)
{
    struct settings *s = *state;
    file(s, "kafka.bootstrap.server = b:9092\n"
            "  kafka.sasl.pasword = hunter2\n"
            "kafka.linger.ms = 5\n"
            "kafka.linger.ms = 6\n"
            "kafka.flying.carpet = 1\n");
    assert_problems(
        s, "f.conf:1:1: error: unknown property kafka.bootstrap.server; did you mean "
           "kafka.bootstrap.servers?\n"
           "f.conf:2:3: error: unknown property kafka.sasl.pasword; did you mean "
           "kafka.sasl.password?\n"
           "f.conf:4:1: error: 'kafka.linger.ms' stands in line 3 already\n"
           "f.conf:5:1: error: unknown property kafka.flying.carpet: librdkafka has none of this "
           "name\n");
}

static void test_kafka_wrong_value(void **state)
{
    struct settings *s = *state;
    flags(s, "-Xlinger.ms=soon", "-Xlinger.ms");
    assert_non_null(strstr(buf_cstr(&s->problems), "fyke run: -X linger.ms: Invalid value"));
    assert_non_null(strstr(buf_cstr(&s->problems), "fyke run: -X takes key=value"));
}

static void write_secret(char path[32], const char *text)
{
    strcpy(path, "/tmp/fyke-secret-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void test_secret_from_a_file(void **state)
{
    struct settings *s = *state;
    char path[32], line[128];
    write_secret(path, " hunter2 \n");
    snprintf(line, sizeof(line), "kafka.sasl.password.file = %s\n", path);
    file(s, line);
    assert_problems(s, "");
    assert_string_equal(kafka_value(s, "sasl.password"), " hunter2 ");
    snprintf(line, sizeof(line), "FYKE_KAFKA_SASL_USERNAME_FILE=%s", path);
    variables(s, line);
    assert_string_equal(kafka_value(s, "sasl.username"), " hunter2 ");
    unlink(path);
    variables(s, line);
    assert_non_null(strstr(buf_cstr(&s->problems), "FYKE_KAFKA_SASL_USERNAME_FILE: cannot read /tmp/"));
}

/* ---- what is shown ------------------------------------------------------------------------ */

static void test_what_is_secret(void **state)
{
    static const char *const secret[] = {"sasl.password",
                                         "ssl.key.password",
                                         "ssl.keystore.password",
                                         "ssl.key.pem",
                                         "ssl_key",
                                         "ssl.certificate.pem",
                                         "sasl.oauthbearer.client.secret",
                                         "sasl.oauthbearer.config",
                                         "sasl.oauthbearer.client.id",
                                         "sasl.oauthbearer.extensions",
                                         "some.new.api.token",
                                         "sasl.oauthbearer.assertion.private.key.pem",
                                         "sasl.jaas.config"};
    static const char *const open[] = {"bootstrap.servers",
                                       "sasl.username",
                                       "sasl.mechanisms",
                                       "ssl.key.location",
                                       "ssl.ca.location",
                                       "sasl.oauthbearer.token.endpoint.url",
                                       "sasl.oauthbearer.method",
                                       "sasl.oauthbearer.assertion.private.key.file",
                                       "client.id",
                                       "group.id"};
    (void)state;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(secret); i++) {
        assert_true(kafka_setting_is_secret(slice_of(secret[i])));
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(open); i++) {
        assert_false(kafka_setting_is_secret(slice_of(open[i])));
    }
}

static void test_secrets_are_not_shown(void **state)
{
    struct settings *s = *state;
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    char path[32], line[128];
    write_secret(path, "hunter3");
    snprintf(line, sizeof(line), "kafka.ssl.key.password.file = %s\n", path);
    file(s, line);
    unlink(path);
    file(s, "kafka.sasl.password = hunter1\nkafka.sasl.username = fyke\n");
    variables(s, "FYKE_KAFKA_SASL_OAUTHBEARER_CONFIG=hunter2");
    settings_show(s, &out);
    assert_null(strstr(buf_cstr(&out), "hunter"));
    assert_non_null(strstr(buf_cstr(&out), "# kafka.sasl.password = [redacted]"));
    assert_non_null(strstr(buf_cstr(&out), "kafka.sasl.username = fyke"));
    assert_non_null(strstr(buf_cstr(&out), "kafka.ssl.key.password.file = /tmp/fyke-secret-"));
    buf_clear(&out);
    settings_show_json(s, &out);
    assert_null(strstr(buf_cstr(&out), "hunter"));
    assert_non_null(strstr(buf_cstr(&out), "{\"key\":\"kafka.sasl.password\",\"value\":null,"
                                           "\"redacted\":true,\"origin\":\"file\","));
}

/* The dump is a file that says the same. */
static void test_dump_reads_back(void **state)
{
    struct settings *s = *state, again;
    FYKE_CLEANUP(buf_release) struct buf first = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf second = BUF_INIT;
    file(s, "app = \" a \\\"#\\\\ \\n \"\nrules = a\nrules = \"b # c\"\nquiet = true\n"
            "kafka.client.id = \"x # y\"\noutput = #1\ndead-letter = a\"b\n");
    flags(s, "-j", "3");
    settings_show(s, &first);
    settings_init(&again, "run");
    settings_read_text(&again, "dump", buf_slice(&first));
    assert_string_equal(buf_cstr(&again.problems), "");
    assert_string_equal(settings_text(&again, SET_APP), " a \"#\\ \n ");
    assert_string_equal(settings_item(&again, SET_RULES, 1), "b # c");
    assert_string_equal(settings_text(&again, SET_DEAD_LETTER), "a\"b");
    assert_true(settings_number(&again, SET_JOBS) == 3);
    assert_string_equal(kafka_value(&again, "client.id"), "x # y");
    settings_show(&again, &second);
    for (const char *a = buf_cstr(&first), *b = buf_cstr(&second); *a || *b;) {
        size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
        struct slice x = slice_from(a, n), y = slice_from(b, m);
        x.len = (size_t)((const char *)memrchr(x.ptr, '#', x.len) - x.ptr); /* origins differ */
        y.len = (size_t)((const char *)memrchr(y.ptr, '#', y.len) - y.ptr);
        assert_true(slice_eq(x, y));
        a += n + (a[n] == '\n');
        b += m + (b[m] == '\n');
    }
    settings_release(&again);
}

/* Names are unique, defaults are values, everything has words. */
static void test_table(void **state)
{
    struct settings *s = *state;
    (void)state;
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        assert_non_null(d->name);
        assert_non_null(d->help);
        assert_int_equal(setting_find(slice_of(d->name)), i);
        assert_true((d->value == NULL) == (d->kind == SETTING_FLAG));
        if (d->fallback) {
            settings_set(s, (enum setting_id)i, d->fallback,
                         (struct setting_origin){.from = FROM_FLAG});
        }
    }
    assert_problems(s, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines),
        TEST(test_quotes),
        TEST(test_wrong_lines),
        TEST(test_columns_count_letters),
        TEST(test_zero_byte),
        TEST(test_missing_file),
        TEST(test_any_bytes),
        TEST(test_precedence),
        TEST(test_precedence_the_other_way),
        TEST(test_a_flag_takes_back),
        TEST(test_the_last_flag_counts),
        TEST(test_what_loses_is_checked),
        TEST(test_flags),
        TEST(test_variables),
        TEST(test_kafka),
        TEST(test_kafka_wrong),
        TEST(test_kafka_wrong_value),
        TEST(test_secret_from_a_file),
        TEST(test_what_is_secret),
        TEST(test_secrets_are_not_shown),
        TEST(test_dump_reads_back),
        TEST(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
