/* Where the state of a task lies: STATE/task-NNNN. */
#ifndef FYKE_ENGINE_TASKS_TASK_DIR_H
#define FYKE_ENGINE_TASKS_TASK_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

void task_dir_name(uint32_t task, struct buf *out); /* task-NNNN */
/* The task whose folder, or file with `suffix` behind it, is called so. */
bool task_dir_parse(const char *name, const char *suffix, uint32_t *ret);

#endif
