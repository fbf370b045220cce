/* Runs of the library over files, with a state, whose rule files change meanwhile. */
#ifndef FYKE_TESTS_SUPPORT_RELOAD_WORLD_H
#define FYKE_TESTS_SUPPORT_RELOAD_WORLD_H

#include <signal.h>

#include "base/buf.h"
#include "lib/run.h"

#define RELOAD_ACTS 12

/* From this batch on, when no reload is under way and the rules in force have seen some, the rule file becomes these texts and is read; the first NULL: the run is stopped. */
struct reload_act {
    unsigned at;
    const char *texts[5];
};

struct reload_world {
    const char *head;    /* in front of all rules */
    char dir[64], rules[96], input[96], state[96];
    struct buf alerts;   /* one line each */
    struct buf said;
    volatile sig_atomic_t stop, reload;
    unsigned beats;         /* batches so far */
    struct reload_act acts[RELOAD_ACTS];
    unsigned n_acts, next_act;
    const char *later[5];   /* what the rule file becomes while it is read */
    unsigned switched_at[RELOAD_ACTS]; /* batches before other rules */
    struct etime switched_time[RELOAD_ACTS]; /* how far event time had come */
    int64_t next_offset, switched_offset[RELOAD_ACTS]; /* of the input: the next record; the first one after */
    unsigned n_switched;
    unsigned life_beats; /* since the last of them */
    bool no_state, drop_changed, warm_changed;
    bool kcat; /* reload_world_envelopes() */
    size_t memory_bytes;
    bool unlinks;        /* with the rule file, input and database lose their names */
    const char *fault;   /* to die at */
    const char *output;  /* instead of `alerts` */
    char audit[96];      /* the file of records; empty: none */
    struct reload_figures figures;
    struct engine_summary engine;
    struct etime frontier; /* of the input */
};

/* So many records of so many keys, one each 20 ms, out of order by up to 3.5 s; `at` and `t` in milliseconds. */
void reload_world_make(struct reload_world *w, const char *head, int records, unsigned keys);
/* The same in microseconds, no two at one time. */
void reload_world_make_us(struct reload_world *w, const char *head, int records, unsigned keys);
/* The input becomes envelopes of `kcat -J`. */
void reload_world_envelopes(struct reload_world *w);
void reload_world_end(struct reload_world *w);
/* The rule file becomes the head and these; the last one is NULL. */
void reload_world_rules(const struct reload_world *w, const char *const *texts);
void reload_world_file(const struct reload_world *w, const char *name, const char *text);
void reload_world_act(struct reload_world *w, unsigned at, const char *const *texts);
enum fyke_result reload_world_run(struct reload_world *w);
/* With the rules that the state holds. */
enum fyke_result reload_world_run_stored(struct reload_world *w);
bool reload_world_said(const struct reload_world *w, const char *text);
/* `"name":value` of a line of JSON, as far as the next comma. */
struct slice reload_world_member(struct slice line, const char *name);

#endif
