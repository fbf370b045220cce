/* Labels: which events were known to be bad, and what a rule set made of them.
 *
 * A labelled event is named by (topic, partition, offset) in a file, or by a test on a field of the
 * record. An alert is true iff its evidence holds a labelled event, or what a derived event of it was made of. Labelled events count by their own
 * time, in [from, to); one that was late counts, and is not found. An episode is what a line of the
 * file names together, or the labelled events of one key with no gap longer than `gap`; it is found
 * iff one of its events is. */
#ifndef FYKE_LIB_REPLAY_LABELS_H
#define FYKE_LIB_REPLAY_LABELS_H

#include "base/decimal.h"
#include "base/map.h"
#include "engine/engine.h"
#include "lib/json_view.h"
#include "lib/replay.h"

#define REPLAY_MAX_LABELS UINT32_C(20000000)
#define REPLAY_NO_EPISODE UINT32_MAX

struct replay_label {
    struct coord at;
    struct etime time;
    bool seen, in_range, late;
    uint32_t episode; /* REPLAY_NO_EPISODE: none */
    struct slice key; /* of the arena; empty: none */
    struct decimal amount;
    struct etime found_at; /* first detection; ETIME_MAX: none */
    uint32_t *rules;       /* that have found it */
    size_t n_rules, cap_rules;
};

struct replay_labels {
    const struct ruleset *rs;
    const struct replay_label_options *options; /* NULL: no labels */
    struct arena arena;
    struct map by_place; /* place → index + 1 */
    struct replay_label *items;
    size_t n, cap;
    uint32_t n_episodes;
    uint64_t foreign; /* of topics that no rule reads */
    /* What is looked for in a record: the field of the test, the key, the amount. */
    struct json_paths paths;
    struct json_scan scan;
    struct json_span *found;
    uint32_t test_node, key_node, amount_node; /* JSON_NO_NODE: none */
    struct slice test_value;
    bool test_equal, test_bare;
    struct buf text, place;
    struct label_chain *chain; /* lib/replay_label_chain.c; NULL until a derived event stands in evidence */
};

enum err replay_labels_open(struct replay_labels *l, const struct replay_label_options *o,
                            const struct ruleset *rs, struct error *err) FYKE_MUST_USE;
void replay_labels_release(struct replay_labels *l);
/* lib/replay_label_file.c */
enum err replay_labels_read(struct replay_labels *l, const char *path,
                            struct error *err) FYKE_MUST_USE;
/* The label of this place, made if there is none; NULL: too many. */
struct replay_label *replay_labels_add(struct replay_labels *l, struct coord at, uint32_t episode);
uint32_t replay_labels_topic(const struct replay_labels *l, struct slice name);

/* A valid event that was read. */
void replay_labels_event(struct replay_labels *l, enum event_fate fate, bool in_range,
                         const struct event *e, const struct record *r);
/* An alert that counts: does its evidence hold a labelled event? */
bool replay_labels_alert(struct replay_labels *l, uint32_t rule, struct etime detected,
                         struct json_span evidence);
/* The label that an entry of evidence names; NULL: none. */
struct replay_label *replay_labels_of(struct replay_labels *l, struct json_span entry);
void replay_labels_found(struct replay_label *label, uint32_t rule, struct etime at);

/* lib/replay_label_chain.c: labels behind derived events. A match of a rule that derives, whether it is
 * an alert or not. */
void replay_labels_match(struct replay_labels *l, struct slice match_id, struct json_span evidence);
/* An alert that counts, and what its own evidence says: what stands behind it is asked at the end.
 * `alert`: index into result->alerts, SIZE_MAX: none. */
void replay_labels_defer(struct replay_labels *l, uint32_t rule, struct etime detected,
                         struct json_span evidence, size_t alert, bool is_true);
void replay_labels_resolve(struct replay_labels *l, struct replay_result *r);
void label_chain_free(struct label_chain *c);

void replay_labels_finish(struct replay_labels *l, struct replay_result *r);

#endif
