#include "lib/state_tasks.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/tasks/task_dir.h"
#include "lib/state_file.h"

static bool holds_state(const char *dir)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/data.mdb", dir);
    return access(buf_cstr(&path), F_OK) == 0;
}

static int by_number(const void *a, const void *b)
{
    const struct state_task *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static enum err find(const char *dir, const char *suffix, struct state_tasks *ret, struct error *err)
{
    uint32_t number;
    DIR *d = opendir(dir);
    *ret = (struct state_tasks){0};
    if (!d) {
        return errno == ENOENT || errno == ENOTDIR
                   ? ERR_OK
                   : error_set(err, ERR_IO, "cannot read %s: %s", dir, strerror(errno));
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
        buf_printf(&path, "%s/%s", dir, e->d_name);
        if (task_dir_parse(e->d_name, suffix, &number) &&
            (suffix[0] || holds_state(buf_cstr(&path)))) {
            VEC_PUSH(ret->items, ret->n, ret->cap) =
                (struct state_task){number, xstrdup(buf_cstr(&path))};
        }
    }
    closedir(d);
    if (ret->n > 0) {
        qsort(ret->items, ret->n, sizeof(*ret->items), by_number);
    }
    return ERR_OK;
}

enum err state_tasks_find(const char *dir, struct state_tasks *ret, struct error *err)
{
    return find(dir, "", ret, err);
}

enum err state_tasks_find_files(const char *dir, struct state_tasks *ret, struct error *err)
{
    return find(dir, STATE_TASK_FILE, ret, err);
}

void state_tasks_release(struct state_tasks *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->items[i].path);
    }
    free(t->items);
    *t = (struct state_tasks){0};
}

static void remove_folder(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
        buf_printf(&path, "%s/%s", dir, e->d_name);
        unlink(buf_cstr(&path)); /* a database and its neighbours: no folders but "." and ".." */
    }
    if (d) {
        closedir(d);
    }
    rmdir(dir);
}

void state_tasks_drop(const char *dir)
{
    struct error err = ERROR_INIT;
    struct state_tasks tasks;
    if (state_tasks_find(dir, &tasks, &err) != ERR_OK) {
        return;
    }
    for (size_t i = 0; i < tasks.n; i++) {
        remove_folder(tasks.items[i].path);
    }
    state_tasks_release(&tasks);
}

/* ---- one instance or several -------------------------------------------------------------- */

enum err state_tasks_check(const char *dir, bool in_group, struct error *err)
{
    struct state_tasks tasks;
    if (!dir) {
        return ERR_OK;
    }
    if (in_group) {
        return !holds_state(dir) ? ERR_OK
                                 : error_set(err, ERR_USAGE, "%s holds the state of one instance; several have "
                                             "one for each task, in %s/task-NNNN: use another directory", dir,
                                             dir);
    }
    FYKE_TRY(state_tasks_find(dir, &tasks, err));
    size_t n = tasks.n;
    state_tasks_release(&tasks);
    return n == 0 ? ERR_OK
                  : error_set(err, ERR_USAGE, "%s holds the states of %zu task%s of several instances: use "
                              "another directory, or --instances group", dir, n, n == 1 ? "" : "s");
}

/* All partitions of a task have its number. */
static enum err task_of(const char *file, const struct header *h, uint32_t *ret, struct error *err)
{
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        if (h->partitions[i].partition < 0 || h->partitions[i].partition != h->partitions[0].partition) {
            return error_set(err, ERR_CORRUPT, "%s is of no one task: it has several partitions", file);
        }
    }
    if (h->n_partitions == 0) {
        return error_set(err, ERR_CORRUPT, "%s is of no task: it has no partitions", file);
    }
    *ret = (uint32_t)h->partitions[0].partition;
    return ERR_OK;
}

enum err state_tasks_place(const char *file, const char *dir, char **ret, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    struct header h;
    uint32_t task = 0;
    FYKE_TRY(state_file_peek(file, &h, err));
    bool in_group = h.mode == STATE_GROUP;
    enum err rc = in_group ? task_of(file, &h, &task, err) : ERR_OK;
    header_release(&h);
    FYKE_TRY(rc);
    FYKE_TRY(state_tasks_check(dir, in_group, err));
    buf_puts(&path, dir);
    if (in_group) {
        buf_puts(&path, "/");
        task_dir_name(task, &path);
    }
    *ret = xstrdup(buf_cstr(&path));
    return ERR_OK;
}
