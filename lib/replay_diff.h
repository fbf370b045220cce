/* Two replays of the same data, of an old and a new rule set: which alerts are the same, and what has
 * become of the others.
 *
 * Alerts are paired within rule, key and kind, each at most once:
 *   1. detected at the same time over the same events: same, or changed when `emit` says something else
 *   2. detected at the same time, with an event in common: changed
 *   3. with an event in common, most of them first, then the nearest in time: earlier or later
 * What is left is lost (old) or new. A pair counts when one of the two was detected in the range. */
#ifndef FYKE_LIB_REPLAY_DIFF_H
#define FYKE_LIB_REPLAY_DIFF_H

#include "lib/replay_alerts.h"
#include "lib/rule_diff.h"

enum diff_class {
    DIFF_SAME,
    DIFF_CHANGED,
    DIFF_EARLIER,
    DIFF_LATER,
    DIFF_LOST,
    DIFF_NEW,
    DIFF_CLASSES
};
const char *diff_class_name(enum diff_class c);

/* Shown of each rule and class. */
#define DIFF_EXAMPLES 5

struct diff_example {
    enum diff_class class;
    const struct replay_alert *was, *is; /* NULL: there is none */
    uint32_t events_gone, events_added;
    bool other_emit;
};

struct diff_rule {
    struct slice name;
    uint32_t old_index, new_index; /* UINT32_MAX: the set has no such rule */
    enum rule_fate fate;
    bool other_lists; /* a list or lookup that it reads holds something else */
    const char *file; /* where the new rule stands, or the one that is gone */
    uint32_t line;
    uint64_t was, is; /* alerts of the range */
    uint64_t n[DIFF_CLASSES];
    uint64_t n_true[DIFF_CLASSES]; /* with a labelled event in evidence: of the new alert if there is one */
    const struct replay_alert *shortest_new; /* first event to last; NULL: none is new */
    struct replay_lengths earlier, later; /* by how much; sorted */
    struct diff_example *examples;
    size_t n_examples, cap_examples;
};

struct replay_diff {
    const struct replay_result *was, *is;
    struct diff_rule *rules; /* those of the new set, then those that are gone */
    size_t n_rules;
    uint64_t n[DIFF_CLASSES];
};

/* Both results were made with keep_alerts, and must outlive *ret. */
void replay_diff_make(const struct fyke_rules *old_rules, const struct fyke_rules *new_rules,
                      const struct replay_result *was, const struct replay_result *is,
                      struct replay_diff *ret);
void replay_diff_release(struct replay_diff *d);
/* Alerts that are not the same. */
uint64_t replay_diff_findings(const struct replay_diff *d);
/* NULL: neither set has it. */
const struct diff_rule *replay_diff_rule(const struct replay_diff *d, struct slice name);

#endif
