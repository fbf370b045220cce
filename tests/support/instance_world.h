/* A compiled rule and one key of it, fed event by event. The rule's events are A, B, C, D, M (topics of
 * the same names in small letters) with the optional fields v and w (int), x (string). */
#ifndef FYKE_TESTS_INSTANCE_WORLD_H
#define FYKE_TESTS_INSTANCE_WORLD_H

#include "dsl/compile.h"
#include "nfa/state.h"

struct instance_world {
    struct compilation *c;
    const struct rule *rule;
    struct pool pool;
    struct nfa_scratch *scratch;
    struct instance *in;
    struct value key;
    struct buf log; /* one line per match: time and offsets */
    uint32_t max_runs;
    bool general;
    bool quiet;     /* count matches only */
    uint64_t matches;
    int64_t offset;
};

/* `rule`: its text without the events. */
void world_open(struct instance_world *w, const char *rule, bool general, uint32_t max_runs);
/* From now on searches remember no failures of parts that read names. */
void world_remember_nothing(struct instance_world *w);
void world_close(struct instance_world *w);
/* type: 'A' … 'D', 'M'. */
void world_push(struct instance_world *w, char type, int64_t ms, int64_t v);
void world_push_text(struct instance_world *w, char type, int64_t ms, struct slice s);
void world_push_both(struct instance_world *w, char type, int64_t ms, struct value v, struct value s);
/* From now on so many starts. */
void world_allow(struct instance_world *w, uint32_t max_runs);
/* Every deadline up to and including ms fires. */
void world_advance(struct instance_world *w, int64_t ms);
uint64_t world_work(const struct instance_world *w);
/* The stored form: head and segments one after the other. */
void world_stored(struct instance_world *w, struct buf *out);
/* Stores the instance and loads it again. */
void world_reload(struct instance_world *w);

#endif
