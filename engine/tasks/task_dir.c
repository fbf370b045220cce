#include "engine/tasks/task_dir.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "task-"

void task_dir_name(uint32_t task, struct buf *out)
{
    buf_printf(out, PREFIX "%04u", task);
}

bool task_dir_parse(const char *name, const char *suffix, uint32_t *ret)
{
    FYKE_CLEANUP(buf_release) struct buf again = BUF_INIT;
    size_t n = strlen(PREFIX);
    if (strncmp(name, PREFIX, n) != 0 || !isdigit((unsigned char)name[n])) {
        return false;
    }
    unsigned long number = strtoul(name + n, NULL, 10);
    *ret = (uint32_t)number;
    task_dir_name(*ret, &again); /* the one way to write it */
    buf_puts(&again, suffix);
    return number <= UINT32_MAX && strcmp(buf_cstr(&again), name) == 0;
}
