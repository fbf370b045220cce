/* Settings of `fyke run`: one table (settings_table.c) from which come the flags, the names in the
 * environment and in the configuration file, the help and docs/configuration.md.
 *
 * A setting that stands in several places takes the value of the strongest: flag, environment,
 * file, default. What is given more than once in one place adds up if it is repeatable; a stronger
 * place replaces all of it. Every value is checked wherever it stands, also one that loses. */
#ifndef FYKE_CLI_SETTINGS_H
#define FYKE_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum setting_id {
    SET_RULES,
    SET_INPUT,
    SET_INPUT_FORMAT,
    SET_OUTPUT,
    SET_GEOIP,
    SET_FORMAT,
    SET_JOBS,
    SET_CONFIG,
    SET_SHOW_CONFIG,
    SET_STATE,
    SET_RESET_STATE,
    SET_REBUILD,
    SET_ON_CHANGE,
    SET_WATCH,
    SET_AUDIT,
    SET_MEMORY,
    SET_BUFFER,
    SET_COMMIT_EVERY,
    SET_DELIVERY,
    SET_APP,
    SET_WATERMARK_END,
    SET_FLUSH,
    SET_PENDING,
    SET_SHADOW,
    SET_EVIDENCE_FIELDS,
    SET_MAX_EVIDENCE,
    SET_MAX_RUNS,
    SET_MAX_MATCHES,
    SET_DETECTOR,
    SET_STRICT,
    SET_DEAD_LETTER,
    SET_LATE,
    SET_ALLOW_EMPTY,
    SET_START,
    SET_ONCE,
    SET_INSTANCES,
    SET_INSTANCE_ID,
    SET_STANDBY,
    SET_GROUP_RULES,
    SET_GRACE,
    SET_LISTEN,
    SET_STATS,
    SET_QUIET,
    SET_LOG_FORMAT,
    SET_LOG_LEVEL,
    SET_COLOR,
    SET_HELP,
#ifdef FYKE_FAULT_POINTS
    SET_FAULT,
#endif
    SET_COUNT
};

enum setting_kind {
    SETTING_FLAG,     /* true or false */
    SETTING_TEXT,
    SETTING_NUMBER,   /* min..max */
    SETTING_BYTES,    /* 512MiB */
    SETTING_DURATION, /* 500ms; above zero */
    SETTING_TIME,     /* RFC 3339, or one of the words */
    SETTING_CHOICE,   /* one of the words */
};

/* Where a setting must not stand. */
enum {
    NOT_IN_FILE = 1,
    NOT_IN_ENVIRONMENT = 2,
    FLAG_ONLY = NOT_IN_FILE | NOT_IN_ENVIRONMENT,
    NOT_SHOWN = 4, /* neither in help nor in the documentation */
};

struct setting {
    const char *name;     /* --NAME, `NAME = …`, FYKE_NAME */
    char letter;          /* -r, or 0 */
    enum setting_kind kind;
    bool repeatable;
    unsigned without;
    const char *value;    /* as help calls it; NULL: a flag */
    const char *words;    /* "json|human"; in the order of the enum that reads them */
    const char *implied;  /* by the flag without a value; NULL: it needs one */
    uint64_t min, max;
    const char *fallback; /* as text; NULL: none */
    const char *group;    /* heading in help; NULL: that of the one before */
    const char *help;
};

const struct setting *setting_at(enum setting_id id);

/* ---- values ------------------------------------------------------------------------------- */

enum setting_from { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG };

struct setting_origin {
    enum setting_from from;
    const char *name;   /* file or variable */
    uint32_t line, col; /* of the value, in a file */
};

struct setting_value {
    const char *text;
    struct setting_origin origin;
    union {
        bool flag;
        uint64_t number; /* NUMBER, BYTES */
        int64_t ns;      /* DURATION, TIME */
    } u;
    int word; /* index in `words`; -1: a time */
};

struct setting_values {
    struct setting_value *items; /* all of one origin */
    size_t n, cap;
};

/* A property for librdkafka. */
struct kafka_setting {
    const char *key, *value;
    const char *property; /* the library's own name for it */
    const char *path; /* the file that the value was read from, or NULL */
    struct setting_origin origin;
};

struct settings {
    const char *verb;   /* who asks, for problems; borrowed */
    struct arena arena; /* of all texts */
    struct setting_values values[SET_COUNT];
    struct kafka_setting *kafka; /* one per property */
    size_t n_kafka, cap_kafka;
    struct buf problems; /* whole lines, ready to be shown */
    size_t n_problems;
    bool wrong_usage; /* a problem on the command line */
};

void settings_init(struct settings *s, const char *verb);
void settings_release(struct settings *s);

/* Sets one; `text` NULL: a flag without value. What is wrong becomes a problem. */
void settings_set(struct settings *s, enum setting_id id, const char *text,
                  struct setting_origin origin);
/* A property; KEY.file of a secret names a file that holds its value. */
void settings_set_kafka(struct settings *s, const char *key, const char *value,
                        struct setting_origin origin);
/* "FILE:3:9: error: " or "fyke VERB: " and the text. */
void settings_problem(struct settings *s, const struct setting_origin *o, const char *fmt, ...)
    FYKE_PRINTF(3, 4);
/* `unknown key 'x'; did you mean 'y'?` `known`: allows another thing to be meant. */
/* Settings that mean something with `instances = group` alone. */
void settings_check_together(struct settings *s);
void settings_unknown(struct settings *s, const struct setting_origin *o, const char *what,
                      struct slice name);

/* Reads the file's settings; false: it cannot be read (a problem too). */
bool settings_read_file(struct settings *s, const char *path);
/* The same from memory. */
void settings_read_text(struct settings *s, const char *name, struct slice text);
/* FYKE_… of `environment`, an array as `environ`. */
void settings_read_environment(struct settings *s, const char *const *environment);
/* argv[0] is the verb. Whatever is no flag is a problem. */
void settings_read_flags(struct settings *s, int argc, char **argv);

/* Values in force. A default is parsed like a value; without one: NULL, 0, false, -1. */
bool settings_is_set(const struct settings *s, enum setting_id id);
enum setting_from settings_from(const struct settings *s, enum setting_id id);
const char *settings_text(const struct settings *s, enum setting_id id);
bool settings_flag(const struct settings *s, enum setting_id id);
uint64_t settings_number(const struct settings *s, enum setting_id id);
int64_t settings_ns(const struct settings *s, enum setting_id id);
int settings_word(const struct settings *s, enum setting_id id);
/* Number of values of a repeatable one. */
size_t settings_count(const struct settings *s, enum setting_id id);
const char *settings_item(const struct settings *s, enum setting_id id, size_t i);

/* ---- names -------------------------------------------------------------------------------- */

/* SET_COUNT: there is none. */
enum setting_id setting_find(struct slice name);
/* FYKE_COMMIT_EVERY for commit-every. */
void setting_variable(const struct setting *d, struct buf *out);
/* Properties whose values are shown to nobody. */
bool kafka_setting_is_secret(struct slice key);

/* ---- text (settings_show.c) ---------------------------------------------------------------- */

/* Everything in force, as a configuration file with the origins behind it: defaults as comments,
 * secrets left out. */
void settings_show(const struct settings *s, struct buf *out);
/* The same, one JSON object per setting. */
void settings_show_json(const struct settings *s, struct buf *out);
/* The options of --help. */
void settings_help(struct buf *out);
/* docs/configuration.md. */
void settings_page(struct buf *out);

#endif
