/* Warm copies of tasks that other instances have (--standby N): one thread that follows their changelogs
 * into the directories that the tasks would be restored in. Which ones, the journal says: those that
 * would come here if others ended.
 *
 * A directory has one owner at a time. The input thread says which tasks are its own; the thread closes
 * their copies, and a task is restored when that has happened.
 *
 * Thread rule: all functions are the input thread's. */
#ifndef FYKE_ENGINE_TASKS_TASK_STANDBY_H
#define FYKE_ENGINE_TASKS_TASK_STANDBY_H

#include "engine/tasks/task_set_parts.h"

struct task_standby;

/* `copies` of each task, where there are enough instances. NULL: none are asked for. */
enum err task_standby_new(const struct task_set *in, uint32_t copies, struct task_standby **ret,
                          struct error *err) FYKE_MUST_USE;
/* These are ours, or on their way; `again`: the group has shared anew, and the choice may be another. */
void task_standby_leave(struct task_standby *s, const bool *ours, bool again);
/* Nobody is in the directory of that task. */
bool task_standby_has_left(struct task_standby *s, uint32_t number);
/* What it has to say goes out. */
void task_standby_tick(struct task_standby *s);
/* Copies that are kept now; entries that were read for them. */
void task_standby_figures(const struct task_standby *s, uint32_t *ret_copies,
                          uint64_t *ret_entries);
void task_standby_free(struct task_standby *s);

#endif
