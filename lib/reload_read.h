/* The files of a rule set, read and compiled aside until two readings in a row are alike: files come one by one,
 * links are swapped, some are written in place. */
#ifndef FYKE_LIB_RELOAD_READ_H
#define FYKE_LIB_RELOAD_READ_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/hash.h"
#include "lib/drain_kit.h"
#include "lib/file_marks.h"
#include "lib/rules.h"

/* What one reading gave. */
struct rules_reading {
    struct fyke_rules *rules; /* NULL: they cannot be used */
    struct hash128 geoip;     /* identity of the address files */
    struct buf said;          /* one line per error */
    struct file_marks tried;  /* what was read or looked for */
    uint32_t shown, errors;
};

void rules_reading_release(struct rules_reading *f);

/* A thread that does it. All but what it reads belongs to the caller, once the thread is through. */
struct rules_reader {
    const struct fyke_rules *first; /* whose paths are read */
    const struct fyke_options *options;
    bool want_some;                 /* no rules at all are an error */
    struct hash128 in_force;        /* other rules than those … */
    struct drain_kit *kit;          /* … want these, compiled; NULL: none. Owned */

    bool running; /* there is a thread */
    pthread_t thread;
    atomic_bool through; /* it has written `found` */
    atomic_bool quit;    /* nobody wants to know any more */
    struct rules_reading found;
    double begun_s, took_s;
};

/* Here and now, without waiting for files that are being written. */
void rules_read_once(const struct rules_reader *r, struct rules_reading *ret);
/* Returns errno of pthread_create(). */
int rules_reader_start(struct rules_reader *r);
/* True, once: the thread has ended, and `found` is to be looked at and released. */
bool rules_reader_done(struct rules_reader *r);
/* Waits for the thread. */
void rules_reader_release(struct rules_reader *r);

#endif
