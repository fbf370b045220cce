#include "dsl/ast_dump.h"

#include "dsl/ast_dump_expr.h"

static void put_names(struct dump *D, const char *label, const struct ast_name *n)
{
    if (n) {
        dump_atom(D, label);
        dump_name(D, n);
    }
}

static void put_event_test(struct dump *D, const char *label, const struct ast_event_test *e)
{
    dump_open(D, label);
    dump_name(D, e->source);
    put_names(D, "as", e->alias);
    dump_clause(D, "where", e->where);
    dump_close(D);
}

static void put_pattern(struct dump *D, const struct ast_pattern *p);

static void put_count(struct dump *D, const struct ast_count *c)
{
    dump_open(D, c->open ? "or-more" : c->to ? "range" : "count");
    dump_literal(D, c->from);
    if (c->to) {
        dump_literal(D, c->to);
    }
    dump_close(D);
}

static void put_choice(struct dump *D, const struct ast_part *p)
{
    static const char *const kinds[] = {"all-of", "any-of", "n-of"};
    dump_open(D, kinds[p->choice.kind]);
    if (p->choice.n) {
        dump_literal(D, p->choice.n);
    }
    for (const struct ast_pattern *q = p->choice.first; q; q = q->next) {
        put_pattern(D, q);
    }
    dump_close(D);
}

static void put_suffixes(struct dump *D, const struct ast_part *p)
{
    static const char *const adjs[] = {NULL, "in-a-row", "anywhere"};
    if (p->adj.kind != AST_ADJ_NONE) {
        dump_atom(D, adjs[p->adj.kind]);
    }
    dump_timed(D, "each-within", p->pace);
    dump_clause(D, "until", p->until);
    dump_clause(D, "having", p->having);
    if (p->guard) {
        put_event_test(D, "with-no", &p->guard->event);
    }
    dump_timed(D, "within", p->within);
}

static void put_part(struct dump *D, const struct ast_part *p)
{
    static const char *const kinds[] = {"event", "counted", "repeated", "group", "choice"};
    dump_open(D, kinds[p->kind]);
    if (p->optional) {
        dump_atom(D, "optional");
    }
    if (p->kind == AST_PART_COUNTED || p->kind == AST_PART_REPEATED) {
        put_count(D, &p->count);
    }
    if (p->kind == AST_PART_EVENT || p->kind == AST_PART_COUNTED) {
        put_event_test(D, "of", &p->event);
    }
    if (p->group) {
        put_pattern(D, p->group);
    }
    if (p->kind == AST_PART_CHOICE) {
        put_choice(D, p);
    }
    put_suffixes(D, p);
    dump_close(D);
}

static void put_elem(struct dump *D, const struct ast_elem *e)
{
    static const char *const kinds[] = {"step", "leading-no", "no", "next-no"};
    static const char *const links[] = {"later", "first", "next"};
    dump_open(D, kinds[e->kind]);
    if (span_given(e->link.then) && e->kind == AST_ELEM_STEP) {
        dump_atom(D, links[e->link.kind]);
        dump_timed(D, "within", e->link.within);
        dump_timed(D, "after", e->link.after);
    }
    if (e->part) {
        put_part(D, e->part);
    } else {
        put_event_test(D, "of", &e->absence.event);
        dump_timed(D, "for", e->absence.for_time);
    }
    if (span_given(e->absence.assume_quiet)) {
        dump_atom(D, "assume-quiet");
    }
    dump_close(D);
}

static void put_pattern(struct dump *D, const struct ast_pattern *p)
{
    dump_open(D, "pattern");
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        put_elem(D, e);
    }
    dump_close(D);
}

static void put_expect(struct dump *D, const struct ast_stmt *s)
{
    static const char *const kinds[] = {"no-match", "match", "timeout"};
    dump_atom(D, kinds[s->expect.kind]);
    dump_literal_opt(D, "at", s->expect.at_moment);
    dump_literal_opt(D, "count", s->expect.count);
    dump_literal_opt(D, "step", s->expect.step);
    put_names(D, "step", s->expect.step_name);
}

