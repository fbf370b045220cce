#include "dsl/rule_change.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct mutating {
    const struct sources *sources;
    const struct ast_file *const *files;
    uint32_t n_files;
    struct arena *arena;
    struct rule_changes *to;
    const struct ast_decl **lets; /* whose conditions are among them */
    size_t n_lets, cap_lets;
};

static struct slice text_of(const struct mutating *m, struct span s)
{
    return source_text(sources_get(m->sources, s.file), s);
}

static struct span between(struct span a, struct span b)
{
    return (struct span){.file = a.file, .start = a.start, .end = b.end};
}

static void add(struct mutating *m, struct span span, const char *with, const char *what,
                const char *wanted)
{
    struct rule_changes *l = m->to;
    VEC_PUSH(l->items, l->n, l->cap) = (struct rule_change){span, slice_of(with), what, wanted};
}

/* ---- conditions --------------------------------------------------------------------------------- */

/* `not`: of an absence, where an event that fits ends the match. */
static void drop_condition(struct mutating *m, const struct ast_expr *e, struct slice source,
                           bool absent)
{
    struct slice text = text_of(m, e->span);
    const char *what = arena_printf(m->arena, "`%.*s` left out", SLICE_ARG(text));
    const char *wanted =
        absent ? arena_printf(m->arena, "a %.*s that must not come fits but for `%.*s`, and the "
                              "rule fires all the same", SLICE_ARG(source), SLICE_ARG(text))
               : arena_printf(m->arena, "a %.*s fits but for `%.*s`: expect no match",
                              SLICE_ARG(source), SLICE_ARG(text));
    add(m, e->span, "true", what, wanted);
}

/* `<` and `<=` differ at one value only. */
static void move_boundary(struct mutating *m, const struct ast_expr *e)
{
    static const struct {
        enum ast_binary_op op;
        const char *other;
    } pairs[] = {{AST_LT, "<="}, {AST_LE, "<"}, {AST_GT, ">="}, {AST_GE, ">"}};
    if (e->kind != AST_EXPR_BINARY) {
        return;
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(pairs); i++) {
        if (pairs[i].op != e->binary.op) {
            continue;
        }
        struct slice text = text_of(m, e->span);
        struct slice left = text_of(m, e->binary.left->span);
        struct slice right = text_of(m, e->binary.right->span);
        add(m, e->binary.op_span, pairs[i].other,
            arena_printf(m->arena, "`%s` instead of `%.*s` in `%.*s`", pairs[i].other,
                         SLICE_ARG(text_of(m, e->binary.op_span)), SLICE_ARG(text)),
            arena_printf(m->arena, "%.*s is exactly %.*s", SLICE_ARG(left), SLICE_ARG(right)));
    }
}

static bool joined_by(const struct ast_expr *bare, enum ast_binary_op op)
{
    return bare->kind == AST_EXPR_BINARY && bare->binary.op == op;
}

static void drop_side(struct mutating *m, const struct ast_expr *side, const struct ast_expr *whole)
{
    struct slice text = text_of(m, side->span);
    add(m, side->span, "false",
        arena_printf(m->arena, "`%.*s` left out of `%.*s`", SLICE_ARG(text),
                     SLICE_ARG(text_of(m, whole->span))),
        arena_printf(m->arena, "`%.*s` holds for `%.*s` alone", SLICE_ARG(text_of(m, whole->span)),
                     SLICE_ARG(text)));
}

static void sides(struct mutating *m, const struct ast_expr *e, const struct ast_expr *whole);

/* A condition that can be left out as a whole: what else can be changed in it. */
static void change_within(struct mutating *m, const struct ast_expr *e)
{
    const struct ast_expr *bare = ast_bare(e);
    if (joined_by(bare, AST_OR)) {
        sides(m, e, e);
    } else {
        move_boundary(m, bare);
    }
}

/* A side of an `or` that holds together: each of its conditions is left out. */
static void conjuncts(struct mutating *m, const struct ast_expr *e, const struct ast_expr *side)
{
    const struct ast_expr *bare = ast_bare(e);
    if (joined_by(bare, AST_AND)) {
        conjuncts(m, bare->binary.left, side);
        conjuncts(m, bare->binary.right, side);
        return;
    }
    if (bare->kind == AST_EXPR_LITERAL) {
        return;
    }
    struct slice text = text_of(m, e->span), of = text_of(m, side->span);
    add(m, e->span, "true",
        arena_printf(m->arena, "`%.*s` left out of `%.*s`", SLICE_ARG(text), SLICE_ARG(of)),
        arena_printf(m->arena, "`%.*s` holds but for `%.*s`: expect no match", SLICE_ARG(of),
                     SLICE_ARG(text)));
    change_within(m, e);
}

