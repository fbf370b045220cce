/* Threads that own shards. worker_run() is a barrier: it returns when every shard has done its
 * pass. Shard s belongs to thread s % threads; thread 0 is the caller. */
#ifndef FYKE_ENGINE_WORKER_H
#define FYKE_ENGINE_WORKER_H

#include "engine/shard.h"

struct workers;

struct workers *workers_new(const struct ruleset *rs, struct nfa_limits limits,
                            struct shard *shards, uint32_t n_shards, uint32_t threads);
void workers_free(struct workers *w);
void workers_run(struct workers *w, const struct shard_pass *pass);
/* Of the calling thread. */
struct nfa_scratch *workers_scratch(struct workers *w);
/* Sum over the threads; only between passes. */
void workers_counters(const struct workers *w, struct nfa_counters *ret);

#endif
