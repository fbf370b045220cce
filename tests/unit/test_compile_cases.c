/* The rules of the border cases compile, or are refused for their own reason. Read in place when
 * present, else skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/compile_text.h"

/* The words of `expect_error` and the codes that mean them. */
static const struct {
    const char *words;
    const char *codes[3];
} reasons[] = {
    {"can never start", {"E0416"}},
    {"optional last part", {"E0405"}},
    {"can match no event", {"E0401"}},
    {"count that nothing can meet", {"E0402"}},
    {"more parts than there are", {"E0403"}},
    {"can be empty", {"E0404"}},
    {"a leading absence inside a part", {"E0406"}},
    {"at the end of a part of `all of`", {"E0407"}},
    {"`no M for D then within E B`", {"E0408"}},
    {"`no M` between without a bound", {"E0409"}},
    {"trailing `no M` without a head window", {"E0410"}},
    {"absence without a bound", {"E0409", "E0410"}},
    {"`on timeout` without a head window", {"E0411"}},
    {"an open count without a bound", {"E0412"}},
    {"exceeds the window", {"E0413"}},
    {"aggregate over an `anywhere` name", {"E0414"}},
    {"`per` without", {"E0415"}},
};

static bool refused_for(const struct compilation *c, const char *why)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        for (size_t k = 0; strstr(why, reasons[i].words) && k < 3 && reasons[i].codes[k]; k++) {
            if (has_code(c, reasons[i].codes[k])) {
                return true;
            }
        }
    }
    return false;
}

static const char *first_message(const struct compilation *c)
{
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        if (d->severity == DIAG_ERROR) {
            return d->message;
        }
    }
    return "";
}

static unsigned check_rule_text(const char *name, const char *text, const char *expect_error)
{
    struct compilation *c = compile_text(text);
    bool ok = expect_error ? refused_for(c, expect_error) : c->diags.n_errors == 0;
    if (!ok) {
        fprintf(stderr, "%s: expected %s, got [%s] %s\n", name,
                expect_error ? expect_error : "no error", codes_of(c, true), first_message(c));
    }
    compilation_free(c);
    return !ok;
}

static unsigned check_case(const json_t *obj)
{
    const char *name = json_string_value(json_object_get(obj, "name"));
    const char *why = json_string_value(json_object_get(obj, "expect_error"));
    const json_t *mappable = json_object_get(obj, "mappable");
    const char *text = json_string_value(json_object_get(obj, "rule"));
    const char *policy;
    json_t *rule;
    unsigned failed = 0;
    if (mappable && json_is_false(mappable)) {
        return 0;
    }
    if (text) {
        return check_rule_text(name, text, why);
    }
    json_object_foreach(json_object_get(obj, "rules"), policy, rule)
    {
        failed += check_rule_text(name, json_string_value(rule), why);
    }
    return failed;
}

static void run_file(const char *path)
{
    FILE *in = fopen(path, "r");
    if (!in) {
        printf("SKIPPED: %s is not there\n", path);
        skip();
    }
    char *line = NULL;
    size_t cap = 0;
    unsigned failed = 0;
    unsigned cases = 0;
    while (getline(&line, &cap, in) > 0) {
        json_error_t err;
        json_t *obj = json_loads(line, 0, &err);
        assert_non_null(obj);
        failed += check_case(obj);
        cases++;
        json_decref(obj);
    }
    free(line);
    fclose(in);
    printf("%s: %u cases\n", path, cases);
    assert_int_equal(failed, 0);
}

/* The rule's text without one word: whatever comes out, it comes out cleanly. */
static void compile_without_word(const char *text, size_t at)
{
    size_t n = strlen(text);
    char *cut = malloc(n + 1);
    assert_non_null(cut);
    size_t from = at;
    while (from > 0 && text[from - 1] != ' ') {
        from--;
    }
    size_t to = at;
    while (to < n && text[to] != ' ' && text[to] != '\n') {
        to++;
    }
    memcpy(cut, text, from);
    memcpy(cut + from, text + to, n - to + 1);
    compilation_free(compile_text(cut));
    free(cut);
}

static void texts_with_a_word_missing(void **state)
{
    (void)state;
    FILE *in = fopen("../shared/cases/spec.fyke.jsonl", "r");
    char *line = NULL;
    size_t cap = 0;
    if (!in) {
        printf("SKIPPED: the cases are not there\n");
        skip();
    }
    while (getline(&line, &cap, in) > 0) {
        json_t *obj = json_loads(line, 0, NULL);
        const char *text = json_string_value(json_object_get(obj, "rule"));
        for (size_t k = 0; text && k < 8; k++) {
            compile_without_word(text, 11 + k * (strlen(text) - 12) / 8);
        }
        json_decref(obj);
    }
    free(line);
    fclose(in);
}

static void spec_cases(void **state)
{
    (void)state;
    run_file("../shared/cases/spec.fyke.jsonl");
}

static void flink_cases(void **state)
{
    (void)state;
    run_file("../shared/cases/flink-cep.fyke.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec_cases),
        cmocka_unit_test(flink_cases),
        cmocka_unit_test(texts_with_a_word_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