static void put_stmt(struct dump *D, const struct ast_stmt *s)
{
    static const char *const kinds[] = {"given-list", "given-lookup", "given-profile", "given-time",
                                        "at",         "watermark",    "expect",        "reload",
                                        "restart",    "events",       "shuffle"};
    dump_open(D, kinds[s->kind]);
    if (s->late) {
        dump_atom(D, "late");
    }
    if (s->kind == AST_STMT_EXPECT) {
        put_expect(D, s);
    }
    dump_literal_opt(D, "moment", s->moment);
    put_names(D, "of", s->name);
    dump_literals(D, "keys", &s->keys);
    dump_expr(D, s->array);
    dump_map(D, s->map);
    dump_body(D, s->body);
    dump_literal_opt(D, "times", s->times);
    dump_timed(D, "every", s->every);
    dump_literal_opt(D, "string", s->string);
    dump_literal_opt(D, "seed", s->seed);
    dump_timed(D, "within", s->within);
    dump_close(D);
}

static void put_test(struct dump *D, const struct ast_test *t)
{
    dump_open(D, "test");
    dump_literal(D, t->title);
    put_names(D, "for", t->rule);
    for (const struct ast_stmt *s = t->first; s; s = s->next) {
        put_stmt(D, s);
    }
    dump_close(D);
}

static void put_meta(struct dump *D, const struct ast_meta *m)
{
    static const char *const kinds[] = {"title", "description", "severity",  "status",
                                        "owner", "version",     "reference", "tags"};
    dump_open(D, kinds[m->kind]);
    dump_literals(D, "strings", &m->strings);
    put_names(D, "is", m->name);
    dump_literal_opt(D, "is", m->number);
    for (const struct ast_tag *t = m->tags; t; t = t->next) {
        dump_text(D, t->text);
    }
    dump_close(D);
}

static void put_keys(struct dump *D, const struct ast_keys *keys)
{
    for (const struct ast_key *k = keys->first; k; k = k->next) {
        dump_open(D, "key");
        for (const struct ast_path *p = k->paths.first; p; p = p->next) {
            dump_path(D, p);
        }
        dump_close(D);
    }
}

static void put_tail(struct dump *D, const struct ast_rule *r)
{
    static const char *const policies[] = {"skip-past-last", "skip-to-next", "skip-to-first",
                                           "skip-to-last", "no-skip"};
    if (r->policy) {
        dump_open(D, policies[r->policy->kind]);
        put_names(D, "of", r->policy->name);
        dump_close(D);
    }
    if (r->quiet) {
        dump_open(D, "quiet");
        dump_timed(D, "for", &r->quiet->time);
        for (const struct ast_path *p = r->quiet->per.first; p; p = p->next) {
            dump_path(D, p);
        }
        dump_close(D);
    }
    for (const struct ast_emit *e = r->emits; e; e = e->next) {
        dump_open(D, e->on_timeout ? "on-timeout" : "emit");
        put_names(D, "event", e->event);
        dump_body(D, e->body);
        dump_close(D);
    }
}

static void put_rule(struct dump *D, const struct ast_rule *r)
{
    dump_name(D, r->name);
    for (const struct ast_meta *m = r->metas; m; m = m->next) {
        put_meta(D, m);
    }
    if (r->head) {
        put_keys(D, &r->head->keys);
        dump_timed(D, "within", r->head->within);
    }
    put_pattern(D, r->pattern);
    for (const struct ast_event_test *w = r->withouts.first; w; w = w->next) {
        put_event_test(D, "without", w);
    }
    put_tail(D, r);
    for (const struct ast_test *t = r->tests; t; t = t->next) {
        put_test(D, t);
    }
}

static void put_type(struct dump *D, const char *label, const struct ast_type *t)
{
    static const char *const kinds[] = {"type", "set-of", "list-of", "enum"};
    dump_atom(D, label);
    dump_open(D, kinds[t->kind]);
    put_names(D, "of", t->name);
    put_names(D, "in", t->unit);
    dump_literals(D, "values", &t->values);
    dump_close(D);
}

static void put_item(struct dump *D, const struct ast_item *i)
{
    static const char *const kinds[] = {"field", "out-of-order", "idle", "watermark-per",
                                        "at-most-ahead"};
    static const char *const options[] = {"key", "optional", "event-time", "from"};
    dump_open(D, kinds[i->kind]);
    if (i->path) {
        dump_path(D, i->path);
    }
    if (i->type) {
        put_type(D, "is", i->type);
    }
    for (const struct ast_option *o = i->options; o; o = o->next) {
        dump_atom(D, options[o->kind]);
        dump_literal_opt(D, "as", o->from);
    }
    dump_expr(D, i->computed);
    dump_timed(D, "time", i->time);
    if (span_given(i->follow_clock)) {
        dump_atom(D, "follow-clock");
    }
    dump_close(D);
}

