/* Other rules for a running run (docs/reload.md).
 *
 * A wish (SIGHUP) starts a thread that reads and compiles the rule files aside; the run goes on
 * meanwhile. What it finds is looked at between two batches: an error keeps the set in force, the same
 * bytes change nothing, other contents of lists take their place at once, and for other rules the
 * engine is asked to stop at a commit. Then everything is closed and opened with the new set, which is
 * what a restart with other files does: one path for both.
 *
 * Wishes that come while one is being carried out are one more wish.
 *
 * Thread rule: all calls from the run's own thread. */
#ifndef FYKE_LIB_RELOAD_H
#define FYKE_LIB_RELOAD_H

#include "engine/engine.h"
#include "lib/drain.h"
#include "lib/later.h"
#include "lib/reload_audit.h"
#include "lib/rule_diff.h"

struct reload;

/* `rules`: with which the run begins; the caller's. */
/* `later`: for what a switch leaves behind, which the engine before may still use. */
struct reload *reload_new(const struct fyke_rules *rules, const struct fyke_run_config *c,
                          struct later *later);
/* Waits for the thread. */
void reload_free(struct reload *r);
/* Opens the file of the records, if the configuration names one; `told`, if not NULL, hears each. */
enum err reload_open_audit(struct reload *r, reload_told_fn told, void *ctx, struct error *err) FYKE_MUST_USE;

/* The run began with rules from its state because the files do not compile: that counts as a reload
 * that failed. */
void reload_begins_stored(struct reload *r);

/* The same where they compile and do not fit the state, as `why` says: it goes on with `stored`, taken
 * over. */
void reload_take_stored(struct reload *r, struct fyke_rules *stored, const struct error *why);

/* In force; changes in reload_switch() and reload_fall_back(). */
const struct fyke_rules *reload_rules(const struct reload *r);

/* The same as texts, to be stored with the state (rule_store.h); valid until other rules are. */
struct slice reload_texts(struct reload *r);

/* An engine is about to be opened with them, as `rs`; whatever was opened before is closed; `geoip`:
 * identity of the address files that it uses. */
void reload_opening(struct reload *r, const struct ruleset *rs, struct hash128 geoip);
/* Old versions of rules beside them: for engine_options. */
const struct engine_old_rules *reload_old_rules(struct reload *r);
/* Files are to be read. */
void reload_begin(struct reload *r, enum reload_by by);
/* The same by command; which reading it will be. The record of a reload names that of its own, or a later one.
 * 0: there are no files. */
uint64_t reload_ask(struct reload *r);
/* Between two batches: takes note of what the thread found. True: it is still under way, or the
 * engine was asked for its stop. */
bool reload_step(struct reload *r, struct engine *e);
/* The same for several instances, which take nothing by themselves: *ret, the caller's, is what was found,
 * if it can be used; NULL: nothing, or nothing yet. True: it is still under way. */
bool reload_find(struct reload *r, struct fyke_rules **ret);
/* Between two lives: `rules`, taken over, are in force from here on, whoever wished for them. */
void reload_take(struct reload *r, struct fyke_rules *rules);
/* Wishes that came to nothing. */
void reload_count(struct reload *r, uint64_t unchanged, uint64_t failed);
/* The engine stopped at a commit and will be opened anew: does that happen with other rules? They are
 * in force now. */
bool reload_switch(struct reload *r, struct engine *e);
/* Behind it: what the new rules have seen of the past is as far as the engine; `state`: what it left open. If
 * that cannot be, the rules are refused, and those before are in force again. */
void reload_meet(struct reload *r, struct engine_kept *state);
/* For engine_options; NULL: nothing. */
struct engine_kept *reload_warmed(const struct reload *r);
/* The engine could not be opened with the rules just taken: back to those before. False: these are no
 * new rules. */
bool reload_fall_back(struct reload *r, const struct error *why);
/* The engine runs with the rules that were taken; nothing goes back any more. */
void reload_settle(struct reload *r);
/* From here on nothing is evaluated; reload_step() says so itself. */
void reload_stops(struct reload *r);
/* The input is read from where `p` says, under the rules in force: the record of the reload, or of the
 * start, is whole. `generation`: several instances. */
void reload_runs(struct reload *r, const struct ruleset *rs, const struct partition_summary *p, uint32_t n,
                 uint64_t generation);

/* Figures of the run. */
struct reload_figures {
    uint64_t asked;      /* readings of the files that were carried out */
    uint64_t switched, unchanged, failed;
    struct rule_diff rules; /* over all switches */
    struct drain_figures old;
    struct hash128 ruleset; /* in force */
    struct slice record; /* of the last one; empty: none */
    uint64_t unrecorded; /* records that are not in the file */
    bool pending;        /* other rules are read, and take over at one of the next commits */
};
void reload_figures(const struct reload *r, struct reload_figures *ret);

#endif
