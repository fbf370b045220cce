/* The inside of group_rules.h:
 *   group_rules.c   what the run's thread does       group_publish.c   looking at a set, writing it
 *   group_thread.c  the thread
 * Private to lib/. */
#ifndef FYKE_LIB_GROUP_RULES_PARTS_H
#define FYKE_LIB_GROUP_RULES_PARTS_H

#include <pthread.h>
#include <signal.h>

#include "connectors/kafka_rules.h"
#include "engine/tasks/task_log.h"
#include "lib/group_rules.h"
#include "lib/group_topic.h"

struct group_rules {
    const struct fyke_run_config *config;
    const char *const *paths;       /* where a reload reads: the files' */
    size_t n_paths;
    struct fault *fault;
    struct kafka_config kafka;      /* of our own clients */
    const struct kafka_config *life; /* whose beat is passed on; NULL: nobody's */
    pthread_t main;
    struct buf topics;              /* of our configuration, in order */
    struct buf reads;               /* of this life */
    bool begun;                     /* settled once */
    uint64_t generation;            /* of this life; written while there is one thread */
    struct task_log *log;           /* what the thread says waits there */
    volatile sig_atomic_t stop;

    /* Whoever talks to the broker has it: the run's thread in settle, the thread, and those that restore
     * tasks in confirm. */
    pthread_mutex_t io;
    struct kafka_rules *topic;
    struct group_view view;

    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    bool end, busy;
    struct fyke_rules *wish;   /* owned; NULL: none */
    struct fyke_rules *ready;  /* owned; the set of `newest`, compiled; NULL: not yet, or it cannot be */
    uint64_t newest;           /* generation in force, as far as is known; with `ready` */
    uint64_t unchanged, refused;
};

/* group_publish.c, with `io` held. The set is fit for this application; ERR_USAGE: it is not, and why. */
enum err group_check(struct group_rules *g, const struct fyke_rules *rules, uint32_t *ret_tasks,
                     struct error *err) FYKE_MUST_USE;
/* Reads on, decides, and writes what follows from it: ours in force, or with what we were started.
 * `wished`: by a reload. */
enum err group_settle_with(struct group_rules *g, const struct fyke_rules *rules, bool wished,
                           enum group_choice *ret, struct error *err) FYKE_MUST_USE;
enum err group_read(struct group_rules *g, struct error *err) FYKE_MUST_USE;
/* What is in force, compiled. */
enum err group_compile(struct group_rules *g, struct fyke_rules **ret,
                       struct error *err) FYKE_MUST_USE;
void group_say(const struct group_rules *g, const char *fmt, ...) FYKE_PRINTF(2, 3);

/* group_thread.c. False: there is none to be had. */
bool group_thread_start(struct group_rules *g);
void group_thread_end(struct group_rules *g);

#endif
