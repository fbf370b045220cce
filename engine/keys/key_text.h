/* A key as people write it: the Kafka key of an alert, read back. */
#ifndef FYKE_ENGINE_KEYS_KEY_TEXT_H
#define FYKE_ENGINE_KEYS_KEY_TEXT_H

#include "engine/keys/key.h"

/* Bare text for one value, a JSON array for several, nothing for none. Every spelling of a value is the
 * value: 1.50 is 1.5. `ret` has room for g->n_values; texts are copied into `arena`. False: no such key. */
bool key_from_text(const struct key_group *g, struct slice text, struct arena *arena,
                   struct value *ret);

#endif
