/* Lines of a task while another thread works for it: they wait until the input thread passes them on. */
#ifndef FYKE_ENGINE_TASKS_TASK_LOG_H
#define FYKE_ENGINE_TASKS_TASK_LOG_H

#include <stdbool.h>

#include "engine/engine.h"

struct task_log;

struct task_log *task_log_new(engine_log to, void *to_ctx);
void task_log_free(struct task_log *l);
/* An engine_log; any thread. Those that came too fast are counted instead. */
void task_log_line(void *ctx, const char *line);
/* True: lines wait; false: what waits goes out, and the rest at once. The input thread, while no other
 * one works for the task. */
void task_log_hold(struct task_log *l, bool hold);
/* What waits goes out; the input thread. */
void task_log_pass_on(struct task_log *l);

#endif
