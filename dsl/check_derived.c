/* Derived events in the namespace (language.md 3.11, 3.14). Their fields: derived_fields.c. */
#include "dsl/check_derived.h"

const struct derived_event *derived_find(const struct checker *c, struct slice name)
{
    return map_get(&c->derived->by_name, name);
}

struct event_source *derived_broken_source(struct checker *c, struct slice name)
{
    struct event_source *s = ARENA_NEW(c->arena, struct event_source);
    s->name = name;
    s->alts = ARENA_ARRAY(c->arena, struct source_alt, 1);
    s->broken = true;
    return s;
}

/* ---- names ---------------------------------------------------------------------------------- */

static struct symbol *enter_name(struct checker *c, const struct ast_decl *rule,
                                 const struct ast_name *name)
{
    struct symbol *s = ARENA_NEW(c->arena, struct symbol);
    check_bare_name(c, name, "the event");
    s->kind = SYM_EVENT;
    s->name = name->text;
    s->span = name->span;
    s->ast = rule;
    s->decl = UINT32_MAX;
    map_set(&c->symbols, name->text, s);
    return s;
}

static bool may_be_derived(struct checker *c, const struct ast_name *name, const struct symbol *s)
{
    if (s->kind != SYM_EVENT) {
        struct diag *d = check_error(c, "E0304", name->span, "`%.*s` is %s already",
                                     SLICE_ARG(name->text), symbol_kind_name(s->kind));
        check_second(c, d, s->span, "declared here");
        check_help(c, d, "give the derived event another name");
        return false;
    }
    if (s->ast->kind == AST_DECL_EVENT && s->ast->event.topics.n > 0) {
        struct diag *d = check_error(c, "E0345", name->span,
                                     "`%.*s` is read from a topic; no rule can derive it",
                                     SLICE_ARG(name->text));
        check_second(c, d, s->span, "declared here");
        check_help(c, d, "give the derived event another name");
        return false;
    }
    return true;
}

static struct derived_event *derived_new(struct checker *c, const struct ast_decl *rule,
                                         const struct ast_name *name)
{
    struct derived_events *all = c->derived;
    struct symbol *s = scope_find(c, name->text);
    if (s && !may_be_derived(c, name, s)) {
        return NULL;
    }
    struct derived_event *e = ARENA_NEW(c->arena, struct derived_event);
    e->name = name->text;
    e->symbol = s ? s : enter_name(c, rule, name);
    e->declared = s ? &s->ast->event : NULL;
    if (all->last) {
        all->last->next = e;
    } else {
        all->first = e;
    }
    all->last = e;
    all->n++;
    map_set(&all->by_name, e->name, e);
    return e;
}

static void note_emit(struct checker *c, const struct ast_decl *rule, uint32_t index,
                      const struct ast_emit *emit)
{
    struct derived_event *e = map_get(&c->derived->by_name, emit->event->text);
    if (!e) {
        e = derived_new(c, rule, emit->event);
    }
    if (!e || (e->last_by && e->last_by->rule == index)) {
        return;
    }
    struct derived_by *by = ARENA_NEW(c->arena, struct derived_by);
    by->rule = index;
    by->emit = emit;
    if (e->last_by) {
        e->last_by->next = by;
    } else {
        e->by = by;
    }
    e->last_by = by;
}

void derived_declare(struct checker *c)
{
    uint32_t index = 0;
    c->derived = ARENA_NEW(c->arena, struct derived_events);
    map_init(&c->derived->by_name, MAP_BORROW_KEYS);
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind != AST_DECL_RULE || !ast_name_given(d->rule.name)) {
            continue;
        }
        for (const struct ast_emit *e = d->rule.emits; e; e = e->next) {
            if (ast_name_given(e->event)) {
                note_emit(c, d, index, e);
            }
        }
        index++;
    }
}

void derived_release(struct checker *c)
{
    map_release(&c->derived->by_name);
}

/* ---- declarations --------------------------------------------------------------------------- */

/* `at` of a declaration without a source is the event's time, said or not. */
static void find_time(struct schema_decl *d)
{
    int32_t slot = decl_find_field(d, SLICE_LIT("at"));
    if (d->time_field < 0 && slot >= 0 && d->fields[slot].type == TYPE_TIMESTAMP &&
        !d->fields[slot].is_list) {
        d->time_field = slot;
        d->fields[slot].keep = true;
    }
}

void derived_add_decls(struct checker *c)
{
    struct ruleset *rs = c->rs;
    for (const struct derived_event *e = c->derived->first; e; e = e->next) {
        if (!e->declared) {
            struct schema_decl *d = &rs->decls[rs->n_decls];
            d->index = rs->n_decls++;
            d->name = arena_copy(c->out, e->name);
            d->time_field = -1;
            e->symbol->decl = d->index;
        }
        rs->decls[e->symbol->decl].is_derived = true;
        find_time(&rs->decls[e->symbol->decl]);
    }
}

void derived_lint(struct checker *c)
{
    for (size_t i = 0; i < c->decls.n; i++) {
        const struct ast_decl *d = c->decls.items[i];
        if (d->kind != AST_DECL_EVENT || !ast_name_given(d->event.name) || d->event.topics.n > 0 ||
            derived_find(c, d->event.name->text)) {
            continue;
        }
        const struct symbol *s = map_get(&c->symbols, d->event.name->text);
        if (!s || s->ast != d || !s->source) {
            continue; /* nothing reads it */
        }
        struct diag *w = check_lint(c, DIAG_WARNING, "W0419", d->event.name->span,
                                    "no rule derives `%.*s`, and it is read from no topic",
                                    SLICE_ARG(d->event.name->text));
        check_help(c, w, "give it a source, `from topic \"…\"`, or derive it: `emit event %.*s { … }`",
                   SLICE_ARG(d->event.name->text));
    }
}
