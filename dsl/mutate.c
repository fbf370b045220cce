#include "dsl/mutate.h"

#include <stdio.h>
#include <string.h>

struct finder {
    const struct compilation *c;
    const struct mutate_options *o;
    struct arena *arena;
    struct mutations *found;
    uint32_t cap;
    struct slice step; /* of the place at hand */
    struct span around;
    int64_t limit_ns;  /* of the times around it: no inner one may be longer; INT64_MAX: none */
};

static struct mutation *add(struct finder *f, enum mutation_kind kind, struct span span,
                            const char *text, struct span about)
{
    struct mutations *m = f->found;
    if (m->n == f->cap) {
        struct mutation *old = m->items;
        f->cap = f->cap ? 2 * f->cap : 32;
        m->items = ARENA_ARRAY(f->arena, struct mutation, f->cap);
        if (m->n > 0) {
            memcpy(m->items, old, m->n * sizeof(*old));
        }
    }
    struct mutation *ret = &m->items[m->n++];
    *ret = (struct mutation){
        .kind = kind, .span = span, .text = slice_of(text), .about = about, .around = f->around,
        .step = f->step};
    return ret;
}

/* ---- conditions --------------------------------------------------------------------------- */

static void find_conditions(struct finder *f, const struct ast_expr *e)
{
    const struct ast_expr *bare = ast_bare(e);
    if (bare && bare->kind == AST_EXPR_BINARY && bare->binary.op == AST_AND) {
        find_conditions(f, bare->binary.left);
        find_conditions(f, bare->binary.right);
    } else if (bare && !(bare->kind == AST_EXPR_LITERAL && bare->literal->kind == AST_LIT_BOOL)) {
        add(f, MUTATION_CONDITION, e->span, "true", e->span)->condition = e;
    }
}

static void find_clause(struct finder *f, const struct ast_clause *clause)
{
    if (clause && clause->expr) {
        find_conditions(f, clause->expr);
    }
}

/* ---- times -------------------------------------------------------------------------------- */

/* A const's length is not changed: others may use it. Its place is. */
static struct duration length_of(const struct finder *f, const struct ast_timed *t)
{
    if (t->value.literal) {
        return t->value.literal->duration;
    }
    for (uint32_t i = 0; i < f->c->n_files && t->value.name; i++) {
        for (const struct ast_decl *d = f->c->files[i]->first; d; d = d->next) {
            const struct ast_expr *v = d->kind == AST_DECL_CONST ? ast_bare(d->constant.value) : NULL;
            if (v && v->kind == AST_EXPR_LITERAL && v->literal->kind == AST_LIT_DURATION &&
                slice_eq(d->constant.name->text, t->value.name->text)) {
                return v->literal->duration;
            }
        }
    }
    return (struct duration){0};
}

/* `about`: what is shown of it. */
static void find_time_of(struct finder *f, enum mutation_kind kind, const struct ast_timed *t,
                         struct span about)
{
    bool shorter = kind == MUTATION_GAP || kind == MUTATION_SILENCE;
    const int64_t longest = INT64_C(3650) * 86400 * NS_PER_S;
    char text[DURATION_TEXT_MAX];
    struct duration d, was = {0};
    if ((was = length_of(f, t)).ns <= 0) {
        return;
    }
    if (shorter) {
        d.ns = was.ns / f->o->times;
    } else {
        d.ns = was.ns > longest / f->o->times ? longest : was.ns * f->o->times;
        d.ns = d.ns > f->limit_ns ? f->limit_ns : d.ns;
    }
    if (d.ns == 0 || (shorter ? d.ns >= was.ns : d.ns <= was.ns)) {
        return;
    }
    duration_format(d, text);
    struct slice copy = arena_copy(f->arena, slice_of(text));
    struct mutation *m = add(f, kind, t->value.span, "", about);
    m->text = copy;
    m->length = was;
    m->tried = d;
}

