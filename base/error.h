/* Operational errors: the disk, the broker, a corrupt record. Neither the author's mistakes
 * (dsl/diag.h) nor bugs (assert).
 *
 * A function that can fail returns an enum err and takes a `struct error *err` as its last
 * parameter; both tell the same story, the struct with words. `err` may not be NULL. */
#ifndef FYKE_BASE_ERROR_H
#define FYKE_BASE_ERROR_H

#include <stdbool.h>

#include "base/attr.h"

enum err {
    ERR_OK = 0,
    ERR_IO,       /* files, pipes, sockets */
    ERR_STATE,    /* LMDB, the state directory */
    ERR_KAFKA,    /* the broker or its client */
    ERR_CORRUPT,  /* bytes that do not decode */
    ERR_INPUT,    /* input data refused under --strict, or unusable as a whole */
    ERR_LIMIT,    /* a stated bound was reached */
    ERR_USAGE,    /* options that do not fit together */
    ERR_RULES,    /* the rule set does not compile or does not fit the stored state */
    ERR_ABORTED,  /* the open transaction is gone; start again from what is committed */
};

struct error {
    enum err code;
    bool retriable; /* the same call may succeed later */
    bool fatal;     /* the object it came from can only be destroyed */
    bool stopped;   /* no failure: it waited, and was told to end */
    char text[512]; /* one line, no newline at the end */
};

#define ERROR_INIT {0}

/* Fills *err and returns `code`, so that `return error_set(err, ERR_IO, …)` reads well. */
enum err error_set(struct error *err, enum err code, const char *fmt, ...) FYKE_PRINTF(3, 4);
/* Puts "context: " before the text. Returns err->code. */
enum err error_context(struct error *err, const char *fmt, ...) FYKE_PRINTF(2, 3);
const char *err_name(enum err code);

#define FYKE_TRY(call)                                                                             \
    do {                                                                                           \
        enum err try_rc_ = (call);                                                                 \
        if (try_rc_ != ERR_OK) {                                                                   \
            return try_rc_;                                                                        \
        }                                                                                          \
    } while (0)

#endif
