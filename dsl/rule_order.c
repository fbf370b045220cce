/* The order in which rules are checked: a rule that derives an event before the rules that read it.
 * Every use counts: steps, absences, guards, `without`, all of them through lets, and profiles fed
 * by the event (language.md section 2). A rule that reads what comes from itself is refused. */
#include "dsl/check.h"
#include "dsl/check_derived.h"

enum visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE };

struct order_rule {
    const struct ast_decl *ast;
    uint8_t visit;
    uint32_t level;       /* rules that derive for it, below each other */
    uint32_t from;        /* on the way down: the rule that reads what this one derives */
};

struct ordering {
    struct checker *c;
    struct order_rule *rules;
    uint32_t n;
    uint32_t at;             /* the rule whose names are looked at */
    struct span use;         /* of the source's name in it */
    uint32_t depth;          /* lets in lets; circles of lets are reported elsewhere */
    uint32_t open;           /* rules on the way down */
};

static void visit_rule(struct ordering *o, uint32_t index);
static void read_expr(struct ordering *o, const struct ast_expr *e);

/* ---- circles ------------------------------------------------------------------------------- */

static void report_circle(struct ordering *o, uint32_t producer, struct slice event)
{
    struct checker *c = o->c;
    struct buf path = BUF_INIT;
    struct diag *d = check_error(c, "E0426", o->use, "`%.*s` comes from this rule itself",
                                 SLICE_ARG(event));
    buf_printf(&path, "%.*s", SLICE_ARG(o->rules[o->at].ast->rule.name->text));
    for (uint32_t i = o->at; i != producer; i = o->rules[i].from) {
        buf_printf(&path, " → %.*s", SLICE_ARG(o->rules[o->rules[i].from].ast->rule.name->text));
    }
    if (o->at == producer) {
        check_help(c, d, "a rule reads no event that it derives");
    } else {
        check_help(c, d, "%s → %.*s: each derives what the next one reads", buf_cstr(&path),
                   SLICE_ARG(o->rules[o->at].ast->rule.name->text));
    }
    buf_release(&path);
}

static void read_derived(struct ordering *o, const struct derived_event *event)
{
    uint32_t at = o->at;
    struct span use = o->use;
    for (const struct derived_by *by = event->by; by; by = by->next) {
        struct order_rule *producer = &o->rules[by->rule];
        if (producer->visit == VISIT_OPEN) {
            report_circle(o, by->rule, event->name);
            event->symbol->source = derived_broken_source(o->c, event->name);
            continue;
        }
        if (producer->visit == VISIT_NEW) {
            producer->from = at;
            visit_rule(o, by->rule);
            o->at = at;
            o->use = use;
        }
        if (producer->level >= o->rules[at].level) {
            o->rules[at].level = producer->level + 1;
        }
    }
}

/* ---- what a rule names ---------------------------------------------------------------------- */

static void read_name(struct ordering *o, const struct ast_name *name);

static void read_clause(struct ordering *o, const struct ast_clause *clause)
{
    if (clause) {
        read_expr(o, clause->expr);
    }
}

static void read_filters(struct ordering *o, const struct ast_filter *f)
{
    if (o->depth == AST_MAX_DEPTH) {
        return;
    }
    o->depth++;
    for (; f; f = f->next) {
        read_name(o, f->source);
        read_clause(o, f->where);
    }
    o->depth--;
}

/* An event, a let or a profile. */
static void read_name(struct ordering *o, const struct ast_name *name)
{
    const struct symbol *s = ast_name_given(name) ? scope_peek(o->c, name->text) : NULL;
    if (!s) {
        return;
    }
    if (s->kind == SYM_LET) {
        read_filters(o, s->ast->let.filters);
    } else if (s->kind == SYM_PROFILE) {
        read_filters(o, s->ast->profile.filter);
    } else if (s->kind == SYM_EVENT) {
        const struct derived_event *event = derived_find(o->c, s->name);
        if (event) {
            read_derived(o, event);
        }
    }
}

/* In an expression only profiles lead to events. */
static void read_value_name(struct ordering *o, const struct ast_name *name)
{
    const struct symbol *s = ast_name_given(name) ? scope_peek(o->c, name->text) : NULL;
    if (s && s->kind == SYM_PROFILE) {
        if (o->depth == 0) {
            o->use = name->span;
        }
        read_name(o, name);
    }
}

static void read_exprs(struct ordering *o, const struct ast_exprs *list)
{
    for (const struct ast_expr *e = list->first; e; e = e->next) {
        read_expr(o, e);
    }
}

static void read_all(struct ordering *o, const struct ast_expr *a, const struct ast_expr *b,
                     const struct ast_expr *c)
{
    read_expr(o, a);
    read_expr(o, b);
    read_expr(o, c);
}

