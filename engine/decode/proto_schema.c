#include "engine/decode/proto_schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "engine/decode/proto_files.h"

#define MAX_TYPES 40000
#define MAX_FIELDS 10000

/* Numbers and values of descriptor.proto. */
enum {
    MESSAGE_FIELD = 2,
    FIELD_NAME = 1,
    FIELD_NUMBER = 3,
    FIELD_LABEL = 4,
    FIELD_TYPE = 5,
    FIELD_TYPE_NAME = 6,
    FIELD_OPTIONS = 8,
    FIELD_ONEOF = 9,
    FIELD_PROTO3_OPTIONAL = 17,
    FIELD_FEATURES = 21, /* in its options */
    ENUM_VALUE = 2,
    VALUE_NAME = 1,
    VALUE_NUMBER = 2,
    LABEL_REPEATED = 3,
    TYPE_IS_GROUP = 10,
    TYPE_IS_MESSAGE = 11,
    TYPE_IS_ENUM = 14,
};

struct build {
    struct arena *arena;
    struct payload_problem *problem;
    struct proto_files files;
    const struct payload_type **types;
    size_t n_types, cap_types;
    struct proto_def **todo; /* messages whose fields are not made yet */
    size_t n_todo, cap_todo;
};

__attribute__((format(printf, 2, 3))) static void *wrong(struct build *b, const char *fmt, ...)
{
    va_list args;
    if (b->problem->text[0] == '\0') {
        va_start(args, fmt);
        vsnprintf(b->problem->text, sizeof(b->problem->text), fmt, args);
        va_end(args);
    }
    return NULL;
}

static struct payload_type *type_new(struct build *b, enum payload_kind kind)
{
    struct payload_type *t = ARENA_NEW(b->arena, struct payload_type);
    t->kind = kind;
    t->index = (uint32_t)b->n_types;
    VEC_PUSH(b->types, b->n_types, b->cap_types) = t;
    return t;
}

/* ---- enums --------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const struct payload_symbol *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Of several names of one number the first counts: qsort() is not stable, so aliases are left out
 * while they come. */
static struct payload_type *make_enum(struct build *b, struct proto_def *d)
{
    struct wire_field f;
    size_t n = 0;
    struct payload_type *t = d->type = type_new(b, PAYLOAD_ENUM);
    t->name = d->name;
    t->closed = d->syntax == PROTO_2;
    for (const uint8_t *at = NULL; proto_each(&at, d->body, &f);) {
        n += f.number == ENUM_VALUE;
    }
    if (n > MAX_FIELDS) {
        return wrong(b, "an enum has at most %d values", MAX_FIELDS);
    }
    t->symbols = ARENA_ARRAY(b->arena, struct payload_symbol, n + 1);
    for (const uint8_t *at = NULL; proto_each(&at, d->body, &f);) {
        if (f.number != ENUM_VALUE || f.type != WIRE_TYPE_LENGTH) {
            continue;
        }
        struct payload_symbol s = {proto_text(wire_slice(&f), VALUE_NAME),
                                   (int32_t)proto_number(wire_slice(&f), VALUE_NUMBER)};
        bool alias = false;
        for (uint32_t i = 0; i < t->n_symbols && !alias; i++) {
            alias = t->symbols[i].number == s.number;
        }
        if (!alias) {
            t->symbols[t->n_symbols++] = s;
        }
    }
    qsort(t->symbols, t->n_symbols, sizeof(*t->symbols), by_number);
    return t;
}

/* ---- types --------------------------------------------------------------------------------- */

static struct payload_type *make_message(struct build *b, struct proto_def *d)
{
    struct payload_type *t = d->type = type_new(b, PAYLOAD_RECORD);
    t->name = d->name;
    VEC_PUSH(b->todo, b->n_todo, b->cap_todo) = d;
    return t;
}

static struct payload_type *named_type(struct build *b, struct slice name, struct proto_def **ret)
{
    if (name.len > 0 && name.ptr[0] == '.') {
        name = slice_from(name.ptr + 1, name.len - 1);
    }
    struct proto_def *d = map_get(&b->files.defs, name);
    *ret = d;
    if (!d) {
        return wrong(b, "the descriptors lack `%.*s`: write them with --include_imports",
                     SLICE_ARG(name));
    }
    if (d->type) {
        return d->type;
    }
    return d->is_enum ? make_enum(b, d) : make_message(b, d);
}

