/* Reads a whole state through: every value is checked. */
#ifndef FYKE_ENGINE_STATE_STATE_SCAN_H
#define FYKE_ENGINE_STATE_STATE_SCAN_H

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "engine/state/header.h"
#include "engine/state/record_codec.h"
#include "engine/state/store.h"

struct state_figures {
    uint64_t records, segments, events, bytes, timers;
    uint64_t values; /* with a clock of their own (`watermark per`) */
    uint64_t used_bytes; /* of the file */
};

/* Its bytes, that heads and segments belong together, that it lies in its shard, that its slots are in the
 * header (header_take_rules() is through), that clocks of values are those of the header: else ERR_CORRUPT.
 * `fn`, if not NULL, sees every head. */
typedef enum err (*state_head_fn)(void *ctx, const struct record_key *key,
                                  const struct record_head *head, struct error *err);
enum err state_scan(struct store *s, const struct header *h, state_head_fn fn, void *ctx,
                    struct state_figures *ret, struct error *err) FYKE_MUST_USE;

#endif
