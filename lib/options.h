/* The public options as the engine's. */
#ifndef FYKE_LIB_OPTIONS_H
#define FYKE_LIB_OPTIONS_H

#include "engine/engine.h"
#include "fyke/fyke.h"

/* Zero numbers and NULL names take the engine's defaults; texts are borrowed. */
void options_to_engine(const struct fyke_options *o, struct engine_options *ret);

/* "a, b": a name that no event has is a slip, not a wish. */
enum err options_check_fields(const struct ruleset *rs, const char *text,
                              struct error *err) FYKE_MUST_USE;

#endif
