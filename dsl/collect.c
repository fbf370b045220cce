/* The tests of a pattern in written order: numbers, slots, names, groups and roles. Done before
 * any expression is typed, because a condition may name steps written later (guards, `without`)
 * or siblings. */
#include "dsl/check.h"

/* The alternatives of `any of` around a place, outermost first: two steps may share a name iff
 * they stand in different alternatives of one choice. */
struct place {
    int32_t group;
    uint32_t choices[2 * AST_MAX_GROUPS];
    uint32_t n_choices; /* pairs */
};

struct collector {
    struct rule_ctx *r;
    uint32_t next_number;
    uint32_t next_choice;
    struct place at;
};

int32_t rule_test_of(const struct rule_ctx *r, const struct ast_event_test *ast)
{
    for (uint32_t i = 0; i < r->rule->n_tests; i++) {
        if (r->tests[i].ast == ast) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* ---- names --------------------------------------------------------------------------------- */

static bool exclusive(const struct test_info *t, const struct place *at)
{
    for (uint32_t i = 0; i < t->choice_depth && i < at->n_choices; i++) {
        if (t->choices[2 * i] != at->choices[2 * i]) {
            return false;
        }
        if (t->choices[2 * i + 1] != at->choices[2 * i + 1]) {
            return true;
        }
    }
    return false;
}

static bool exclusive_to_all(const struct rule_ctx *r, int32_t slot, const struct place *at)
{
    for (uint32_t i = 0; i < r->rule->n_tests; i++) {
        const struct rule_test *t = &r->rule->tests[i];
        if (r->tests[i].ast && t->use == TEST_STEP && t->slot == slot &&
            !exclusive(&r->tests[i], at)) {
            return false;
        }
    }
    return true;
}

static void add_decls(struct checker *c, struct name_info *n, const struct event_source *s)
{
    uint32_t *all = ARENA_ARRAY(c->arena, uint32_t, n->n_decls + s->n_alts + 1);
    uint32_t count = n->n_decls;
    if (count) {
        memcpy(all, n->decls, count * sizeof(*all));
    }
    for (uint32_t a = 0; a < s->n_alts; a++) {
        uint32_t at = 0;
        while (at < count && all[at] < s->alts[a].decl) {
            at++;
        }
        if (at < count && all[at] == s->alts[a].decl) {
            continue;
        }
        memmove(all + at + 1, all + at, (count - at) * sizeof(*all));
        all[at] = s->alts[a].decl;
        count++;
    }
    n->decls = all;
    n->n_decls = count;
}

static int32_t new_slot(struct collector *k, const struct ast_event_test *ast)
{
    struct rule_ctx *r = k->r;
    int32_t slot = (int32_t)r->rule->n_slots++;
    struct name_info *n = &r->names[slot];
    n->group = k->at.group;
    n->span = ast->span;
    if (ast_name_given(ast->alias)) {
        n->text = arena_copy(r->c->out, ast->alias->text);
        n->span = ast->alias->span;
    }
    return slot;
}

/* The slot of a step: a new one, or that of the same name in another alternative. */
static int32_t slot_of(struct collector *k, const struct ast_event_test *ast, bool repeated)
{
    struct rule_ctx *r = k->r;
    if (!ast_name_given(ast->alias)) {
        return new_slot(k, ast);
    }
    check_bare_name(r->c, ast->alias->quoted ? NULL : ast->alias, "the step");
    int32_t slot = rule_find_name(r, ast->alias->text);
    if (slot < 0) {
        return new_slot(k, ast);
    }
    struct name_info *n = &r->names[slot];
    if (!exclusive_to_all(r, slot, &k->at)) {
        struct diag *d = check_error(r->c, "E0319", ast->alias->span,
                                     "two steps are called `%.*s`", SLICE_ARG(n->text));
        check_second(r->c, d, n->span, "first here");
        check_help(r->c, d, "only alternatives of one `any of` may share a name");
    } else if (n->repeated != repeated || n->group != k->at.group) {
        struct diag *d = check_error(r->c, "E0319", ast->alias->span,
                                     "`%.*s` is one event in one alternative, several in another",
                                     SLICE_ARG(n->text));
        check_second(r->c, d, n->span, "first here");
    }
    return slot;
}

static struct slice test_label(struct rule_ctx *r, const struct rule_test *t,
                               const struct ast_event_test *ast)
{
    struct buf text = BUF_INIT;
    if (t->name.len) {
        return t->name;
    }
    if (t->use == TEST_STEP) {
        buf_printf(&text, "#%u", t->number);
    } else if (t->use == TEST_GUARD) {
        buf_printf(&text, "with no %.*s", SLICE_ARG(ast->source->text));
    } else {
        buf_printf(&text, "%s %.*s", t->use == TEST_WITHOUT ? "without" : "no",
                   SLICE_ARG(ast->source->text));
    }
    struct slice s = arena_copy(r->c->out, buf_slice(&text));
    buf_release(&text);
    return s;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void report_alias(struct rule_ctx *r, const struct ast_event_test *ast, enum test_use use)
{
    if (use == TEST_STEP || !ast_name_given(ast->alias)) {
        return;
    }
    struct diag *d = check_error(r->c, "E0319", ast->alias->span,
                                 "an event that must not occur has no name");
    check_help(r->c, d, "leave `as %.*s` out", SLICE_ARG(ast->alias->text));
}

static void add_test(struct collector *k, const struct ast_event_test *ast, enum test_use use,
                     bool counted, const struct ast_part *part)
{
    struct rule_ctx *r = k->r;
    const struct event_source *source = source_resolve(r->c, ast->source);
    if (r->rule->n_tests == RULE_MAX_TESTS) {
        if (!r->overflow) {
            check_error(r->c, "E0423", ast->span, "a rule has at most %d event tests",
                        RULE_MAX_TESTS);
        }
        r->overflow = true;
        return;
    }
    uint32_t index = r->rule->n_tests++;
    struct rule_test *t = &r->rule->tests[index];
    bool repeated = part && part->kind == AST_PART_COUNTED;
    report_alias(r, ast, use);
    t->use = use;
    t->number = use == TEST_WITHOUT ? 0 : ++k->next_number;
    t->group = k->at.group;
    t->slot = -1;
    t->roles = rule_add_roles(r, source, counted, ast->source->span);
    if (use == TEST_STEP) {
        t->slot = slot_of(k, ast, repeated);
        struct name_info *n = &r->names[t->slot];
        n->repeated = repeated;
        n->anywhere = n->anywhere || (part && part->adj.kind == AST_ADJ_ANYWHERE);
        add_decls(r->c, n, source);
        t->name = n->text;
    }
    t->label = test_label(r, t, ast);
    uint32_t *choices = ARENA_ARRAY(r->c->arena, uint32_t, 2 * k->at.n_choices + 1);
    memcpy(choices, k->at.choices, 2 * k->at.n_choices * sizeof(*choices));
    r->tests[index] = (struct test_info){ast, source, choices, k->at.n_choices};
}

static void collect_pattern(struct collector *k, const struct ast_pattern *p);

static int repeats_around(const struct rule *rule, int32_t group)
{
    int depth = 0;
    for (; group >= 0; group = rule->groups[group].parent) {
        depth++;
    }
    return depth;
}

static void collect_group(struct collector *k, const struct ast_part *part)
{
    struct rule_ctx *r = k->r;
    int32_t outer = k->at.group;
    if (r->rule->n_groups == RULE_MAX_TESTS) {
        r->overflow = true;
        check_error(r->c, "E0423", part->span, "a rule has at most %d repeated groups",
                    RULE_MAX_TESTS);
        return;
    }
    if (repeats_around(r->rule, outer) == PATTERN_MAX_REPEATS) {
        r->overflow = true;
        check_error(r->c, "E0423", part->span, "repeated groups stand at most %d deep",
                    PATTERN_MAX_REPEATS);
        return;
    }
    uint32_t g = r->rule->n_groups++;
    r->rule->groups[g].parent = outer;
    r->groups[g].ast = part;
    r->groups[g].bare = part->adj.kind != AST_ADJ_IN_A_ROW;
    uint32_t first_slot = r->rule->n_slots;
    k->at.group = (int32_t)g;
    collect_pattern(k, part->group);
    k->at.group = outer;
    for (uint32_t s = first_slot; s < r->rule->n_slots; s++) {
        r->rule->groups[g].slots |= UINT64_C(1) << s;
    }
}

static void collect_choice(struct collector *k, const struct ast_part *part)
{
    bool any = part->choice.kind == AST_CHOICE_ANY;
    uint32_t id = k->next_choice++;
    uint32_t n = 0;
    for (const struct ast_pattern *p = part->choice.first; p; p = p->next, n++) {
        if (any) {
            k->at.choices[2 * k->at.n_choices] = id;
            k->at.choices[2 * k->at.n_choices + 1] = n;
            k->at.n_choices++;
        }
        collect_pattern(k, p);
        k->at.n_choices -= any;
    }
}

static void collect_part(struct collector *k, const struct ast_part *part)
{
    switch (part->kind) {
    case AST_PART_EVENT:
    case AST_PART_COUNTED:
        add_test(k, &part->event, TEST_STEP, true, part);
        break;
    case AST_PART_REPEATED:
        collect_group(k, part);
        break;
    case AST_PART_GROUP:
        collect_pattern(k, part->group);
        break;
    case AST_PART_CHOICE:
        collect_choice(k, part);
        break;
    }
    if (part->guard) {
        add_test(k, &part->guard->event, TEST_GUARD, false, NULL);
    }
}

static void collect_pattern(struct collector *k, const struct ast_pattern *p)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind == AST_ELEM_STEP) {
            collect_part(k, e->part);
        } else {
            add_test(k, &e->absence.event, TEST_ABSENT, e->kind == AST_ELEM_NEXT_NO, NULL);
        }
    }
}

void rule_collect(struct rule_ctx *r)
{
    struct checker *c = r->c;
    r->rule->roles = ARENA_ARRAY(c->out, struct rule_role, RULE_MAX_ROLES);
    r->rule->tests = ARENA_ARRAY(c->out, struct rule_test, RULE_MAX_TESTS);
    r->rule->groups = ARENA_ARRAY(c->out, struct rule_group, RULE_MAX_TESTS);
    struct collector *k = ARENA_NEW(c->arena, struct collector);
    k->r = r;
    k->at.group = -1;
    collect_pattern(k, r->ast->pattern);
    for (const struct ast_event_test *w = r->ast->withouts.first; w; w = w->next) {
        add_test(k, w, TEST_WITHOUT, false, NULL);
    }
    for (uint32_t i = 0; i < r->rule->n_tests; i++) {
        if (r->rule->tests[i].use == TEST_WITHOUT) {
            r->rule->without |= UINT64_C(1) << i;
        }
    }
}
