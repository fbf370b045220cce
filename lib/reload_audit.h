/* The record of a reload: when, by what, the fingerprints before and after, what became of each rule, and
 * where it took effect. One JSON object, for the log, `fyke status` and the file of `--audit`
 * (docs/reload.md). */
#ifndef FYKE_LIB_RELOAD_AUDIT_H
#define FYKE_LIB_RELOAD_AUDIT_H

#include "engine/engine.h"
#include "lib/rule_diff.h"

enum reload_by {
    RELOAD_BY_SIGNAL, /* or whoever raised fyke_run_config.reload */
    RELOAD_BY_COMMAND, /* asked for over the socket */
    RELOAD_BY_WATCH,  /* the files had other contents */
    RELOAD_BY_GROUP,  /* another instance has put them in force */
    RELOAD_BY_START,
};

enum reload_result { RELOAD_SWITCHED, RELOAD_CONTENTS, RELOAD_UNCHANGED, RELOAD_REFUSED };

struct reload_outcome {
    enum reload_by by;
    uint64_t reading; /* of the files, by number, that it comes of; 0: of none of ours */
    enum reload_result result;
    bool first;                   /* there was nothing in force before, or nothing known of it */
    struct hash128 before, after; /* the same: nothing has changed */
    uint64_t generation;          /* several instances: of the set in force; 0: this one alone */
    bool compared;                /* `rules` says what became of them */
    struct rule_diff rules;
    struct slice reason;          /* why it was refused; else empty */
    double read_s, pause_s; /* how long it was read aside, how long nothing was evaluated; 0: not */
};

struct reload_audit;

/* `config` is borrowed; nothing is opened. */
struct reload_audit *reload_audit_new(const struct fyke_run_config *config);
void reload_audit_free(struct reload_audit *a);
/* The file that the configuration names, if it does, to be written at its end. */
enum err reload_audit_open(struct reload_audit *a, struct error *err) FYKE_MUST_USE;
/* Who hears each record but that of the start; NULL: nobody. */
typedef void (*reload_told_fn)(void *ctx, uint64_t reading, struct slice record);
void reload_audit_tell(struct reload_audit *a, reload_told_fn fn, void *ctx);

/* Of the record that is being made. `open`: what becomes of what is open: "stays", "drained", "dropped",
 * "none". */
void reload_audit_rule(struct reload_audit *a, struct slice rule, enum rule_fate fate, const char *open);
void reload_audit_positions(struct reload_audit *a, const struct ruleset *rs,
                            const struct partition_summary *p, uint32_t n);
/* It is whole. */
void reload_audit_end(struct reload_audit *a, const struct reload_outcome *o);

/* The last one but that of the start; empty: none. Valid until the next one. */
struct slice reload_audit_last(const struct reload_audit *a);
/* Records that could not be written to the file. */
uint64_t reload_audit_failed(const struct reload_audit *a);

#endif
