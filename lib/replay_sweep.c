#include "lib/replay_sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define MOST_VALUES REPLAY_MAX_SETS

void replay_sweep_init(struct replay_sweep *s, const struct fyke_rules *rules)
{
    *s = (struct replay_sweep){.rules = rules};
    arena_init(&s->arena);
}

void replay_sweep_release(struct replay_sweep *s)
{
    for (uint32_t i = 0; i < s->n_points; i++) {
        fyke_rules_free(s->points[i].rules);
        if (s->results) {
            replay_result_release(&s->results[i]);
        }
    }
    free(s->results);
    free(s->axes);
    buf_release(&s->left_out);
    arena_release(&s->arena);
}

/* ---- places --------------------------------------------------------------------------------- */

struct place {
    const struct compilation *c;
    struct slice rule; /* empty: whichever has it */
    struct slice what;
    struct span span;
    uint32_t n; /* found */
    struct buf known;
};

static void found(struct place *p, struct span span)
{
    p->span = span;
    p->n++;
}

static void look_at_rule(struct place *p, const struct ast_rule *r)
{
    const struct ast_timed *window = r->head ? r->head->within : NULL;
    const struct ast_timed *quiet = r->quiet ? &r->quiet->time : NULL;
    const struct ast_timed *t = slice_eq_str(p->what, "window")  ? window
                                : slice_eq_str(p->what, "quiet") ? quiet
                                                                 : NULL;
    if (t && (p->rule.len == 0 || slice_eq(p->rule, r->name->text))) {
        found(p, t->value.span);
    }
    if (window) {
        buf_printf(&p->known, "%s%.*s.window", p->known.len ? ", " : "", SLICE_ARG(r->name->text));
    }
    if (quiet) {
        buf_printf(&p->known, "%s%.*s.quiet", p->known.len ? ", " : "", SLICE_ARG(r->name->text));
    }
}

static void look_at(struct place *p, const struct ast_decl *d)
{
    if (d->kind == AST_DECL_RULE) {
        look_at_rule(p, &d->rule);
    } else if (d->kind == AST_DECL_CONST) {
        if (p->rule.len == 0 && slice_eq(d->constant.name->text, p->what)) {
            found(p, d->constant.value->span);
        }
        buf_printf(&p->known, "%s%.*s", p->known.len ? ", " : "",
                   SLICE_ARG(d->constant.name->text));
    }
}

static void look_everywhere(struct place *p)
{
    for (uint32_t f = 0; f < p->c->n_files; f++) {
        for (const struct ast_decl *d = p->c->files[f]->first; d; d = d->next) {
            look_at(p, d);
        }
    }
}

/* Of a name in backticks at the beginning; 0: there is none. */
static size_t quoted_length(const char *text)
{
    const char *end = text[0] == '`' ? strchr(text + 1, '`') : NULL;
    return end ? (size_t)(end + 1 - text) : 0;
}

static struct slice unquoted(struct slice s)
{
    bool is = s.len > 2 && s.ptr[0] == '`' && s.ptr[s.len - 1] == '`';
    return is ? slice_from(s.ptr + 1, s.len - 2) : s;
}

static enum err find_place(const struct replay_sweep *s, struct slice name, struct span *ret,
                           struct error *err)
{
    size_t quoted = quoted_length(name.ptr);
    const char *dot = quoted < name.len ? memrchr(name.ptr + quoted, '.', name.len - quoted) : NULL;
    size_t rule_len = dot ? (size_t)(dot - name.ptr) : 0;
    struct place p = {.c = s->rules->compilation,
                      .rule = unquoted(slice_from(name.ptr, rule_len)),
                      .what = dot ? slice_from(dot + 1, name.len - rule_len - 1) : unquoted(name)};
    enum err rc = ERR_OK;
    look_everywhere(&p);
    if (p.n == 0) {
        rc = error_set(err, ERR_USAGE, "--sweep: there is no \"%.*s\"; there are %s", SLICE_ARG(name),
                       p.known.len ? buf_cstr(&p.known) : "no constants and no windows");
    } else if (p.n > 1) {
        rc = error_set(err, ERR_USAGE, "--sweep: %.*s of which rule? There are %s", SLICE_ARG(name),
                       buf_cstr(&p.known));
    }
    *ret = p.span;
    buf_release(&p.known);
    return rc;
}

/* ---- values --------------------------------------------------------------------------------- */

