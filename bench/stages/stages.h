/* The parts of the way from a record to an alert, each run alone over the same records: what a file here measures
 * stands in a table of main.c. */
#ifndef FYKE_BENCH_STAGES_STAGES_H
#define FYKE_BENCH_STAGES_STAGES_H

#include "bench/workload.h"
#include "engine/keys/key.h"

/* An event with one of its keys. */
struct keyed_event {
    const struct event *event;
    const struct key_group *group;
    const struct key_variant *variant;
    struct key_ref key;
    uint32_t number; /* of the key, from 0 */
};

/* Ready before anything is measured. */
struct bench {
    const struct ruleset *rs;
    struct input in;
    enum decode_way way;
    struct nfa_limits limits;
    struct decoded_input events; /* in the total order */
    struct key_table keys;       /* rules share nothing */
    struct key_eval key_eval;
    struct keyed_event *keyed; /* of the rules that read input alone */
    size_t n_keyed, cap_keyed;
    const struct keyed_event **key_of_number; /* one of each key */
    uint32_t n_keys;
    uint64_t alerts;  /* of "engine" */
    uint64_t matches; /* of "step" */
};

struct measured {
    double seconds;
    uint64_t operations;
};

/* What lies between the two counts; several times, if a stage has other things to do in between. */
void stage_begin(struct measured *m);
void stage_end(struct measured *m);

typedef void (*stage_fn)(struct bench *b, struct measured *m);

/* text.c */
void stage_scan(struct bench *b, struct measured *m);
void stage_decode(struct bench *b, struct measured *m);
/* whole.c */
void stage_evaluate(struct bench *b, struct measured *m);
void stage_engine(struct bench *b, struct measured *m);
/* order.c */
void stage_order(struct bench *b, struct measured *m);
/* keys.c */
void stage_key(struct bench *b, struct measured *m);
void stage_look_up(struct bench *b, struct measured *m);
void stage_timers(struct bench *b, struct measured *m);
/* instances.c */
void stage_step(struct bench *b, struct measured *m);
void stage_encode(struct bench *b, struct measured *m);
void stage_load(struct bench *b, struct measured *m);
/* checkpoint.c */
void stage_freeze(struct bench *b, struct measured *m);
void stage_write(struct bench *b, struct measured *m);

/* ready.c */
void bench_ready(struct bench *b);
void bench_release(struct bench *b);
/* Without a store, or with one. */
struct keyspace_options bench_keyspace_options(const struct bench *b);

#endif
