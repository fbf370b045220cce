/* The definitions in a descriptor set by their full names, not resolved yet. */
#ifndef FYKE_ENGINE_DECODE_PROTO_FILES_H
#define FYKE_ENGINE_DECODE_PROTO_FILES_H

#include "base/arena.h"
#include "base/map.h"
#include "engine/decode/proto_wire.h"
#include "nfa/payload.h"

enum proto_syntax { PROTO_2, PROTO_3, PROTO_EDITIONS };

/* google.protobuf.FeatureSet, of editions. */
enum { FEATURE_PRESENCE = 1, PRESENCE_IMPLICIT = 2 };

/* A message or an enum. */
struct proto_def {
    struct slice name; /* full, without the leading dot */
    struct slice body; /* DescriptorProto or EnumDescriptorProto */
    bool is_enum;
    bool is_map_entry;
    enum proto_syntax syntax;
    bool implicit; /* editions: the file's fields have no presence unless they say so */
    const struct proto_def *outer;
    uint32_t place; /* among the messages of its file or of its outer message */
    struct payload_type *type; /* once it is made */
};

struct proto_files {
    struct arena *arena;
    struct map defs; /* full name → struct proto_def; names in the arena */
};

/* False: these are no descriptors. */
bool proto_files_read(struct proto_files *p, struct slice bytes, struct arena *arena);
void proto_files_release(struct proto_files *p);

/* The content of a message's field by number: the last one; empty when it is absent. */
struct slice proto_text(struct slice body, uint32_t number);
uint64_t proto_number(struct slice body, uint32_t number);

/* for each field: struct wire_field f; for (at = …; proto_each(&at, body, &f);) */
bool proto_each(const uint8_t **at, struct slice body, struct wire_field *f);

#endif