/* Each side of an `or` is left out. */
static void sides(struct mutating *m, const struct ast_expr *e, const struct ast_expr *whole)
{
    const struct ast_expr *bare = ast_bare(e);
    if (joined_by(bare, AST_OR)) {
        sides(m, bare->binary.left, whole);
        sides(m, bare->binary.right, whole);
        return;
    }
    if (bare->kind == AST_EXPR_LITERAL) {
        return; /* `or false` says nothing that could be left out */
    }
    drop_side(m, e, whole);
    if (joined_by(bare, AST_AND)) {
        conjuncts(m, e, e);
    } else {
        move_boundary(m, bare);
    }
}

static void conditions(struct mutating *m, const struct ast_expr *e, struct slice source,
                       bool absent)
{
    const struct ast_expr *bare = ast_bare(e);
    if (joined_by(bare, AST_AND)) {
        conditions(m, bare->binary.left, source, absent);
        conditions(m, bare->binary.right, source, absent);
        return;
    }
    drop_condition(m, e, source, absent);
    change_within(m, e);
}

/* Of an `until` or a `having`. */
static void drop_clause_condition(struct mutating *m, const struct ast_expr *e, const char *word)
{
    struct slice text = text_of(m, e->span);
    bool until = strcmp(word, "until") == 0;
    add(m, e->span, "true", arena_printf(m->arena, "`%.*s` left out of `%s`", SLICE_ARG(text), word),
        until ? arena_printf(m->arena, "enough events come while `%.*s` does not hold yet", SLICE_ARG(text))
              : arena_printf(m->arena, "everything fits but for `%.*s`: expect no match",
                             SLICE_ARG(text)));
}

static void clause_conditions(struct mutating *m, const struct ast_expr *e, const char *word)
{
    const struct ast_expr *bare = ast_bare(e);
    if (joined_by(bare, AST_AND)) {
        clause_conditions(m, bare->binary.left, word);
        clause_conditions(m, bare->binary.right, word);
        return;
    }
    drop_clause_condition(m, e, word);
    change_within(m, e);
}

static void note_source(struct mutating *m, struct slice name);

static void event_test(struct mutating *m, const struct ast_event_test *t, bool absent)
{
    note_source(m, t->source->text);
    if (t->where) {
        conditions(m, t->where->expr, t->source->text, absent);
    }
}

/* ---- times and counts ----------------------------------------------------------------------------- */

static const struct ast_literal *const_literal(const struct mutating *m, struct slice name)
{
    for (uint32_t i = 0; i < m->n_files; i++) {
        for (const struct ast_decl *d = m->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_CONST && slice_eq(d->constant.name->text, name)) {
                const struct ast_expr *e = ast_bare(d->constant.value);
                return e->kind == AST_EXPR_LITERAL ? e->literal : NULL;
            }
        }
    }
    return NULL;
}

/* What a time does: a longer LIMIT allows more, a longer LEAST or SILENCE less. */
enum time_use { TIME_LIMIT, TIME_LEAST, TIME_SILENCE };

static const char *timed_test(struct mutating *m, const struct ast_timed *t, enum time_use use,
                              const char *from, const char *to, bool fires)
{
    const char *then = fires ? "expect a match" : "expect no match";
    if (use == TIME_SILENCE) {
        return arena_printf(m->arena, "what must not come is more than %s away, at most %s: %s", from,
                            to, then);
    }
    return arena_printf(m->arena, "what `%.*s` is about takes more than %s, at most %s: %s",
                        SLICE_ARG(text_of(m, t->span)), from, to, then);
}

