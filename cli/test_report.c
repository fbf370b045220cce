/* The result of one test in every format. */
#include <string.h>

#include "base/json_out.h"
#include "cli/plain_text.h"
#include "cli/test_args.h"
#include "dsl/diag_render.h"

/* Expected and got stand side by side when they fit. */
#define WIDTH 100

#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

/* ---- expected and got ----------------------------------------------------------------------- */

static size_t columns_of(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += ((uint8_t)s.ptr[i] & 0xc0) != 0x80;
    }
    return n;
}

static size_t widest(const struct rule_test_line *lines, size_t n, size_t least)
{
    for (size_t i = 0; i < n; i++) {
        size_t w = columns_of(buf_slice(&lines[i].text));
        least = w > least ? w : least;
    }
    return least;
}

static void put_line(const struct test_report *r, const struct rule_test_line *l, size_t width)
{
    bool bad = !l->met;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    plain_put(&text, buf_slice(&l->text));
    size_t used = columns_of(buf_slice(&text));
    buf_printf(r->out, "%s %s%.*s%s", bad ? "!" : " ", bad && r->color ? RED : "",
               (int)text.len, text.ptr, bad && r->color ? PLAIN : "");
    for (; used < width; used++) {
        buf_puts(r->out, " ");
    }
}

static void put_lines(const struct test_report *r, const char *head,
                      const struct rule_test_line *lines, size_t n, const char *prefix)
{
    buf_printf(r->out, "%s    %s\n", prefix, head);
    for (size_t i = 0; i < n; i++) {
        buf_printf(r->out, "%s    ", prefix);
        put_line(r, &lines[i], 0);
        buf_puts(r->out, "\n");
    }
    if (n == 0) {
        buf_printf(r->out, "%s      no match\n", prefix);
    }
}

/* One row: either may be NULL. */
static void put_row(const struct test_report *r, const struct rule_test_line *want,
                    const struct rule_test_line *got, size_t width, const char *prefix)
{
    buf_printf(r->out, "%s    ", prefix);
    if (want) {
        put_line(r, want, got ? width : 0);
    } else {
        buf_printf(r->out, "%*s", (int)width + 2, "");
    }
    if (got) {
        buf_puts(r->out, "   ");
        put_line(r, got, 0);
    }
    buf_puts(r->out, "\n");
}

/* The matches that an expectation got beside it; what has no counterpart in order, below. */
static void put_beside(const struct test_report *r, size_t width, const char *prefix)
{
    const struct rule_test_result *res = r->result;
    buf_printf(r->out, "%s    %-*s   got\n", prefix, (int)width + 2, "expected");
    size_t free_got = 0;
    for (size_t i = 0; i < res->n_expected; i++) {
        const struct rule_test_line *want = &res->expected[i];
        const struct rule_test_line *left = want;
        for (size_t g = 0; g < res->n_got; g++) {
            if (res->got[g].of == i) {
                put_row(r, left, &res->got[g], width, prefix);
                left = NULL;
            }
        }
        while (left && free_got < res->n_got && res->got[free_got].met) {
            free_got++;
        }
        if (left) {
            bool pair = (!left->met || left->stmt->count == 0) && free_got < res->n_got;
            put_row(r, left, pair ? &res->got[free_got] : NULL, width, prefix);
            free_got += pair;
        }
    }
    for (; free_got < res->n_got; free_got++) {
        if (!res->got[free_got].met) {
            put_row(r, NULL, &res->got[free_got], width, prefix);
        }
    }
}

static void put_course(const struct test_report *r, const char *prefix)
{
    const struct rule_test_result *res = r->result;
    if (res->timeline.len) {
        buf_printf(r->out, "%s    events\n", prefix);
        plain_put_lines(r->out, prefix, "      ", buf_slice(&res->timeline));
    }
    if (res->nearest.len) {
        plain_put_lines(r->out, prefix, "    ", buf_slice(&res->nearest));
    }
}

void test_put_failure(const struct test_report *r, const char *prefix)
{
    const struct rule_test_result *res = r->result;
    const struct rule_file *src = sources_get(&r->c->sources, r->test->span.file);
    buf_printf(r->out, "%s    %s:%u\n", prefix, src->path,
               source_position(src, r->test->span.start).line);
    if (res->problem.len) {
        plain_put_lines(r->out, prefix, "    ", buf_slice(&res->problem));
        return;
    }
    if (r->shuffled) {
        buf_printf(r->out, "%s    in order of arrival %llu of --shuffle (again: --shuffle-seed %llu)\n",
                   prefix, (unsigned long long)r->shuffled, (unsigned long long)r->shuffled);
    }
    size_t left = widest(res->expected, res->n_expected, sizeof("expected"));
    size_t right = widest(res->got, res->n_got, 0);
    if (res->n_got > 0 && res->n_expected > 0 && left + right + 11 <= WIDTH) {
        put_beside(r, left, prefix);
    } else {
        put_lines(r, "expected", res->expected, res->n_expected, prefix);
        put_lines(r, "got", res->got, res->n_got, prefix);
    }
    put_course(r, prefix);
}

