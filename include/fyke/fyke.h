/* libfyke: complex event processing for rules that read like sentences.
 *
 * Two ways to use it:
 *   fyke_run()            whole runs: files or Kafka in, alerts out (what `fyke run` does)
 *   fyke_engine_*()       embedded: push records one by one, get alerts through a callback
 *
 * Ownership: handles are opaque, made by *_compile/_open and released by *_free/_close. Text that
 * goes in is copied; text that comes out is valid until the next call on the same handle.
 * Threads: a handle belongs to one thread at a time; compiled rules may be shared by any number of
 * engines. Times are nanoseconds since 1970-01-01 UTC. Strings are UTF-8.
 * ABI: structs begin with `size`; set it with the *_init function. */
#ifndef FYKE_FYKE_H
#define FYKE_FYKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FYKE_API __attribute__((visibility("default")))
#define FYKE_CHECKED __attribute__((warn_unused_result))

FYKE_API const char *fyke_version(void);

/* ---- errors ------------------------------------------------------------------------------- */

enum fyke_result {
    FYKE_OK = 0,
    FYKE_RULES_INVALID, /* the rules do not compile; diagnostics have been reported */
    FYKE_USAGE,         /* arguments that do not fit together, a missing file */
    FYKE_INPUT,         /* input refused (strict), or a source that cannot be used */
    FYKE_IO,            /* files, sockets, broker */
    FYKE_STATE,         /* the state directory */
    FYKE_INTERRUPTED    /* stopped by *stop; everything delivered so far is committed */
};

/* The last operational error on this thread: one line, "" when there was none. */
FYKE_API const char *fyke_last_error(void);

/* ---- rules -------------------------------------------------------------------------------- */

struct fyke_rules;

enum fyke_severity { FYKE_ERROR, FYKE_WARNING, FYKE_NOTE };

struct fyke_diagnostic {
    enum fyke_severity severity;
    const char *code; /* "E0203" */
    const char *file;
    uint32_t line, col, end_line, end_col; /* from 1; columns in code points */
    const char *message;
    const char *suggestion; /* NULL: none */
    const char *rendered;   /* several lines with source and caret, for people */
};
typedef void (*fyke_diagnostic_fn)(void *ctx, const struct fyke_diagnostic *d);

/* Compiles files and directories (walked in byte order of paths). On FYKE_OK *ret owns the rules;
 * warnings and notes are reported too. `report` may be NULL. */
FYKE_API FYKE_CHECKED enum fyke_result fyke_rules_compile(const char *const *paths, size_t n,
                                                          fyke_diagnostic_fn report, void *ctx,
                                                          struct fyke_rules **ret);
/* The same from memory, as a file called `name`. */
FYKE_API FYKE_CHECKED enum fyke_result fyke_rules_compile_text(const char *name, const char *text,
                                                               size_t len,
                                                               fyke_diagnostic_fn report,
                                                               void *ctx, struct fyke_rules **ret);
FYKE_API void fyke_rules_free(struct fyke_rules *rules);
FYKE_API size_t fyke_rules_count(const struct fyke_rules *rules);
/* Name of rule i; NULL beyond the last. */
FYKE_API const char *fyke_rules_name(const struct fyke_rules *rules, size_t i);

/* ---- alerts ------------------------------------------------------------------------------- */

struct fyke_alert {
    const char *json; /* one line as in docs/formats.md, NUL-terminated, no newline */
    size_t json_len;
    const char *rule;
    const char *match_id;
    const char *key; /* canonical key text; NULL for a rule without `for each` */
    int64_t event_time_ns;
};
/* Return false to stop the run (FYKE_IO). */
typedef bool (*fyke_alert_fn)(void *ctx, const struct fyke_alert *a);
/* One line about the run, already worded; never payloads. It may begin with its level as syslog and
 * sd-daemon(3) have it: <3> error, <6> information, <7> details; without one it is a warning. */
typedef void (*fyke_log_fn)(void *ctx, const char *line);

/* ---- embedded engine ----------------------------------------------------------------------- */

struct fyke_engine;

struct fyke_options {
    size_t size;
    const char *state_dir;       /* NULL: state in memory only */
    const char *app;             /* name of the application; "fyke" */
    unsigned threads;            /* 1 */
    uint64_t memory_bytes;       /* budget of the hot state; 512 MiB */
    uint64_t buffer_bytes;       /* of events that wait for their turn, more waits on disk; 256 MiB */
    unsigned max_evidence;       /* per step; 100 */
    unsigned max_runs;           /* open first events per rule and key; 1,000 */
    unsigned max_matches;        /* `no skip`: per key and point; 1,000 */
    const char *evidence_fields; /* "a,b", "*" or NULL */
    bool strict;                 /* the first invalid record ends the run */
    bool pending;                /* list pending deadlines at the end of bounded input */
    bool shadow;                 /* alerts of rules in status shadow go out as well */
    bool reset_state;            /* delete what state_dir holds, begin anew */
    bool general_detector;       /* diagnostic: no rule uses the detector of its class */
    const char *const *geoip;    /* MaxMind files for geoip(ip), in order; NULL: none */
    size_t n_geoip;
    fyke_log_fn log;             /* NULL: silent */
    void *log_ctx;
};
FYKE_API void fyke_options_init(struct fyke_options *o);

