/* One process per state directory: an exclusive lock on DIR/lock, held until lock_release(). The
 * kernel drops it with the process, so a crash leaves nothing to clean up. */
#ifndef FYKE_ENGINE_STATE_LOCK_H
#define FYKE_ENGINE_STATE_LOCK_H

#include "base/attr.h"
#include "base/error.h"

struct dir_lock {
    int fd; /* -1: not held */
};

#define DIR_LOCK_INIT {-1}

/* Makes the directory when it is missing. ERR_STATE names the process that holds the lock. */
enum err lock_acquire(struct dir_lock *lock, const char *dir, struct error *err) FYKE_MUST_USE;
void lock_release(struct dir_lock *lock);

#endif
