/* Descriptor sets (protoc --include_imports --descriptor_set_out) to the types of nfa/payload.h. */
#ifndef FYKE_ENGINE_DECODE_PROTO_SCHEMA_H
#define FYKE_ENGINE_DECODE_PROTO_SCHEMA_H

#include "nfa/payload.h"

const struct payload_schema *proto_schema_parse(struct slice bytes, struct slice message,
                                                struct arena *arena,
                                                struct payload_problem *problem);

#endif
