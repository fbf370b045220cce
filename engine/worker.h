/* Threads that do a job together. workers_each() is a barrier: it returns when all of it is done; thread 0 is
 * the caller. */
#ifndef FYKE_ENGINE_WORKER_H
#define FYKE_ENGINE_WORKER_H

#include <stdint.h>

#include "nfa/state.h"

struct workers;

/* `env`: what the threads' expressions read; outlives the workers. */
struct workers *workers_new(const struct ruleset *rs, struct nfa_limits limits, uint32_t threads,
                            const struct eval_env *env);
void workers_free(struct workers *w);
/* Threads that could be started, with the caller. */
uint32_t workers_count(const struct workers *w);
/* One of the things to do, by thread `worker`; which one that is follows from nothing. */
typedef void (*worker_item)(void *ctx, uint32_t item, uint32_t worker, struct nfa_scratch *scratch);
/* Items 0 … n - 1, each once. Item i is of thread i % threads, whose cache may still hold it, as long as no
 * other thread has run out of its own. Nobody waits for a thread that has not begun when all are taken. */
void workers_each(struct workers *w, worker_item job, void *ctx, uint32_t n);
/* Of the calling thread. */
struct nfa_scratch *workers_scratch(struct workers *w);
/* Sum over the threads; only between passes. */
void workers_counters(const struct workers *w, struct nfa_counters *ret);

#endif
