#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dsl/suggest.h"
#include "lib/replay_gate_parts.h"

/*   gates   any { [","] any }                      all of them must hold
 *   any     all { "or" all }
 *   all     one { "and" one }
 *   one     "(" gates ")"  |  SUBJECT bound
 *   bound   COMPARISON NUMBER  |  "between" NUMBER "and" NUMBER */

#define MAX_DEPTH 50

struct gate_reader {
    const char *text, *at;
    struct gate_scope scope;
    struct gates *gates;
    struct buf *problem;
    unsigned depth;
};

/* ---- what is wrong -------------------------------------------------------------------------- */

/* The line of the text with a mark below it. */
static void put_mark(const struct gate_reader *r, const char *at, size_t len)
{
    const char *line = at;
    while (line > r->text && line[-1] != '\n') {
        line--;
    }
    size_t line_len = strcspn(line, "\n");
    size_t before = utf8_length(slice_from(line, (size_t)(at - line)));
    size_t marked = utf8_length(slice_from(at, len));
    buf_printf(r->problem, "\n    %.*s\n    %*s^", (int)line_len, line, (int)before, "");
    for (size_t i = 1; i < marked; i++) {
        buf_put_byte(r->problem, '~');
    }
}

/* False, so that `return wrong(…)` reads well. */
static bool wrong(const struct gate_reader *r, const char *at, size_t len, const char *what)
{
    buf_printf(r->problem, "--gate: %s", what);
    put_mark(r, at, len);
    return false;
}

static bool unknown_name(const struct gate_reader *r, struct slice name)
{
    uint32_t n;
    const struct gate_name *names = gate_names(&n);
    struct suggest near = suggest_for(name);
    buf_printf(r->problem, "--gate: there is no \"%.*s\"", SLICE_ARG(name));
    put_mark(r, name.ptr, name.len);
    for (uint32_t i = 0; i < n; i++) {
        suggest_try(&near, slice_of(names[i].name));
    }
    if (near.best.ptr) {
        buf_printf(r->problem, "\n    did you mean \"%.*s\"?", SLICE_ARG(near.best));
        return false;
    }
    buf_puts(r->problem, "\n    there are");
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(r->problem, "%s %s", i ? "," : "", names[i].name);
    }
    return false;
}

/* ---- words ---------------------------------------------------------------------------------- */

static void skip_blanks(struct gate_reader *r)
{
    r->at += strspn(r->at, " \t\n");
}

static size_t word_len(const char *at)
{
    return strcspn(at, " \t\n<>=!,()");
}

/* Moves behind the word if it stands here. */
static bool take_word(struct gate_reader *r, const char *word)
{
    size_t len = strlen(word);
    if (word_len(r->at) != len || strncmp(r->at, word, len) != 0) {
        return false;
    }
    r->at += len;
    skip_blanks(r);
    return true;
}

static bool take_sign(struct gate_reader *r, char sign)
{
    if (*r->at != sign) {
        return false;
    }
    r->at++;
    skip_blanks(r);
    return true;
}

/* What is marked when something else should stand here. */
static size_t here(const struct gate_reader *r)
{
    size_t len = word_len(r->at);
    return len > 0 || *r->at == '\0' ? len : strspn(r->at, "<>=!,()");
}

/* ---- one bound ------------------------------------------------------------------------------ */

static bool read_compare(struct gate_reader *r, enum gate_compare *ret)
{
    static const struct {
        const char *text;
        enum gate_compare compare;
    } signs[] = {{">=", GATE_AT_LEAST}, {"<=", GATE_AT_MOST}, {"==", GATE_EQUAL},
                 {">", GATE_MORE},      {"<", GATE_LESS},     {"=", GATE_EQUAL}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(signs); i++) {
        size_t len = strlen(signs[i].text);
        if (strncmp(r->at, signs[i].text, len) == 0) {
            r->at += len;
            skip_blanks(r);
            *ret = signs[i].compare;
            return true;
        }
    }
    return false;
}