static struct payload_type *scalar_type(struct build *b, uint64_t type)
{
    static const struct {
        enum payload_kind kind;
        uint32_t size;
        enum payload_wire wire;
    } table[] = {
        [1] = {PAYLOAD_DOUBLE, 8, WIRE_FIXED},   [2] = {PAYLOAD_FLOAT, 4, WIRE_FIXED},
        [3] = {PAYLOAD_INT, 8, WIRE_VARINT},     [4] = {PAYLOAD_INT, 8, WIRE_UNSIGNED},
        [5] = {PAYLOAD_INT, 4, WIRE_VARINT},     [6] = {PAYLOAD_INT, 8, WIRE_FIXED},
        [7] = {PAYLOAD_INT, 4, WIRE_FIXED},      [8] = {PAYLOAD_BOOL, 1, WIRE_UNSIGNED},
        [9] = {PAYLOAD_STRING, 0, WIRE_VARINT},  [12] = {PAYLOAD_BYTES, 0, WIRE_VARINT},
        [13] = {PAYLOAD_INT, 4, WIRE_UNSIGNED},  [15] = {PAYLOAD_INT, 4, WIRE_SFIXED},
        [16] = {PAYLOAD_INT, 8, WIRE_SFIXED},    [17] = {PAYLOAD_INT, 4, WIRE_ZIGZAG},
        [18] = {PAYLOAD_INT, 8, WIRE_ZIGZAG},
    };
    if (type >= FYKE_ARRAY_LEN(table) || table[type].kind == PAYLOAD_NULL) {
        return wrong(b, "these are no descriptors: a field has no type");
    }
    struct payload_type *t = type_new(b, table[type].kind);
    t->size = table[type].size;
    t->wire = table[type].wire;
    return t;
}

/* ---- fields -------------------------------------------------------------------------------- */

static bool has_presence(const struct proto_def *d, struct slice field, bool message)
{
    if (message || d->syntax == PROTO_2) {
        return true;
    }
    bool oneof = false;
    struct wire_field f;
    for (const uint8_t *at = NULL; proto_each(&at, field, &f);) {
        oneof = oneof || f.number == FIELD_ONEOF;
    }
    if (d->syntax == PROTO_3 || oneof) {
        return oneof; /* `optional` of proto3 is a oneof of one */
    }
    struct slice features = proto_text(proto_text(field, FIELD_OPTIONS), FIELD_FEATURES);
    uint64_t own = proto_number(features, FEATURE_PRESENCE);
    return own != 0 ? own != PRESENCE_IMPLICIT : !d->implicit;
}

static bool read_field(struct build *b, const struct proto_def *d, struct slice body,
                       struct payload_field *ret, uint32_t *oneof)
{
    uint64_t type = proto_number(body, FIELD_TYPE), number = proto_number(body, FIELD_NUMBER);
    bool message = type == TYPE_IS_MESSAGE || type == TYPE_IS_GROUP;
    struct proto_def *def = NULL;
    struct payload_type *t = message || type == TYPE_IS_ENUM
                                 ? named_type(b, proto_text(body, FIELD_TYPE_NAME), &def)
                                 : scalar_type(b, type);
    *ret = (struct payload_field){.name = proto_text(body, FIELD_NAME), .number = (uint32_t)number};
    if (!t) {
        return false;
    }
    if (number == 0 || number >= UINT32_C(1) << 29 || !utf8_valid(ret->name) ||
        (def && def->is_enum == message)) {
        wrong(b, "these are no descriptors: `%.*s` has a field that is none", SLICE_ARG(d->name));
        return false;
    }
    ret->presence = has_presence(d, body, message);
    ret->type = t;
    *oneof = 0;
    struct wire_field f;
    for (const uint8_t *at = NULL; proto_each(&at, body, &f);) {
        if (f.number == FIELD_ONEOF && f.type == WIRE_TYPE_VARINT) {
            *oneof = (uint32_t)f.value + 1;
        }
    }
    if (proto_number(body, FIELD_LABEL) == LABEL_REPEATED) {
        struct payload_type *array = type_new(b, PAYLOAD_ARRAY);
        array->items = t;
        ret->type = array;
        ret->presence = false;
    }
    return true;
}

