#include "engine/state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_TEXT 32

static enum err held_by_other(int fd, const char *dir, struct error *err)
{
    char pid[PID_TEXT];
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    return error_set(err, ERR_STATE, "state directory %s is in use by process %s", dir,
                     *pid ? pid : "?");
}

/* For messages only; the lock itself is the kernel's. */
static enum err write_pid(int fd, const char *dir, struct error *err)
{
    char pid[PID_TEXT];
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        return error_set(err, ERR_STATE, "state directory %s: cannot write the lock file: %s", dir,
                         strerror(errno));
    }
    return ERR_OK;
}

enum err lock_acquire(struct dir_lock *lock, const char *dir, struct error *err)
{
    char path[PATH_MAX];
    lock->fd = -1;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return error_set(err, ERR_STATE, "cannot make state directory %s: %s", dir,
                         strerror(errno));
    }
    if (snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path)) {
        return error_set(err, ERR_STATE, "the name of the state directory is too long");
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_set(err, ERR_STATE, "cannot open %s: %s", path, strerror(errno));
    }
    enum err rc = ERR_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        rc = errno == EWOULDBLOCK ? held_by_other(fd, dir, err)
                                  : error_set(err, ERR_STATE, "cannot lock %s: %s", path,
                                              strerror(errno));
    } else {
        rc = write_pid(fd, dir, err);
    }
    if (rc != ERR_OK) {
        close(fd);
        return rc;
    }
    lock->fd = fd;
    return ERR_OK;
}

void lock_release(struct dir_lock *lock)
{
    if (lock->fd >= 0) {
        close(lock->fd);
        lock->fd = -1;
    }
}
