#include "cli/explain_words.h"

struct words {
    const struct compilation *c;
    struct buf *out;
    unsigned step; /* number of the last event test, as evidence counts them */
};

/* The source text of a span on one line. */
static void put_source(struct words *w, struct span span)
{
    struct slice s = source_text(sources_get(&w->c->sources, span.file), span);
    bool blank = false;
    for (size_t i = 0; i < s.len; i++) {
        bool space = s.ptr[i] == ' ' || s.ptr[i] == '\n' || s.ptr[i] == '\t' || s.ptr[i] == '\r';
        if (!space) {
            buf_put(w->out, s.ptr + i, 1);
        } else if (!blank) {
            buf_puts(w->out, " ");
        }
        blank = space;
    }
}

static const struct ast_decl *find_const(const struct words *w, struct slice name)
{
    for (uint32_t i = 0; i < w->c->n_files; i++) {
        for (const struct ast_decl *d = w->c->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_CONST && ast_name_given(d->constant.name) &&
                slice_eq(d->constant.name->text, name)) {
                return d;
            }
        }
    }
    return NULL;
}

/* "5 minutes"; of a constant its value, too. */
static void put_time(struct words *w, const struct ast_timed *t)
{
    const struct ast_decl *d = t->value.name ? find_const(w, t->value.name->text) : NULL;
    put_source(w, t->value.span);
    if (d) {
        buf_puts(w->out, " (");
        put_source(w, d->constant.value->span);
        buf_puts(w->out, ")");
    }
}

static void indent(struct words *w, int depth)
{
    buf_printf(w->out, "%*s", depth * 2, "");
}

/* ---- events ------------------------------------------------------------------------------- */

static void put_event(struct words *w, const struct ast_event_test *e)
{
    buf_put_slice(w->out, e->source->text);
    if (ast_name_given(e->alias)) {
        buf_printf(w->out, " (%.*s)", SLICE_ARG(e->alias->text));
    }
    if (e->where) {
        buf_puts(w->out, " where ");
        put_source(w, e->where->expr->span);
    }
}

static void put_number(struct words *w)
{
    buf_printf(w->out, "#%u ", ++w->step);
}

static void put_count(struct words *w, const struct ast_count *c)
{
    if (c->open) {
        buf_printf(w->out, "%lld or more", (long long)c->from->int_value);
    } else if (c->to) {
        buf_printf(w->out, "%lld to %lld", (long long)c->from->int_value,
                   (long long)c->to->int_value);
    } else {
        buf_printf(w->out, "%lld", (long long)c->from->int_value);
    }
}

/* ---- parts -------------------------------------------------------------------------------- */

static void put_pattern(struct words *w, const struct ast_pattern *p, int depth);

static void put_suffixes(struct words *w, const struct ast_part *p)
{
    if (p->adj.kind == AST_ADJ_IN_A_ROW) {
        buf_puts(w->out, ", with no other counted event between them");
    } else if (p->adj.kind == AST_ADJ_ANYWHERE) {
        buf_puts(w->out, ", any of them");
    }
    if (p->pace) {
        buf_puts(w->out, ", each at most ");
        put_time(w, p->pace);
        buf_puts(w->out, " after the one before");
    }
    if (p->until) {
        buf_puts(w->out, ", until ");
        put_source(w, p->until->expr->span);
    }
    if (p->having) {
        buf_puts(w->out, ", having ");
        put_source(w, p->having->expr->span);
    }
    if (p->within) {
        buf_puts(w->out, ", all within ");
        put_time(w, p->within);
    }
}

static void put_guard(struct words *w, const struct ast_part *p, int depth)
{
    if (p->guard) {
        indent(w, depth + 1);
        buf_puts(w->out, "and between its first and last event no ");
        put_number(w);
        put_event(w, &p->guard->event);
        buf_puts(w->out, "\n");
    }
}

static void put_choice(struct words *w, const struct ast_part *p, int depth)
{
    switch (p->choice.kind) {
    case AST_CHOICE_ALL: buf_puts(w->out, "all of these, in any order"); break;
    case AST_CHOICE_ANY: buf_puts(w->out, "one of these"); break;
    case AST_CHOICE_N:
        buf_printf(w->out, "%lld of these, in any order", (long long)p->choice.n->int_value);
        break;
    }
    put_suffixes(w, p);
    buf_puts(w->out, ":\n");
    for (const struct ast_pattern *a = p->choice.first; a; a = a->next) {
        indent(w, depth + 1);
        buf_puts(w->out, "-\n");
        put_pattern(w, a, depth + 2);
    }
}

static void put_part(struct words *w, const struct ast_part *p, int depth)
{
    buf_puts(w->out, p->optional ? "perhaps " : "");
    switch (p->kind) {
    case AST_PART_EVENT:
        put_number(w);
        put_event(w, &p->event);
        buf_puts(w->out, "\n");
        break;
    case AST_PART_COUNTED:
        put_number(w);
        put_count(w, &p->count);
        buf_puts(w->out, " ");
        put_event(w, &p->event);
        put_suffixes(w, p);
        buf_puts(w->out, "\n");
        break;
    case AST_PART_REPEATED:
        put_count(w, &p->count);
        buf_puts(w->out, " times");
        put_suffixes(w, p);
        buf_puts(w->out, ":\n");
        put_pattern(w, p->group, depth + 1);
        break;
    case AST_PART_GROUP:
        buf_puts(w->out, "together");
        put_suffixes(w, p);
        buf_puts(w->out, ":\n");
        put_pattern(w, p->group, depth + 1);
        break;
    case AST_PART_CHOICE: put_choice(w, p, depth); break;
    }
    put_guard(w, p, depth);
}