/* ---- formats -------------------------------------------------------------------------------- */

static void report_human(const struct test_report *r, bool verbose)
{
    bool ok = r->result->ok;
    if (ok && !verbose) {
        return;
    }
    buf_printf(r->out, "%s%s%s  ", r->color ? (ok ? GREEN : RED) : "", ok ? "ok  " : "FAIL",
               r->color ? PLAIN : "");
    plain_put(r->out, test_rule_name(r));
    buf_puts(r->out, ": ");
    plain_put(r->out, r->test->title);
    buf_puts(r->out, "\n");
    if (!ok) {
        test_put_failure(r, "");
    }
}

static void report_tap(const struct test_report *r, unsigned number)
{
    buf_printf(r->out, "%s %u - ", r->result->ok ? "ok" : "not ok", number);
    plain_put_tap(r->out, test_rule_name(r));
    buf_puts(r->out, ": ");
    plain_put_tap(r->out, r->test->title);
    buf_puts(r->out, "\n");
    if (!r->result->ok) {
        test_put_failure(r, "# ");
    }
}

/* A failing test as an annotation beside its first line. */
static void report_github(const struct test_report *r, struct git_names *names)
{
    FYKE_CLEANUP(buf_release) struct buf details = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf title = BUF_INIT;
    const struct rule_file *src = sources_get(&r->c->sources, r->test->span.file);
    struct test_report plain = *r;
    if (r->result->ok) {
        return;
    }
    plain.out = &details;
    plain.color = false;
    test_put_failure(&plain, "");
    buf_printf(&title, "%.*s: %.*s", SLICE_ARG(test_rule_name(r)), SLICE_ARG(r->test->title));
    buf_puts(r->out, "::error file=");
    diag_put_github(r->out, git_name_of(names, src->path), true);
    buf_printf(r->out, ",line=%u,title=", source_position(src, r->test->span.start).line);
    diag_put_github(r->out, buf_cstr(&title), true);
    buf_puts(r->out, "::");
    diag_put_github(r->out, buf_cstr(&details), false);
    buf_puts(r->out, "\n");
}

static void report_json(const struct test_report *r)
{
    const struct rule_file *src = sources_get(&r->c->sources, r->test->span.file);
    struct json_out j = json_out_to(r->out);
    json_object_begin(&j);
    json_member_string(&j, "rule", test_rule_name(r));
    json_member_string(&j, "test", r->test->title);
    json_member_bool(&j, "ok", r->result->ok);
    json_key(&j, SLICE_LIT("expected"));
    json_array_begin(&j);
    for (size_t i = 0; i < r->result->n_expected; i++) {
        json_text(&j, buf_slice(&r->result->expected[i].text));
    }
    json_array_end(&j);
    json_key(&j, SLICE_LIT("got"));
    json_array_begin(&j);
    for (size_t i = 0; i < r->result->n_got; i++) {
        json_raw(&j, buf_slice(&r->result->got[i].json));
    }
    json_array_end(&j);
    json_member_string(&j, "file", slice_of(src->path));
    json_member_int(&j, "line", source_position(src, r->test->span.start).line);
    if (r->result->nearest.len) {
        json_member_string(&j, "nearest", buf_slice(&r->result->nearest));
    }
    if (r->shuffled) {
        json_member_int(&j, "shuffle", (int64_t)r->shuffled);
    }
    if (r->result->problem.len) {
        json_member_string(&j, "problem", buf_slice(&r->result->problem));
    }
    json_object_end(&j);
    json_line_end(&j);
}

static void report_junit(struct test_args *a, const struct test_report *r)
{
    FYKE_CLEANUP(buf_release) struct buf details = BUF_INIT;
    struct test_report plain = *r;
    plain.out = &details;
    plain.color = false;
    if (!r->result->ok) {
        test_put_failure(&plain, "");
    }
    junit_add(&a->junit, test_rule_name(r), r->test->title, r->result->ok, buf_slice(&details));
}

void test_report(struct test_args *a, const struct test_report *r)
{
    if (a->junit_path) {
        report_junit(a, r);
    }
    switch (a->format) {
    case FORMAT_JSON: report_json(r); break;
    case FORMAT_TAP: report_tap(r, a->passed + a->failed); break;
    case FORMAT_GITHUB: report_github(r, &a->names); break;
    case FORMAT_DEFAULT:
    case FORMAT_HUMAN:
    case FORMAT_DOT:
    case FORMAT_MARKDOWN:
    case FORMAT_SVG:
    case FORMAT_SARIF: report_human(r, a->verbose); break;
    }
}
