/* A task set: the tasks of one process, with one source, one journal, one sink.
 *
 * A task is an engine with everything that belongs to it: clocks, header, keys, a copy on disk, a part
 * of the changelog. Solo, the whole input is one task (engine_run()). In a group, task p is partition p
 * of every topic, and which ones are ours the group says, again and again:
 *
 *   taken   what was read is committed, then the partitions are let go; the tasks stay in memory
 *   given   a task that comes back and whose last commit is still the last one goes on where it stands;
 *           one that does not come back is closed; one that is new is restored from its changelog, on a
 *           thread of its own while the others go on, and then takes part
 *
 * All tasks that changed go into one commit. Whatever goes wrong ends the set; the next one begins
 * with what is committed.
 *
 *   task_set_run.c     the loop                  task_set.c      commit; what a task is made of
 *   task_set_change.c  partitions come and go    task_restore.c  tasks on their way
 *   task_set_summary.c figures of all            task_log.c      their lines, until they are here
 *   task_standby.c     warm copies of tasks that others have
 *   task_threads.c     tasks spread over threads
 *   task_look.c        looking into those that are here
 *
 * Thread rule: the input thread's; what is restored belongs to its thread until it is done. */
#ifndef FYKE_ENGINE_TASKS_TASK_SET_H
#define FYKE_ENGINE_TASKS_TASK_SET_H

#include "engine/engine.h"

/* Each has a database, a thread that writes it and a share of the memory. */
#define TASK_SET_MAX 256

struct task_set;

struct task_set_options {
    const struct engine_options *engine; /* of each task, but for threads, which the tasks share; state_dir is the parent of theirs, memory
                                            is shared out; a journal is needed */
    const bool *reads; /* per topic of the rule set: is it read? */
    uint32_t n_tasks;  /* of all instances: partitions that each topic has */
    uint32_t standby;  /* warm copies of each task, by instances that do not have it */
};

/* `rs` and what the options point to must outlive it. Locks the directory and opens the journal. */
enum err task_set_new(const struct ruleset *rs, const struct task_set_options *o,
                      struct task_set **ret, struct error *err) FYKE_MUST_USE;
/* Brings the copies to the last commit. */
void task_set_free(struct task_set *in);
/* As a crash would leave it (tests). */
void task_set_abandon(struct task_set *in);

/* As engine_run(). */
enum err task_set_run(struct task_set *in, struct source *source, struct sink *sink,
                      const volatile sig_atomic_t *stop, struct error *err) FYKE_MUST_USE;

/* During options.engine->beat: as engine_ask_stop() and engine_has_stopped(). */
void task_set_ask_stop(struct task_set *in);
bool task_set_has_stopped(const struct task_set *in);

/* Figures of all tasks, those that were closed included; valid until the next call. */
void task_set_summary(struct task_set *in, struct engine_summary *ret);
/* Looking (task_look.c): between two turns. Tasks that are here, of all; their numbers, ascending. */
uint32_t task_set_here(const struct task_set *in, uint32_t *ret_of);
uint32_t task_set_number(const struct task_set *in, uint32_t i);
/* As engine_look(), of the task that holds something of the key: *ret_task. -1: none that is here does, and
 * one of them says so. ERR_USAGE also when none is here. */
enum err task_set_look(struct task_set *in, const char *rule, struct slice key,
                       const struct engine_looker *looker, int64_t *ret_task,
                       struct error *err) FYKE_MUST_USE;
/* As engine_rule_figures(), of all that are here; alerts also of those that have left. */
void task_set_rule_figures(struct task_set *in, struct engine_rule_figures *ret, bool *ret_whole);
/* As engine_carry(). */
struct engine_carried *task_set_carry(struct task_set *in);

#endif
