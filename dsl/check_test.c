/* Tests of rules: their statements become values and moments that a runner carries out. */
#include "dsl/check_given.h"

#include "dsl/load.h"

struct test_ctx {
    struct checker *c;
    struct compiled_test *test;
    const struct rule *rule;
    bool reloads; /* after a `reload`: other rules are in force */
};

static struct test_moment moment_of(const struct ast_literal *lit)
{
    if (lit->kind == AST_LIT_TIMESTAMP) {
        return (struct test_moment){.absolute = true, .time = lit->time};
    }
    return (struct test_moment){.offset = lit->duration};
}

/* ---- values -------------------------------------------------------------------------------- */

/* A value that needs no event: evaluated here. `what` names the place. */
static bool constant_value(struct test_ctx *t, const struct ast_expr *e, struct want want,
                           const char *what, struct value *ret)
{
    struct expr_ctx x = expr_ctx_new(t->c, PLACE_VALUE);
    return check_constant(&x, e, want, what, ret);
}

static bool given_constant(void *ctx, const struct ast_expr *e, struct want want,
                           const char *what, struct value *ret)
{
    return constant_value(ctx, e, want, what, ret);
}

/* ---- events -------------------------------------------------------------------------------- */

static void unknown_event_field(struct test_ctx *t, const struct schema_decl *d,
                                const struct ast_assign *a, struct slice name)
{
    struct suggest s = suggest_for(name);
    for (uint32_t i = 0; i < d->n_fields; i++) {
        suggest_try(&s, d->fields[i].name);
    }
    struct diag *e = check_error(t->c, "E0302", a->path.span, "`%.*s` has no field `%.*s`",
                                 SLICE_ARG(d->name), SLICE_ARG(name));
    check_suggest(t->c, e, &s);
}

static void event_field(struct test_ctx *t, const struct schema_decl *d,
                        const struct ast_assign *a, struct test_stmt *stmt)
{
    struct slice name = path_text(t->c, a->path.names.first);
    int32_t slot = decl_find_field(d, name);
    if (slot < 0) {
        unknown_event_field(t, d, a, name);
        return;
    }
    const struct schema_field *f = &d->fields[slot];
    if (slot == d->time_field || f->origin == ORIGIN_COMPUTED) {
        struct diag *e = check_error(t->c, "E0430", a->path.span, "`%.*s` is not given in a test",
                                     SLICE_ARG(name));
        check_help(t->c, e, slot == d->time_field ? "the event time is the moment after `at`"
                                                  : "it is computed from the other fields");
        return;
    }
    if (f->type == TYPE_COUNT) {
        return;
    }
    enum value_kind kind = type_value_kind(f->type);
    struct want want = {f->is_list ? VAL_LIST : kind, f->is_list ? kind : VAL_MISSING,
                        f->type == TYPE_ENUM ? f : NULL};
    const char *what = arena_printf(t->c->arena, "`%.*s`", SLICE_ARG(f->name));
    for (const struct ast_assign *b = a->next; b; b = b->next) {
        if (slice_eq(path_text(t->c, b->path.names.first), name)) {
            check_error(t->c, "E0304", b->path.span, "`%.*s` is given twice", SLICE_ARG(name));
        }
    }
    struct value *v = &stmt->values[slot];
    if (constant_value(t, a->value, want, what, v) && f->is_set && v->kind == VAL_LIST) {
        *v = check_set_of(*v, t->c->out);
    }
}

