#include "engine/decode/avro_schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "engine/decode/avro_logical.h"
#include "engine/decode/json_number.h"
#include "engine/decode/json_walk.h"

/* Of the JSON text; types nest no deeper than that. */
#define MAX_DEPTH 100
#define MAX_TYPES 20000
#define MAX_FIELDS 10000
#define MAX_FIXED_BYTES (16 << 20)

struct parse {
    struct arena *arena;
    struct payload_problem *problem;
    const char *text; /* the scanned copy: spans point into it */
    struct map named; /* full name → type; its keys lie in the arena */
    const struct payload_type **types;
    size_t n_types, cap_types;
};

static const struct payload_type *parse_type(struct parse *p, struct json_span span,
                                             struct slice space);

/* ---- problems ----------------------------------------------------------------------------- */

/* The first one counts. Returns NULL, so that callers can pass it on. */
__attribute__((format(printf, 3, 4))) static void *
wrong(struct parse *p, struct json_span at, const char *fmt, ...)
{
    va_list args;
    if (p->problem->text[0] == '\0') {
        p->problem->in_text = true;
        p->problem->start = (uint32_t)(at.ptr - p->text);
        p->problem->end = p->problem->start + at.len;
        va_start(args, fmt);
        vsnprintf(p->problem->text, sizeof(p->problem->text), fmt, args);
        va_end(args);
    }
    return NULL;
}

/* ---- pieces of JSON ----------------------------------------------------------------------- */

static struct slice text_of(struct parse *p, struct json_span s)
{
    char *out = arena_alloc(p->arena, (size_t)s.len + 1);
    return slice_from(out, json_unescape(s, out));
}

static struct json_span member(struct json_span object, const char *name)
{
    return json_walk_find(object, slice_of(name));
}

/* A member that must be a name; empty when it is absent and may be. */
static bool name_member(struct parse *p, struct json_span object, const char *key, bool needed,
                        struct slice *ret)
{
    struct json_span s = member(object, key);
    *ret = (struct slice){0};
    if (s.kind == JSON_NONE && !needed) {
        return true;
    }
    if (s.kind != JSON_STRING || (s.len == 0 && needed)) {
        wrong(p, s.kind == JSON_NONE ? object : s, "this needs a `%s`", key);
        return false;
    }
    *ret = text_of(p, s);
    return true;
}

static bool is_name(struct slice s)
{
    bool begin = true;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (c == '.' ? begin : !letter && (begin || c < '0' || c > '9')) {
            return false;
        }
        begin = c == '.';
    }
    return !begin;
}

static bool whole_member(struct json_span object, const char *key, int64_t max, uint32_t *ret)
{
    struct json_span s = member(object, key);
    int64_t v;
    if (s.kind != JSON_INT || !json_number_scaled(slice_from(s.ptr, s.len), 0, &v) || v < 0 ||
        v > max) {
        return false;
    }
    *ret = (uint32_t)v;
    return true;
}

/* ---- names -------------------------------------------------------------------------------- */

static struct slice join(struct parse *p, struct slice space, struct slice name)
{
    if (space.len == 0 || memchr(name.ptr, '.', name.len)) {
        return name;
    }
    return slice_of(
        arena_printf(p->arena, "%.*s.%.*s", SLICE_ARG(space), SLICE_ARG(name)));
}

static struct slice space_of(struct slice full)
{
    for (size_t i = full.len; i-- > 0;) {
        if (full.ptr[i] == '.') {
            return slice_from(full.ptr, i);
        }
    }
    return slice_from("", 0);
}

static struct payload_type *type_new(struct parse *p, enum payload_kind kind)
{
    struct payload_type *t = ARENA_NEW(p->arena, struct payload_type);
    t->kind = kind;
    t->index = (uint32_t)p->n_types;
    VEC_PUSH(p->types, p->n_types, p->cap_types) = t;
    return t;
}

