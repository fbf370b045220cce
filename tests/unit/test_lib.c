/* libfyke through its public header alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fyke/fyke.h"

static const char rules_text[] =
    "language 1\n"
    "event A from topic \"a\" { k : string key  at : timestamp in ms event time  v : int optional "
    "}\n"
    "event B from topic \"b\" { k : string key  at : timestamp in ms event time }\n"
    "rule pair { for each k within 1 minute  when A as a then B as b  emit alert { v = a.v } }\n"
    "rule lone { for each k  when A as a then no A for 5s  emit alert }\n";

struct seen {
    unsigned n, limit;
    char last[2048], rule[64], key[64];
    int64_t at;
};

static bool on_alert(void *ctx, const struct fyke_alert *a)
{
    struct seen *s = ctx;
    assert_int_equal(strlen(a->json), a->json_len);
    assert_int_equal(strlen(a->match_id), 32);
    snprintf(s->last, sizeof(s->last), "%s", a->json);
    snprintf(s->rule, sizeof(s->rule), "%s", a->rule);
    snprintf(s->key, sizeof(s->key), "%s", a->key ? a->key : "-");
    s->at = a->event_time_ns;
    return ++s->n < s->limit;
}

static struct fyke_rules *compile(void)
{
    struct fyke_rules *rules;
    assert_int_equal(
        fyke_rules_compile_text("t", rules_text, strlen(rules_text), NULL, NULL, &rules), FYKE_OK);
    return rules;
}

static struct fyke_engine *open_engine(const struct fyke_rules *rules, struct seen *s,
                                       const char *state, const char *fields)
{
    struct fyke_options o;
    struct fyke_engine *e;
    fyke_options_init(&o);
    o.state_dir = state;
    o.evidence_fields = fields;
    s->limit = s->limit ? s->limit : UINT32_MAX;
    assert_int_equal(fyke_engine_open(rules, &o, on_alert, s, &e), FYKE_OK);
    return e;
}

static enum fyke_result push(struct fyke_engine *e, const char *topic, int64_t offset,
                             int64_t at_ms)
{
    char text[96];
    snprintf(text, sizeof(text), "{\"k\":\"x\",\"at\":%lld,\"v\":%lld}", (long long)at_ms,
             (long long)offset);
    struct fyke_record r = {.size = sizeof(r),
                            .topic = topic,
                            .offset = offset,
                            .value = text,
                            .value_len = strlen(text)};
    return fyke_engine_push(e, &r);
}

static void rules_and_their_names(void **state)
{
    (void)state;
    struct fyke_rules *rules = compile();
    assert_int_equal(fyke_rules_count(rules), 2);
    assert_string_equal(fyke_rules_name(rules, 0), "pair");
    assert_string_equal(fyke_rules_name(rules, 1), "lone");
    assert_null(fyke_rules_name(rules, 2));
    fyke_rules_free(rules);
    fyke_rules_free(NULL);
}

static void keep_diagnostic(void *ctx, const struct fyke_diagnostic *d)
{
    char *text = ctx;
    assert_int_equal(d->severity, FYKE_ERROR);
    assert_string_equal(d->file, "bad");
    snprintf(text, 256, "%s %u:%u-%u:%u %s|%s", d->code, d->line, d->col, d->end_line, d->end_col,
             d->message, d->suggestion ? d->suggestion : "");
    assert_non_null(strstr(d->rendered, "^~"));
}

static void diagnostics_reach_the_caller(void **state)
{
    (void)state;
    static const char text[] =
        "language 1\n"
        "event A from topic \"a\" { k : string key  at : timestamp event time }\n"
        "rule r { for each k  when A where kk = \"1\"  emit alert }\n";
    struct fyke_rules *rules;
    char got[256] = "";
    assert_int_equal(
        fyke_rules_compile_text("bad", text, strlen(text), keep_diagnostic, got, &rules),
        FYKE_RULES_INVALID);
    assert_null(rules);
    assert_string_equal(got, "E0302 3:35-3:37 `kk` is neither a field of `A` nor a name|"
                             "did you mean `k`?");
    assert_string_equal(fyke_last_error(), "the rules do not compile: 1 error");
    const char *nowhere = "/nonexistent/rules";
    assert_int_equal(fyke_rules_compile(&nowhere, 1, NULL, NULL, &rules), FYKE_USAGE);
    assert_non_null(strstr(fyke_last_error(), "/nonexistent/rules"));
}

/* The clock waits for both topics of `pair`; only for one of them in `lone`. */
static void alerts_come_when_time_has_passed(void **state)
{
    (void)state;
    struct fyke_rules *rules = compile();
    struct seen s = {0};
    struct fyke_engine *e = open_engine(rules, &s, NULL, NULL);
    assert_int_equal(push(e, "b", 0, 2000), FYKE_OK);
    assert_int_equal(s.n, 0);
    assert_int_equal(push(e, "a", 7, 1000), FYKE_OK);
    assert_int_equal(push(e, "a", 8, 6500), FYKE_OK);
    assert_int_equal(s.n, 2);
    assert_int_equal(fyke_engine_advance(e, INT64_C(11500000001)), FYKE_OK);
    assert_int_equal(s.n, 3);
    assert_string_equal(s.rule, "lone");
    assert_string_equal(s.key, "x");
    assert_int_equal(s.at, INT64_C(11500000000));
    assert_int_equal(fyke_engine_finish(e, INT64_MAX), FYKE_OK);
    assert_int_equal(s.n, 3);
    fyke_engine_close(e);
    fyke_rules_free(rules);
}