static void put_event(struct dump *D, const struct ast_event *e)
{
    dump_name(D, e->name);
    dump_literals(D, "topics", &e->topics);
    if (e->format) {
        dump_open(D, "format");
        dump_name(D, e->format->name);
        dump_literal_opt(D, "schema", e->format->schema);
        dump_literal_opt(D, "message", e->format->message);
        dump_close(D);
    }
    dump_clause(D, "where", e->where);
    for (const struct ast_item *i = e->items; i; i = i->next) {
        put_item(D, i);
    }
}

static void put_origin(struct dump *D, const struct ast_origin *o)
{
    if (o->place) {
        dump_literal_opt(D, o->kind == AST_ORIGIN_FILE ? "file" : "topic", o->place);
        dump_timed(D, "refresh", o->refresh);
    }
}

static void put_filter(struct dump *D, const struct ast_filter *f)
{
    dump_open(D, "filter");
    dump_name(D, f->source);
    dump_clause(D, "where", f->where);
    dump_close(D);
}

static void put_profile(struct dump *D, const struct ast_profile *p)
{
    dump_name(D, p->name);
    put_keys(D, &p->keys);
    put_filter(D, p->filter);
    for (const struct ast_measure *m = p->measures; m; m = m->next) {
        dump_open(D, "measure");
        dump_name(D, m->name);
        dump_expr(D, m->value);
        dump_timed(D, "over", m->over);
        dump_timed(D, "every", m->every);
        dump_timed(D, "warm", m->warm);
        dump_literal_opt(D, "max", m->max);
        dump_close(D);
    }
}

static void put_let(struct dump *D, const struct ast_let *l)
{
    dump_name(D, l->name);
    if (span_given(l->any_of)) {
        dump_atom(D, "any-of");
    }
    for (const struct ast_filter *f = l->filters; f; f = f->next) {
        put_filter(D, f);
    }
}

static void put_decl_content(struct dump *D, const struct ast_decl *d)
{
    switch (d->kind) {
    case AST_DECL_IMPORT: dump_literal(D, d->import); break;
    case AST_DECL_EVENT: put_event(D, &d->event); break;
    case AST_DECL_CONST:
        dump_name(D, d->constant.name);
        dump_expr(D, d->constant.value);
        break;
    case AST_DECL_LIST:
        dump_name(D, d->list.name);
        put_type(D, "is", d->list.type);
        put_origin(D, &d->list.origin);
        dump_expr(D, d->list.array);
        break;
    case AST_DECL_LOOKUP:
        dump_name(D, d->lookup.name);
        put_type(D, "from", d->lookup.key_type);
        put_type(D, "to", d->lookup.value_type);
        put_origin(D, &d->lookup.origin);
        dump_map(D, d->lookup.map);
        break;
    case AST_DECL_LET: put_let(D, &d->let); break;
    case AST_DECL_PROFILE: put_profile(D, &d->profile); break;
    case AST_DECL_RULE: put_rule(D, &d->rule); break;
    case AST_DECL_TEST: put_test(D, d->test); break;
    case AST_DECL_ERROR: break;
    }
}

void ast_dump_file(struct buf *out, const struct ast_file *file, enum ast_dump_flags flags)
{
    static const char *const kinds[] = {"import", "event",   "const", "list", "lookup",
                                        "let",    "profile", "rule",  "test", "error"};
    struct dump D = {.out = out, .flags = flags};
    if (file->version) {
        dump_open(&D, "language");
        dump_literal(&D, file->version);
        dump_close(&D);
    }
    for (const struct ast_decl *d = file->first; d; d = d->next) {
        dump_open(&D, kinds[d->kind]);
        put_decl_content(&D, d);
        dump_close(&D);
        buf_puts(out, "\n");
    }
    dump_expr(&D, file->expr);
}

void ast_dump_expr(struct buf *out, const struct ast_expr *expr, enum ast_dump_flags flags)
{
    struct dump D = {.out = out, .flags = flags};
    dump_expr(&D, expr);
}
