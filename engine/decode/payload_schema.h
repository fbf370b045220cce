/* Schema files of events: what compile_input.payload_parse is set to. */
#ifndef FYKE_ENGINE_DECODE_PAYLOAD_SCHEMA_H
#define FYKE_ENGINE_DECODE_PAYLOAD_SCHEMA_H

#include "nfa/payload.h"

/* A payload_parse (nfa/payload.h). */
const struct payload_schema *payload_schema_parse(enum payload_format format, struct slice text,
                                                  struct slice message, struct arena *arena,
                                                  struct payload_problem *problem);

#endif
