#include "engine/tables/table_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "engine/decode/json_walk.h"
#include "nfa/value_set.h"

#define MAX_DEPTH 32

/* ---- values ------------------------------------------------------------------------------- */

bool table_text_key(const struct table_decl *decl, struct slice text, struct value *ret)
{
    struct ip ip;
    struct cidr net;
    if (!utf8_valid(text)) {
        return false;
    }
    if (decl->key.type == TYPE_CIDR && ip_parse(text, &ip)) {
        bool ok = ip_subnet(&ip, ip_bits(&ip), &net);
        *ret = ok ? value_cidr(net) : VALUE_MISSING;
        return ok;
    }
    return field_text(&decl->key, text, true, ret);
}

void table_json_init(struct table_json *j)
{
    *j = (struct table_json){0};
    json_scan_init(&j->scan, MAX_DEPTH);
    json_paths_init(&j->paths);
    json_paths_seal(&j->paths);
    field_room_init(&j->room);
}

void table_json_release(struct table_json *j)
{
    json_scan_release(&j->scan);
    json_paths_release(&j->paths);
    field_room_release(&j->room);
    free(j->text);
}

const struct json_span *table_json_scan(struct table_json *j, struct slice text,
                                        struct json_span *found, size_t *at)
{
    if (j->cap < text.len + JSON_PAD_BYTES) {
        j->cap = text.len + JSON_PAD_BYTES;
        j->text = xrealloc(j->text, j->cap);
    }
    if (text.len > 0) {
        memcpy(j->text, text.ptr, text.len);
    }
    memset(j->text + text.len, 0, JSON_PAD_BYTES);
    field_room_reset(&j->room);
    if (json_scan_run(&j->scan, j->text, text.len, &j->paths, found)) {
        return found;
    }
    *at = j->scan.position;
    return NULL;
}

bool table_json_value(struct table_json *j, const struct table_decl *decl, struct json_span span,
                      struct value *ret)
{
    const struct plan_field f = {.decl = &decl->value, .wanted = true};
    if (decl->value.is_list) {
        j->room.n_items = 0;
        return span.kind == JSON_ARRAY && field_list(&f, span, false, &j->room, ret);
    }
    return field_scalar(&f, span, &j->room, ret);
}

struct slice table_json_string(struct table_json *j, struct json_span span)
{
    char *text = arena_alloc(&j->room.arena, (size_t)span.len + 1);
    return slice_from(text, json_unescape(span, text));
}

/* ---- problems ----------------------------------------------------------------------------- */

struct parse {
    const struct table_decl *decl;
    struct slice text;
    struct arena *arena;
    struct value *keys, *values;
    size_t n, cap_keys, n_values, cap_values;
    struct table_problem *problems;
    uint32_t n_problems;
    struct value_set seen; /* lookups: keys */
};

static void problem(struct parse *p, size_t start, size_t end, const char *what)
{
    if (p->n_problems == TABLE_MAX_PROBLEMS) {
        return;
    }
    struct table_problem *t = &p->problems[p->n_problems++];
    *t = (struct table_problem){.start = (uint32_t)start, .end = (uint32_t)end};
    snprintf(t->text, sizeof(t->text), "%s", what);
}

static void no_value(struct parse *p, size_t start, size_t end, const struct schema_field *type,
                     const char *place)
{
    char text[128];
    snprintf(text, sizeof(text), "%s of `%.*s` is %s%s, this is not", place,
             SLICE_ARG(p->decl->name), type->is_set ? "a set of " : type->is_list ? "a list of " : "",
             type_name(type->type));
    problem(p, start, end, text);
}

/* The parser's own memory as the table's. */
static const struct table *finish(struct parse *p)
{
    const struct table *t = NULL;
    if (p->n_problems == 0) {
        struct value *keys = ARENA_ARRAY(p->arena, struct value, p->n + 1);
        struct value *values = p->decl->is_lookup ? ARENA_ARRAY(p->arena, struct value, p->n + 1)
                                                  : NULL;
        if (p->n > 0) {
            memcpy(keys, p->keys, p->n * sizeof(*keys));
        }
        if (p->n > 0 && values) {
            memcpy(values, p->values, p->n * sizeof(*values));
        }
        t = table_new(keys, values, (uint32_t)p->n, p->arena);
    }
    free(p->keys);
    free(p->values);
    value_set_release(&p->seen);
    return t;
}