/* A test writes events of a declaration, not of a let. */
static const struct schema_decl *event_decl(struct test_ctx *t, const struct ast_name *name)
{
    const struct symbol *s = scope_find(t->c, name->text);
    if (s && s->kind == SYM_EVENT) {
        const struct schema_decl *d = &t->c->rs->decls[s->decl];
        if (d->n_topics > 0) {
            return d;
        }
        struct diag *e = check_error(t->c, "E0430", name->span, "`%.*s` is read from no topic",
                                     SLICE_ARG(name->text));
        check_help(t->c, e, d->is_derived ? "write the events from which it is derived"
                                          : "an event without a source never comes");
        return NULL;
    }
    const struct event_source *source = source_resolve(t->c, name);
    if (!source->broken) {
        const struct schema_decl *d = &t->c->rs->decls[source->alts[0].decl];
        struct diag *e = check_error(t->c, "E0430", name->span,
                                     "`%.*s` is a let; a test writes events as they arrive",
                                     SLICE_ARG(name->text));
        check_help(t->c, e, "write `%.*s { … }` with the fields that the let asks for",
                   SLICE_ARG(d->name));
    }
    return NULL;
}

static void event_stmt(struct test_ctx *t, const struct ast_stmt *s, struct test_stmt *stmt)
{
    const struct schema_decl *d = event_decl(t, s->name);
    stmt->kind = TEST_STMT_EVENT;
    stmt->late = s->late;
    stmt->times = 1;
    if (s->times) {
        int64_t n = s->times->int_value;
        if (n < 1 || n > 1000000) {
            check_error(t->c, "E0430", s->times->span, "an event is repeated 1 to 1,000,000 times");
        }
        stmt->times = (uint32_t)n;
    }
    check_timed(t->c, s->every, &stmt->every);
    if (!d) {
        return;
    }
    stmt->decl = d->index;
    stmt->n_values = d->n_fields;
    stmt->values = ARENA_ARRAY(t->c->out, struct value, d->n_fields + 1);
    for (const struct ast_assign *a = s->body ? s->body->first : NULL; a; a = a->next) {
        event_field(t, d, a, stmt);
    }
}

/* ---- expectations -------------------------------------------------------------------------- */

static bool has_alert(const struct emit_plan *plans, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!plans[i].is_event) {
            return true;
        }
    }
    return false;
}

/* What an expected match or timeout shows: the alert's fields; those of the derived events when
 * there is no alert. */
static const struct emit_plan *plans_of(const struct rule *rule, enum test_stmt_kind kind,
                                        uint32_t *n)
{
    *n = kind == TEST_STMT_TIMEOUT ? rule->n_timeouts : rule->n_emits;
    return kind == TEST_STMT_TIMEOUT ? rule->timeouts : rule->emits;
}

static bool find_in_plan(const struct emit_plan *plan, struct slice name, struct suggest *s,
                         struct test_expect_field *f, struct want *want)
{
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        const struct expr *e = plan->fields[i].value;
        if (slice_eq(plan->fields[i].name, name)) {
            f->emit_index = (int32_t)i;
            *want = (struct want){e ? (enum value_kind)e->kind : VAL_MISSING,
                                  e ? (enum value_kind)e->item_kind : VAL_MISSING, NULL};
            return true;
        }
        suggest_try(s, plan->fields[i].name);
    }
    return false;
}

