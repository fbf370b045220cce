/* What must not change an answer: each case in several ways, every alert byte for byte.
 *
 *   ways FILE DIR
 *
 * FILE holds cases (JSON lines, fields: tests/README.md; `clock`: false where a clock that moves before
 * a topic has said anything begins another history). The state goes to DIR, which exists.
 *
 * The ways: all events in one batch, or evaluated one by one, or a few at a time; several threads; the
 * general detector; every record evicted to the store after every event; the engine closed and
 * opened again after every event; both, on several threads with the general detector. The alerts of a
 * rule and key stand in one order; in one batch all alerts do.
 * Exit: 0, 1 when a way differs from the first. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fyke/fyke.h"
#include "tests/conformance/case_records.h"

#define NS_PER_MS INT64_C(1000000)

struct way {
    const char *name;
    unsigned threads;
    unsigned batch; /* events until the clock moves; 0: only at the end */
    bool general;
    bool evicts;   /* a commit after every batch, no memory for what is clean */
    bool rests;    /* no memory without a state: what is kept is packed between two events */
    bool restarts; /* closed behind every batch, opened in front of the next */
};

static const struct way ways[] = {
    {.name = "one batch", .threads = 1},
    {.name = "event by event", .threads = 1, .batch = 1},
    {.name = "three by three", .threads = 1, .batch = 3},
    {.name = "two threads", .threads = 2, .batch = 2},
    {.name = "four threads", .threads = 4},
    {.name = "general, one batch", .threads = 1, .general = true},
    {.name = "general", .threads = 1, .batch = 1, .general = true},
    {.name = "evicted", .threads = 1, .batch = 1, .evicts = true},
    {.name = "at rest", .threads = 1, .batch = 1, .rests = true},
    {.name = "restarted", .threads = 1, .batch = 1, .evicts = true, .restarts = true},
    {.name = "restarted, four threads, general", .threads = 4, .batch = 2, .general = true,
     .evicts = true, .restarts = true},
};

/* Alerts by rule and key, those of one rule and key as they came. */
struct alerts {
    char *lines[4096]; /* "RULE KEY NUMBER\tALERT" */
    size_t n;
    bool sorted; /* else the numbers come first */
};

struct run {
    const struct fyke_rules *rules;
    const struct way *way;
    const char *dir;
    json_t *c;
    struct fyke_engine *engine;
    struct alerts *alerts;
    json_t *offsets;   /* next ones of the topics */
    size_t pushed;     /* events that this engine has been given */
    json_int_t latest; /* time of the last one */
    bool begun;
};

