/* The socket of a running process for those who look into it: fyke top, tap, partials, explain.
 *
 * A peer sends one line of JSON and gets lines of JSON; docs/operations.md has them. Everything is done
 * between two batches by the thread that reads the input, and nothing here waits: what a peer does not
 * take is kept up to a bound, what goes beyond it is dropped and counted, and who takes nothing for ten
 * seconds is hung up on. What is evaluated does not depend on any of it. */
#ifndef FYKE_CLI_LIVE_H
#define FYKE_CLI_LIVE_H

#include <pthread.h>

#include "cli/live_peers.h"
#include "cli/log.h"
#include "lib/run.h"

struct live {
    struct log *log;
    const char *state_dir; /* NULL: none */
    const char *path;      /* of --listen; NULL: state_dir/live.sock */
    /* The rest is its own. */
    char *dir; /* of `path`, owned */
    struct ptime started;
    struct live_peers peers;
    pthread_mutex_t passing; /* of what passes: several threads may observe */
    struct buf line, text; /* of one answer */
};

/* The caller has set the upper part. */
void live_init(struct live *l);
/* ERR_STATE: it cannot listen where it was told to. */
enum err live_open(struct live *l, struct error *err) FYKE_MUST_USE;
void live_close(struct live *l);

/* For run_hooks. */
void live_between(struct live *l, struct run *run);
void live_observe(struct live *l, const struct ruleset *rs, enum event_fate fate,
                  const struct event *e, const struct record *r);
void live_alert(struct live *l, const struct out_record *r);
void live_reloaded(struct live *l, uint64_t reading, struct slice record);

#endif