/* "0.8", "80%", "-3", "1e6". */
static bool read_number(struct gate_reader *r, double *ret, bool *is_percent)
{
    const char *begin = r->at, *end = begin + strspn(begin, "+-0123456789.eE");
    char *read;
    *ret = strtod(begin, &read);
    if (read == begin || read > end || strspn(begin, "+-0123456789.") == 0) {
        return wrong(r, begin, here(r), "a number must stand here");
    }
    r->at = read;
    const char *sign = read + strspn(read, " \t\n");
    if (*sign == '%') {
        r->at = sign + 1;
        *is_percent = true;
        *ret /= 100;
    }
    if (*r->at && !strchr(" \t\n,)", *r->at)) {
        return wrong(r, begin, (size_t)(r->at - begin) + word_len(r->at), "this is no number");
    }
    return true;
}

/* "NAME", "RULE.NAME" or "`RULE`.NAME". */
static bool read_subject(struct gate_reader *r, struct gate *g)
{
    const char *begin = r->at;
    const char *quote = begin[0] == '`' ? strchr(begin + 1, '`') : NULL;
    size_t quoted = quote ? (size_t)(quote + 1 - begin) : 0;
    size_t len = quoted + word_len(begin + quoted);
    const char *dot = len > quoted ? memchr(begin + quoted, '.', len - quoted) : NULL;
    size_t before = dot ? (size_t)(dot - begin) : 0;
    struct slice name = dot ? slice_from(dot + 1, len - before - 1) : slice_from(begin, len);
    g->rule = quote && before == quoted ? slice_from(begin + 1, quoted - 2) : slice_from(begin, before);
    if (name.len == 0) {
        return wrong(r, begin, len > 0 ? len : here(r), "the name of a figure must stand here (fyke list gates)");
    }
    g->name = gate_name_of(name);
    if (!g->name) {
        return unknown_name(r, name);
    }
    r->at += len;
    skip_blanks(r);
    return true;
}

static bool check_scope(const struct gate_reader *r, const char *begin, const struct gate_name *name)
{
    FYKE_CLEANUP(buf_release) struct buf what = BUF_INIT;
    if (name->needs == GATE_NEEDS_LABELS && !r->scope.labels) {
        buf_printf(&what, "%s needs --labels or --label", name->name);
    } else if (name->needs == GATE_NEEDS_DIFF && !r->scope.diff) {
        buf_printf(&what, "%s is about two rule sets: fyke diff", name->name);
    }
    return what.len == 0 || wrong(r, begin, word_len(begin), buf_cstr(&what));
}

static bool read_between(struct gate_reader *r, struct gate *g)
{
    const char *begin = r->at;
    g->compare = GATE_BETWEEN;
    bool percent = false;
    if (!read_number(r, &g->bound, &g->percent)) {
        return false;
    }
    skip_blanks(r);
    if (!take_word(r, "and")) {
        return wrong(r, r->at, here(r), "\"and\" and the upper bound must stand here");
    }
    if (!read_number(r, &g->upper, &percent)) {
        return false;
    }
    if (percent != g->percent) {
        return wrong(r, begin, (size_t)(r->at - begin), "one bound is a percentage, the other is none");
    }
    return g->bound <= g->upper ||
           wrong(r, begin, (size_t)(r->at - begin), "nothing lies between these: the lower bound comes first");
}

static bool read_bound(struct gate_reader *r, struct gate *g)
{
    const char *begin = r->at;
    *g = (struct gate){.kind = GATE_BOUND, .text = begin};
    if (!read_subject(r, g) || !check_scope(r, begin, g->name)) {
        return false;
    }
    bool ok = take_word(r, "between") ? read_between(r, g)
              : read_compare(r, &g->compare)
                  ? read_number(r, &g->bound, &g->percent)
                  : wrong(r, r->at, here(r), "one of >= <= > < == or \"between\" must stand here");
    g->text_len = (size_t)(r->at - begin);
    if (ok && g->percent && !g->name->is_share) {
        return wrong(r, begin, g->text_len, "this figure is no share: a number without % must stand here");
    }
    skip_blanks(r);
    return ok;
}

