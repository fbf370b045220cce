/* Lists and lookups while rules run: which content is in force, and how it changes.
 *
 * Content from rule files and files stands in the rule set. Content from topics is read to the end
 * before the first event, and again every `refresh`; a new snapshot takes its place between two
 * batches, when no thread evaluates anything. What cannot be read again stays as it was. */
#ifndef FYKE_ENGINE_TABLES_TABLES_H
#define FYKE_ENGINE_TABLES_TABLES_H

#include <signal.h>

#include "base/attr.h"
#include "base/clock.h"
#include "engine/tables/table_feed.h"
#include "nfa/eval_env.h"
#include "nfa/rule.h"

struct tables;

struct tables_options {
    const struct ruleset *rs;
    const struct table *const *given; /* per table; NULL (or an entry): the rule set's own */
    struct table_feed *const *feeds;
    uint32_t n_feeds;
    const struct geoip *geoip;     /* NULL: none */
    struct hash128 geoip_identity; /* of the databases' content */
    const struct table_watch *watch; /* NULL: nobody looks on */
    void (*log)(void *ctx, const char *line);
    void *log_ctx;
};

struct tables_counters {
    uint64_t records;     /* read from topics */
    uint64_t bad_records; /* of them: no key, or a key or value of another type */
    uint64_t refreshes;   /* snapshots that came into force after the first */
    uint64_t failed;      /* refreshes that could not be carried out */
};

struct tables *tables_new(const struct tables_options *o);
void tables_free(struct tables *t);

/* Stays where it is; its content changes in tables_load(), tables_tick(), tables_swap(),
 * tables_renew(). */
const struct eval_env *tables_env(const struct tables *t);
/* The rule set with the content in force: `ruleset` of alerts. */
struct hash128 tables_fingerprint(const struct tables *t);
const struct tables_counters *tables_counters(const struct tables *t);

/* How a table stands. */
struct table_standing {
    struct slice name;
    uint32_t entries;
    struct hash128 generation;
    bool from_topic;
    const struct partition_position *at; /* next offsets of its topic; valid until the next round */
    uint32_t n_at;
};
struct table_standing tables_standing(const struct tables *t, uint32_t table);

/* Reads every topic to its end, however long the broker is away. *stop non-zero ends it:
 * err->stopped. */
enum err tables_load(struct tables *t, struct ptime now, const volatile sig_atomic_t *stop,
                     struct error *err) FYKE_MUST_USE;
/* Between two batches: begins and goes on with refreshes, never waits. True: the content has
 * changed. */
bool tables_tick(struct tables *t, struct ptime now);
/* New content for the tables that do not come from topics (changed files): per table, NULL keeps
 * it. Borrowed as long as it is in force. */
void tables_swap(struct tables *t, const struct table *const *content);
/* The same for all of them, from a rule set of the same declarations, whose fingerprint counts from
 * here on. */
void tables_renew(struct tables *t, const struct ruleset *rs);

#endif