static void find_time(struct finder *f, enum mutation_kind kind, const struct ast_timed *t)
{
    if (t) {
        find_time_of(f, kind, t, t->span);
    }
}

/* ---- patterns ----------------------------------------------------------------------------- */

static void enter_step(struct finder *f, const struct ast_event_test *t)
{
    f->step = ast_name_given(t->alias) ? t->alias->text : t->source->text;
}

static void find_event(struct finder *f, const struct ast_event_test *t)
{
    enter_step(f, t);
    find_clause(f, t->where);
}

/* No event is M: as if it were not written. */
static void find_never(struct finder *f, const struct ast_event_test *t, struct span about)
{
    enter_step(f, t);
    if (t->where) {
        add(f, MUTATION_ABSENCE, t->where->expr->span, "false", about);
    } else {
        add(f, MUTATION_ABSENCE, span_after(t->span), " where false", about);
    }
}

/* One between steps has a length and a place of its own: it is left out as it stands. The `then` behind a leading
 * one goes with it. */
static void find_absence(struct finder *f, const struct ast_elem *e)
{
    struct span all = e->span;
    enter_step(f, &e->absence.event);
    if (e->kind == AST_ELEM_LEADING_ABSENCE && e->next && e->next->link.then.end > all.end) {
        all.end = e->next->link.then.end;
    }
    add(f, MUTATION_ABSENCE, all, "", e->span);
    if (e->absence.for_time) {
        find_time_of(f, MUTATION_SILENCE, e->absence.for_time, e->span);
    }
}

static void find_count(struct finder *f, const struct ast_part *p)
{
    const struct ast_count *count = &p->count;
    struct span about = p->kind == AST_PART_COUNTED
                            ? span_join(count->span, p->event.source->span)
                            : p->span;
    int64_t from = count->from->int_value;
    int64_t least = f->o->every_count ? 1 : from - 1;
    for (int64_t n = from - 1; n >= 1 && n >= least; n--) {
        char text[32];
        snprintf(text, sizeof(text), "%lld", (long long)n);
        struct slice copy = arena_copy(f->arena, slice_of(text));
        struct mutation *m = add(f, MUTATION_COUNT, count->from->span, "", about);
        m->text = copy;
        m->count = from;
    }
}

static void find_pattern(struct finder *f, const struct ast_pattern *p);

/* The limit that holds within the part. */
static int64_t limit_within(const struct finder *f, const struct ast_part *p)
{
    int64_t ns = p->within ? length_of(f, p->within).ns : 0;
    return ns > 0 && ns < f->limit_ns ? ns : f->limit_ns;
}

static void find_part(struct finder *f, const struct ast_part *p)
{
    int64_t outer = f->limit_ns;
    f->limit_ns = limit_within(f, p);
    bool counted = p->kind == AST_PART_COUNTED || p->kind == AST_PART_REPEATED;
    if (p->kind == AST_PART_EVENT || p->kind == AST_PART_COUNTED) {
        enter_step(f, &p->event);
    }
    if (counted) {
        find_count(f, p);
    }
    if (p->kind == AST_PART_EVENT || p->kind == AST_PART_COUNTED) {
        find_event(f, &p->event);
    } else if (p->kind == AST_PART_CHOICE) {
        for (const struct ast_pattern *a = p->choice.first; a; a = a->next) {
            find_pattern(f, a);
        }
    } else {
        find_pattern(f, p->group);
    }
    if (p->adj.kind == AST_ADJ_IN_A_ROW) {
        add(f, MUTATION_LINK, p->adj.span, "", p->adj.span);
    }
    find_time(f, MUTATION_WINDOW, p->pace);
    find_clause(f, p->until);
    find_clause(f, p->having);
    if (p->guard) {
        find_never(f, &p->guard->event, p->guard->span);
    }
    f->limit_ns = outer;
    find_time(f, MUTATION_WINDOW, p->within);
}