struct numbered {
    struct payload_field field;
    uint32_t oneof;
};

static int by_field_number(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return x->field.number < y->field.number ? -1 : x->field.number > y->field.number;
}

/* Fields of one oneof know the first of them: there the last one met is noted. */
static bool take_fields(struct build *b, struct payload_type *t, struct numbered *all, size_t n)
{
    qsort(all, n, sizeof(*all), by_field_number);
    t->fields = ARENA_ARRAY(b->arena, struct payload_field, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && all[i].field.number == all[i - 1].field.number) {
            wrong(b, "these are no descriptors: `%.*s` has a number twice", SLICE_ARG(t->name));
            return false;
        }
        t->fields[i] = all[i].field;
        for (size_t k = 0; k < i && all[i].oneof && !t->fields[i].oneof; k++) {
            t->fields[i].oneof = all[k].oneof == all[i].oneof ? t->fields[k].oneof : 0;
        }
        if (all[i].oneof && !t->fields[i].oneof) {
            t->fields[i].oneof = (uint32_t)i + 1;
        }
    }
    t->n_fields = (uint32_t)n;
    return true;
}

static bool is_scalar(const struct payload_type *t, uint32_t field, uint32_t number,
                      enum payload_kind kind)
{
    return field < t->n_fields && t->fields[field].number == number &&
           t->fields[field].type->kind == kind;
}

/* Messages that the JSON mapping knows by name, if they look as they should. */
static enum payload_meaning meaning_of(const struct payload_type *t)
{
    static const char *const wrappers[] = {"Double", "Float",  "Int64", "UInt64", "Int32",
                                           "UInt32", "Bool", "String", "Bytes"};
    static const struct slice prefix = SLICE_LIT("google.protobuf.");
    if (!slice_starts_with(t->name, prefix)) {
        return MEANS_ITSELF;
    }
    struct slice name = slice_from(t->name.ptr + prefix.len, t->name.len - prefix.len);
    bool pair = t->n_fields == 2 && is_scalar(t, 0, 1, PAYLOAD_INT) &&
                is_scalar(t, 1, 2, PAYLOAD_INT) && t->fields[0].type->size == 8;
    if (pair && slice_eq_str(name, "Timestamp")) {
        return MEANS_TIMESTAMP;
    }
    if (pair && slice_eq_str(name, "Duration")) {
        return MEANS_DURATION;
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(wrappers); i++) {
        size_t len = strlen(wrappers[i]);
        if (name.len == len + 5 && memcmp(name.ptr, wrappers[i], len) == 0 &&
            memcmp(name.ptr + len, "Value", 5) == 0 && t->n_fields == 1 &&
            t->fields[0].number == 1 && t->fields[0].type->kind < PAYLOAD_ENUM) {
            return MEANS_WRAPPER;
        }
    }
    return MEANS_ITSELF;
}

static bool is_key(const struct payload_type *t)
{
    return t->kind == PAYLOAD_INT || t->kind == PAYLOAD_BOOL || t->kind == PAYLOAD_STRING;
}

static bool fill_message(struct build *b, struct proto_def *d)
{
    struct wire_field f;
    size_t n = 0, cap = 0;
    struct numbered *all = NULL;
    bool ok = true;
    for (const uint8_t *at = NULL; ok && proto_each(&at, d->body, &f);) {
        if (f.number == MESSAGE_FIELD && f.type == WIRE_TYPE_LENGTH) {
            struct numbered one;
            ok = read_field(b, d, wire_slice(&f), &one.field, &one.oneof);
            VEC_PUSH(all, n, cap) = one;
        }
        if (n > MAX_FIELDS || b->n_types > MAX_TYPES) {
            wrong(b, "a message has at most %d fields, a schema %d types", MAX_FIELDS, MAX_TYPES);
            ok = false;
        }
    }
    ok = ok && (n == 0 || take_fields(b, d->type, all, n));
    free(all);
    if (ok) {
        d->type->meaning = meaning_of(d->type);
    }
    return ok;
}