struct fyke_record {
    size_t size;
    const char *topic;
    int32_t partition;
    int64_t offset; /* must rise within a partition; one at or below the highest is skipped */
    const void *key;
    size_t key_len; /* key NULL: null key */
    const void *value;
    size_t value_len; /* value NULL: tombstone */
    bool has_timestamp;
    int64_t timestamp_ns; /* the record's own timestamp */
};

/* `rules` must outlive the engine. With a state directory an existing state is continued. */
FYKE_API FYKE_CHECKED enum fyke_result fyke_engine_open(const struct fyke_rules *rules,
                                                        const struct fyke_options *o,
                                                        fyke_alert_fn on_alert, void *ctx,
                                                        struct fyke_engine **ret);
FYKE_API FYKE_CHECKED enum fyke_result fyke_engine_push(struct fyke_engine *e,
                                                        const struct fyke_record *r);
/* Event time has reached t on every input: deadlines before t fire. */
FYKE_API FYKE_CHECKED enum fyke_result fyke_engine_advance(struct fyke_engine *e, int64_t t_ns);
/* No more input: everything is released; deadlines fire up to `watermark_ns` (INT64_MAX: all). */
FYKE_API FYKE_CHECKED enum fyke_result fyke_engine_finish(struct fyke_engine *e,
                                                          int64_t watermark_ns);
/* Alerts so far have been delivered: state is made durable (with a state directory). */
FYKE_API FYKE_CHECKED enum fyke_result fyke_engine_commit(struct fyke_engine *e);
FYKE_API void fyke_engine_close(struct fyke_engine *e);

/* ---- whole runs ---------------------------------------------------------------------------- */

enum fyke_watermark_end { FYKE_END_DEFAULT, FYKE_END_AT, FYKE_END_FLUSH };

/* By default exactly once from Kafka to Kafka, at least once otherwise. */
enum fyke_delivery { FYKE_DELIVERY_DEFAULT, FYKE_EXACTLY_ONCE, FYKE_AT_LEAST_ONCE };

/* Of several instances: which rules, when those of the files are not those in force (docs/reload.md). */
enum fyke_group_rules {
    FYKE_GROUP_AUTO,   /* those of the files if they have changed since the last start, else those in force */
    FYKE_GROUP_TAKE,   /* those of the files, for all instances */
    FYKE_GROUP_FOLLOW, /* those in force */
};

enum fyke_watch {
    FYKE_WATCH_OFF,
    FYKE_WATCH_FILES,
    FYKE_WATCH_POLL, /* without the kernel's notes: file systems over a network */
};

struct fyke_run_config {
    size_t size;
    struct fyke_options options;
    /* Inputs as on the command line: "[TOPIC=]FILE", "-", "kafka", "kafka:T1,T2". */
    const char *const *inputs;
    size_t n_inputs;
    bool kcat; /* files hold envelopes instead of payloads */
    /* Output: NULL or "stdout", a path, "kafka:TOPIC"; with on_alert set it is not used. */
    const char *output;
    fyke_alert_fn on_alert;
    void *on_alert_ctx;
    const char *const *kafka_properties; /* "key=value", for librdkafka */
    size_t n_kafka_properties;
    const char *start; /* "earliest", "latest" or RFC 3339: first start only */
    bool once;         /* Kafka: stop at the ends that the partitions had at the start */
    enum fyke_watermark_end watermark_end;
    int64_t watermark_end_ns;
    enum fyke_delivery delivery;
    int64_t commit_every_ms; /* 0: 200 where delivery is exactly once, else 1,000 */
    /* Invalid and late records go to this file as JSON lines, or to "kafka:TOPIC"; NULL: counted. */
    const char *dead_letter;
    const char *late; /* the late ones alone; NULL: as the invalid ones */
    const volatile int *stop; /* becomes non-zero: drain, commit, return FYKE_INTERRUPTED */
    const char *fault;        /* tests: die at this fault point; not in every build (FYKE_FAULT_POINTS) */
    const char *instance_id;  /* Kafka: static member of the group `app`; NULL: none */
    bool in_group; /* several instances share the partitions (docs/kafka.md); needs instance_id */
    const volatile int *reload; /* rises with each wish for the rules to be loaded anew; NULL */
    bool rebuild_from_input; /* Kafka, exactly once: state anew from what the topics hold, silently, up
                                to the group's positions; then on from there */
    unsigned standby; /* with in_group: warm copies of each partition's state, kept by others */
    enum fyke_group_rules group_rules; /* with in_group */
    bool warm_changed; /* new and changed rules have seen the last window when they take over; what old ones have
                          open is dropped */
    bool drop_changed; /* rules that have changed drop what they have open; else the old version finishes it */
    /* Other contents of the files that the rules were read from are a wish for a reload, too. */
    enum fyke_watch watch;
    const char *audit; /* a record of every start and reload is added to that file; NULL: none */
};
FYKE_API void fyke_run_config_init(struct fyke_run_config *c);

/* Summary as JSON (docs/formats.md section 4) through `summary`, once, at the end; may be NULL. */
FYKE_API FYKE_CHECKED enum fyke_result fyke_run(const struct fyke_rules *rules,
                                                const struct fyke_run_config *c,
                                                void (*summary)(void *ctx, const char *json),
                                                void *summary_ctx);

#ifdef __cplusplus
}
#endif

#endif
