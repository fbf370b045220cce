/* Fires the deadlines and expiries of a shard that the clock has passed. */
#ifndef FYKE_ENGINE_TIMERS_H
#define FYKE_ENGINE_TIMERS_H

#include "engine/keys/measure_view.h"
#include "engine/shard.h"

/* Everything of the pass's level of a clock group with T < before, key by key in order of (T, key
 * hash); the order in which alerts leave is out_order.c's. */
enum err timers_fire(struct shard *s, const struct shard_pass *pass, uint32_t clock_group,
                     struct nfa_scratch *scratch, struct error *err) FYKE_MUST_USE;

/* The keys of s->due, as far as they are due at pass->listed_at; uses the list up. */
enum err timers_fire_listed(struct shard *s, const struct shard_pass *pass,
                            struct nfa_scratch *scratch, struct error *err) FYKE_MUST_USE;

/* Everything of one record with the record's next T. The record may be gone afterwards. */
void timers_fire_record(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                        struct nfa_call *call, struct measure_view *view);
/* Of the rules that read profiles, and of the profiles, everything with T < before. */
void timers_fire_readers(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                         struct etime before, struct nfa_call *call, struct measure_view *view);
/* The same as timers_fire_record() behind an event that came back: what derives from it has that event's place of release. */
void timers_fire_behind(struct shard *s, const struct shard_pass *pass, struct key_record *rec,
                        struct nfa_call *call, struct measure_view *view);

#endif
