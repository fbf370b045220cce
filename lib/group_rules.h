/* The rules that several instances run: one set in force for all of them, recorded in the topic
 * `<app>.rules`.
 *
 * At its first start the set of whoever comes first is put in force. From then on a set that is wished (by a
 * reload, by files that changed, or explicitly; group_choice.h) is looked at, written and thereby in force as
 * of its generation; every instance hears of it, compiles it aside, and takes it as a reload does: its tasks
 * stop at a commit and are opened with the new set. The commit that follows names it in the header of each
 * task, so there is one recorded point per task, and whoever has a task later goes on with what its header
 * names or with what is in force since: never with anything older (group_rules_confirm).
 *
 * A thread looks into the topic and carries out wishes. Thread rule: all calls but group_rules_confirm()
 * from the run's own thread. */
#ifndef FYKE_LIB_GROUP_RULES_H
#define FYKE_LIB_GROUP_RULES_H

#include "connectors/kafka.h"
#include "lib/rules.h"

struct group_rules;

/* `files`: as they were read; NULL: they cannot be. `kafka`: as of the run; what it points to must outlive
 * it, but for `beat`. Asks no broker. */
enum err group_rules_new(const struct fyke_run_config *c, const struct fyke_rules *files,
                         struct fault *fault, const struct kafka_config *kafka,
                         struct group_rules **ret, struct error *err) FYKE_MUST_USE;
/* Waits for the thread. */
void group_rules_free(struct group_rules *g);

/* Without a run: what is in force for all instances. NULL in *ret: nothing yet. */
enum err group_rules_find(const struct fyke_run_config *c, const struct kafka_config *kafka,
                          const char *const *paths, size_t n_paths, struct fyke_rules **ret,
                          struct error *err) FYKE_MUST_USE;

/* A life is about to begin. `now`: the set that it would begin with; at the first those of the files. *ret:
 * others are in force, now the caller's; NULL: none. ERR_USAGE: ours can neither be taken nor left
 * (`now` is not what is in force, and nobody said which is wanted). `kafka` as of this life. */
enum err group_rules_settle(struct group_rules *g, const struct kafka_config *kafka,
                            const struct fyke_rules *now, struct fyke_rules **ret,
                            struct error *err) FYKE_MUST_USE;
/* Of what this life runs. */
uint64_t group_rules_generation(const struct group_rules *g);
/* Which topics this life reads: "T1,T2", or NULL for all of the rules. */
const char *group_rules_topics(const struct group_rules *g);

/* The files have been read for a reload; `rules` are taken over. */
void group_rules_wish(struct group_rules *g, struct fyke_rules *rules);
struct group_rules_step {
    bool busy;                   /* a wish is being carried out */
    bool switches;               /* another set is in force than that of this life */
    uint64_t unchanged, refused; /* wishes that came to nothing, since the last step */
};
/* Between two batches. */
struct group_rules_step group_rules_step(struct group_rules *g);

/* A task whose header names another set than that of this life is about to be opened: is ours the one in
 * force, now? ERR_ABORTED: no, the task has gone on with another one already. Any thread. */
enum err group_rules_confirm(void *g, struct hash128 stored, struct error *err) FYKE_MUST_USE;

#endif
