#include "engine/decode/proto_files.h"

#define MAX_DEPTH 64
#define MAX_DEFS 20000

/* Numbers of the fields of descriptor.proto. */
enum {
    SET_FILE = 1,
    FILE_PACKAGE = 2,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_OPTIONS = 8,
    FILE_SYNTAX = 12,
    FILE_FEATURES = 50, /* in its options */
    MESSAGE_NAME = 1,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_OPTIONS = 7,
    OPTIONS_MAP_ENTRY = 7,
};

bool proto_each(const uint8_t **at, struct slice body, struct wire_field *f)
{
    if (body.len == 0) {
        return false;
    }
    const uint8_t *end = (const uint8_t *)body.ptr + body.len;
    *at = *at ? *at : (const uint8_t *)body.ptr;
    return *at < end && wire_next(at, end, f);
}

struct slice proto_text(struct slice body, uint32_t number)
{
    struct slice text = {0};
    struct wire_field f;
    for (const uint8_t *at = NULL; proto_each(&at, body, &f);) {
        if (f.number == number && f.type == WIRE_TYPE_LENGTH) {
            text = wire_slice(&f);
        }
    }
    return text;
}

uint64_t proto_number(struct slice body, uint32_t number)
{
    uint64_t value = 0;
    struct wire_field f;
    for (const uint8_t *at = NULL; proto_each(&at, body, &f);) {
        if (f.number == number && f.type == WIRE_TYPE_VARINT) {
            value = f.value;
        }
    }
    return value;
}

/* All of it is fields, as a descriptor's parts are. */
static bool is_message(struct slice body)
{
    struct wire_field f;
    const uint8_t *at = NULL;
    while (proto_each(&at, body, &f)) {
    }
    return body.len == 0 || at == (const uint8_t *)body.ptr + body.len;
}

static struct slice join(struct proto_files *p, struct slice outer, struct slice name)
{
    if (outer.len == 0) {
        return arena_copy(p->arena, name);
    }
    return slice_of(arena_printf(p->arena, "%.*s.%.*s", SLICE_ARG(outer), SLICE_ARG(name)));
}

static struct proto_def *add(struct proto_files *p, const struct proto_def *like,
                             struct slice outer, struct slice body)
{
    struct slice name = proto_text(body, MESSAGE_NAME);
    if (name.len == 0 || p->defs.n >= MAX_DEFS || !is_message(body)) {
        return NULL;
    }
    struct proto_def *d = ARENA_NEW(p->arena, struct proto_def);
    *d = *like;
    d->name = join(p, outer, name);
    d->body = arena_copy(p->arena, body);
    map_add(&p->defs, d->name, d); /* the first of one name counts */
    return d;
}

static bool add_message(struct proto_files *p, const struct proto_def *like, struct slice outer,
                        struct slice body, uint32_t depth)
{
    struct wire_field f;
    uint32_t place = 0;
    struct proto_def *d = depth < MAX_DEPTH ? add(p, like, outer, body) : NULL;
    if (!d) {
        return false;
    }
    d->is_map_entry = proto_number(proto_text(body, MESSAGE_OPTIONS), OPTIONS_MAP_ENTRY) != 0;
    for (const uint8_t *at = NULL; proto_each(&at, body, &f);) {
        struct proto_def inner = {.syntax = d->syntax, .implicit = d->implicit, .outer = d};
        if (f.type != WIRE_TYPE_LENGTH) {
            continue;
        }
        if (f.number == MESSAGE_NESTED) {
            inner.place = place++;
            if (!add_message(p, &inner, d->name, wire_slice(&f), depth + 1)) {
                return false;
            }
        } else if (f.number == MESSAGE_ENUM) {
            inner.is_enum = true;
            if (!add(p, &inner, d->name, wire_slice(&f))) {
                return false;
            }
        }
    }
    return true;
}

static bool add_file(struct proto_files *p, struct slice file)
{
    struct wire_field f;
    uint32_t place = 0;
    struct slice syntax = proto_text(file, FILE_SYNTAX);
    struct slice package = proto_text(file, FILE_PACKAGE);
    struct slice features = proto_text(proto_text(file, FILE_OPTIONS), FILE_FEATURES);
    struct proto_def like = {
        .syntax = slice_eq_str(syntax, "proto3")     ? PROTO_3
                  : slice_eq_str(syntax, "editions") ? PROTO_EDITIONS
                                                     : PROTO_2,
        .implicit = proto_number(features, FEATURE_PRESENCE) == PRESENCE_IMPLICIT,
    };
    for (const uint8_t *at = NULL; proto_each(&at, file, &f);) {
        if (f.type != WIRE_TYPE_LENGTH) {
            continue;
        }
        bool ok = true;
        like.is_enum = f.number == FILE_ENUM;
        if (f.number == FILE_MESSAGE) {
            like.place = place++;
            ok = add_message(p, &like, package, wire_slice(&f), 0);
        } else if (f.number == FILE_ENUM) {
            ok = add(p, &like, package, wire_slice(&f)) != NULL;
        }
        if (!ok) {
            return false;
        }
    }
    return is_message(file);
}

bool proto_files_read(struct proto_files *p, struct slice bytes, struct arena *arena)
{
    struct wire_field f;
    *p = (struct proto_files){.arena = arena};
    map_init(&p->defs, MAP_BORROW_KEYS);
    for (const uint8_t *at = NULL; proto_each(&at, bytes, &f);) {
        if (f.number == SET_FILE && f.type == WIRE_TYPE_LENGTH && !add_file(p, wire_slice(&f))) {
            return false;
        }
    }
    return is_message(bytes);
}

void proto_files_release(struct proto_files *p)
{
    map_release(&p->defs);
}
