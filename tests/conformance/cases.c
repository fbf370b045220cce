/* Runs cases of the meaning (rules, events, answers as JSON lines; fields: tests/README.md) through
 * libfyke and compares. A case is
 *   equal     the answer is exactly the expected one, or the refusal is for its own reason
 *   differs   anything else: the run fails
 *
 *   cases FILE [--codes FILE] [--min-equal N] [--min-answers N] [-v] [--only NAME]
 * Exit: 0, 1 when a case differs or too few are equal, 77 when FILE is absent. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "fyke/fyke.h"
#include "tests/conformance/case_records.h"

#define NS_PER_MS INT64_C(1000000)

struct tally {
    unsigned equal, answers, refused, differs, skipped;
};

struct outcome {
    json_t *alerts; /* array of parsed alerts */
    struct buf lines;    /* the alerts as they came */
    struct buf codes;    /* error codes, blank separated */
    struct buf messages; /* rendered */
};

static void outcome_release(struct outcome *o)
{
    json_decref(o->alerts);
    buf_release(&o->lines);
    buf_release(&o->codes);
    buf_release(&o->messages);
}

static void on_diagnostic(void *ctx, const struct fyke_diagnostic *d)
{
    struct outcome *o = ctx;
    if (d->severity == FYKE_ERROR) {
        buf_printf(&o->codes, "%s ", d->code);
        buf_printf(&o->messages, "    %s: %s\n", d->code, d->message);
    }
}

static bool on_alert(void *ctx, const struct fyke_alert *a)
{
    struct outcome *o = ctx;
    json_array_append_new(o->alerts, json_loadb(a->json, a->json_len, 0, NULL));
    buf_printf(&o->lines, "%s\n", a->json);
    return true;
}

/* ---- running a case ----------------------------------------------------------------------- */

static bool run_events(const struct fyke_rules *rules, json_t *c, bool general, struct outcome *o,
                       json_t *ids)
{
    struct fyke_options opts;
    fyke_options_init(&opts);
    opts.general_detector = general;
    struct fyke_engine *e;
    if (fyke_engine_open(rules, &opts, on_alert, o, &e) != FYKE_OK) {
        buf_printf(&o->messages, "    open: %s\n", fyke_last_error());
        return false;
    }
    json_t *events = json_object_get(c, "events");
    json_t *offsets = json_object();
    for (size_t i = 0; i < json_array_size(events); i++) {
        case_push(e, json_array_get(events, case_nth_read(c, i)), offsets, ids);
    }
    int64_t watermark = json_integer_value(json_object_get(c, "watermark")) * NS_PER_MS;
    bool ok = fyke_engine_finish(e, watermark) == FYKE_OK;
    if (!ok) {
        buf_printf(&o->messages, "    finish: %s\n", fyke_last_error());
    }
    fyke_engine_close(e);
    json_decref(offsets);
    return ok;
}

/* ---- comparing ---------------------------------------------------------------------------- */

/* RFC 3339 UTC → ms since 1970. */
static int64_t ms_of(const char *text)
{
    struct etime t;
    if (!text || !etime_parse(slice_of(text), false, &t)) {
        return INT64_MIN;
    }
    return t.ns / NS_PER_MS;
}

/* Numbers, then names of derived events. */
static int by_id(const void *a, const void *b)
{
    const char *s = json_string_value(*(json_t *const *)a);
    const char *t = json_string_value(*(json_t *const *)b);
    if (s || t) {
        return s && t ? strcmp(s, t) : (s != NULL) - (t != NULL);
    }
    json_int_t x = json_integer_value(*(json_t *const *)a);
    json_int_t y = json_integer_value(*(json_t *const *)b);
    return x < y ? -1 : x > y;
}

static void sort_ids(json_t *list)
{
    size_t n = json_array_size(list);
    json_t **items = calloc(n + 1, sizeof(*items));
    for (size_t i = 0; i < n; i++) {
        items[i] = json_incref(json_array_get(list, i));
    }
    qsort(items, n, sizeof(*items), by_id);
    for (size_t i = 0; i < n; i++) {
        json_array_set_new(list, i, items[i]);
    }
    free(items);
}

