/* Which parts of a schema the declarations of a topic name: the decoders write these as JSON and
 * step over the rest. Worked out once from the schema and the paths that are looked for. */
#ifndef FYKE_ENGINE_DECODE_PAYLOAD_WANT_H
#define FYKE_ENGINE_DECODE_PAYLOAD_WANT_H

#include "base/arena.h"
#include "engine/decode/json_paths.h"
#include "nfa/payload.h"

/* Beside a type: what of its values is wanted. NULL stands for nothing. */
struct payload_want {
    bool all;
    const struct payload_want **parts; /* per field of a record, per branch of a union */
};

extern const struct payload_want payload_want_all;

/* `ends`: per node of `paths`, whether a path ends there (its whole value is wanted). */
const struct payload_want *payload_want_new(const struct payload_type *t,
                                            const struct json_paths *paths, const bool *ends,
                                            struct arena *arena);

static inline const struct payload_want *payload_want_part(const struct payload_want *w,
                                                           uint32_t i)
{
    return !w || w->all ? w : w->parts[i];
}

#endif