/* ---- several -------------------------------------------------------------------------------- */

/* Parts of one kind, until they are put together. */
struct parts {
    struct gate *items;
    size_t n, cap;
};

/* One part stands for itself; what is put together is of the arena. */
static struct gate together(const struct gate_reader *r, enum gate_kind kind, const struct parts *p)
{
    if (p->n == 1) {
        return p->items[0];
    }
    const struct gate *last = &p->items[p->n - 1];
    struct gate g = {.kind = kind, .n_parts = p->n, .text = p->items[0].text};
    g.text_len = (size_t)(last->text + last->text_len - g.text);
    struct gate *kept = ARENA_ARRAY(&r->gates->arena, struct gate, p->n);
    memcpy(kept, p->items, p->n * sizeof(*kept));
    g.parts = kept;
    return g;
}

static bool read_list(struct gate_reader *r, struct parts *ret);

static bool read_one(struct gate_reader *r, struct gate *ret)
{
    const char *begin = r->at;
    if (!take_sign(r, '(')) {
        return read_bound(r, ret);
    }
    if (r->depth == MAX_DEPTH) {
        return wrong(r, begin, 1, "too many parentheses in one another");
    }
    struct parts inside = {0};
    r->depth++;
    bool ok = read_list(r, &inside);
    r->depth--;
    if (ok) {
        *ret = together(r, GATE_ALL, &inside);
        ok = *r->at == ')' || wrong(r, r->at, here(r), "\")\" must stand here");
    }
    if (ok) {
        ret->text = begin;
        ret->text_len = (size_t)(r->at + 1 - begin);
        take_sign(r, ')');
    }
    free(inside.items);
    return ok;
}

static bool read_parts(struct gate_reader *r, const char *word, enum gate_kind kind,
                       bool (*part)(struct gate_reader *r, struct gate *ret), struct gate *ret)
{
    struct parts p = {0};
    bool ok = true;
    do {
        struct gate g;
        ok = part(r, &g);
        if (ok) {
            VEC_PUSH(p.items, p.n, p.cap) = g;
        }
    } while (ok && take_word(r, word));
    if (ok) {
        *ret = together(r, kind, &p);
    }
    free(p.items);
    return ok;
}

static bool read_all(struct gate_reader *r, struct gate *ret)
{
    return read_parts(r, "and", GATE_ALL, read_one, ret);
}

static bool read_any(struct gate_reader *r, struct gate *ret)
{
    return read_parts(r, "or", GATE_ANY, read_all, ret);
}

static bool read_list(struct gate_reader *r, struct parts *ret)
{
    do {
        struct gate g;
        if (!read_any(r, &g)) {
            return false;
        }
        VEC_PUSH(ret->items, ret->n, ret->cap) = g;
        take_sign(r, ',');
    } while (*r->at && *r->at != ')');
    return true;
}

/* What must all hold is told part by part. */
static void add_parts(struct gates *to, const struct gate *g)
{
    if (g->kind != GATE_ALL) {
        VEC_PUSH(to->items, to->n, to->cap) = *g;
        return;
    }
    for (size_t i = 0; i < g->n_parts; i++) {
        add_parts(to, &g->parts[i]);
    }
}

bool gates_parse(const char *text, struct gate_scope scope, struct gates *gates, struct buf *problem)
{
    struct gate_reader r = {text, text, scope, gates, problem, 0};
    struct parts list = {0};
    skip_blanks(&r);
    bool ok = read_list(&r, &list) && (!*r.at || wrong(&r, r.at, here(&r), "there is no \"(\" for this"));
    for (size_t i = 0; ok && i < list.n; i++) {
        add_parts(gates, &list.items[i]);
    }
    free(list.items);
    return ok;
}