static json_t *input_id(json_t *evidence, json_t *ids)
{
    char place[256];
    const char *topic = json_string_value(json_object_get(evidence, "topic"));
    snprintf(place, sizeof(place), "%s/%lld", topic ? topic : "?",
             (long long)json_integer_value(json_object_get(evidence, "offset")));
    return json_incref(json_object_get(ids, place));
}

/* A derived event is known by its rule and time: "burst@20", the second of a match "burst@20#1". */
static json_t *derived_id(json_t *evidence)
{
    char id[256];
    int64_t at = ms_of(json_string_value(json_object_get(evidence, "time")));
    long long n = (long long)json_integer_value(json_object_get(evidence, "n"));
    snprintf(id, sizeof(id), n ? "%s@%lld#%lld" : "%s@%lld",
             json_string_value(json_object_get(evidence, "rule")), (long long)at, n);
    return json_string(id);
}

/* {step: [ids]} of an alert, ids ascending. */
static json_t *steps_of(json_t *alert, json_t *ids)
{
    json_t *steps = json_object();
    json_t *evidence = json_object_get(alert, "evidence");
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        json_t *e = json_array_get(evidence, i);
        const char *step = json_string_value(json_object_get(e, "step"));
        json_t *list = json_object_get(steps, step);
        if (!list) {
            list = json_array();
            json_object_set_new(steps, step, list);
        }
        json_array_append_new(list, json_object_get(e, "rule") ? derived_id(e) : input_id(e, ids));
    }
    const char *key;
    json_t *list;
    json_object_foreach(steps, key, list)
    {
        sort_ids(list);
    }
    return steps;
}

static json_t *sorted_steps(json_t *steps)
{
    json_t *copy = json_deep_copy(steps);
    const char *key;
    json_t *list;
    json_object_foreach(copy, key, list)
    {
        sort_ids(list);
    }
    return copy;
}

/* One comparable line per answer. */
static char *line_of(const char *kind, int64_t at, const char *by, json_t *steps, json_t *extra)
{
    json_t *o = json_pack("{s:s, s:I}", "kind", kind, "at", (json_int_t)at);
    if (by) {
        json_object_set_new(o, "by", json_string(by));
    }
    if (steps) {
        json_object_set(o, "steps", steps);
    }
    if (extra) {
        json_object_update(o, extra);
    }
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(o);
    return text;
}

struct lines {
    char *items[4096];
    size_t n;
};

static void lines_add(struct lines *l, char *text)
{
    if (l->n < 4096) {
        l->items[l->n++] = text;
    } else {
        free(text);
    }
}

static void expected_lines(json_t *c, struct lines *l)
{
    json_t *list = json_object_get(c, "expected");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *x = json_array_get(list, i);
        json_t *extra = json_object();
        if (json_object_get(x, "suppressed")) {
            json_object_set(extra, "suppressed", json_object_get(x, "suppressed"));
        }
        if (json_object_get(x, "rule")) {
            json_object_set(extra, "rule", json_object_get(x, "rule"));
        }
        if (json_object_get(x, "emit")) {
            json_object_set(extra, "emit", json_object_get(x, "emit"));
        }
        json_t *steps = sorted_steps(json_object_get(x, "steps"));
        lines_add(l, line_of("match", json_integer_value(json_object_get(x, "at")),
                             json_string_value(json_object_get(x, "by")), steps, extra));
        json_decref(steps);
        json_decref(extra);
    }
    list = json_object_get(c, "timeouts");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *x = json_array_get(list, i);
        json_t *extra = json_pack("{s:O}", "step", json_object_get(x, "step"));
        json_t *steps = sorted_steps(json_object_get(x, "steps"));
        lines_add(l, line_of("timeout", json_integer_value(json_object_get(x, "at")), NULL, steps,
                             extra));
        json_decref(steps);
        json_decref(extra);
    }
    list = json_object_get(c, "quiet_ended");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *x = json_array_get(list, i);
        json_t *extra = json_pack("{s:O}", "count", json_object_get(x, "count"));
        lines_add(l, line_of("quiet_ended", json_integer_value(json_object_get(x, "at")), NULL,
                             NULL, extra));
        json_decref(extra);
    }
}