static void time_of(struct mutating *m, const struct ast_timed *t, enum time_use use)
{
    if (!t) {
        return;
    }
    const struct ast_literal *lit =
        t->value.literal ? t->value.literal : const_literal(m, t->value.name->text);
    if (!lit || lit->kind != AST_LIT_DURATION || lit->duration.ns < 2) {
        return;
    }
    char was[DURATION_TEXT_MAX], twice[DURATION_TEXT_MAX], half[DURATION_TEXT_MAX];
    int64_t s = NS_PER_S;
    int64_t halved = lit->duration.ns / 2 >= s ? lit->duration.ns / 2 / s * s : lit->duration.ns / 2;
    struct slice text = text_of(m, t->span);
    duration_format(lit->duration, was);
    duration_format((struct duration){lit->duration.ns * 2}, twice);
    duration_format((struct duration){halved}, half);
    add(m, t->value.span, arena_printf(m->arena, "%s", twice),
        arena_printf(m->arena, "`%.*s` twice as long: %s", SLICE_ARG(text), twice),
        timed_test(m, t, use, was, twice, use != TIME_LIMIT));
    add(m, t->value.span, arena_printf(m->arena, "%s", half),
        arena_printf(m->arena, "`%.*s` half as long: %s", SLICE_ARG(text), half),
        timed_test(m, t, use, half, was, use == TIME_LIMIT));
}

static void number_of(struct mutating *m, const struct ast_literal *n, const struct ast_count *c,
                      struct slice source)
{
    struct slice text = text_of(m, c->span);
    for (int by = -1; by <= 1; by += 2) {
        int64_t to = n->int_value + by;
        if (to < 1) {
            continue;
        }
        bool most = n == c->to;
        int64_t events = (by < 0) != most ? to : n->int_value;
        const char *then = (by < 0) != most ? "expect no match" : "expect a match";
        add(m, n->span, arena_printf(m->arena, "%lld", (long long)to),
            arena_printf(m->arena, "%lld instead of %lld in `%.*s`", (long long)to,
                         (long long)n->int_value, SLICE_ARG(text)),
            arena_printf(m->arena, "exactly %lld %.*s: %s", (long long)events, SLICE_ARG(source),
                         then));
    }
}

static void count_of(struct mutating *m, const struct ast_count *c, struct slice source)
{
    number_of(m, c->from, c, source);
    if (c->to) {
        number_of(m, c->to, c, source);
    }
}

/* ---- the pattern ------------------------------------------------------------------------------------ */

static void drop_absence(struct mutating *m, struct span span, const struct ast_event_test *t)
{
    struct slice event = text_of(m, t->span);
    add(m, span, "", arena_printf(m->arena, "`%.*s` left out", SLICE_ARG(text_of(m, span))),
        arena_printf(m->arena, "%.*s comes: expect no match", SLICE_ARG(event)));
}

static void link_of(struct mutating *m, const struct ast_link *l)
{
    if (l->kind != AST_LINK_LATER) {
        struct slice kind = text_of(m, l->kind_span);
        add(m, l->kind_span, "", arena_printf(m->arena, "`then` instead of `then %.*s`",
                                              SLICE_ARG(kind)),
            arena_printf(m->arena, "another event comes between, so that it is not the %.*s: "
                         "expect no match", SLICE_ARG(kind)));
    }
    time_of(m, l->within, TIME_LIMIT);
    time_of(m, l->after, TIME_LEAST);
}

static void pattern_of(struct mutating *m, const struct ast_pattern *p);

static void adjacency_of(struct mutating *m, const struct ast_part *p)
{
    if (p->adj.kind == AST_ADJ_IN_A_ROW) {
        add(m, p->adj.span, "", "`in a row` left out",
            "another event comes between them: expect no match");
    }
}

static void part_of(struct mutating *m, const struct ast_part *p)
{
    if (p->kind == AST_PART_COUNTED || p->kind == AST_PART_REPEATED) {
        count_of(m, &p->count, p->kind == AST_PART_COUNTED ? p->event.source->text
                                                           : SLICE_LIT("times the group"));
    }
    if (p->kind == AST_PART_EVENT || p->kind == AST_PART_COUNTED) {
        event_test(m, &p->event, false);
    }
    if (p->group) {
        pattern_of(m, p->group);
    }
    for (const struct ast_pattern *c = p->kind == AST_PART_CHOICE ? p->choice.first : NULL; c;
         c = c->next) {
        pattern_of(m, c);
    }
    adjacency_of(m, p);
    time_of(m, p->pace, TIME_LIMIT);
    if (p->until) {
        clause_conditions(m, p->until->expr, "until");
    }
    if (p->having) {
        clause_conditions(m, p->having->expr, "having");
    }
    if (p->guard) {
        drop_absence(m, p->guard->span, &p->guard->event);
        event_test(m, &p->guard->event, true);
    }
    time_of(m, p->within, TIME_LIMIT);
}