static bool find_output(struct test_ctx *t, const struct ast_assign *a, enum test_stmt_kind kind,
                        struct test_expect_field *f, struct want *want)
{
    uint32_t n;
    const struct emit_plan *plans = plans_of(t->rule, kind, &n);
    bool alert = has_alert(plans, n);
    struct suggest s = suggest_for(f->name);
    f->emit_index = f->key_index = -1;
    for (uint32_t i = 0; i < n; i++) {
        if (plans[i].is_event != alert && find_in_plan(&plans[i], f->name, &s, f, want)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < t->rule->n_key; i++) {
        if (slice_eq(t->rule->key_names[i], f->name)) {
            f->key_index = (int32_t)i;
            *want = (struct want){t->rule->key_kinds[i], VAL_MISSING, NULL};
            return true;
        }
        suggest_try(&s, t->rule->key_names[i]);
    }
    if (kind == TEST_STMT_EXPECT && t->rule->quiet.present && (alert || n == 0)) {
        if (slice_eq_str(f->name, "suppressed")) {
            *want = (struct want){VAL_INT, VAL_MISSING, NULL};
            return true;
        }
        suggest_try(&s, SLICE_LIT("suppressed"));
    }
    if (t->reloads) {
        f->emit_index = 0;
        *want = (struct want){VAL_MISSING, VAL_MISSING, NULL};
        return true;
    }
    struct diag *d = check_error(t->c, "E0431", a->path.span, "the %s has no field `%.*s`",
                                 n > 0 && !alert ? "event" : "alert", SLICE_ARG(f->name));
    check_suggest(t->c, d, &s);
    return false;
}

static void expect_fields(struct test_ctx *t, const struct ast_stmt *s, struct test_stmt *stmt)
{
    stmt->fields = ARENA_ARRAY(t->c->out, struct test_expect_field, s->body->n + 1);
    for (const struct ast_assign *a = s->body->first; a; a = a->next) {
        struct test_expect_field *f = &stmt->fields[stmt->n_fields++];
        struct want want;
        f->name = path_text(t->c, a->path.names.first);
        f->span = a->span;
        if (find_output(t, a, stmt->kind, f, &want)) {
            const char *what = arena_printf(t->c->arena, "`%.*s`", SLICE_ARG(f->name));
            constant_value(t, a->value, want, what, &f->value);
        }
    }
}

/* `at step 2`, `at step b`: a step of the pattern. */
static void expect_step(struct test_ctx *t, const struct ast_stmt *s, struct test_stmt *stmt)
{
    const struct ast_literal *number = s->expect.step;
    struct slice name = number ? (struct slice){0} : s->expect.step_name->text;
    struct suggest suggest = suggest_for(name);
    if (!t->rule->n_timeouts) {
        struct diag *d = check_error(t->c, "E0432", s->span, "rule `%.*s` has no `on timeout`",
                                     SLICE_ARG(t->rule->name));
        check_help(t->c, d, "give it one: `on timeout emit alert`, before `emit alert`");
        return;
    }
    for (uint32_t i = 0; i < t->rule->n_tests; i++) {
        const struct rule_test *test = &t->rule->tests[i];
        if (test->use != TEST_STEP) {
            continue;
        }
        if (number ? number->int_value == (int64_t)test->number : slice_eq(test->name, name)) {
            stmt->step = test->label;
            return;
        }
        suggest_try(&suggest, test->name);
    }
    struct diag *d =
        number ? check_error(t->c, "E0432", number->span, "number %lld is no step of the rule",
                             (long long)number->int_value)
               : check_error(t->c, "E0432", s->expect.step_name->span, "there is no step `%.*s`",
                             SLICE_ARG(name));
    check_suggest(t->c, d, &suggest);
}

static void expect_match(struct test_ctx *t, const struct ast_stmt *s, const struct test_stmt *stmt)
{
    if (stmt->count > 0 && !t->rule->n_emits) {
        struct diag *d = check_error(t->c, "E0432", s->span, "a match of rule `%.*s` says nothing",
                                     SLICE_ARG(t->rule->name));
        check_help(t->c, d, "it speaks on timeout only: `expect no match` or `expect timeout at "
                            "step …`");
    }
}

static void expect_stmt(struct test_ctx *t, const struct ast_stmt *s, struct test_stmt *stmt)
{
    stmt->kind = TEST_STMT_EXPECT;
    stmt->count = s->expect.kind == AST_EXPECT_NO_MATCH ? 0 : 1;
    if (s->expect.kind == AST_EXPECT_TIMEOUT) {
        stmt->kind = TEST_STMT_TIMEOUT;
        expect_step(t, s, stmt);
    } else {
        expect_match(t, s, stmt);
    }
    if (s->expect.count) {
        int64_t n = s->expect.count->int_value;
        if (n < 1 || n > 1000000) {
            struct diag *d = check_error(t->c, "E0430", s->expect.count->span,
                                         "1 to 1,000,000 matches can be expected");
            check_help(t->c, d, "none is written `expect no match`");
        }
        stmt->count = (uint32_t)n;
    }
    if (s->expect.at_moment) {
        stmt->has_moment = true;
        stmt->moment = moment_of(s->expect.at_moment);
    }
    if (s->body) {
        expect_fields(t, s, stmt);
    }
}

/* ---- statements ---------------------------------------------------------------------------- */

static void shuffle_stmt(struct test_ctx *t, const struct ast_stmt *s, struct test_stmt *stmt)
{
    stmt->kind = TEST_STMT_SHUFFLE;
    stmt->has_seed = s->seed != NULL;
    stmt->seed = s->seed ? (uint64_t)s->seed->int_value : 0;
    check_timed(t->c, s->within, &stmt->within);
}

/* `given list`, `given lookup`: another content for this test. */
static void given_table(struct test_ctx *t, const struct ast_stmt *s, enum symbol_kind kind)
{
    const struct symbol *symbol = table_symbol(t->c, s->name, kind);
    if (!symbol || symbol->decl >= t->c->rs->n_tables) {
        return;
    }
    const struct table_decl *decl = &t->c->rs->tables[symbol->decl];
    struct compiled_test *test = t->test;
    if (!test->tables) {
        test->tables = ARENA_ARRAY(t->c->out, const struct table *, t->c->rs->n_tables);
    }
    if (test->tables[decl->index]) {
        check_error(t->c, "E0304", s->span, "`%.*s` is given twice", SLICE_ARG(decl->name));
        return;
    }
    test->tables[decl->index] = kind == SYM_LIST ? check_list_content(t->c, decl, s->array)
                                                 : check_lookup_content(t->c, decl, s->map);
}

/* `events`, `reload`: the file is read when the test runs. */
static bool file_stmt(struct test_ctx *t, const struct ast_stmt *s, struct test_stmt *stmt)
{
    struct slice path;
    const struct rule_file *from = sources_get(t->c->sources, s->span.file);
    bool events = s->kind == AST_STMT_EVENTS;
    stmt->kind = events ? TEST_STMT_EVENTS_FILE : TEST_STMT_RELOAD;
    t->reloads |= !events;
    if (!load_relative(t->c->arena, from, s->string->string, &path) ||
        check_names_folder(s->string->string)) {
        struct diag *d = check_error(t->c, "E0430", s->string->span,
                                     "a file is named relative to this one, inside the rules");
        check_help(t->c, d, events ? "for example `events \"fixtures/4711.jsonl\"`"
                                   : "for example `reload \"logins.rules.v2\"`");
        return false;
    }
    stmt->path = arena_strndup(t->c->out, path.ptr, path.len);
    return true;
}

/* False: the statement sets something up and leaves nothing to carry out. */
static bool lower_stmt(struct test_ctx *t, const struct ast_stmt *s, struct test_stmt *stmt)
{
    stmt->span = s->span;
    if (s->moment && s->kind != AST_STMT_GIVEN_TIME) {
        stmt->has_moment = true;
        stmt->moment = moment_of(s->moment);
    }
    switch (s->kind) {
    case AST_STMT_GIVEN_LIST:
        given_table(t, s, SYM_LIST);
        return false;
    case AST_STMT_GIVEN_LOOKUP:
        given_table(t, s, SYM_LOOKUP);
        return false;
    case AST_STMT_GIVEN_PROFILE:
        t->test->n_profiles += check_given_profile(t->c, t->rule, s, given_constant, t,
                                                   &t->test->profiles[t->test->n_profiles]);
        return false;
    case AST_STMT_RELOAD:
    case AST_STMT_EVENTS:
        return file_stmt(t, s, stmt);
    case AST_STMT_GIVEN_TIME:
        t->test->origin = s->moment->time;
        return false;
    case AST_STMT_AT:
        event_stmt(t, s, stmt);
        return true;
    case AST_STMT_WATERMARK:
        stmt->kind = TEST_STMT_WATERMARK;
        return true;
    case AST_STMT_EXPECT:
        expect_stmt(t, s, stmt);
        return true;
    case AST_STMT_RESTART:
        stmt->kind = TEST_STMT_RESTART;
        return true;
    case AST_STMT_SHUFFLE:
        shuffle_stmt(t, s, stmt);
        return true;
    }
    return false;
}

static void lower_test(struct checker *c, const struct ast_test *ast, uint32_t rule,
                       struct compiled_test *test)
{
    struct test_ctx t = {.c = c, .test = test, .rule = &c->rs->rules[rule]};
    test->rule = rule;
    test->title = arena_copy(c->out, ast->title->string);
    test->span = ast->span;
    test->origin = (struct etime){TEST_ORIGIN_NS};
    test->stmts = ARENA_ARRAY(c->arena, struct test_stmt, ast->n + 1);
    test->profiles = ARENA_ARRAY(c->arena, struct profile_given, ast->n + 1);
    check_all_given(c, t.rule, ast);
    check_expectations(c, ast);
    for (const struct ast_stmt *s = ast->first; s; s = s->next) {
        struct test_stmt *stmt = &test->stmts[test->n_stmts];
        *stmt = (struct test_stmt){0};
        test->n_stmts += lower_stmt(&t, s, stmt);
    }
}

/* ---- all tests of the rule set --------------------------------------------------------------- */

static bool rule_of_test(struct checker *c, const struct map *rules, const struct ast_test *ast,
                         uint32_t *ret)
{
    const struct rule *rule = map_get(rules, ast->rule->text);
    if (rule) {
        *ret = rule->index;
        return true;
    }
    struct suggest s = suggest_for(ast->rule->text);
    for (uint32_t i = 0; i < c->rs->n_rules; i++) {
        suggest_try(&s, c->rs->rules[i].name);
    }
    struct diag *d = check_error(c, "E0317", ast->rule->span, "there is no rule `%.*s`",
                                 SLICE_ARG(ast->rule->text));
    check_suggest(c, d, &s);
    return false;
}

static uint32_t count_tests(const struct checker *c)
{
    uint32_t n = 0;
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        n += d->kind == AST_DECL_TEST;
        for (const struct ast_test *t = d->kind == AST_DECL_RULE ? d->rule.tests : NULL; t;
             t = t->next) {
            n++;
        }
    }
    return n;
}