/* Does an expected match say `name`? Then every alert that has it is asked for it. */
static bool asked_for(json_t *c, const char *name)
{
    size_t i;
    json_t *x;
    json_array_foreach(json_object_get(c, "expected"), i, x)
    {
        if (json_object_get(x, name)) {
            return true;
        }
    }
    return false;
}

static void got_lines(json_t *c, json_t *alerts, json_t *ids, struct lines *l)
{
    bool suppressed = asked_for(c, "suppressed");
    bool names = asked_for(c, "rule");
    bool emit = asked_for(c, "emit");
    for (size_t i = 0; i < json_array_size(alerts); i++) {
        json_t *a = json_array_get(alerts, i);
        const char *kind = json_string_value(json_object_get(a, "kind"));
        int64_t at = ms_of(json_string_value(json_object_get(a, "detected")));
        json_t *extra = json_object();
        json_t *steps = NULL;
        const char *by = NULL;
        if (!kind) {
            kind = "?";
        }
        if (!strcmp(kind, "match")) {
            steps = steps_of(a, ids);
            by = json_string_value(json_object_get(a, "by"));
            if (names) {
                json_object_set(extra, "rule", json_object_get(a, "rule"));
            }
            if (suppressed) {
                json_object_set(extra, "suppressed", json_object_get(a, "suppressed"));
            }
            if (emit) {
                json_object_set(extra, "emit", json_object_get(a, "emit"));
            }
        } else if (!strcmp(kind, "timeout")) {
            steps = steps_of(a, ids);
            json_object_set(extra, "step", json_object_get(a, "step"));
        } else if (!strcmp(kind, "quiet_ended")) {
            json_object_set(extra, "count", json_object_get(a, "count"));
        }
        lines_add(l, line_of(kind, at, by, steps, extra));
        json_decref(steps);
        json_decref(extra);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool lines_equal(struct lines *a, struct lines *b)
{
    qsort(a->items, a->n, sizeof(*a->items), by_text);
    qsort(b->items, b->n, sizeof(*b->items), by_text);
    if (a->n != b->n) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

static void lines_print(const char *head, struct lines *l)
{
    printf("    %s\n", head);
    for (size_t i = 0; i < l->n; i++) {
        printf("      %s\n", l->items[i]);
    }
}

static void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i]);
    }
}

/* ---- one case ----------------------------------------------------------------------------- */

static void report_difference(json_t *c, const char *what, struct outcome *o)
{
    printf("differs  %s: %s\n%s", json_string_value(json_object_get(c, "name")), what,
           buf_cstr(&o->messages));
}

/* The detector of a rule's class must not change a byte of what the general one says. */
static bool same_by_general(json_t *c, const struct fyke_rules *rules, struct outcome *by_class)
{
    struct outcome o = {.alerts = json_array()};
    json_t *ids = json_object();
    bool same = run_events(rules, c, true, &o, ids) &&
                slice_eq(buf_slice(&o.lines), buf_slice(&by_class->lines));
    if (!same) {
        report_difference(c, "another answer by the general detector", &o);
        printf("%s\n    by class\n%s    general\n%s",
               json_string_value(json_object_get(c, "rule")), buf_cstr(&by_class->lines),
               buf_cstr(&o.lines));
    }
    outcome_release(&o);
    json_decref(ids);
    return same;
}

static void check_answer(json_t *c, const struct fyke_rules *rules, struct outcome *o,
                         struct tally *t)
{
    json_t *ids = json_object();
    struct lines want = {.n = 0}, got = {.n = 0};
    bool ran = run_events(rules, c, false, o, ids);
    expected_lines(c, &want);
    got_lines(c, o->alerts, ids, &got);
    if (ran && !same_by_general(c, rules, o)) {
        t->differs++;
    } else if (ran && lines_equal(&want, &got)) {
        t->equal++;
        t->answers++;
    } else {
        t->differs++;
        report_difference(c, ran ? "another answer" : "the run failed", o);
        printf("%s", json_string_value(json_object_get(c, "rule")));
        lines_print("expected", &want);
        lines_print("got", &got);
    }
    lines_free(&want);
    lines_free(&got);
    json_decref(ids);
}

