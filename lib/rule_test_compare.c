/* Expected against got: lists are complete, bodies check the fields they name. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/memory.h"
#include "lib/expectation.h"
#include "lib/json_view.h"
#include "lib/rule_test.h"

#define NOBODY SIZE_MAX

/* One expected match: a statement `expect 3 matches` gives three. */
struct wanted {
    const struct test_stmt *stmt;
    size_t line; /* in result.expected */
};

struct comparison {
    const struct compilation *c;
    const struct compiled_test *test;
    struct rule_test_result *result;
    struct json_view view;
    struct wanted *wanted;
    size_t n_wanted, cap_wanted;
    bool *fits;     /* [wanted][got] */
    size_t *holder; /* per got: the wanted it is given to */
    bool *visited;  /* per got */
};

/* ---- got ---------------------------------------------------------------------------------- */

static struct etime detected_at(const struct comparison *c)
{
    return json_view_time(json_view_get(c->view.root, "detected"));
}

static void put_members(struct buf *out, struct json_span object)
{
    struct json_span key, value;
    if (object.kind != JSON_OBJECT) {
        return;
    }
    struct json_walk w = json_walk_into(object);
    while (json_walk_member(&w, &key, &value)) {
        buf_puts(out, " ");
        json_view_text(key, out);
        buf_puts(out, " = ");
        buf_put_slice(out, json_view_raw(value));
    }
}

static bool view_is_timeout(const struct comparison *c)
{
    return json_view_is(json_view_get(c->view.root, "kind"), "timeout");
}

static void describe_alert(struct comparison *c, struct buf *out)
{
    bool timeout = view_is_timeout(c);
    buf_puts(out, timeout ? "timeout at " : "match at ");
    expectation_put_moment(detected_at(c), c->test->origin, out);
    if (timeout) {
        buf_puts(out, " at step ");
        json_view_text(json_view_get(c->view.root, "step"), out);
    }
    buf_puts(out, " {");
    put_members(out, json_view_get(c->view.root, "key"));
    put_members(out, json_view_get(c->view.root, "emit"));
    struct json_span suppressed = json_view_get(c->view.root, "suppressed");
    if (suppressed.kind != JSON_NONE) {
        buf_puts(out, " suppressed = ");
        buf_put_slice(out, json_view_raw(suppressed));
    }
    buf_puts(out, " }");
}

/* Matches and timeouts of the rule under test; quiet_ended and the like are neither. */
static void gather_got(struct comparison *c, const struct memory_sink *alerts)
{
    struct rule_test_result *r = c->result;
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    buf_put_slice(&name, c->c->ruleset->rules[c->test->rule].name);
    for (size_t i = 0; i < alerts->n_alerts; i++) {
        struct slice json = memory_sink_value(alerts, i);
        if (!json_view_set(&c->view, json) ||
            !json_view_is(json_view_get(c->view.root, "rule"), buf_cstr(&name)) ||
            (!json_view_is(json_view_get(c->view.root, "kind"), "match") && !view_is_timeout(c))) {
            continue;
        }
        struct rule_test_line line = {0};
        buf_put_slice(&line.json, json);
        describe_alert(c, &line.text);
        VEC_PUSH(r->got, r->n_got, r->cap_got) = line;
    }
}

/* ---- expected ----------------------------------------------------------------------------- */

static void put_statement(const struct comparison *c, struct span span, struct buf *out)
{
    struct slice s = source_text(sources_get(&c->c->sources, span.file), span);
    bool blank = false;
    for (size_t i = 0; i < s.len; i++) {
        bool space = s.ptr[i] == ' ' || s.ptr[i] == '\n' || s.ptr[i] == '\t' || s.ptr[i] == '\r';
        if (!space) {
            buf_put(out, s.ptr + i, 1);
        } else if (!blank) {
            buf_puts(out, " ");
        }
        blank = space;
    }
}

static void gather_expected(struct comparison *c)
{
    struct rule_test_result *r = c->result;
    for (uint32_t i = 0; i < c->test->n_stmts; i++) {
        const struct test_stmt *s = &c->test->stmts[i];
        if (s->kind != TEST_STMT_EXPECT && s->kind != TEST_STMT_TIMEOUT) {
            continue;
        }
        struct rule_test_line line = {0};
        put_statement(c, s->span, &line.text);
        line.stmt = s;
        VEC_PUSH(r->expected, r->n_expected, r->cap_expected) = line;
        for (uint32_t k = 0; k < s->count; k++) {
            VEC_PUSH(c->wanted, c->n_wanted, c->cap_wanted) = (struct wanted){s, r->n_expected - 1};
        }
    }
}

