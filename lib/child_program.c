#include "lib/child_program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Files without a name instead of pipes: neither side waits for the other. */
struct files {
    FILE *in, *out, *complaint;
};

static void close_files(struct files *f)
{
    FILE *all[] = {f->in, f->out, f->complaint};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(all); i++) {
        if (all[i]) {
            fclose(all[i]);
        }
    }
}

static enum err open_files(struct files *f, struct slice input, struct error *err)
{
    f->in = tmpfile();
    f->out = tmpfile();
    f->complaint = tmpfile();
    if (!f->in || !f->out || !f->complaint ||
        fwrite(input.ptr ? input.ptr : "", 1, input.len, f->in) != input.len ||
        fflush(f->in) != 0 || fseek(f->in, 0, SEEK_SET) != 0) {
        return error_set(err, ERR_IO, "cannot write a temporary file: %s", strerror(errno));
    }
    return ERR_OK;
}

static enum err read_all(FILE *from, struct buf *out, struct error *err)
{
    char bytes[65536];
    size_t n;
    rewind(from);
    while ((n = fread(bytes, 1, sizeof(bytes), from)) > 0) {
        if (out->len + n > CHILD_MAX_OUTPUT) {
            return error_set(err, ERR_LIMIT, "a program wrote more than %zu MiB",
                             CHILD_MAX_OUTPUT >> 20);
        }
        buf_put(out, bytes, n);
    }
    return ferror(from) ? error_set(err, ERR_IO, "cannot read a temporary file: %s",
                                    strerror(errno))
                        : ERR_OK;
}

static enum err start(const char *const *argv, const struct files *f, pid_t *pid, bool *missing,
                      struct error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(f->in), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(f->out), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(f->complaint), STDERR_FILENO);
    int why = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    *missing = why == ENOENT;
    return why == 0 || *missing ? ERR_OK
                                : error_set(err, ERR_IO, "cannot run %s: %s", argv[0],
                                            strerror(why));
}

static enum err wait_for(pid_t pid, int *ret, struct error *err)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return error_set(err, ERR_IO, "cannot wait for a program: %s", strerror(errno));
        }
    }
    *ret = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return ERR_OK;
}

static enum err run(const char *const *argv, struct slice input, struct files *f,
                    struct child_result *ret, struct error *err)
{
    pid_t pid;
    FYKE_TRY(open_files(f, input, err));
    FYKE_TRY(start(argv, f, &pid, &ret->missing, err));
    if (ret->missing) {
        return ERR_OK;
    }
    FYKE_TRY(wait_for(pid, &ret->exit, err));
    FYKE_TRY(read_all(f->out, &ret->out, err));
    FYKE_TRY(read_all(f->complaint, &ret->complaint, err));
    const char *line = buf_cstr(&ret->complaint);
    ret->complaint.len = strcspn(line, "\n");
    return ERR_OK;
}

enum err child_program_run(const char *const *argv, struct slice input, struct child_result *ret,
                           struct error *err)
{
    struct files f = {0};
    *ret = (struct child_result){0};
    enum err rc = run(argv, input, &f, ret, err);
    close_files(&f);
    return rc;
}

void child_result_release(struct child_result *r)
{
    buf_release(&r->out);
    buf_release(&r->complaint);
}
