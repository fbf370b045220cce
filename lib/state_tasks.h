/* A state directory of several instances: a state for each task, STATE/task-NNNN. Their exports are a folder
 * with a file for each, task-NNNN.fyke. */
#ifndef FYKE_LIB_STATE_TASKS_H
#define FYKE_LIB_STATE_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define STATE_TASK_FILE ".fyke"

struct state_task {
    uint32_t number;
    char *path;
};

/* In order of their numbers; n = 0: there are none, or no such directory. */
struct state_tasks {
    struct state_task *items;
    size_t n, cap;
};

/* Folders that hold a state. */
enum err state_tasks_find(const char *dir, struct state_tasks *ret, struct error *err) FYKE_MUST_USE;
/* Exports. */
enum err state_tasks_find_files(const char *dir, struct state_tasks *ret,
                                struct error *err) FYKE_MUST_USE;
void state_tasks_release(struct state_tasks *t);

/* Removes them, as far as that is possible: what an import has made that then failed. */
void state_tasks_drop(const char *dir);

/* A directory is of one instance or of several: ERR_USAGE, before anything is read or written there. `dir`
 * may be NULL, or not be there. */
enum err state_tasks_check(const char *dir, bool in_group, struct error *err) FYKE_MUST_USE;
/* Where an export belongs below `dir`, which it fits: `dir` itself, or the folder of its task. The caller's. */
enum err state_tasks_place(const char *file, const char *dir, char **ret,
                           struct error *err) FYKE_MUST_USE;

#endif
