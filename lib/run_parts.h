/* The inside of run.h:
 *   run.c        lives of a run, what it tells
 *   run_open.c   what a life opens and closes
 *   run_kept.c   what stays open between two lives
 * Private to lib/. */
#ifndef FYKE_LIB_RUN_PARTS_H
#define FYKE_LIB_RUN_PARTS_H

#include "base/fault.h"
#include "connectors/kafka.h"
#include "engine/tasks/task_set.h"
#include "lib/callback_sink.h"
#include "lib/delivery.h"
#include "lib/group_rules.h"
#include "lib/later.h"
#include "lib/refused.h"
#include "lib/reload.h"
#include "lib/run.h"
#include "lib/run_kept.h"
#include "lib/run_life.h"
#include "lib/table_inputs.h"

/* Everything that one run opens; run_release() closes what is there. */
struct run {
    const struct fyke_run_config *config;
    const struct run_hooks *hooks;
    struct fyke_rules *own; /* with every field kept, or NULL */
    const struct ruleset *rs;
    bool from_kafka;
    struct kafka_config kafka;
    struct table_inputs tables; /* what feeds lists and lookups; the other inputs */
    struct geoip_files *geoip;  /* NULL: none */
    struct journal *journal; /* NULL: at least once */
    struct source *source;
    struct sink *sink;
    struct callback_sink callback;
    struct refused refused;
    struct engine *engine;     /* NULL: several instances, then … */
    struct task_set *task_set; /* … these are the tasks that are ours */
    uint32_t n_tasks;          /* of all instances; 0: this one alone */
    bool *reads;               /* per topic: of task_set */
    struct run_life life;
    bool runs;           /* it has begun to read */
    struct fault *fault; /* of all lives */
    const struct delivery_lives *lives;
    struct run_kept *kept; /* from the life before, or for the next one */
    struct later *later;   /* over all lives */
    struct reload *reload; /* over all lives */
    struct group_rules **group; /* the same; NULL behind it: this instance alone */
    const char *topics;    /* of Kafka that are read; NULL: all of the rules */
    double wall_from, cpu_from;
};

/* run_open.c */
enum err run_open(struct run *r, const struct delivery_lives *lives, struct error *err) FYKE_MUST_USE;
enum err run_release(struct run *r, struct error *err) FYKE_MUST_USE;

#endif
