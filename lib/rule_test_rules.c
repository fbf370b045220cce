/* The rules in force while a test runs, and its events as these rules have them. */
#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "connectors/geoip.h"
#include "dsl/rule_change.h"
#include "lib/last_error.h"
#include "lib/rule_test_parts.h"
#include "nfa/expr.h"
#include "nfa/ruleset_subset.h"

/* Findings of a reload that are shown. */
#define MAX_SHOWN 5

void test_run_fail(struct test_run *r, const char *text)
{
    if (r->problem->len == 0) {
        buf_puts(r->problem, text);
    }
}

/* ---- what the test gives ------------------------------------------------------------------ */

static void set_env(struct test_run *r, struct test_rules *t)
{
    uint32_t n = t->rs.n_tables;
    const struct table **tables = ARENA_ARRAY(&r->arena, const struct table *, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        const struct table *given = t->tables ? t->tables[i] : NULL;
        tables[i] = given ? given : t->rs.tables[i].table;
    }
    t->env = (struct eval_env){
        .tables = tables, .n_tables = n, .geoip = geoip_files_lookup(r->geoip)};
}

void test_rules_first(struct test_run *r)
{
    struct test_rules *t = ARENA_NEW(&r->arena, struct test_rules);
    t->compilation = r->c;
    t->whole = r->c->ruleset;
    ruleset_subset(t->whole, r->test->rule, NULL, &t->rs);
    t->tables = r->test->tables;
    t->given = (struct profiles_given){.items = r->test->profiles, .n = r->test->n_profiles};
    set_env(r, t);
    r->first = r->now = t;
}

/* `given list`, `given lookup` hold for other rules too if they have one of that name and type. */
static void carry_tables(struct test_run *r, struct test_rules *t)
{
    const struct ruleset *was = r->first->whole;
    t->tables = ARENA_ARRAY(&r->arena, const struct table *, t->rs.n_tables + 1u);
    for (uint32_t i = 0; r->first->tables && i < was->n_tables; i++) {
        for (uint32_t k = 0; k < t->rs.n_tables; k++) {
            const struct table_decl *a = &was->tables[i], *b = &t->rs.tables[k];
            if (slice_eq(a->name, b->name) && a->is_lookup == b->is_lookup &&
                a->key.type == b->key.type && a->value.type == b->value.type) {
                t->tables[k] = r->first->tables[i];
            }
        }
    }
}

static bool carry_measures(struct test_run *r, const struct test_rules *t,
                           const struct profile_given *from, const struct profile *to,
                           struct profile_given *ret)
{
    const struct ruleset *was = r->first->whole;
    const struct profile *p = &was->profiles[from->profile];
    if (!slice_eq(p->name, to->name) || p->n_key != to->n_key) {
        return false;
    }
    *ret = (struct profile_given){.profile = to->index, .key = from->key};
    ret->measures = ARENA_ARRAY(&r->arena, struct value, to->n_measures + 1u);
    for (uint32_t i = 0; i < p->n_measures; i++) {
        const struct measure *a = &was->measures[p->first_measure + i];
        for (uint32_t k = 0; k < to->n_measures; k++) {
            const struct measure *b = &t->rs.measures[to->first_measure + k];
            if (slice_eq(a->name, b->name) &&
                measure_result(a)->kind == measure_result(b)->kind) {
                ret->measures[k] = from->measures[i];
            }
        }
    }
    return true;
}

static void carry_profiles(struct test_run *r, struct test_rules *t)
{
    const struct profiles_given *was = &r->first->given;
    struct profile_given *items = ARENA_ARRAY(&r->arena, struct profile_given, was->n + 1u);
    uint32_t n = 0;
    for (uint32_t i = 0; i < was->n; i++) {
        for (uint32_t k = 0; k < t->rs.n_profiles; k++) {
            if (carry_measures(r, t, &was->items[i], &t->rs.profiles[k], &items[n])) {
                n++;
                break;
            }
        }
    }
    t->given = (struct profiles_given){.items = items, .n = n};
}

/* ---- other rules -------------------------------------------------------------------------- */

struct findings {
    struct buf *to;
    unsigned n;
};

static void note_finding(void *ctx, const struct fyke_diagnostic *d)
{
    struct findings *f = ctx;
    if (d->severity == FYKE_ERROR && f->n++ < MAX_SHOWN) {
        buf_printf(f->to, "%s%s:%u:%u: error[%s]: %s", f->to->len ? "\n" : "", d->file, d->line,
                   d->col, d->code, d->message);
    }
}