/* A leading absence goes with the `then` behind it, another with the one before it. */
static void absence_of(struct mutating *m, const struct ast_elem *e)
{
    struct span span = e->span;
    if (e->kind != AST_ELEM_LEADING_ABSENCE) {
        span = between(e->link.then.end > e->link.then.start ? e->link.then : e->span, e->span);
    } else if (e->next) {
        span.end = e->next->link.then.end > span.end ? e->next->link.then.end : span.end;
    }
    drop_absence(m, span, &e->absence.event);
    event_test(m, &e->absence.event, true);
    time_of(m, e->absence.for_time, TIME_SILENCE);
}

static void pattern_of(struct mutating *m, const struct ast_pattern *p)
{
    for (const struct ast_elem *e = p->first; e; e = e->next) {
        if (e->kind == AST_ELEM_STEP) {
            link_of(m, &e->link);
            part_of(m, e->part);
        } else {
            absence_of(m, e);
        }
    }
}

/* ---- lets ----------------------------------------------------------------------------------------- */

static const struct ast_decl *let_named(const struct mutating *m, struct slice name)
{
    for (uint32_t i = 0; i < m->n_files; i++) {
        for (const struct ast_decl *d = m->files[i]->first; d; d = d->next) {
            if (d->kind == AST_DECL_LET && slice_eq(d->let.name->text, name)) {
                return d;
            }
        }
    }
    return NULL;
}

/* A let that the rule reads, once, and those that it is made of. */
static void note_source(struct mutating *m, struct slice name)
{
    const struct ast_decl *d = let_named(m, name);
    for (size_t i = 0; i < m->n_lets; i++) {
        d = d == m->lets[i] ? NULL : d;
    }
    if (!d) {
        return;
    }
    VEC_PUSH(m->lets, m->n_lets, m->cap_lets) = d;
    for (const struct ast_filter *f = d->let.filters; f; f = f->next) {
        note_source(m, f->source->text);
        if (f->where) {
            conditions(m, f->where->expr, f->source->text, false);
        }
    }
}

/* The tree leaves the keyword out. */
static void without_of(struct mutating *m, const struct ast_event_test *t)
{
    static const char keyword[] = "without";
    const char *text = sources_get(m->sources, t->span.file)->text.ptr;
    size_t n = sizeof(keyword) - 1;
    struct span span = t->span;
    while (span.start >= n && memcmp(text + span.start - n, keyword, n) != 0) {
        span.start--;
    }
    if (span.start >= n) {
        span.start -= (uint32_t)n;
        drop_absence(m, span, t);
        event_test(m, t, true);
    }
}

static int by_place(const void *a, const void *b)
{
    const struct rule_change *x = a, *y = b;
    if (x->span.file != y->span.file) {
        return x->span.file < y->span.file ? -1 : 1;
    }
    if (x->span.start != y->span.start) {
        return x->span.start < y->span.start ? -1 : 1;
    }
    if (x->span.end != y->span.end) {
        return x->span.end < y->span.end ? -1 : 1;
    }
    return strcmp(x->what, y->what);
}

void rule_changes_of(const struct sources *sources, const struct ast_decl *rule,
                  const struct ast_file *const *files, uint32_t n_files, struct arena *arena,
                  struct rule_changes *ret)
{
    struct mutating m = {
        .sources = sources, .files = files, .n_files = n_files, .arena = arena, .to = ret};
    const struct ast_rule *r = &rule->rule;
    *ret = (struct rule_changes){0};
    if (r->head) {
        time_of(&m, r->head->within, TIME_LIMIT);
    }
    pattern_of(&m, r->pattern);
    for (const struct ast_event_test *w = r->withouts.first; w; w = w->next) {
        without_of(&m, w);
    }
    if (ret->n > 1) {
        qsort(ret->items, ret->n, sizeof(*ret->items), by_place);
    }
    free(m.lets);
}

void rule_change_apply(const struct rule_change *change, struct slice text, struct buf *out)
{
    buf_put(out, text.ptr, change->span.start);
    buf_puts(out, " ");
    buf_put_slice(out, change->with);
    buf_puts(out, " ");
    buf_put(out, text.ptr + change->span.end, text.len - change->span.end);
}

void rule_changes_release(struct rule_changes *m)
{
    free(m->items);
    *m = (struct rule_changes){0};
}
