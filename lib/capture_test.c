/* The test of a capture: written, carried out over the new fixture, compared with the original. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_out.h"
#include "connectors/geoip.h"
#include "lib/capture_parts.h"
#include "lib/expectation.h"
#include "lib/rule_test.h"

/* ---- text ------------------------------------------------------------------------------------ */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void put_title(const struct capture *c, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf title = BUF_INIT;
    char at[ETIME_TEXT_MAX];
    etime_format(c->until, at);
    if (c->config->title) {
        buf_puts(&title, c->config->title);
    } else {
        buf_printf(&title, "captured: %s%s", at, c->wanted.n_alerts > 0 ? "" : ", no alert");
    }
    json_put_string(out, buf_slice(&title));
}

/* It was found before (capture_run()). */
static const struct rule *rule_of(const struct capture *c)
{
    struct error err = ERROR_INIT;
    uint32_t rule = 0;
    (void)!why_find_rule(rules_ruleset(c->rules), c->config->asked.rule, &rule, &err);
    return &rules_ruleset(c->rules)->rules[rule];
}

/* `got`: what the test gave; NULL: it is run to see that. */
static enum err put_test(const struct capture *c, const char *fixture,
                         const struct rule_test_result *got, struct buf *out, struct error *err)
{
    struct etime origin = c->result->first, until = c->until;
    const struct expectation how = {.origin = origin,
                                    .rule = rule_of(c),
                                    .left_out = c->left_out,
                                    .n_left_out = c->n_left_out};
    struct json_view v;
    char text[ETIME_TEXT_MAX];
    etime_format(origin, text);
    buf_puts(out, "language 1\n\ntest ");
    put_title(c, out);
    buf_puts(out, " for ");
    expectation_put_name(slice_of(c->config->asked.rule), out);
    buf_printf(out, " {\n  given time %s", text);
    FYKE_TRY(capture_put_given(c, out, err));
    FYKE_TRY(capture_put_tables(c, out, err));
    buf_puts(out, "\n  events ");
    json_put_string(out, slice_of(base_name(fixture)));
    if (etime_lt(c->result->last, until)) {
        buf_puts(out, "\n  watermark ");
        expectation_put_moment(until, origin, out);
    }
    json_view_init(&v);
    for (size_t i = 0; got && i < got->n_got; i++) {
        (void)json_view_set(&v, buf_slice(&got->got[i].json));
        buf_puts(out, "\n  ");
        expectation_put(&how, v.root, out);
    }
    json_view_release(&v);
    buf_puts(out, got && got->n_got > 0 ? "\n}\n" : "\n  expect no match\n}\n");
    return ERR_OK;
}

/* ---- carrying out ---------------------------------------------------------------------------- */

static const struct compiled_test *find_test(const struct compilation *compiled, const char *path)
{
    for (uint32_t i = 0; i < compiled->tests->n; i++) {
        const struct compiled_test *t = &compiled->tests->items[i];
        if (strcmp(sources_get(&compiled->sources, t->span.file)->path, path) == 0) {
            return t;
        }
    }
    return NULL;
}

static void first_error(void *ctx, const struct fyke_diagnostic *d)
{
    struct buf *to = ctx;
    if (to->len == 0 && d->severity == FYKE_ERROR) {
        buf_puts(to, d->message);
    }
}

static enum err run_test(const struct capture *c, struct slice text, struct rule_test_result *ret,
                         struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf why = BUF_INIT;
    const struct compile_source source = {c->config->test, text};
    const struct compile_input input = {.paths = (const char *const *)c->rules->paths,
                                        .n_paths = (uint32_t)c->rules->n_paths,
                                        .sources = &source,
                                        .n_sources = 1};
    const struct rules_report report = {.fn = first_error, .ctx = &why};
    const struct rule_test_options options = {.geoip = c->events.geoip};
    struct fyke_rules *with;
    *ret = (struct rule_test_result){0};
    if (rules_compile(&input, &report, &with) != FYKE_OK) {
        return error_set(err, ERR_RULES, "the test does not compile with the rules: %s",
                         buf_cstr(&why));
    }
    const struct compiled_test *t = find_test(with->compilation, c->config->test);
    enum err rc = ERR_OK;
    if (!t) {
        rc = error_set(err, ERR_RULES, "the test is not found in %s", c->config->test);
    } else {
        rule_test_run(with->compilation, t, &options, ret);
        rc = ret->problem.len > 0
                 ? error_set(err, ERR_RULES, "the test cannot run: %s", buf_cstr(&ret->problem))
                 : ERR_OK;
    }
    fyke_rules_free(with);
    return rc;
}