static void wrong_use_is_said(void **state)
{
    (void)state;
    struct fyke_rules *rules = compile();
    struct seen s = {0};
    struct fyke_options o = {0};
    struct fyke_engine *e;
    assert_int_equal(fyke_engine_open(rules, &o, on_alert, &s, &e), FYKE_USAGE);
    e = open_engine(rules, &s, NULL, NULL);
    assert_int_equal(push(e, "c", 0, 0), FYKE_USAGE);
    assert_string_equal(fyke_last_error(), "no event comes from topic \"c\"");
    assert_int_equal(push(e, "a", 0, 0), FYKE_OK);
    fyke_engine_close(e);
    fyke_engine_close(NULL);
    struct fyke_run_config c;
    fyke_run_config_init(&c);
    assert_int_equal(fyke_run(rules, &c, NULL, NULL), FYKE_USAGE);
    assert_non_null(strstr(fyke_last_error(), "no input"));
    fyke_rules_free(rules);
}

static void a_receiver_may_stop(void **state)
{
    (void)state;
    struct fyke_rules *rules = compile();
    struct seen s = {.limit = 1};
    struct fyke_engine *e = open_engine(rules, &s, NULL, NULL);
    assert_int_equal(push(e, "a", 0, 1000), FYKE_OK);
    assert_int_equal(fyke_engine_finish(e, INT64_MAX), FYKE_IO);
    assert_int_equal(push(e, "a", 1, 2000), FYKE_USAGE);
    fyke_engine_close(e);
    fyke_rules_free(rules);
}

static void evidence_shows_unused_fields(void **state)
{
    (void)state;
    static const char text[] =
        "language 1\n"
        "event A from topic \"a\" { k : string key  at : timestamp in ms event time  v : int }\n"
        "rule r { for each k  when A as a  emit alert }\n";
    struct fyke_rules *rules;
    struct seen s = {0};
    assert_int_equal(fyke_rules_compile_text("t", text, strlen(text), NULL, NULL, &rules), FYKE_OK);
    struct fyke_engine *e = open_engine(rules, &s, NULL, "v");
    assert_int_equal(push(e, "a", 5, 1000), FYKE_OK);
    assert_int_equal(fyke_engine_finish(e, INT64_MAX), FYKE_OK);
    assert_non_null(strstr(s.last, "\"fields\":{\"v\":5}"));
    fyke_engine_close(e);
    fyke_rules_free(rules);
}

static void state_is_continued(void **state)
{
    (void)state;
    char dir[] = "/tmp/fyke-lib-XXXXXX", command[64];
    assert_non_null(mkdtemp(dir));
    struct fyke_rules *rules = compile();
    struct seen s = {0};
    struct fyke_engine *e = open_engine(rules, &s, dir, NULL);
    assert_int_equal(push(e, "a", 0, 1000), FYKE_OK);
    assert_int_equal(fyke_engine_advance(e, INT64_C(1500000000)), FYKE_OK);
    assert_int_equal(fyke_engine_commit(e), FYKE_OK);
    fyke_engine_close(e);
    e = open_engine(rules, &s, dir, NULL);
    assert_int_equal(push(e, "a", 0, 1000), FYKE_OK); /* counts once */
    assert_int_equal(push(e, "b", 0, 2000), FYKE_OK);
    assert_int_equal(fyke_engine_finish(e, INT64_C(2000000001)), FYKE_OK);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.rule, "pair");
    fyke_engine_close(e);
    fyke_rules_free(rules);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

static void keep_summary(void *ctx, const char *json)
{
    snprintf(ctx, 4096, "%s", json);
}

static void whole_runs(void **state)
{
    (void)state;
    char path[] = "/tmp/fyke-lib-XXXXXX", input[64], summary[4096] = "";
    static const char lines[] = "{\"k\":\"x\",\"at\":1000}\nnot json\n{\"k\":\"x\",\"at\":9000}\n";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
    close(fd);
    struct fyke_rules *rules = compile();
    struct seen s = {.limit = UINT32_MAX};
    struct fyke_run_config c;
    fyke_run_config_init(&c);
    snprintf(input, sizeof(input), "a=%s", path);
    const char *inputs[] = {input};
    c.inputs = inputs;
    c.n_inputs = 1;
    c.on_alert = on_alert;
    c.on_alert_ctx = &s;
    assert_int_equal(fyke_run(rules, &c, keep_summary, summary), FYKE_OK);
    assert_int_equal(s.n, 1);
    assert_non_null(strstr(summary, "\"records\":3,\"events\":2,"));
    assert_non_null(strstr(summary, "\"invalid\":{\"not_json\":1}"));
    assert_non_null(strstr(summary, "\"alerts\":{\"pair\":0,\"lone\":1}"));
    c.watermark_end = FYKE_END_FLUSH;
    assert_int_equal(fyke_run(rules, &c, NULL, NULL), FYKE_OK);
    assert_int_equal(s.n, 3);
    volatile int stop = 1;
    c.stop = &stop;
    assert_int_equal(fyke_run(rules, &c, NULL, NULL), FYKE_INTERRUPTED);
    c.stop = NULL;
    c.options.strict = true;
    assert_int_equal(fyke_run(rules, &c, NULL, NULL), FYKE_INPUT);
    fyke_rules_free(rules);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_and_their_names),
        cmocka_unit_test(diagnostics_reach_the_caller),
        cmocka_unit_test(alerts_come_when_time_has_passed),
        cmocka_unit_test(wrong_use_is_said),
        cmocka_unit_test(a_receiver_may_stop),
        cmocka_unit_test(evidence_shows_unused_fields),
        cmocka_unit_test(state_is_continued),
        cmocka_unit_test(whole_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
