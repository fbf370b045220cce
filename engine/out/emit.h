/* Matches → alerts and derived events: the callback that the automata report to. One per shard.
 *
 * Thread rule: used by the thread that runs the shard; what has gathered is taken between
 * barriers. */
#ifndef FYKE_ENGINE_OUT_EMIT_H
#define FYKE_ENGINE_OUT_EMIT_H

#include "base/buf.h"
#include "engine/out/alert_json.h"
#include "engine/out/alert_memo.h"
#include "engine/out/derived.h"
#include "engine/out/out_order.h"

struct emitter {
    const struct alert_options *options;
    struct out_alert **alerts; /* of this pass, in order of decision; owned */
    size_t n, cap;
    struct out_alert **asking; /* of this pass: what keeps their quiet time decides; owned */
    size_t n_asking, cap_asking;
    uint64_t seq;
    uint64_t pending; /* MATCH_PENDING seen */
    bool show_pending;
    struct buf json, key_text;
    struct alert_memo memo;
    struct cause cause;           /* of the event that is being delivered */
    struct derived_list derived;  /* of this level, in order of decision */
    struct derived_store store;
};

void emitter_init(struct emitter *em, const struct alert_options *options, bool show_pending);
void emitter_release(struct emitter *em);
/* A match_fn; ctx is the emitter. */
void emitter_match(void *ctx, const struct match *m);
/* At the end of a pass: alerts that asked go out or are held back. */
void emitter_settle(struct emitter *em, struct out_order *to);
/* Hands over what has gathered. */
void emitter_drain(struct emitter *em, struct out_order *to);

#endif