/* Up to the next comma that stands in no quotes and no brackets. */
static size_t value_length(const char *p)
{
    size_t n = 0;
    int depth = 0;
    for (bool quoted = false; p[n] && (p[n] != ',' || quoted || depth > 0); n++) {
        quoted ^= p[n] == '"';
        depth += quoted ? 0 : (strchr("([{", p[n]) != NULL) - (strchr(")]}", p[n]) != NULL);
    }
    return n;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && s.ptr[0] == ' ') {
        s = slice_from(s.ptr + 1, s.len - 1);
    }
    while (s.len > 0 && s.ptr[s.len - 1] == ' ') {
        s.len--;
    }
    return s;
}

/* Shells take quotes away: a text stands for itself where a text stands now. */
static struct slice as_written(struct arena *a, struct slice value, struct slice written)
{
    bool is_text = written.len > 1 && written.ptr[0] == '"';
    if (!is_text || value.ptr[0] == '"') {
        return arena_copy(a, value);
    }
    return slice_of(arena_printf(a, "\"%.*s\"", SLICE_ARG(value)));
}

static enum err read_values(struct replay_sweep *s, struct sweep_axis *axis, const char *text,
                            struct error *err)
{
    axis->values = ARENA_ARRAY(&s->arena, struct slice, MOST_VALUES);
    for (const char *p = text;; p++) {
        size_t n = value_length(p);
        struct slice value = trim(slice_from(p, n));
        if (value.len == 0) {
            return error_set(err, ERR_USAGE, "--sweep: a value is missing in \"%s\"", text);
        }
        if (axis->n == MOST_VALUES) {
            return error_set(err, ERR_USAGE, "--sweep: more than %d values", MOST_VALUES);
        }
        axis->values[axis->n++] = as_written(&s->arena, value, axis->written);
        p += n;
        if (!*p) {
            return ERR_OK;
        }
    }
}

enum err replay_sweep_add(struct replay_sweep *s, const char *text, struct error *err)
{
    text += strspn(text, " ");
    const char *eq = strchr(text + quoted_length(text), '=');
    struct sweep_axis axis = {.name = slice_from(text, eq ? (size_t)(eq - text) : 0)};
    axis.name = trim(axis.name);
    if (axis.name.len == 0) {
        return error_set(err, ERR_USAGE, "--sweep takes NAME=VALUE,VALUE,…, not \"%s\"", text);
    }
    FYKE_TRY(find_place(s, axis.name, &axis.span, err));
    const struct sources *set = &s->rules->compilation->sources;
    axis.written = source_text(sources_get(set, axis.span.file), axis.span);
    for (size_t i = 0; i < s->n_axes; i++) {
        if (s->axes[i].span.file == axis.span.file && s->axes[i].span.start == axis.span.start) {
            return error_set(err, ERR_USAGE, "--sweep: \"%.*s\" stands twice", SLICE_ARG(axis.name));
        }
    }
    FYKE_TRY(read_values(s, &axis, eq + 1, err));
    VEC_PUSH(s->axes, s->n_axes, s->cap_axes) = axis;
    return ERR_OK;
}

/* ---- points --------------------------------------------------------------------------------- */

/* The text of a file with the point's values; empty: none of them stands in it. */
static struct slice text_of(struct replay_sweep *s, const struct sweep_point *p, uint32_t file)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct slice text = sources_get(&s->rules->compilation->sources, file)->text;
    uint32_t at = 0;
    for (;;) {
        size_t next = SIZE_MAX;
        for (size_t i = 0; i < s->n_axes; i++) {
            const struct span *span = &s->axes[i].span;
            bool ahead = span->file == file && span->start >= at;
            if (ahead && (next == SIZE_MAX || span->start < s->axes[next].span.start)) {
                next = i;
            }
        }
        if (next == SIZE_MAX) {
            break;
        }
        buf_put(&out, text.ptr + at, s->axes[next].span.start - at);
        buf_put_slice(&out, p->values[next]);
        at = s->axes[next].span.end;
    }
    if (at == 0) {
        return (struct slice){0};
    }
    buf_put(&out, text.ptr + at, text.len - at);
    return arena_copy(&s->arena, buf_slice(&out));
}