/* ---- the same? ------------------------------------------------------------------------------- */

struct comparing {
    struct capture *c;
    bool timeout;
    struct json_view was, is;
};

static bool same(struct json_span a, struct json_span b)
{
    return slice_eq(json_view_raw(a), json_view_raw(b));
}

static bool same_or_hidden(const struct comparing *k, struct json_span was, struct json_span is)
{
    struct json_span x, y;
    if (was.kind == JSON_ARRAY && is.kind == JSON_ARRAY) {
        struct json_walk a = json_walk_into(was), b = json_walk_into(is);
        bool more = true, ok = true;
        while (ok && more) {
            more = json_walk_item(&a, &x);
            ok = more == json_walk_item(&b, &y) && (!more || same_or_hidden(k, x, y));
        }
        return ok;
    }
    return same(was, is) ||
           pseudonym_stands_for(&k->c->pseudonyms, json_view_raw(was), json_view_raw(is));
}

/* NULL, or the name of the first member that differs. Names point into the views. */
static bool same_members(const struct comparing *k, struct json_span was, struct json_span is,
                         struct slice *differs)
{
    struct json_span name, value;
    if (was.kind != JSON_OBJECT || is.kind != JSON_OBJECT) {
        *differs = SLICE_LIT("emit");
        return was.kind == is.kind;
    }
    struct json_walk w = json_walk_into(was);
    while (json_walk_member(&w, &name, &value)) {
        struct slice key = slice_from(name.ptr, name.len);
        if (same_or_hidden(k, value, json_walk_find(is, key))) {
            continue;
        }
        if (!capture_made_of_hidden(k->c, rule_of(k->c), k->timeout, key)) {
            *differs = key;
            return false;
        }
        capture_leave_out(k->c, key);
    }
    return true;
}

/* Steps, types and times; the places of the events are others. */
static bool same_evidence(struct json_span was, struct json_span is)
{
    static const char *const members[] = {"step", "type", "time", "turn"};
    struct json_span x, y;
    if (was.kind != JSON_ARRAY || is.kind != JSON_ARRAY) {
        return was.kind == is.kind;
    }
    struct json_walk a = json_walk_into(was), b = json_walk_into(is);
    bool more = true, ok = true;
    while (ok && more) {
        more = json_walk_item(&a, &x);
        ok = more == json_walk_item(&b, &y);
        for (size_t i = 0; ok && more && i < FYKE_ARRAY_LEN(members); i++) {
            ok = same(json_view_get(x, members[i]), json_view_get(y, members[i]));
        }
    }
    return ok;
}

static enum err compare_alert(struct comparing *k, struct slice was, struct slice is,
                              struct error *err)
{
    struct slice differs = {0};
    (void)json_view_set(&k->was, was);
    (void)json_view_set(&k->is, is);
    struct json_span a = k->was.root, b = k->is.root;
    if (!same(json_view_get(a, "kind"), json_view_get(b, "kind")) ||
        !same(json_view_get(a, "detected"), json_view_get(b, "detected"))) {
        return error_set(err, ERR_RULES, "the alert would come at another time, or be of another kind");
    }
    k->timeout = json_view_is(json_view_get(a, "kind"), "timeout");
    if (!same_evidence(json_view_get(a, "evidence"), json_view_get(b, "evidence"))) {
        return error_set(err, ERR_RULES, "the alert would come from other events");
    }
    if (!same_members(k, json_view_get(a, "emit"), json_view_get(b, "emit"), &differs)) {
        return error_set(err, ERR_RULES, "the value of `%.*s` would be another one, and no pseudonym "
                         "of what it was", SLICE_ARG(differs));
    }
    return ERR_OK;
}

