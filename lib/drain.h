/* Old versions of changed rules, which finish what they have open beside the rules in force.
 *
 * Where they come from: the state holds the texts of the set it was written under, and of the older sets of
 * which a rule still drains. When an engine is opened, the rules of these that have another plan in the
 * set in force are compiled once more and linked behind it (nfa/rule_link.h). So a reload, a restart with
 * other files and a restart after a crash are one path.
 *
 *   stored texts   the set in force (rule_store.h), then, if any drain, oldest first:
 *                  varint n · n × {fingerprint, blob the set's texts, varint n · n × blob rule}
 *
 * Thread rule: the run's own thread. */
#ifndef FYKE_LIB_DRAIN_H
#define FYKE_LIB_DRAIN_H

#include "engine/engine.h"
#include "lib/drain_kit.h"
#include "lib/later.h"
#include "lib/rules.h"

/* Older sets of which rules may drain; of more, the oldest are dropped. */
#define DRAIN_MAX_SETS 8

struct drain_figures {
    uint64_t drained;  /* old versions that have finished */
    uint64_t dropped;  /* old versions given up: too many sets, or they cannot run beside the new rules */
    uint32_t draining; /* now */
};

struct drain;

/* `later`: for rules that the engine before may still use. */
struct drain *drain_new(const struct fyke_run_config *c, struct later *later);
void drain_free(struct drain *d);

/* An engine is about to be opened with `rs`, whose texts are `texts`; the one before is closed. `off`: nothing
 * drains from here on. */
void drain_opening(struct drain *d, const struct ruleset *rs, struct slice texts, bool off);
/* What the next opening would compile; drain_take_kit() gives it back for that (NULL: none). */
struct drain_kit *drain_make_kit(const struct drain *d);
void drain_take_kit(struct drain *d, struct drain_kit *k);

/* What the first opening found: under which set the state was last written, with its texts (empty: none are
 * stored). False: there was no state. */
bool drain_found(const struct drain *d, struct hash128 *fingerprint, struct slice *texts);

/* The engine goes on with the same rules over other contents (engine_renew_tables()). */
void drain_renew(struct drain *d, struct hash128 fingerprint, struct slice texts);
/* For engine_options; valid as long as `d`. */
const struct engine_old_rules *drain_hooks(struct drain *d);

/* The names of rules of which an old version drains, borrowed; the caller releases the map. */
struct map;
void drain_names(const struct drain *d, struct map *ret);
void drain_figures(const struct drain *d, struct drain_figures *ret);

#endif