/* ---- list files --------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* [*from, *to) of a line without its comment and the blanks around. */
static void trim_line(struct slice text, size_t *from, size_t *to)
{
    for (size_t i = *from; i < *to; i++) {
        if (text.ptr[i] == '#' && (i == *from || is_blank(text.ptr[i - 1]))) {
            *to = i;
        }
    }
    while (*from < *to && is_blank(text.ptr[*from])) {
        (*from)++;
    }
    while (*to > *from && is_blank(text.ptr[*to - 1])) {
        (*to)--;
    }
}

static void parse_line(struct parse *p, size_t from, size_t to)
{
    struct value v;
    size_t line_end = to;
    trim_line(p->text, &from, &to);
    if (from == to) {
        return;
    }
    if (table_text_key(p->decl, slice_from(p->text.ptr + from, to - from), &v)) {
        VEC_PUSH(p->keys, p->n, p->cap_keys) = v;
        return;
    }
    no_value(p, from, to < line_end ? to : line_end, &p->decl->key, "a value");
}

/* Values point into one copy of the text. */
static const struct table *parse_list(struct parse *p)
{
    size_t at = slice_starts_with(p->text, SLICE_LIT("\xEF\xBB\xBF")) ? 3 : 0;
    p->text = arena_copy(p->arena, p->text);
    while (at < p->text.len) {
        const char *end = memchr(p->text.ptr + at, '\n', p->text.len - at);
        size_t to = end ? (size_t)(end - p->text.ptr) : p->text.len;
        parse_line(p, at, to);
        at = to + 1;
    }
    return finish(p);
}

/* ---- lookup files ------------------------------------------------------------------------- */

static void parse_member(struct parse *p, struct table_json *j, struct json_span key,
                         struct json_span span)
{
    struct value k, v;
    size_t key_at = (size_t)(key.ptr - j->text);
    size_t value_at = (size_t)(span.ptr - j->text);
    bool quoted = span.kind == JSON_STRING;
    field_room_reset(&j->room);
    if (!table_text_key(p->decl, table_json_string(j, key), &k)) {
        no_value(p, key_at - 1, key_at + key.len + 1, &p->decl->key, "a key");
        return;
    }
    if (span.kind == JSON_NULL) {
        return;
    }
    k = value_copy(k, p->arena);
    if (!value_set_add(&p->seen, k)) {
        problem(p, key_at - 1, key_at + key.len + 1, "this key stands here twice");
        return;
    }
    if (!table_json_value(j, p->decl, span, &v)) {
        no_value(p, value_at - quoted, value_at + span.len + quoted, &p->decl->value, "a value");
        return;
    }
    VEC_PUSH(p->keys, p->n, p->cap_keys) = k;
    VEC_PUSH(p->values, p->n_values, p->cap_values) = value_copy(v, p->arena);
}

static void parse_object(struct parse *p, struct table_json *j)
{
    struct json_span found[1], key, span;
    size_t at = 0;
    const struct json_span *doc = table_json_scan(j, p->text, found, &at);
    if (!doc) {
        problem(p, at, at + (at < p->text.len), "this is no JSON");
        return;
    }
    if (doc->kind != JSON_OBJECT) {
        problem(p, 0, p->text.len ? 1 : 0, "a lookup file is one JSON object from keys to values");
        return;
    }
    struct json_walk w = json_walk_into(*doc);
    while (p->n_problems < TABLE_MAX_PROBLEMS && json_walk_member(&w, &key, &span)) {
        parse_member(p, j, key, span);
    }
}

static const struct table *parse_lookup(struct parse *p)
{
    struct table_json j;
    table_json_init(&j);
    parse_object(p, &j);
    table_json_release(&j);
    return finish(p);
}

const struct table *table_text_parse(const struct table_decl *decl, struct slice text,
                                     struct arena *arena, struct table_problem *problems,
                                     uint32_t *ret_n)
{
    struct parse p = {.decl = decl, .text = text, .arena = arena, .problems = problems};
    const struct table *t = decl->is_lookup ? parse_lookup(&p) : parse_list(&p);
    *ret_n = p.n_problems;
    return t;
}