static enum err compare(struct capture *c, const struct rule_test_result *got,
                        struct error *err)
{
    struct comparing k = {.c = c};
    enum err rc = ERR_OK;
    if (got->n_got != c->wanted.n_alerts) {
        return error_set(err, ERR_RULES, "the test would see %zu alert%s, not %zu: %s", got->n_got,
                         got->n_got == 1 ? "" : "s", c->wanted.n_alerts,
                         c->pseudonyms.n > 0 ? "a hidden value decides"
                                             : "something decides that the records of the key do not tell");
    }
    json_view_init(&k.was);
    json_view_init(&k.is);
    for (size_t i = 0; i < got->n_got && rc == ERR_OK; i++) {
        rc = compare_alert(&k, memory_sink_value(&c->wanted, i), buf_slice(&got->got[i].json), err);
    }
    json_view_release(&k.was);
    json_view_release(&k.is);
    return rc;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* `path` will be `shown`. */
static enum err write_new(const char *path, const char *shown, struct slice text, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool ok = f && fwrite(text.ptr, 1, text.len, f) == text.len;
    ok = f && fclose(f) == 0 && ok;
    if (!ok) {
        enum err rc = error_set(err, ERR_IO, "cannot write %s: %s", shown, strerror(errno));
        if (fd >= 0) {
            unlink(path);
        }
        return rc;
    }
    return ERR_OK;
}

static enum err rename_to(const char *from, const char *to, struct error *err)
{
    return rename(from, to) == 0
               ? ERR_OK
               : error_set(err, ERR_IO, "cannot write %s: %s", to, strerror(errno));
}

/* The fixture lies under another name until the test has passed with it. */
static enum err try_and_write(struct capture *c, const char *aside, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf last = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf test_aside = BUF_INIT;
    struct rule_test_result seen, again;
    FYKE_TRY(put_test(c, aside, NULL, &text, err));
    enum err rc = run_test(c, buf_slice(&text), &seen, err);
    rc = rc == ERR_OK ? compare(c, &seen, err) : rc;
    buf_clear(&text);
    if (rc == ERR_OK) {
        capture_list_left_out(c);
        rc = put_test(c, aside, &seen, &text, err);
        rc = rc == ERR_OK ? put_test(c, c->config->fixture, &seen, &last, err) : rc;
    }
    if (rc == ERR_OK) {
        c->result->n_alerts = seen.n_got;
        rc = run_test(c, buf_slice(&text), &again, err);
        if (rc == ERR_OK && !again.ok) {
            rc = error_set(err, ERR_RULES, "what the alert says cannot be written as an expectation");
        }
        rule_test_result_release(&again);
    }
    rule_test_result_release(&seen);
    FYKE_TRY(rc);
    buf_printf(&test_aside, "%s.new-%ld", c->config->test, (long)getpid());
    FYKE_TRY(write_new(buf_cstr(&test_aside), c->config->test, buf_slice(&last), err));
    rc = rename_to(aside, c->config->fixture, err);
    rc = rc == ERR_OK ? rename_to(buf_cstr(&test_aside), c->config->test, err) : rc;
    if (rc != ERR_OK) {
        unlink(buf_cstr(&test_aside));
    }
    return rc;
}

enum err capture_write_test(struct capture *c, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf aside = BUF_INIT;
    buf_printf(&aside, "%s.new-%ld", c->config->fixture, (long)getpid());
    FYKE_TRY(write_new(buf_cstr(&aside), c->config->fixture, buf_slice(&c->fixture), err));
    enum err rc = try_and_write(c, buf_cstr(&aside), err);
    if (rc != ERR_OK) {
        unlink(buf_cstr(&aside));
    }
    return rc;
}