static enum err compile_point(struct replay_sweep *s, struct sweep_point *p, struct error *err)
{
    const struct sources *set = &s->rules->compilation->sources;
    struct compile_source *texts = ARENA_ARRAY(&s->arena, struct compile_source, set->n + 1);
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    size_t n = 0;
    for (uint32_t f = 0; f < set->n; f++) {
        struct slice text = text_of(s, p, f);
        if (text.len > 0) {
            texts[n++] = (struct compile_source){sources_get(set, f)->path, text};
        }
    }
    p->rules = rules_with_texts(s->rules, texts, n, err);
    if (p->rules) {
        return ERR_OK;
    }
    for (size_t i = 0; i < s->n_axes; i++) {
        buf_printf(&name, "%s%.*s=%.*s", i ? " " : "", SLICE_ARG(s->axes[i].name),
                   SLICE_ARG(p->values[i]));
    }
    return error_context(err, "--sweep: %s", buf_cstr(&name));
}

static void add_point(struct replay_sweep *s, const uint32_t *which)
{
    struct sweep_point *p = &s->points[s->n_points++];
    p->values = ARENA_ARRAY(&s->arena, struct slice, s->n_axes + 1);
    p->as_written = true;
    for (size_t i = 0; i < s->n_axes; i++) {
        p->values[i] = which ? s->axes[i].values[which[i]] : s->axes[i].written;
        p->as_written &= slice_eq(p->values[i], s->axes[i].written);
    }
}

/* Like the digits of a number: the last axis changes first. */
static bool next_combination(const struct replay_sweep *s, uint32_t *which)
{
    for (size_t i = s->n_axes; i > 0; i--) {
        if (++which[i - 1] < s->axes[i - 1].n) {
            return true;
        }
        which[i - 1] = 0;
    }
    return false;
}

static bool is_among(const struct replay_sweep *s)
{
    for (size_t i = 0; i < s->n_axes; i++) {
        bool is = false;
        for (uint32_t k = 0; k < s->axes[i].n; k++) {
            is |= slice_eq(s->axes[i].values[k], s->axes[i].written);
        }
        if (!is) {
            return false;
        }
    }
    return true;
}

/* A value that the rules do not take leaves out its points; one at least must be tried. */
static enum err compile_points(struct replay_sweep *s, struct error *err)
{
    uint32_t n = s->n_points, tried = 0;
    s->n_points = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct sweep_point p = s->points[i];
        enum err rc = compile_point(s, &p, err);
        if (rc == ERR_OK) {
            tried += !p.as_written || n == 1;
            s->points[s->n_points++] = p;
        } else if (rc == ERR_RULES) {
            buf_printf(&s->left_out, "%s\n", err->text);
        } else {
            return rc;
        }
    }
    return tried > 0 ? ERR_OK : ERR_RULES;
}

enum err replay_sweep_points(struct replay_sweep *s, struct error *err)
{
    bool among = is_among(s);
    uint64_t n = among ? 0 : 1, product = 1;
    for (size_t i = 0; i < s->n_axes; i++) {
        product *= s->axes[i].n;
        if (product + n > REPLAY_MAX_SETS) {
            return error_set(err, ERR_USAGE, "--sweep: more than %d combinations, with what is written",
                             REPLAY_MAX_SETS);
        }
    }
    s->points = ARENA_ARRAY(&s->arena, struct sweep_point, product + n);
    uint32_t *which = ARENA_ARRAY(&s->arena, uint32_t, s->n_axes + 1);
    if (!among) {
        add_point(s, NULL);
    }
    do {
        add_point(s, which);
    } while (next_combination(s, which));
    return compile_points(s, err);
}

/* ---- running -------------------------------------------------------------------------------- */

enum fyke_result replay_sweep_run(struct replay_sweep *s, const struct replay_config *c)
{
    const struct fyke_rules **sets = xcalloc(s->n_points, sizeof(*sets));
    s->results = xcalloc(s->n_points, sizeof(*s->results));
    for (uint32_t i = 0; i < s->n_points; i++) {
        sets[i] = s->points[i].rules;
    }
    enum fyke_result rc = replay_run_sets(sets, s->n_points, c, s->results);
    free(sets);
    return rc;
}

bool replay_sweep_concerns(const struct replay_sweep *s, uint32_t rule)
{
    const struct rule *first = &rules_ruleset(s->points[0].rules)->rules[rule];
    for (uint32_t i = 1; i < s->n_points; i++) {
        const struct replay_rule *a = &s->results[0].rules[rule], *b = &s->results[i].rules[rule];
        if (rules_ruleset(s->points[i].rules)->rules[rule].plan != first->plan ||
            a->matches != b->matches || a->timeouts != b->timeouts || a->keys != b->keys) {
            return true;
        }
    }
    return false;
}