static void find_link(struct finder *f, const struct ast_link *l)
{
    if (l->kind != AST_LINK_LATER) {
        add(f, MUTATION_LINK, l->kind_span, "", l->span);
    }
    find_time(f, MUTATION_WINDOW, l->within);
    find_time(f, MUTATION_GAP, l->after);
}

static void find_pattern(struct finder *f, const struct ast_pattern *p)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind == AST_ELEM_STEP && e->part->kind <= AST_PART_COUNTED) {
            enter_step(f, &e->part->event);
        }
        find_link(f, &e->link);
        if (e->kind == AST_ELEM_STEP) {
            find_part(f, e->part);
        } else {
            find_absence(f, e);
        }
    }
}

/* ---- around the pattern --------------------------------------------------------------------- */

static void find_policy(struct finder *f, const struct ast_rule *r)
{
    struct span before = r->quiet ? r->quiet->span : r->emits->span;
    f->step = (struct slice){0};
    if (r->policy && r->policy->kind != AST_POLICY_NO_SKIP) {
        add(f, MUTATION_POLICY, r->policy->span, "after match no skip", r->policy->span);
    } else if (!r->policy) {
        before.end = before.start;
        add(f, MUTATION_POLICY, before, "after match no skip\n  ", r->when);
    }
    if (r->quiet) {
        add(f, MUTATION_QUIET, r->quiet->span, "", r->quiet->span);
    }
}

static void find_status(struct finder *f, const struct ast_rule *r)
{
    for (const struct ast_meta *m = r->metas; m; m = m->next) {
        if (m->kind == AST_META_STATUS && slice_eq(m->name->text, SLICE_LIT("disabled"))) {
            add(f, MUTATION_STATUS, m->span, "", m->span);
        }
    }
}

static void find_lateness(struct finder *f, const struct ast_decl *d)
{
    const struct ast_timed *bound = NULL;
    for (const struct ast_item *i = d->event.items; i; i = i->next) {
        bound = i->kind == AST_ITEM_OUT_OF_ORDER ? i->time : bound;
        if (i->kind == AST_ITEM_AT_MOST_AHEAD) {
            add(f, MUTATION_AHEAD, i->span, "", i->span);
        }
    }
    if (bound && length_of(f, bound).ns > 0) {
        find_time(f, MUTATION_LATENESS, bound);
    } else if (bound) {
        add(f, MUTATION_LATENESS, bound->value.span, "3650d", bound->span);
    } else if (d->event.topics.n > 0) {
        struct span end = {d->span.file, d->span.end - 1, d->span.end - 1};
        add(f, MUTATION_LATENESS, end, "  out of order by 3650d\n", d->event.name->span);
    }
}

static void find_declarations(struct finder *f)
{
    for (uint32_t i = 0; i < f->c->n_files; i++) {
        for (const struct ast_decl *d = f->c->files[i]->first; d; d = d->next) {
            f->around = d->span;
            if (d->kind == AST_DECL_EVENT) {
                f->step = d->event.name->text;
                find_clause(f, d->event.where);
                find_lateness(f, d);
            } else if (d->kind == AST_DECL_LET) {
                f->step = d->let.name->text;
                for (const struct ast_filter *l = d->let.filters; l; l = l->next) {
                    find_clause(f, l->where);
                }
            }
        }
    }
}

static const struct ast_decl *rule_named(const struct compilation *c, struct slice name)
{
    for (uint32_t i = 0; i < c->n_files; i++) {
        for (const struct ast_decl *d = c->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_RULE && slice_eq(d->rule.name->text, name)) {
                return d;
            }
        }
    }
    return NULL;
}