static void read_expr(struct ordering *o, const struct ast_expr *e)
{
    if (!e) {
        return;
    }
    switch (e->kind) {
    case AST_EXPR_LITERAL:
    case AST_EXPR_NAMED_LIST: break;
    case AST_EXPR_PATH: read_value_name(o, e->path->names.first); break;
    case AST_EXPR_MEMBER: read_expr(o, e->member.base); break;
    case AST_EXPR_ARRAY:
    case AST_EXPR_TUPLE: read_exprs(o, &e->items); break;
    case AST_EXPR_PAREN: read_expr(o, e->inner); break;
    case AST_EXPR_UNARY: read_expr(o, e->unary.operand); break;
    case AST_EXPR_PERCENT_OF: read_expr(o, e->percent_of.operand); break;
    case AST_EXPR_IS: read_expr(o, e->is.value); break;
    case AST_EXPR_BINARY: read_all(o, e->binary.left, e->binary.right, NULL); break;
    case AST_EXPR_BETWEEN:
        read_all(o, e->between.value, e->between.low, e->between.high);
        break;
    case AST_EXPR_TEST: read_all(o, e->test.value, e->test.operand, NULL); break;
    case AST_EXPR_IF: read_all(o, e->cond.test, e->cond.yes, e->cond.no); break;
    case AST_EXPR_INDEX: read_all(o, e->index.base, e->index.index, NULL); break;
    case AST_EXPR_CALL:
        read_exprs(o, &e->call.args);
        read_clause(o, e->call.where);
        break;
    }
}

static void read_test(struct ordering *o, const struct ast_event_test *t)
{
    if (ast_name_given(t->source)) {
        o->use = t->source->span;
        read_name(o, t->source);
    }
    read_clause(o, t->where);
}

static void read_pattern(struct ordering *o, const struct ast_pattern *p);

static void read_part(struct ordering *o, const struct ast_part *part)
{
    if (part->kind == AST_PART_EVENT || part->kind == AST_PART_COUNTED) {
        read_test(o, &part->event);
    }
    read_pattern(o, part->group);
    for (const struct ast_pattern *p = part->choice.first; p; p = p->next) {
        read_pattern(o, p);
    }
    read_clause(o, part->until);
    read_clause(o, part->having);
    if (part->guard) {
        read_test(o, &part->guard->event);
    }
}

static void read_pattern(struct ordering *o, const struct ast_pattern *p)
{
    for (const struct ast_elem *e = p ? p->first : NULL; e; e = e->next) {
        if (e->kind == AST_ELEM_STEP) {
            read_part(o, e->part);
        } else {
            read_test(o, &e->absence.event);
        }
    }
}

static void read_rule(struct ordering *o, const struct ast_rule *rule)
{
    read_pattern(o, rule->pattern);
    for (const struct ast_event_test *t = rule->withouts.first; t; t = t->next) {
        read_test(o, t);
    }
    for (const struct ast_emit *e = rule->emits; e; e = e->next) {
        for (const struct ast_assign *a = e->body ? e->body->first : NULL; a; a = a->next) {
            read_expr(o, a->value);
        }
    }
    for (const struct ast_path *p = rule->quiet ? rule->quiet->per.first : NULL; p; p = p->next) {
        read_value_name(o, p->names.first);
    }
}

/* ---- order ---------------------------------------------------------------------------------- */

static void visit_rule(struct ordering *o, uint32_t index)
{
    struct order_rule *r = &o->rules[index];
    uint32_t depth = o->depth;
    r->visit = VISIT_OPEN;
    o->at = index;
    o->depth = 0;
    o->open++;
    if (o->open <= RULE_MAX_LEVELS) {
        read_rule(o, &r->ast->rule);
    }
    if (o->open > RULE_MAX_LEVELS || r->level >= RULE_MAX_LEVELS) {
        check_error(o->c, "E0423", r->ast->rule.name->span,
                    "rules derive events for each other at most %d deep", RULE_MAX_LEVELS);
    }
    o->open--;
    o->depth = depth;
    r->visit = VISIT_DONE;
    check_rule(o->c, r->ast, &o->c->rs->rules[index]);
}

void check_rules(struct checker *c)
{
    struct ordering o = {.c = c};
    o.rules = ARENA_ARRAY(c->arena, struct order_rule, c->decls.n + 1);
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind == AST_DECL_RULE && ast_name_given(d->rule.name)) {
            o.rules[o.n++].ast = d;
        }
    }
    c->rs->rules = ARENA_ARRAY(c->out, struct rule, o.n + 1);
    c->rs->n_rules = o.n;
    for (uint32_t i = 0; i < o.n; i++) {
        c->rs->rules[i].index = i;
    }
    for (uint32_t i = 0; i < o.n; i++) {
        if (o.rules[i].visit == VISIT_NEW) {
            visit_rule(&o, i);
        }
    }
}
