/* Log lines: levels, both formats, and what repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/log.h"

struct world {
    struct log log;
    char *text;
    size_t len, seen;
    int64_t now_ns;
};

static struct etime wall(void *ctx)
{
    const struct world *w = ctx;
    return (struct etime){INT64_C(1767607200) * NS_PER_S + w->now_ns};
}

static struct ptime monotonic(void *ctx)
{
    const struct world *w = ctx;
    return (struct ptime){w->now_ns};
}

static void open_world(struct world *w, bool json, enum say_level least)
{
    struct log_clock clock = {wall, monotonic, w};
    *w = (struct world){0};
    FILE *to = open_memstream(&w->text, &w->len);
    assert_non_null(to);
    log_init(&w->log, to, json, least, clock);
}

static void close_world(struct world *w)
{
    log_release(&w->log);
    fclose(w->log.to);
    free(w->text);
}

/* What was written since the last call. */
static const char *said(struct world *w)
{
    fflush(w->log.to);
    const char *text = w->text + w->seen;
    w->seen = w->len;
    return text;
}

static void assert_said(struct world *w, const char *want)
{
    assert_string_equal(said(w), want);
}

static void test_text(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, false, LEVEL_INFO);
    log_line(&w.log, "kafka: input: no broker answers");
    log_line(&w.log, SAY_INFO "rule a is disabled\tx\x1b[2J");
    log_line(&w.log, SAY_DEBUG "kafka: details");
    log_line(&w.log, "<9>no level");
    log_say(&w.log, LEVEL_ERROR, "run", "%d", 5);
    assert_said(&w, "fyke: kafka: input: no broker answers\n"
                    "fyke: rule a is disabled\tx?[2J\n"
                    "fyke: <9>no level\n"
                    "fyke: 5\n");
    w.log.prefixed = true;
    log_line(&w.log, SAY_INFO "a");
    log_line(&w.log, "b");
    log_say(&w.log, LEVEL_ERROR, "rules", "c");
    assert_said(&w, "<6>fyke: a\n<4>fyke: b\n<3>fyke: rules: c\n");
    close_world(&w);
}

static void test_json(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, true, LEVEL_DEBUG);
    w.now_ns = 7 * NS_PER_MS + 5;
    log_line(&w.log, "kafka: a \"quoted\" line\n");
    log_line(&w.log, SAY_DEBUG "engine");
    log_value(&w.log, "run", "summary", "summary", SLICE_LIT("{\"n\":1}"));
    assert_said(&w, "{\"time\":\"2026-01-05T10:00:00.007Z\",\"level\":\"warn\",\"component\":"
                    "\"kafka\",\"message\":\"a \\\"quoted\\\" line\\n\"}\n"
                    "{\"time\":\"2026-01-05T10:00:00.007Z\",\"level\":\"debug\",\"component\":"
                    "\"engine\",\"message\":\"engine\"}\n"
                    "{\"time\":\"2026-01-05T10:00:00.007Z\",\"level\":\"info\",\"component\":"
                    "\"run\",\"message\":\"summary\",\"summary\":{\"n\":1}}\n");
    close_world(&w);
}

static void test_levels(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, false, LEVEL_ERROR);
    log_line(&w.log, "a warning");
    log_say(&w.log, LEVEL_ERROR, "run", "an error");
    assert_said(&w, "fyke: an error\n");
    close_world(&w);
}

/* Ten of a kind pass; the rest is counted, and told when the window is over. */
static void test_repetition(void **state)
{
    struct world w;
    char line[64];
    (void)state;
    open_world(&w, false, LEVEL_INFO);
    for (int i = 0; i < 25; i++) {
        snprintf(line, sizeof(line), "partition %d: offset %d is gone", i, i * i);
        log_line(&w.log, line);
        log_line(&w.log, SAY_DEBUG "not asked for");
    }
    const char *text = said(&w);
    assert_null(strstr(text, "partition 10"));
    assert_non_null(strstr(text, "partition 9"));
    log_line(&w.log, "of another kind");
    assert_said(&w, "fyke: of another kind\n");
    w.now_ns = LOG_WINDOW.ns - 1;
    log_tick(&w.log);
    assert_said(&w, "");
    w.now_ns = LOG_WINDOW.ns;
    log_tick(&w.log);
    assert_said(&w, "fyke: partition 24: offset 576 is gone (and 14 more like it)\n");
    log_line(&w.log, "partition 1: offset 1 is gone");
    assert_said(&w, "fyke: partition 1: offset 1 is gone\n");
    close_world(&w);
}

/* The next line of the kind tells it, too, and the end. */
static void test_repetition_is_told_without_ticks(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, true, LEVEL_INFO);
    for (int i = 0; i < 12; i++) {
        log_line(&w.log, "again");
    }
    said(&w);
    w.now_ns = 2 * LOG_WINDOW.ns;
    for (int i = 0; i < 11; i++) {
        log_line(&w.log, "again");
    }
    const char *text = said(&w);
    assert_non_null(strstr(text, "\"message\":\"again\",\"suppressed\":1}\n"));
    assert_null(strstr(text, "\"suppressed\":0"));
    log_release(&w.log);
    assert_int_equal(strncmp(said(&w), "{\"time\":\"2026-01-05T10:00:20.000Z\"", 34), 0);
    fclose(w.log.to);
    free(w.text);
}

/* More kinds than there is room for: the oldest makes room and loses nothing. */
static void test_many_kinds(void **state)
{
    struct world w;
    char line[64];
    (void)state;
    open_world(&w, false, LEVEL_INFO);
    for (int i = 0; i < 11; i++) {
        log_line(&w.log, "first");
    }
    said(&w);
    for (int i = 0; i < LOG_KINDS; i++) {
        w.now_ns++;
        snprintf(line, sizeof(line), "kind %c%c", 'a' + i / 26, 'a' + i % 26);
        log_line(&w.log, line);
    }
    const char *text = said(&w);
    int lines = 0;
    for (const char *c = text; *c; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, LOG_KINDS + 1);
    assert_non_null(strstr(text, "fyke: first\n"));
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_repetition),
        cmocka_unit_test(test_repetition_is_told_without_ticks),
        cmocka_unit_test(test_many_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
