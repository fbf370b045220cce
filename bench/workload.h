/* What the measurements share: records in memory, a rule set, an engine whose alerts nobody hears. Whatever goes
 * wrong ends the process. */
#ifndef FYKE_BENCH_WORKLOAD_H
#define FYKE_BENCH_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/memory.h"
#include "dsl/compile.h"
#include "engine/engine.h"

/* Under callgrind with --collect-atstart=no only what lies between these two is counted (tests/counts). */
#ifdef BENCH_CALLGRIND
#include <valgrind/callgrind.h>
#define COUNT_TOGGLE() CALLGRIND_TOGGLE_COLLECT
#else
#define COUNT_TOGGLE() ((void)0)
#endif

#define PROCESS_EVERY 4096

struct input {
    struct record *records;
    size_t n, cap;
    char *texts[64];
    size_t n_texts;
};

/* Of all threads of the process. */
double cpu_seconds(void);
void die(const char *what, const char *why);
void check(enum err rc, const struct error *err);
struct compilation *compile(const char *rules);

/* TOPIC=FILE; at most that many lines. */
void input_add_file(struct input *in, const struct ruleset *rs, const char *arg, size_t most);
void input_sort_by_time(struct input *in, const struct ruleset *rs);
void input_release(struct input *in);

/* The events stand where decoding leaves those of a run: in a block, which is kept. */
struct decoded_input {
    struct event_blocks blocks;
    struct event_block *block;
    struct event **events;
    size_t n, cap;
};
void input_decode(const struct input *in, const struct ruleset *rs, struct decoded_input *out);
void decoded_release(struct decoded_input *d);

extern struct sink deaf_sink;
struct engine *engine_open(const struct ruleset *rs, struct sink *sink);

#endif
