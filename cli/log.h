/* Log lines of a run on standard error: as text or one JSON object per line, from a level on.
 *
 * Lines that differ in numbers only are of one kind. Of a kind LOG_BURST lines pass in LOG_WINDOW,
 * the rest is counted, and the count goes out with the newest of them when the window is over. */
#ifndef FYKE_CLI_LOG_H
#define FYKE_CLI_LOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/say.h"

#define LOG_KINDS 64
#define LOG_BURST 10
#define LOG_WINDOW ((struct duration){10 * NS_PER_S})

struct log_clock {
    struct etime (*wall)(void *ctx);
    struct ptime (*monotonic)(void *ctx);
    void *ctx;
};

struct log_kind {
    uint64_t hash; /* 0: free */
    struct ptime since;
    uint32_t passed, suppressed;
    enum say_level level;
    struct slice component; /* a literal's */
    char newest[512];       /* the line that was suppressed last */
};

struct log {
    FILE *to;
    bool json;
    bool prefixed;        /* text for the journal: levels stand in front */
    enum say_level least; /* what is less grave is left out */
    struct log_clock clock;
    struct log_kind kinds[LOG_KINDS];
    pthread_mutex_t lock; /* lines may come from any thread */
};

void log_init(struct log *l, FILE *to, bool json, enum say_level least, struct log_clock clock);
/* Tells what is still suppressed. */
void log_release(struct log *l);

/* A line of the library: "<6>kafka: text". For fyke_log_fn; `ctx` is the struct log. */
void log_line(void *ctx, const char *line);
/* `component` and `name` are literals. */
void log_say(struct log *l, enum say_level level, const char *component, const char *fmt, ...)
    FYKE_PRINTF(4, 5);
/* A line with a JSON value beside it, NAME: VALUE; in text the value stands behind it. */
void log_value(struct log *l, const char *component, const char *message, const char *name,
               struct slice json);
/* Tells what was suppressed in windows that are over. Now and then. */
void log_tick(struct log *l);

/* A whole line for later, as an error about the process's life. Where in it the time stands is
 * log_late_time(), LOG_TIME_BYTES long, or -1: a signal handler fills it in. */
void log_late_line(const struct log *l, struct buf *out, const char *fmt, ...) FYKE_PRINTF(3, 4);
int log_late_time(const struct log *l);
#define LOG_TIME_BYTES 24

const char *log_level_name(enum say_level level);

#endif