void mutations_of(const struct compilation *c, struct slice name, const struct mutate_options *o,
                  struct arena *arena, struct mutations *ret)
{
    struct finder f = {.c = c, .o = o, .arena = arena, .found = ret, .limit_ns = INT64_MAX};
    const struct ast_decl *decl = rule_named(c, name);
    *ret = (struct mutations){0};
    if (!decl) {
        return;
    }
    const struct ast_rule *r = &decl->rule;
    f.around = decl->span;
    struct duration window = {0};
    find_time(&f, MUTATION_WINDOW, r->head ? r->head->within : NULL);
    if (r->head && r->head->within) {
        window = length_of(&f, r->head->within);
    }
    f.limit_ns = window.ns > 0 ? window.ns : INT64_MAX;
    find_pattern(&f, r->pattern);
    f.limit_ns = INT64_MAX;
    for (const struct ast_event_test *w = r->withouts.first; w; w = w->next) {
        find_never(&f, w, w->span);
    }
    if (o->surroundings) {
        find_status(&f, r);
        find_policy(&f, r);
        find_declarations(&f);
    }
}

/* ---- as text ------------------------------------------------------------------------------ */

void mutation_apply(const struct compilation *c, const struct mutation *m, struct buf *out)
{
    struct slice text = sources_get(&c->sources, m->span.file)->text;
    buf_put(out, text.ptr, m->span.start);
    buf_put_slice(out, m->text);
    buf_put(out, text.ptr + m->span.end, text.len - m->span.end);
}

/* On one line: a blank for each run of white space. */
static void put_line(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool blank = strchr(" \t\r\n", text.ptr[i]) != NULL;
        if (!blank) {
            buf_put_byte(out, (uint8_t)text.ptr[i]);
        } else if (i == 0 || !strchr(" \t\r\n", text.ptr[i - 1])) {
            buf_put_byte(out, ' ');
        }
    }
}

/* The construct with the change in it. */
static void put_changed(const struct rule_file *src, const struct mutation *m, struct buf *out)
{
    struct span head = {m->about.file, m->about.start, m->span.start};
    struct span tail = {m->about.file, m->span.end, m->about.end};
    put_line(out, source_text(src, head));
    buf_put_slice(out, m->text);
    put_line(out, source_text(src, tail));
    while (out->len > 0 && out->ptr[out->len - 1] == ' ') {
        out->len--;
    }
}

/* Does the declaration say the same at another place, too? */
static bool is_twice(const struct rule_file *src, const struct mutation *m)
{
    struct slice all = source_text(src, m->around), what = source_text(src, m->about);
    uint32_t n = 0;
    for (size_t i = 0; what.len > 0 && i + what.len <= all.len; i++) {
        n += memcmp(all.ptr + i, what.ptr, what.len) == 0;
    }
    return n > 1;
}

void mutation_words(const struct compilation *c, const struct mutation *m, struct buf *out)
{
    const struct rule_file *src = sources_get(&c->sources, m->span.file);
    bool inside = m->span.start >= m->about.start && m->span.end <= m->about.end;
    bool whole = m->span.start == m->about.start && m->span.end == m->about.end;
    buf_puts(out, m->kind == MUTATION_POLICY || (m->kind == MUTATION_LATENESS && !inside)
                      ? "with `"
                      : (whole || m->kind == MUTATION_ABSENCE) ? "without `" : "`");
    if (m->kind == MUTATION_POLICY) {
        buf_puts(out, "after match no skip`");
    } else if (m->kind == MUTATION_LATENESS && !inside) {
        struct slice text = m->text;
        while (text.len > 0 && strchr(" \n", text.ptr[0])) {
            text = slice_from(text.ptr + 1, text.len - 1);
        }
        put_line(out, slice_from(text.ptr, text.len - (text.ptr[text.len - 1] == '\n')));
        buf_printf(out, "` in %.*s", SLICE_ARG(m->step));
    } else {
        put_line(out, source_text(src, m->about));
        buf_put_byte(out, '`');
    }
    if (inside && !whole && m->kind != MUTATION_ABSENCE && m->kind != MUTATION_POLICY) {
        buf_puts(out, " as `");
        put_changed(src, m, out);
        buf_put_byte(out, '`');
    }
    if (is_twice(src, m)) {
        struct source_pos at = source_position(src, m->about.start);
        buf_printf(out, " (line %u, column %u)", at.line, at.col);
    }
}