/* Arrays of map entries become maps: the entry's fields, key and value, stand in the map. */
static bool make_maps(struct build *b)
{
    for (MAP_EACH(e, &b->files.defs)) {
        const struct proto_def *d = e->value;
        struct payload_type *entry = d->is_map_entry ? d->type : NULL;
        if (entry && (entry->n_fields != 2 || entry->fields[0].number != 1 ||
                      entry->fields[1].number != 2 || !is_key(entry->fields[0].type))) {
            wrong(b, "these are no descriptors: `%.*s` is no entry of a map", SLICE_ARG(d->name));
            return false;
        }
        if (entry) {
            entry->kind = PAYLOAD_MAP;
            entry->items = entry->fields[1].type;
        }
    }
    for (size_t i = 0; i < b->n_types; i++) {
        struct payload_type *t = (struct payload_type *)(uintptr_t)b->types[i];
        const struct payload_type *entry = t->kind == PAYLOAD_ARRAY ? t->items : NULL;
        if (entry && entry->kind == PAYLOAD_MAP) {
            t->kind = PAYLOAD_MAP;
            t->fields = entry->fields;
            t->n_fields = 2;
            t->items = entry->fields[1].type;
        }
    }
    return true;
}

/* ---- the set ------------------------------------------------------------------------------- */

static struct proto_def *find_root(struct build *b, struct slice message)
{
    struct proto_def *d = map_get(&b->files.defs, message);
    if (d && !d->is_enum && !d->is_map_entry) {
        return d;
    }
    struct slice *names = ARENA_ARRAY(b->arena, struct slice, b->files.defs.n + 1);
    for (MAP_EACH(e, &b->files.defs)) {
        const struct proto_def *other = e->value;
        if (!other->is_enum && !other->is_map_entry) {
            names[b->problem->n_messages++] = other->name;
        }
    }
    b->problem->messages = names;
    b->problem->unknown_message = true;
    return wrong(b, "the descriptors have no message `%.*s`", SLICE_ARG(message));
}

static void set_place(struct payload_schema *s, const struct proto_def *d, struct arena *arena)
{
    for (const struct proto_def *o = d; o; o = o->outer) {
        s->n_place++;
    }
    s->place = ARENA_ARRAY(arena, uint32_t, s->n_place);
    uint32_t i = s->n_place;
    for (const struct proto_def *o = d; o; o = o->outer) {
        s->place[--i] = o->place;
    }
}

static const struct payload_schema *build_schema(struct build *b, struct proto_def *root)
{
    make_message(b, root);
    while (b->n_todo > 0) {
        struct proto_def *d = b->todo[--b->n_todo];
        if (!fill_message(b, d)) {
            return NULL;
        }
    }
    if (!make_maps(b)) {
        return NULL;
    }
    struct payload_schema *s = ARENA_NEW(b->arena, struct payload_schema);
    s->format = PAYLOAD_PROTOBUF;
    s->root = root->type;
    s->types = ARENA_ARRAY(b->arena, const struct payload_type *, b->n_types);
    memcpy(s->types, b->types, b->n_types * sizeof(*s->types));
    s->n_types = (uint32_t)b->n_types;
    set_place(s, root, b->arena);
    payload_schema_seal(s, b->arena);
    return s;
}

const struct payload_schema *proto_schema_parse(struct slice bytes, struct slice message,
                                                struct arena *arena,
                                                struct payload_problem *problem)
{
    struct build b = {.arena = arena, .problem = problem};
    const struct payload_schema *s = NULL;
    if (bytes.len > PAYLOAD_MAX_SCHEMA_BYTES) {
        return wrong(&b, "a schema has at most %u MiB", PAYLOAD_MAX_SCHEMA_BYTES >> 20);
    }
    if (!proto_files_read(&b.files, bytes, arena)) {
        struct slice start = slice_from(bytes.ptr, bytes.len < 6 ? bytes.len : 6);
        bool text = slice_eq_str(start, "syntax") || slice_eq_str(start, "packag");
        wrong(&b, text ? "this is a .proto file; compile it: protoc --include_imports "
                         "--descriptor_set_out=FILE"
                       : "these are no descriptors as protoc --descriptor_set_out writes them");
    } else {
        struct proto_def *root = find_root(&b, message);
        s = root ? build_schema(&b, root) : NULL;
    }
    proto_files_release(&b.files);
    free(b.types);
    free(b.todo);
    return s;
}
