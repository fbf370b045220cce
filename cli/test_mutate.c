#include "cli/test_mutate.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/xalloc.h"
#include "lib/rule_mutants.h"

/* Of one rule: the first ones by position; what is left out is said. */
#define MAX_CHANGES 200

struct mutate {
    const struct test_args *a;
    const struct fyke_rules *rules;
    const struct compilation *c;
    struct rule_test_options options;
    struct buf out, survivors;
    unsigned tried, survived;
};

struct tally {
    unsigned tried, noticed, refused, left_out;
};

static const char *prefix_of(const struct mutate *m)
{
    return m->a->format == FORMAT_TAP ? "# " : "";
}

static uint32_t line_of(const struct mutate *m, struct span span)
{
    return source_position(sources_get(&m->c->sources, span.file), span.start).line;
}

static void survivor_json(struct mutate *m, struct slice rule, const struct rule_change *x)
{
    struct json_out j = json_out_to(&m->survivors);
    json_object_begin(&j);
    json_key(&j, SLICE_LIT("survivor"));
    json_object_begin(&j);
    json_member_string(&j, "rule", rule);
    json_member_string(&j, "change", slice_of(x->what));
    json_member_string(&j, "missing_test", slice_of(x->wanted));
    json_member_string(&j, "file", slice_of(sources_get(&m->c->sources, x->span.file)->path));
    json_member_int(&j, "line", line_of(m, x->span));
    json_object_end(&j);
    json_object_end(&j);
    json_line_end(&j);
}

static void survivor_human(struct mutate *m, const struct rule_change *x, struct slice diff)
{
    struct buf *out = &m->survivors;
    const char *p = prefix_of(m);
    buf_printf(out, "%s    %s:%u: %s\n", p, sources_get(&m->c->sources, x->span.file)->path,
               line_of(m, x->span), x->what);
    while (diff.len > 0) {
        const char *end = memchr(diff.ptr, '\n', diff.len);
        size_t n = end ? (size_t)(end - diff.ptr) + 1 : diff.len;
        buf_printf(out, "%s      %.*s", p, (int)n, diff.ptr);
        diff = slice_from(diff.ptr + n, diff.len - n);
    }
    buf_printf(out, "%s      no test in which %s\n", p, x->wanted);
}

static void put_tally(struct mutate *m, struct slice rule, const struct tally *t)
{
    if (m->a->format == FORMAT_JSON) {
        struct json_out j = json_out_to(&m->out);
        json_object_begin(&j);
        json_key(&j, SLICE_LIT("mutants"));
        json_object_begin(&j);
        json_member_string(&j, "rule", rule);
        json_member_int(&j, "tried", t->tried);
        json_member_int(&j, "noticed", t->noticed);
        json_member_int(&j, "left_out", t->left_out);
        json_object_end(&j);
        json_object_end(&j);
        json_line_end(&j);
    } else {
        buf_printf(&m->out, "%s%.*s: %u of %u changes noticed", prefix_of(m), SLICE_ARG(rule),
                   t->noticed, t->tried);
        if (t->left_out) {
            buf_printf(&m->out, ", %u not tried", t->left_out);
        }
        buf_puts(&m->out, "\n");
    }
    buf_put_slice(&m->out, buf_slice(&m->survivors));
    buf_clear(&m->survivors);
}

static void mutate_rule(struct mutate *m, uint32_t rule)
{
    struct rule_mutants x;
    struct tally t = {0};
    struct slice name = m->c->ruleset->rules[rule].name;
    rule_mutants_begin(&x, m->rules, rule);
    for (size_t i = 0; i < x.changes.n; i++) {
        FYKE_CLEANUP(buf_release) struct buf diff = BUF_INIT;
        const struct rule_change *change = &x.changes.items[i];
        if (t.tried == MAX_CHANGES) {
            t.left_out++;
            continue;
        }
        enum mutant_fate fate = rule_mutants_try(&x, change, &m->options, &diff);
        t.tried += fate != MUTANT_REFUSED;
        t.noticed += fate == MUTANT_NOTICED;
        if (fate != MUTANT_SURVIVED) {
            continue;
        }
        m->survived++;
        if (m->a->format == FORMAT_JSON) {
            survivor_json(m, name, change);
        } else {
            survivor_human(m, change, buf_slice(&diff));
        }
    }
    rule_mutants_end(&x);
    m->tried += t.tried;
    put_tally(m, name, &t);
}

/* Changes mean nothing where the tests fail without them. */
static bool all_pass(const struct mutate *m, uint32_t rule)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < m->c->tests->n; i++) {
        struct rule_test_result r;
        if (m->c->tests->items[i].rule == rule) {
            rule_test_run(m->c, &m->c->tests->items[i], &m->options, &r);
            ok = r.ok;
            rule_test_result_release(&r);
        }
    }
    return ok;
}

static bool *selected_rules(const struct mutate *m)
{
    bool *rules = xcalloc(m->c->ruleset->n_rules + 1u, sizeof(*rules));
    for (uint32_t i = 0; i < m->c->tests->n; i++) {
        const struct compiled_test *t = &m->c->tests->items[i];
        rules[t->rule] = rules[t->rule] || test_selected(m->a->filter, m->c->ruleset, t);
    }
    return rules;
}

int test_mutate(const struct test_args *a, const struct fyke_rules *rules)
{
    struct mutate m = {.a = a, .rules = rules, .c = rules->compilation};
    m.options = (struct rule_test_options){.geoip = a->databases};
    bool *selected = selected_rules(&m);
    for (uint32_t i = 0; i < m.c->ruleset->n_rules; i++) {
        struct slice name = m.c->ruleset->rules[i].name;
        if (!selected[i]) {
            continue;
        }
        if (all_pass(&m, i)) {
            mutate_rule(&m, i);
        } else if (a->format != FORMAT_JSON) {
            buf_printf(&m.out, "%s%.*s: not changed, since its tests fail as it is\n",
                       prefix_of(&m), SLICE_ARG(name));
        }
    }
    free(selected);
    if (a->format != FORMAT_JSON) {
        buf_printf(&m.out, "%s%u of %u changes noticed\n", prefix_of(&m), m.tried - m.survived,
                   m.tried);
    }
    int rc = cli_put(buf_slice(&m.out));
    buf_release(&m.out);
    buf_release(&m.survivors);
    return rc == CLI_OK && m.survived ? CLI_FINDINGS : rc;
}
