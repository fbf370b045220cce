#include "engine/decode/payload_schema.h"

#include "engine/decode/avro_schema.h"
#include "engine/decode/proto_schema.h"

const struct payload_schema *payload_schema_parse(enum payload_format format, struct slice text,
                                                  struct slice message, struct arena *arena,
                                                  struct payload_problem *problem)
{
    *problem = (struct payload_problem){0};
    if (format == PAYLOAD_AVRO) {
        return avro_schema_parse(text, arena, problem);
    }
    return proto_schema_parse(text, message, arena, problem);
}