/* ---- sequences ---------------------------------------------------------------------------- */

static void put_link(struct words *w, const struct ast_link *l)
{
    static const char *const kinds[] = {"later", "the first later",
                                        "the very next counted event is"};
    if (!span_given(l->then)) {
        return;
    }
    buf_puts(w->out, kinds[l->kind]);
    if (l->within) {
        buf_puts(w->out, ", at most ");
        put_time(w, l->within);
        buf_puts(w->out, " after");
    }
    if (l->after) {
        buf_puts(w->out, ", at least ");
        put_time(w, l->after);
        buf_puts(w->out, " after");
    }
    buf_puts(w->out, ": ");
}

static void put_absence(struct words *w, const struct ast_elem *e)
{
    if (e->kind == AST_ELEM_NEXT_NO) {
        buf_puts(w->out, "the next counted event is not ");
    } else if (e->kind == AST_ELEM_LEADING_ABSENCE) {
        buf_puts(w->out, "before that, for ");
        put_time(w, e->absence.for_time);
        buf_puts(w->out, ", no ");
    } else if (e->absence.for_time) {
        buf_puts(w->out, "for ");
        put_time(w, e->absence.for_time);
        buf_puts(w->out, " after, no ");
    } else {
        buf_puts(w->out, e->next ? "until then no " : "until the window closes no ");
    }
    put_number(w);
    put_event(w, &e->absence.event);
    buf_puts(w->out,
             span_given(e->absence.assume_quiet) ? " (silence is assumed at the start)\n" : "\n");
}

static void put_pattern(struct words *w, const struct ast_pattern *p, int depth)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        indent(w, depth);
        if (e->kind == AST_ELEM_STEP) {
            put_link(w, &e->link);
            put_part(w, e->part, depth);
        } else {
            put_absence(w, e);
        }
    }
}

/* ---- rules -------------------------------------------------------------------------------- */

static void put_head(struct words *w, const struct ast_head *h)
{
    const char *sep = "For each ";
    for (const struct ast_key *k = h ? h->keys.first : NULL; k; k = k->next) {
        buf_puts(w->out, sep);
        put_source(w, k->span);
        sep = ", ";
    }
    if (!h || !h->keys.first) {
        buf_puts(w->out, "Over all events");
    }
    if (h && h->within) {
        buf_puts(w->out, ", from its first to its last event at most ");
        put_time(w, h->within);
    }
    buf_puts(w->out, ":\n");
}

static void put_policy(struct words *w, const struct ast_policy *p)
{
    static const char *const meanings[] = {
        [AST_POLICY_SKIP_PAST_LAST] = "the events up to its last one are used up",
        [AST_POLICY_SKIP_TO_NEXT] = "nothing is used up; one match per first event",
        [AST_POLICY_SKIP_TO_FIRST] = "the events before the first of",
        [AST_POLICY_SKIP_TO_LAST] = "the events before the last of",
        [AST_POLICY_NO_SKIP] = "nothing is used up; every match is reported",
    };
    buf_printf(w->out, "After a match %s", meanings[p ? p->kind : AST_POLICY_SKIP_PAST_LAST]);
    if (p && ast_name_given(p->name)) {
        buf_printf(w->out, " %.*s are used up", SLICE_ARG(p->name->text));
    }
    buf_puts(w->out, ".\n");
}

static void put_quiet(struct words *w, const struct ast_quiet *q)
{
    const char *sep = " for the same ";
    if (!q) {
        return;
    }
    buf_puts(w->out, "Further alerts within ");
    put_time(w, &q->time);
    for (const struct ast_path *p = q->per.first; p; p = p->next) {
        buf_puts(w->out, sep);
        put_source(w, p->span);
        sep = ", ";
    }
    buf_puts(w->out, q->per.first ? "" : " for the same key");
    buf_puts(w->out, " are held back and counted.\n");
}

static void put_emit(struct words *w, const struct ast_emit *e)
{
    buf_puts(w->out, e->on_timeout ? "When the window closes unfinished it emits " : "It emits ");
    if (ast_name_given(e->event)) {
        buf_printf(w->out, "the event %.*s", SLICE_ARG(e->event->text));
    } else {
        buf_puts(w->out, "an alert");
    }
    for (const struct ast_assign *a = e->body ? e->body->first : NULL; a; a = a->next) {
        buf_puts(w->out, a == e->body->first ? " with " : ", ");
        put_source(w, a->span);
    }
    buf_puts(w->out, ".\n");
}

void words_rule(const struct compilation *c, const struct ast_rule *r, struct buf *out)
{
    struct words w = {c, out, 0};
    put_head(&w, r->head);
    put_pattern(&w, r->pattern, 1);
    for (const struct ast_event_test *t = r->withouts.first; t; t = t->next) {
        buf_puts(out, "  and between the first and the last event no ");
        put_event(&w, t);
        buf_puts(out, "\n");
    }
    put_policy(&w, r->policy);
    put_quiet(&w, r->quiet);
    for (const struct ast_emit *e = r->emits; e; e = e->next) {
        put_emit(&w, e);
    }
}

void words_let(const struct compilation *c, const struct ast_let *let, struct buf *out)
{
    struct words w = {c, out, 0};
    buf_printf(out, "  %.*s: ", SLICE_ARG(let->name->text));
    for (const struct ast_filter *f = let->filters; f; f = f->next) {
        buf_puts(out, f == let->filters ? "" : ", or ");
        put_source(&w, f->span);
    }
    buf_puts(out, "\n");
}