/* ---- which alert is which expectation? ----------------------------------------------------- */

/* Where an alert keeps the field. */
static struct json_span object_of(const struct comparison *c, const struct test_expect_field *f)
{
    if (f->emit_index < 0 && f->key_index < 0) {
        return c->view.root;
    }
    return json_view_get(c->view.root, f->emit_index >= 0 ? "emit" : "key");
}

static bool field_fits(const struct comparison *c, const struct test_expect_field *f)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf want = BUF_INIT;
    buf_put_slice(&name, f->name);
    struct json_span got = json_view_get(object_of(c, f), buf_cstr(&name));
    if (value_is_missing(f->value)) {
        return got.kind == JSON_NONE;
    }
    value_to_json(f->value, &want);
    return slice_eq(json_view_raw(got), buf_slice(&want));
}

static bool step_fits(const struct comparison *c, struct slice step)
{
    FYKE_CLEANUP(buf_release) struct buf got = BUF_INIT;
    json_view_text(json_view_get(c->view.root, "step"), &got);
    return slice_eq(buf_slice(&got), step);
}

/* The alert in the view. */
static bool alert_fits(const struct comparison *c, const struct test_stmt *s)
{
    if (view_is_timeout(c) != (s->kind == TEST_STMT_TIMEOUT)) {
        return false;
    }
    if (s->kind == TEST_STMT_TIMEOUT && !step_fits(c, s->step)) {
        return false;
    }
    if (s->has_moment && detected_at(c).ns != test_moment_time(s->moment, c->test->origin).ns) {
        return false;
    }
    for (uint32_t i = 0; i < s->n_fields; i++) {
        if (!field_fits(c, &s->fields[i])) {
            return false;
        }
    }
    return true;
}

static void fill_fits(struct comparison *c)
{
    size_t n = c->result->n_got;
    c->fits = xcalloc(c->n_wanted * n + 1, sizeof(*c->fits));
    c->holder = xcalloc(n + 1, sizeof(*c->holder));
    c->visited = xcalloc(n + 1, sizeof(*c->visited));
    for (size_t g = 0; g < n; g++) {
        c->holder[g] = NOBODY;
        (void)!json_view_set(&c->view, buf_slice(&c->result->got[g].json));
        for (size_t w = 0; w < c->n_wanted; w++) {
            bool same = w > 0 && c->wanted[w].stmt == c->wanted[w - 1].stmt;
            c->fits[w * n + g] = same ? c->fits[(w - 1) * n + g] : alert_fits(c, c->wanted[w].stmt);
        }
    }
}

/* Kuhn's augmenting paths; lists are as long as a test is. */
static bool give(struct comparison *c, size_t w)
{
    size_t n = c->result->n_got;
    for (size_t g = 0; g < n; g++) {
        if (!c->fits[w * n + g] || c->visited[g]) {
            continue;
        }
        c->visited[g] = true;
        if (c->holder[g] == NOBODY || give(c, c->holder[g])) {
            c->holder[g] = w;
            return true;
        }
    }
    return false;
}

static bool assign_all(struct comparison *c)
{
    struct rule_test_result *r = c->result;
    bool ok = true;
    for (size_t i = 0; i < r->n_expected; i++) {
        r->expected[i].met = true;
    }
    for (size_t w = 0; w < c->n_wanted; w++) {
        memset(c->visited, 0, r->n_got * sizeof(*c->visited));
        if (!give(c, w)) {
            r->expected[c->wanted[w].line].met = false;
            ok = false;
        }
    }
    for (size_t g = 0; g < r->n_got; g++) {
        r->got[g].met = c->holder[g] != NOBODY;
        r->got[g].of = r->got[g].met ? c->wanted[c->holder[g]].line : SIZE_MAX;
        ok &= r->got[g].met;
    }
    return ok;
}

void rule_test_compare(const struct compilation *c, const struct compiled_test *test,
                       const struct memory_sink *alerts, struct rule_test_result *ret)
{
    struct comparison k = {.c = c, .test = test, .result = ret};
    json_view_init(&k.view);
    gather_got(&k, alerts);
    gather_expected(&k);
    fill_fits(&k);
    ret->ok = assign_all(&k);
    json_view_release(&k.view);
    free(k.wanted);
    free(k.fits);
    free(k.holder);
    free(k.visited);
}