static bool on_alert(void *ctx, const struct fyke_alert *a)
{
    struct alerts *all = ((struct run *)ctx)->alerts;
    if (all->n == sizeof(all->lines) / sizeof(*all->lines)) {
        return false;
    }
    FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
    if (all->sorted) {
        buf_printf(&line, "%s %s ", a->rule, a->key ? a->key : "");
    }
    buf_printf(&line, "%06zu\t%s", all->n, a->json);
    all->lines[all->n++] = strdup(buf_cstr(&line));
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is compared: without the numbers. */
static void alerts_text(struct alerts *all, struct buf *ret)
{
    qsort(all->lines, all->n, sizeof(*all->lines), by_text);
    for (size_t i = 0; i < all->n; i++) {
        buf_printf(ret, "%s\n", strchr(all->lines[i], '\t') + 1);
        free(all->lines[i]);
    }
}

static bool said(const char *what, enum fyke_result rc)
{
    if (rc != FYKE_OK) {
        printf("    %s: %s\n", what, fyke_last_error());
    }
    return rc == FYKE_OK;
}

static bool open_engine(struct run *r)
{
    struct fyke_options o;
    fyke_options_init(&o);
    o.threads = r->way->threads;
    o.general_detector = r->way->general;
    if (r->way->rests) {
        o.memory_bytes = 1;
    }
    if (r->way->evicts) {
        o.state_dir = r->dir;
        o.memory_bytes = 1;
        o.reset_state = !r->begun;
    }
    r->begun = true;
    r->pushed = 0;
    json_object_clear(r->offsets);
    return said("open", fyke_engine_open(r->rules, &o, on_alert, r, &r->engine));
}

/* A new engine reads everything again from the start; what its state knows of is skipped. */
static bool push_up_to(struct run *r, size_t n)
{
    json_t *events = json_object_get(r->c, "events");
    bool ok = true;
    for (; ok && r->pushed < n; r->pushed++) {
        json_t *event = json_array_get(events, case_nth_read(r->c, r->pushed));
        ok = case_push(r->engine, event, r->offsets, NULL);
    }
    return ok;
}

/* The clock moves to the last event, unless earlier ones may still be read. */
static bool advance(struct run *r)
{
    json_t *events = json_object_get(r->c, "events");
    if (json_object_get(r->c, "arrival") || json_array_size(events) == 0) {
        return true;
    }
    return said("advance", fyke_engine_advance(r->engine, (int64_t)r->latest * NS_PER_MS));
}

static bool pause_run(struct run *r)
{
    if (!r->way->evicts) {
        return true;
    }
    if (!said("commit", fyke_engine_commit(r->engine))) {
        return false;
    }
    if (r->way->restarts) {
        fyke_engine_close(r->engine);
        r->engine = NULL;
        return open_engine(r);
    }
    return true;
}

static bool go(struct run *r)
{
    size_t n = json_array_size(json_object_get(r->c, "events"));
    size_t batch = r->way->batch ? r->way->batch : n + 1;
    for (size_t done = 0; done < n;) {
        done = done + batch < n ? done + batch : n;
        json_t *last = json_array_get(json_object_get(r->c, "events"), done - 1);
        r->latest = json_integer_value(json_object_get(last, "at"));
        if (!push_up_to(r, done) || (done < n && (!advance(r) || !pause_run(r)))) {
            return false;
        }
    }
    int64_t end = json_integer_value(json_object_get(r->c, "watermark")) * NS_PER_MS;
    return said("finish", fyke_engine_finish(r->engine, end));
}

static bool run_way(const struct fyke_rules *rules, const struct way *way, const char *dir,
                    json_t *c, bool sorted, struct buf *ret)
{
    struct alerts alerts = {.sorted = sorted};
    struct run r = {.rules = rules, .way = way, .dir = dir, .c = c, .alerts = &alerts,
                    .offsets = json_object()};
    bool ok = open_engine(&r) && go(&r);
    fyke_engine_close(r.engine);
    json_decref(r.offsets);
    alerts_text(&alerts, ret);
    return ok;
}

static bool differs(const struct fyke_rules *rules, const char *dir, json_t *c,
                    const struct way *way, struct buf *want)
{
    FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
    if (run_way(rules, way, dir, c, way->batch != 0, &got) &&
        slice_eq(buf_slice(want), buf_slice(&got))) {
        return false;
    }
    printf("differs  %s: %s\n    %s\n%s    %s\n%s",
           json_string_value(json_object_get(c, "name")), way->name, ways[0].name,
           buf_cstr(want), way->name, buf_cstr(&got));
    return true;
}

static unsigned differing_ways(const struct fyke_rules *rules, const char *dir, json_t *c,
                               bool *alerts)
{
    FYKE_CLEANUP(buf_release) struct buf as_they_come = BUF_INIT, sorted = BUF_INIT;
    unsigned differ = !run_way(rules, &ways[0], dir, c, false, &as_they_come) +
                      !run_way(rules, &ways[0], dir, c, true, &sorted);
    *alerts = sorted.len > 0;
    for (size_t i = 1; i < sizeof(ways) / sizeof(*ways); i++) {
        if (!ways[i].batch || !json_is_false(json_object_get(c, "clock"))) {
            differ += differs(rules, dir, c, &ways[i], ways[i].batch ? &sorted : &as_they_come);
        }
    }
    return differ;
}

static bool run_case(json_t *c, const char *dir, bool *alerts)
{
    const char *name = json_string_value(json_object_get(c, "name"));
    const char *text = json_string_value(json_object_get(c, "rule"));
    struct fyke_rules *rules = NULL;
    if (!name || !text || !case_in_order(c) ||
        fyke_rules_compile_text(name, text, strlen(text), NULL, NULL, &rules) != FYKE_OK) {
        printf("differs  %s: not a case that can be run\n%s", name ? name : "?", text ? text : "");
        return false;
    }
    unsigned differ = differing_ways(rules, dir, c, alerts);
    if (differ) {
        printf("%s", text);
    }
    fyke_rules_free(rules);
    return differ == 0;
}

int main(int argc, char **argv)
{
    FILE *f = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (!f) {
        fprintf(stderr, "usage: ways FILE DIR\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    unsigned cases = 0, differ = 0, with_alert = 0;
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, f) > 0) {
        json_t *c = json_loads(line, 0, NULL);
        bool alerts = false;
        cases++;
        differ += !run_case(c, argv[2], &alerts);
        with_alert += alerts;
        json_decref(c);
    }
    free(line);
    fclose(f);
    printf("%u cases, %u with an alert, %u differ\n", cases, with_alert, differ);
    return differ > 0 || cases == 0;
}