/* Tests beside their rule, in the order in which they are written. */
struct beside {
    const struct ast_test *test;
    struct beside *next;
};

/* Per rule; every test is looked at once, or thousands of rules would take long. */
static struct beside **tests_beside(struct checker *c)
{
    struct beside **first = ARENA_ARRAY(c->arena, struct beside *, (size_t)c->rs->n_rules + 1);
    struct map rules;
    map_init(&rules, MAP_BORROW_KEYS);
    for (uint32_t i = 0; i < c->rs->n_rules; i++) {
        map_add(&rules, c->rs->rules[i].name, &c->rs->rules[i]);
    }
    for (size_t i = c->decls.n; i-- > 0;) {
        const struct ast_decl *d = c->decls.items[i];
        uint32_t of;
        if (d->kind == AST_DECL_TEST && ast_name_given(d->test->rule) &&
            rule_of_test(c, &rules, d->test, &of)) {
            struct beside *b = ARENA_NEW(c->arena, struct beside);
            *b = (struct beside){d->test, first[of]};
            first[of] = b;
        }
    }
    map_release(&rules);
    return first;
}

struct compiled_tests *check_tests(struct checker *c)
{
    struct compiled_tests *all = ARENA_NEW(c->arena, struct compiled_tests);
    struct beside **beside = tests_beside(c);
    uint32_t rule = 0;
    all->items = ARENA_ARRAY(c->arena, struct compiled_test, count_tests(c) + 1);
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind != AST_DECL_RULE || !ast_name_given(d->rule.name)) {
            continue;
        }
        for (const struct ast_test *t = d->rule.tests; t; t = t->next) {
            lower_test(c, t, rule, &all->items[all->n++]);
        }
        for (const struct beside *b = beside[rule]; b; b = b->next) {
            lower_test(c, b->test, rule, &all->items[all->n++]);
        }
        rule++;
    }
    return all;
}
