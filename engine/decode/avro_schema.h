/* Avro schemas (JSON, specification 1.11) to the types of nfa/payload.h. */
#ifndef FYKE_ENGINE_DECODE_AVRO_SCHEMA_H
#define FYKE_ENGINE_DECODE_AVRO_SCHEMA_H

#include "nfa/payload.h"

const struct payload_schema *avro_schema_parse(struct slice text, struct arena *arena,
                                               struct payload_problem *problem);

#endif