/* The refusal must be for the case's own reason: codes[reason] lists the codes that say so. */
static void check_refusal(json_t *c, json_t *codes, struct outcome *o, bool refused,
                          struct tally *t)
{
    const char *reason = json_string_value(json_object_get(c, "expect_error"));
    const char *want = json_string_value(json_object_get(codes, reason));
    FYKE_CLEANUP(buf_release) struct buf first = BUF_INIT;
    buf_puts(&first, buf_cstr(&o->codes));
    char *code = strtok((char *)(uintptr_t)buf_cstr(&first), " ");
    bool found = false;
    for (; code && want; code = strtok(NULL, " ")) {
        found |= strstr(want, code) != NULL;
    }
    if (refused && found) {
        t->equal++;
        t->refused++;
        return;
    }
    t->differs++;
    report_difference(c, refused ? "refused for another reason" : "accepted", o);
    printf("    must be refused: %s (%s)\n", reason, want ? want : "no code is listed for it");
}

static void run_case(json_t *c, json_t *codes, struct tally *t, bool verbose)
{
    const char *name = json_string_value(json_object_get(c, "name"));
    json_t *mappable = json_object_get(c, "mappable");
    const char *text = json_string_value(json_object_get(c, "rule"));
    if ((mappable && !json_is_true(mappable)) || !text) {
        t->skipped++;
        return;
    }
    if (!case_in_order(c)) {
        t->skipped++;
        printf("skipped  %s: its events are not listed in their order of time\n", name);
        return;
    }
    struct outcome o = {.alerts = json_array()};
    struct fyke_rules *rules = NULL;
    enum fyke_result rc =
        fyke_rules_compile_text(name, text, strlen(text), on_diagnostic, &o, &rules);
    if (json_object_get(c, "expect_error")) {
        check_refusal(c, codes, &o, rc != FYKE_OK, t);
    } else if (rc != FYKE_OK) {
        t->differs++;
        report_difference(c, "refused", &o);
        printf("%s\n", text);
    } else {
        check_answer(c, rules, &o, t);
    }
    if (verbose) {
        printf("ran      %s\n", name);
    }
    fyke_rules_free(rules);
    outcome_release(&o);
}

struct args {
    const char *file, *codes, *only;
    unsigned min_equal, min_answers;
    bool verbose;
};

static bool parse_args(int argc, char **argv, struct args *a)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-v")) {
            a->verbose = true;
        } else if (argv[i][0] == '-' && i + 1 < argc) {
            const char *v = argv[++i];
            if (!strcmp(argv[i - 1], "--codes")) {
                a->codes = v;
            } else if (!strcmp(argv[i - 1], "--only")) {
                a->only = v;
            } else if (!strcmp(argv[i - 1], "--min-equal")) {
                a->min_equal = (unsigned)strtoul(v, NULL, 10);
            } else if (!strcmp(argv[i - 1], "--min-answers")) {
                a->min_answers = (unsigned)strtoul(v, NULL, 10);
            } else {
                return false;
            }
        } else {
            a->file = argv[i];
        }
    }
    return a->file != NULL;
}

int main(int argc, char **argv)
{
    struct args a = {0};
    if (!parse_args(argc, argv, &a)) {
        fprintf(stderr, "usage: cases FILE [--codes FILE] [--min-equal N] [--min-answers N]\n");
        return 2;
    }
    FILE *f = fopen(a.file, "r");
    if (!f) {
        printf("SKIPPED: %s is not here\n", a.file);
        return 77;
    }
    /* What was said stays said when a case ends the process. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    json_t *codes = a.codes ? json_load_file(a.codes, 0, NULL) : NULL;
    struct tally t = {0};
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, f) > 0) {
        json_t *c = json_loads(line, 0, NULL);
        const char *name = json_string_value(json_object_get(c, "name"));
        if (c && (!a.only || !strcmp(a.only, name ? name : ""))) {
            run_case(c, codes, &t, a.verbose);
        }
        json_decref(c);
    }
    free(line);
    fclose(f);
    json_decref(codes);
    printf("%u equal (%u answers, %u refusals), %u differ, %u without counterpart\n",
           t.equal, t.answers, t.refused, t.differs, t.skipped);
    return t.differs || t.equal < a.min_equal || t.answers < a.min_answers;
}
