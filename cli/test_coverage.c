#include "cli/test_coverage.h"

#include <errno.h>
#include <string.h>

#include "base/json_out.h"
#include "lib/rule_coverage.h"

struct shown {
    const struct test_args *a;
    struct buf out;
    struct json_out json; /* at the list of gaps */
    struct cover_count all;
};

static void put_gap(void *ctx, struct slice line)
{
    struct shown *s = ctx;
    if (s->a->format == FORMAT_JSON) {
        json_text(&s->json, line);
    } else {
        const char *prefix = s->a->format == FORMAT_TAP ? "# " : "";
        buf_printf(&s->out, "%s    %.*s\n", prefix, SLICE_ARG(line));
    }
}

static void put_counts(struct shown *s, struct slice name, const struct cover_count *k)
{
    const char *prefix = s->a->format == FORMAT_TAP ? "# " : "";
    buf_printf(&s->out, "%s%3u %%  %.*s: states %u/%u, edges %u/%u, outcomes of conditions %u/%u\n",
               prefix, cover_percent(k), SLICE_ARG(name), k->states, k->states_all, k->edges,
               k->edges_all, k->outcomes, k->outcomes_all);
}

static void json_share(struct json_out *j, const char *name, unsigned seen, unsigned all)
{
    json_key(j, slice_of(name));
    json_object_begin(j);
    json_member_int(j, "seen", seen);
    json_member_int(j, "all", all);
    json_object_end(j);
}

static void put_json(struct shown *s, const struct rule_cover *r, const struct cover_count *k)
{
    struct json_out *j = &s->json;
    *j = json_out_to(&s->out);
    json_object_begin(j);
    json_key(j, SLICE_LIT("coverage"));
    json_object_begin(j);
    json_member_string(j, "rule", r->rule->name);
    json_member_int(j, "tests", r->n_tests);
    json_member_int(j, "percent", cover_percent(k));
    json_share(j, "states", k->states, k->states_all);
    json_share(j, "edges", k->edges, k->edges_all);
    json_share(j, "outcomes", k->outcomes, k->outcomes_all);
    json_key(j, SLICE_LIT("missing"));
    json_array_begin(j);
    rule_cover_gaps(r, put_gap, s);
    json_array_end(j);
    json_object_end(j);
    json_object_end(j);
    json_line_end(j);
}

static bool is_shown(const struct rule_cover *r)
{
    return !rule_is_disabled(r->rule);
}

static void put_rule(struct shown *s, const struct rule_cover *r)
{
    struct cover_count k;
    rule_cover_count(r, &k);
    cover_count_add(&s->all, &k);
    if (s->a->format == FORMAT_JSON) {
        put_json(s, r, &k);
    } else if (s->a->format != FORMAT_GITHUB) {
        put_counts(s, r->rule->name, &k);
        rule_cover_gaps(r, put_gap, s);
    }
}

static int write_graphs(const struct rule_coverage *v, const char *path)
{
    FYKE_CLEANUP(buf_release) struct buf dot = BUF_INIT;
    for (uint32_t i = 0; i < v->n; i++) {
        if (is_shown(&v->rules[i])) {
            rule_cover_graphviz(&v->rules[i], &dot);
        }
    }
    FILE *f = fopen(path, "we");
    bool ok = f && fwrite(dot.ptr, 1, dot.len, f) == dot.len;
    ok = f && fclose(f) == 0 && ok;
    if (!ok) {
        fprintf(stderr, "fyke: cannot write %s: %s\n", path, strerror(errno));
    }
    return ok ? CLI_OK : CLI_IO;
}

/* Below the threshold: said on standard error, as a finding. */
static int judge(const struct shown *s)
{
    unsigned percent = cover_percent(&s->all);
    if (percent >= s->a->min_coverage) {
        return CLI_OK;
    }
    fprintf(stderr, "fyke: coverage is %u %%, less than %llu %%\n", percent,
            (unsigned long long)s->a->min_coverage);
    return CLI_FINDINGS;
}

int test_coverage(const struct test_args *a, const struct compilation *c)
{
    struct rule_coverage v;
    struct shown s = {.a = a};
    const struct rule_test_options o = {.geoip = a->databases};
    rule_coverage_init(&v, c->ruleset);
    for (uint32_t i = 0; c->tests && i < c->tests->n; i++) {
        if (test_selected(a->filter, c->ruleset, &c->tests->items[i])) {
            rule_coverage_add(&v, c, &c->tests->items[i], &o);
        }
    }
    for (uint32_t i = 0; i < v.n; i++) {
        if (is_shown(&v.rules[i])) {
            put_rule(&s, &v.rules[i]);
        }
    }
    if (a->format != FORMAT_JSON) {
        put_counts(&s, SLICE_LIT("all rules"), &s.all);
    }
    int rc = cli_put(buf_slice(&s.out));
    if (rc == CLI_OK && a->coverage_graph) {
        rc = write_graphs(&v, a->coverage_graph);
    }
    buf_release(&s.out);
    rule_coverage_release(&v);
    return rc == CLI_OK ? judge(&s) : rc;
}
