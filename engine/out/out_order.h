/* The order in which alerts leave. Of a bounded run: by (detected, key value by value, rule name, match
 * order), so that the output is the same for any number of workers and any batches. It waits until
 * nothing that sorts before an alert can still come.
 *
 * A live run flushes after every pass and at every commit, and what it has written stands. So the
 * alerts of a key leave in the order of what brought them about: then it does not matter where a
 * pass or a commit ended, and a restart writes them in the order in which they would have come. */
#ifndef FYKE_ENGINE_OUT_OUT_ORDER_H
#define FYKE_ENGINE_OUT_OUT_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/slice.h"
#include "engine/io.h"
#include "engine/out/alert_json.h"
#include "engine/out/derived.h"
#include "nfa/state.h"

enum alert_fate {
    ALERT_GOES,
    ALERT_ASKS, /* its quiet time is kept elsewhere: decided before the pass is over */
    ALERT_HELD,
};

/* One alert, ready to be written. One malloc block, owned by whoever holds the pointer. */
struct out_alert {
    struct etime detected;
    const struct rule *rule;
    enum match_kind kind;
    struct standing stands;
    uint64_t seq; /* order of decision within (key, rule) */
    enum alert_fate fate;
    bool only_derives; /* says nothing itself, shown all the same (alert_options.show_derived) */
    bool withheld; /* of a rule in status shadow: counted in its turn, not written */
    const struct value *key;
    uint32_t n_key;
    struct slice json;
    bool has_evidence; /* then its first and its last event stand at: */
    struct etime first, last;
    struct alert_places places; /* in `json` */
    struct slice key_text;
    char match_id[HASH128_HEX_MAX];
};

/* Copies key and texts; `places` of the first one. */
struct out_alert *out_alert_new(const struct match *m, struct standing stands, uint64_t seq,
                                struct hash128 id, struct slice json, struct alert_places places,
                                struct slice key_text);

/* Its text says 0 so far. */
void out_alert_set_suppressed(struct out_alert *a, uint64_t n);

/* Most alerts are told apart by the first of it. */
struct out_turn {
    struct etime at;
    struct out_alert *alert; /* owned */
};

struct out_order {
    struct out_turn *held; /* heap, least first */
    size_t n, cap;
    bool live; /* set while it is empty */
};

void out_order_init(struct out_order *o);
void out_order_release(struct out_order *o);
/* Takes ownership. */
void out_order_add(struct out_order *o, struct out_alert *a);

typedef void (*out_written_fn)(void *ctx, const struct out_alert *a);
/* What stands in front of it may leave: of a time before `time`, or of it with a lesser key. */
struct out_bound {
    struct etime time;       /* ETIME_MAX: everything may */
    const struct value *key; /* NULL: nothing of `time` itself */
    uint32_t n_key;
};
/* Writes every alert in front of `safe`, in order. */
enum err out_order_flush(struct out_order *o, const struct out_bound *safe, struct sink *sink,
                         out_written_fn written, void *ctx, struct error *err) FYKE_MUST_USE;

#endif