/* A record, enum or fixed: its name counts from here on, also inside of itself. */
static struct payload_type *named_type(struct parse *p, struct json_span span,
                                       enum payload_kind kind, struct slice space,
                                       struct slice *ret_space)
{
    struct slice name, own;
    if (!name_member(p, span, "name", true, &name) ||
        !name_member(p, span, "namespace", false, &own)) {
        return NULL;
    }
    struct slice full = join(p, member(span, "namespace").kind == JSON_NONE ? space : own, name);
    if (!is_name(full)) {
        return wrong(p, member(span, "name"), "`%.*s` is no name", SLICE_ARG(full));
    }
    struct payload_type *t = type_new(p, kind);
    t->name = full;
    *ret_space = space_of(full);
    if (!map_add(&p->named, full, t)) {
        return wrong(p, member(span, "name"), "`%.*s` is defined twice", SLICE_ARG(full));
    }
    return t;
}

/* ---- primitive and named types ------------------------------------------------------------ */

static bool primitive_kind(struct slice name, enum payload_kind *kind, uint32_t *size)
{
    static const struct {
        const char *name;
        enum payload_kind kind;
        uint32_t size;
    } table[] = {
        {"null", PAYLOAD_NULL, 0},     {"boolean", PAYLOAD_BOOL, 0},
        {"int", PAYLOAD_INT, 4},       {"long", PAYLOAD_INT, 8},
        {"float", PAYLOAD_FLOAT, 0},   {"double", PAYLOAD_DOUBLE, 0},
        {"bytes", PAYLOAD_BYTES, 0},   {"string", PAYLOAD_STRING, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (slice_eq_str(name, table[i].name)) {
            *kind = table[i].kind;
            *size = table[i].size;
            return true;
        }
    }
    return false;
}

static const struct payload_type *named_reference(struct parse *p, struct json_span span,
                                                  struct slice space)
{
    enum payload_kind kind;
    uint32_t size;
    struct slice name = text_of(p, span);
    if (primitive_kind(name, &kind, &size)) {
        struct payload_type *t = type_new(p, kind);
        t->size = size;
        return t;
    }
    struct payload_type *t = map_get(&p->named, join(p, space, name));
    if (!t) {
        t = map_get(&p->named, name);
    }
    return t ? t : wrong(p, span, "there is no type `%.*s` here", SLICE_ARG(name));
}

/* ---- composed types ----------------------------------------------------------------------- */

static uint32_t count_items(struct json_span array)
{
    struct json_span item;
    struct json_walk w = json_walk_into(array);
    uint32_t n = 0;
    while (json_walk_item(&w, &item)) {
        n++;
    }
    return n;
}

static bool parse_field(struct parse *p, struct json_span span, struct slice space,
                        struct payload_type *record)
{
    struct slice name;
    if (span.kind != JSON_OBJECT) {
        wrong(p, span, "a field is an object with `name` and `type`");
        return false;
    }
    struct json_span type = member(span, "type");
    if (!name_member(p, span, "name", true, &name)) {
        return false;
    }
    if (payload_find_field(record, name)) {
        wrong(p, member(span, "name"), "`%.*s` has two fields `%.*s`", SLICE_ARG(record->name),
              SLICE_ARG(name));
        return false;
    }
    if (type.kind == JSON_NONE) {
        wrong(p, span, "the field `%.*s` needs a `type`", SLICE_ARG(name));
        return false;
    }
    const struct payload_type *t = parse_type(p, type, space);
    record->fields[record->n_fields++] = (struct payload_field){.name = name, .type = t};
    return t != NULL;
}

static const struct payload_type *parse_record(struct parse *p, struct json_span span,
                                               struct slice space)
{
    struct json_span item, fields = member(span, "fields");
    struct slice inner;
    struct payload_type *t = named_type(p, span, PAYLOAD_RECORD, space, &inner);
    if (!t) {
        return NULL;
    }
    if (fields.kind != JSON_ARRAY) {
        return wrong(p, span, "the record `%.*s` needs `fields`", SLICE_ARG(t->name));
    }
    if (count_items(fields) > MAX_FIELDS) {
        return wrong(p, member(span, "name"), "a record has at most %d fields", MAX_FIELDS);
    }
    t->fields = ARENA_ARRAY(p->arena, struct payload_field, (size_t)count_items(fields) + 1);
    struct json_walk w = json_walk_into(fields);
    while (json_walk_item(&w, &item)) {
        if (!parse_field(p, item, inner, t)) {
            return NULL;
        }
    }
    return t;
}

static const struct payload_type *parse_enum(struct parse *p, struct json_span span,
                                             struct slice space)
{
    struct json_span item, symbols = member(span, "symbols");
    struct slice inner;
    struct payload_type *t = named_type(p, span, PAYLOAD_ENUM, space, &inner);
    if (!t) {
        return NULL;
    }
    if (symbols.kind != JSON_ARRAY) {
        return wrong(p, span, "the enum `%.*s` needs `symbols`", SLICE_ARG(t->name));
    }
    t->symbols = ARENA_ARRAY(p->arena, struct payload_symbol, (size_t)count_items(symbols) + 1);
    struct json_walk w = json_walk_into(symbols);
    while (json_walk_item(&w, &item)) {
        if (item.kind != JSON_STRING) {
            return wrong(p, item, "a symbol is a string");
        }
        t->symbols[t->n_symbols] =
            (struct payload_symbol){text_of(p, item), (int32_t)t->n_symbols};
        t->n_symbols++;
    }
    return t;
}

static const struct payload_type *parse_fixed(struct parse *p, struct json_span span,
                                              struct slice space)
{
    struct slice inner;
    struct payload_type *t = named_type(p, span, PAYLOAD_FIXED, space, &inner);
    if (t && !whole_member(span, "size", MAX_FIXED_BYTES, &t->size)) {
        return wrong(p, span, "the fixed `%.*s` needs a `size` up to 16 MiB", SLICE_ARG(t->name));
    }
    return t;
}

static const struct payload_type *parse_container(struct parse *p, struct json_span span,
                                                  struct slice space, enum payload_kind kind)
{
    const char *key = kind == PAYLOAD_ARRAY ? "items" : "values";
    struct json_span items = member(span, key);
    if (items.kind == JSON_NONE) {
        return wrong(p, span, "this needs `%s`", key);
    }
    struct payload_type *t = type_new(p, kind);
    t->items = parse_type(p, items, space);
    return t->items ? t : NULL;
}

static const struct payload_type *parse_union(struct parse *p, struct json_span span,
                                              struct slice space)
{
    struct json_span item;
    struct json_walk w = json_walk_into(span);
    struct payload_type *t = type_new(p, PAYLOAD_UNION);
    t->branches = ARENA_ARRAY(p->arena, const struct payload_type *, (size_t)count_items(span) + 1);
    while (json_walk_item(&w, &item)) {
        if (item.kind == JSON_ARRAY) {
            return wrong(p, item, "a union has no unions as branches");
        }
        const struct payload_type *branch = parse_type(p, item, space);
        if (!branch) {
            return NULL;
        }
        t->branches[t->n_branches++] = branch;
    }
    return t->n_branches ? t : wrong(p, span, "a union needs a branch");
}

/* Where logical types are unknown or do not fit, the specification has them ignored. A name's type
 * is shared by all who use it and keeps the meaning of its definition. */
static const struct payload_type *with_meaning(struct parse *p, struct json_span span,
                                               const struct payload_type *t)
{
    struct json_span logical = member(span, "logicalType");
    struct avro_logical l = {0};
    if (!t || logical.kind != JSON_STRING) {
        return t;
    }
    l.has_precision = whole_member(span, "precision", UINT32_MAX, &l.precision);
    bool has_scale = whole_member(span, "scale", UINT32_MAX, &l.scale);
    l.bad_scale = !has_scale && member(span, "scale").kind != JSON_NONE;
    enum payload_meaning meaning = avro_logical_meaning(text_of(p, logical), t, &l);
    if (meaning != MEANS_ITSELF) {
        struct payload_type *own = (struct payload_type *)(uintptr_t)t;
        own->meaning = meaning;
        own->precision = meaning == MEANS_DECIMAL ? l.precision : 0;
        own->scale = meaning == MEANS_DECIMAL ? l.scale : 0;
    }
    return t;
}

static const struct payload_type *parse_object(struct parse *p, struct json_span span,
                                               struct slice space)
{
    struct json_span type = member(span, "type");
    struct slice name;
    if (type.kind == JSON_OBJECT || type.kind == JSON_ARRAY) {
        return parse_type(p, type, space);
    }
    if (type.kind != JSON_STRING) {
        return wrong(p, span, "this needs a `type`");
    }
    name = text_of(p, type);
    if (slice_eq_str(name, "record") || slice_eq_str(name, "error")) {
        return parse_record(p, span, space);
    }
    if (slice_eq_str(name, "enum")) {
        return parse_enum(p, span, space);
    }
    if (slice_eq_str(name, "array") || slice_eq_str(name, "map")) {
        return parse_container(p, span, space,
                               slice_eq_str(name, "array") ? PAYLOAD_ARRAY : PAYLOAD_MAP);
    }
    if (slice_eq_str(name, "fixed")) {
        return with_meaning(p, span, parse_fixed(p, span, space));
    }
    const struct payload_type *t = named_reference(p, type, space);
    return t && t->name.len == 0 ? with_meaning(p, span, t) : t;
}

static const struct payload_type *parse_type(struct parse *p, struct json_span span,
                                             struct slice space)
{
    if (p->n_types >= MAX_TYPES) {
        return wrong(p, span, "a schema has at most %d types", MAX_TYPES);
    }
    switch ((enum json_kind)span.kind) {
    case JSON_STRING: return named_reference(p, span, space);
    case JSON_ARRAY: return parse_union(p, span, space);
    case JSON_OBJECT: return parse_object(p, span, space);
    case JSON_NONE:
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_INT:
    case JSON_REAL: break;
    }
    return wrong(p, span, "a type is a name, an object or a list of branches");
}

/* ---- the file ----------------------------------------------------------------------------- */

static bool has_object(const struct payload_type *t)
{
    bool ok = t->kind == PAYLOAD_RECORD || t->kind == PAYLOAD_MAP;
    for (uint32_t i = 0; i < t->n_branches; i++) {
        ok = ok || t->branches[i]->kind == PAYLOAD_RECORD || t->branches[i]->kind == PAYLOAD_MAP;
    }
    return ok;
}

static const struct payload_schema *parse_root(struct parse *p, struct json_span root)
{
    const struct payload_type *t = parse_type(p, root, slice_from("", 0));
    if (!t) {
        return NULL;
    }
    if (!has_object(t)) {
        return wrong(p, root, "an event is a record, this is %s", payload_type_words(t));
    }
    struct payload_schema *s = ARENA_NEW(p->arena, struct payload_schema);
    s->format = PAYLOAD_AVRO;
    s->root = t;
    s->types = ARENA_ARRAY(p->arena, const struct payload_type *, p->n_types);
    memcpy(s->types, p->types, p->n_types * sizeof(*s->types));
    s->n_types = (uint32_t)p->n_types;
    payload_schema_seal(s, p->arena);
    return s;
}

static const struct payload_schema *parse_text(struct parse *p, struct slice text, char *copy)
{
    const struct payload_schema *s = NULL;
    struct json_scan scan;
    struct json_paths paths;
    struct json_span root = {0};
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    json_scan_init(&scan, MAX_DEPTH);
    json_paths_init(&paths);
    json_paths_seal(&paths);
    p->text = copy;
    if (json_scan_run(&scan, copy, text.len, &paths, &root)) {
        s = parse_root(p, root);
    } else {
        struct json_span at = {.ptr = copy + scan.position, .len = scan.position < text.len};
        wrong(p, at, scan.error == JSON_TOO_DEEP ? "this schema is nested too deeply"
                                                 : "an Avro schema is JSON, this is not");
    }
    json_paths_release(&paths);
    json_scan_release(&scan);
    return s;
}

const struct payload_schema *avro_schema_parse(struct slice text, struct arena *arena,
                                               struct payload_problem *problem)
{
    struct parse p = {.arena = arena, .problem = problem};
    if (text.len > PAYLOAD_MAX_SCHEMA_BYTES) {
        snprintf(problem->text, sizeof(problem->text), "a schema has at most %u MiB",
                 PAYLOAD_MAX_SCHEMA_BYTES >> 20);
        return NULL;
    }
    char *copy = xcalloc(1, text.len + JSON_PAD_BYTES);
    map_init(&p.named, MAP_BORROW_KEYS);
    const struct payload_schema *s = parse_text(&p, text, copy);
    map_release(&p.named);
    free(p.types);
    free(copy);
    return s;
}