static uint32_t rule_named(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (slice_eq(rs->rules[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

bool test_rules_differ(const struct test_run *r, const struct test_rules *t)
{
    const struct rule *tested = &r->c->ruleset->rules[r->test->rule];
    uint32_t now = rule_named(t->whole, tested->name);
    return now == UINT32_MAX || t->whole->rules[now].plan != tested->plan;
}

bool test_rules_change(const struct test_run *r)
{
    bool any = false;
    for (const struct test_rules *t = r->now; t && !any; t = t->before) {
        any = test_rules_differ(r, t);
    }
    return any;
}

static const uint32_t *topics_of(struct test_run *r, const struct ruleset *to)
{
    const struct ruleset *from = r->first->whole;
    uint32_t *ret = ARENA_ARRAY(&r->arena, uint32_t, from->n_topics + 1u);
    for (uint32_t i = 0; i < from->n_topics; i++) {
        ret[i] = UINT32_MAX;
        for (uint32_t k = 0; k < to->n_topics; k++) {
            if (slice_eq(from->topics[i].name, to->topics[k].name)) {
                ret[i] = k;
            }
        }
    }
    return ret;
}

static const struct ast_decl *tree_of(const struct compilation *c, struct slice rule)
{
    for (uint32_t i = 0; i < c->n_files; i++) {
        for (const struct ast_decl *d = c->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_RULE && slice_eq(d->rule.name->text, rule)) {
                return d;
            }
        }
    }
    return NULL;
}

/* The rule as it was before the change at hand: its changes are the same there, one by one. */
static struct fyke_rules *changed_alike(const struct test_run *r, const char *path,
                                        const struct fyke_rules *rules)
{
    const struct compilation *c = rules->compilation;
    struct slice tested = r->c->ruleset->rules[r->test->rule].name;
    uint32_t now = rule_named(rules_ruleset(rules), tested);
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    const struct rules_report silent = {0};
    struct arena arena = ARENA_INIT;
    struct rule_changes changes;
    struct fyke_rules *ret = NULL;
    if (!r->mutant || now == UINT32_MAX ||
        rules_ruleset(rules)->rules[now].plan != r->mutant->plan) {
        return NULL;
    }
    rule_changes_of(&c->sources, tree_of(c, tested), c->files, c->n_files, &arena, &changes);
    if (changes.n == r->mutant->changes->n) {
        const struct rule_change *change = &changes.items[r->mutant->number];
        const struct rule_file *file = sources_get(&c->sources, change->span.file);
        rule_change_apply(change, file->text, &text);
        const struct compile_source source = {file->path, buf_slice(&text)};
        const struct compile_input input = {.paths = &path, .n_paths = 1, .sources = &source,
                                            .n_sources = 1, .sources_on_demand = true};
        ret = rules_compile(&input, &silent, &ret) == FYKE_OK ? ret : NULL;
    }
    rule_changes_release(&changes);
    arena_release(&arena);
    return ret;
}

static struct fyke_rules *load(struct test_run *r, const char *path)
{
    const struct compile_input input = {.paths = &path, .n_paths = 1};
    struct findings found = {.to = r->problem};
    const struct rules_report report = {.fn = note_finding, .ctx = &found};
    struct fyke_rules *rules;
    if (rules_compile(&input, &report, &rules) != FYKE_OK) {
        test_run_fail(r, fyke_last_error());
        return NULL;
    }
    struct fyke_rules *alike = changed_alike(r, path, rules);
    if (alike) {
        fyke_rules_free(rules);
    }
    return alike ? alike : rules;
}

void test_rules_reload(struct test_run *r, const char *path)
{
    struct fyke_rules *rules = r->problem->len > 0 ? NULL : load(r, path);
    if (!rules) {
        return;
    }
    struct test_rules *t = ARENA_NEW(&r->arena, struct test_rules);
    struct slice tested = r->c->ruleset->rules[r->test->rule].name;
    t->owned = rules;
    t->compilation = rules->compilation;
    t->whole = rules_ruleset(rules);
    ruleset_subset(t->whole, rule_named(t->whole, tested), NULL, &t->rs);
    t->topic_of = topics_of(r, t->whole);
    carry_tables(r, t);
    carry_profiles(r, t);
    set_env(r, t);
    t->before = r->now;
    r->now = t;
}

/* The names of the rules in the parts of all sets. */
static size_t gather_names(const struct test_run *r, struct map *names)
{
    for (const struct test_rules *t = r->now; t; t = t->before) {
        for (uint32_t i = 0; i < t->rs.n_rules; i++) {
            map_add(names, t->rs.rules[i].name, (void *)(uintptr_t)t);
        }
    }
    return names->n;
}

static void take_named(const struct test_run *r, struct test_rules *t, const struct map *names)
{
    struct slice tested = r->c->ruleset->rules[r->test->rule].name;
    bool *also = xcalloc(t->whole->n_rules + 1u, sizeof(*also));
    for (uint32_t i = 0; i < t->whole->n_rules; i++) {
        also[i] = map_get(names, t->whole->rules[i].name) != NULL;
    }
    ruleset_subset_release(&t->rs);
    ruleset_subset_also(t->whole, rule_named(t->whole, tested), also, &t->rs);
    free(also);
}

void test_rules_settle(struct test_run *r)
{
    struct map names;
    size_t before = 0, now;
    if (r->now == r->first) {
        return;
    }
    map_init(&names, MAP_BORROW_KEYS);
    while ((now = gather_names(r, &names)) > before) {
        before = now;
        for (struct test_rules *t = r->now; t; t = t->before) {
            take_named(r, t, &names);
        }
    }
    map_release(&names);
}

void test_rules_release(struct test_run *r)
{
    struct test_rules *before;
    for (struct test_rules *t = r->now; t; t = before) {
        before = t->before;
        ruleset_subset_release(&t->rs);
        fyke_rules_free(t->owned);
    }
}

/* ---- events ------------------------------------------------------------------------------- */

void test_rules_compute(struct test_run *r, const struct test_rules *rules, struct event *e)
{
    const struct schema_decl *d = &rules->rs.decls[e->decl];
    struct eval_counters counters = {0};
    struct eval ev = {.self = e,
                      .scratch = &r->arena,
                      .counters = &counters,
                      .env = &rules->env,
                      .first_at = e->time,
                      .last_at = e->time,
                      .detected_at = e->time};
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if (d->fields[i].origin == ORIGIN_COMPUTED) {
            e->values[i] = expr_eval(d->fields[i].computed, &ev);
        }
    }
    eval_release(&ev);
}

static const struct schema_decl *decl_named(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_decls; i++) {
        if (slice_eq(rs->decls[i].name, name)) {
            return &rs->decls[i];
        }
    }
    return NULL;
}

/* A field that has another type now cannot be said to be the same value. */
static bool same_type(const struct schema_field *a, const struct schema_field *b)
{
    return a->type == b->type && a->is_list == b->is_list && a->is_set == b->is_set;
}

static void carry_field(struct test_run *r, const struct schema_decl *was, const struct event *e,
                        const struct schema_field *f, struct value *ret)
{
    for (uint32_t i = 0; i < was->n_fields; i++) {
        if (!slice_eq(was->fields[i].name, f->name)) {
            continue;
        }
        if (!same_type(&was->fields[i], f) && !value_is_missing(e->values[i])) {
            test_run_fail(r, arena_printf(&r->arena, "`%.*s` of `%.*s` has another type in the rules "
                                          "of the reload", SLICE_ARG(f->name), SLICE_ARG(was->name)));
        } else {
            *ret = e->values[i];
        }
        return;
    }
}

static bool reads_topic(const struct schema_decl *d, uint32_t topic)
{
    for (uint32_t i = 0; i < d->n_topics; i++) {
        if (d->topics[i] == topic) {
            return true;
        }
    }
    return false;
}

const struct event *test_rules_event(struct test_run *r, const struct test_rules *rules,
                                     const struct event *e)
{
    if (!rules->topic_of) {
        return e;
    }
    const struct schema_decl *was = &r->first->whole->decls[e->decl];
    const struct schema_decl *d = decl_named(&rules->rs, was->name);
    uint32_t topic = rules->topic_of[e->at.topic];
    if (topic == UINT32_MAX || !d || !reads_topic(d, topic)) {
        return NULL;
    }
    size_t bytes = sizeof(struct event) + d->n_fields * sizeof(struct value);
    struct event *made = arena_alloc(&r->arena, bytes);
    *made = *e;
    made->at.topic = topic;
    made->decl = d->index;
    made->n_values = d->n_fields;
    made->bytes = (uint32_t)bytes;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if (d->fields[i].origin != ORIGIN_COMPUTED) {
            carry_field(r, was, e, &d->fields[i], &made->values[i]);
        }
    }
    if (d->time_field >= 0) {
        made->values[d->time_field] = value_timestamp(e->time);
    }
    test_rules_compute(r, rules, made);
    return made;
}
