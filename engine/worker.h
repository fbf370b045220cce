/* Threads that do a job together. workers_run() is a barrier: it returns when every thread has done
 * its part; thread 0 is the caller. In a pass over the shards, shard s belongs to thread
 * s % threads. */
#ifndef FYKE_ENGINE_WORKER_H
#define FYKE_ENGINE_WORKER_H

#include <stdint.h>

#include "nfa/state.h"

struct workers;

/* The part of thread `worker` of `n`. */
typedef void (*worker_job)(void *ctx, uint32_t worker, uint32_t n, struct nfa_scratch *scratch);

/* `env`: what the threads' expressions read; outlives the workers. */
struct workers *workers_new(const struct ruleset *rs, struct nfa_limits limits, uint32_t threads,
                            const struct eval_env *env);
void workers_free(struct workers *w);
/* Threads that could be started, with the caller. */
uint32_t workers_count(const struct workers *w);
void workers_run(struct workers *w, worker_job job, void *ctx);
/* Of the calling thread. */
struct nfa_scratch *workers_scratch(struct workers *w);
/* Sum over the threads; only between passes. */
void workers_counters(const struct workers *w, struct nfa_counters *ret);

#endif
