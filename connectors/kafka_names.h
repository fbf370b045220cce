/* Names that an application has on the broker, made of `--app` and `--instance-id`. Pure. */
#ifndef FYKE_CONNECTORS_KAFKA_NAMES_H
#define FYKE_CONNECTORS_KAFKA_NAMES_H

#include "base/buf.h"

/* The transactional id of a process: `APP.solo` of one that works alone (`instance` NULL), else
 * `APP-INSTANCE`, or `APP-/INSTANCE` when the instance's name has a "-" or a "." in it. Neither half may
 * have a "/", so no two processes of different names have the same one:
 *
 *   with "/"     what stands around "-/" is the application and the instance
 *   without      the instance is what stands behind the last "-", as it has none itself; and it has no
 *                ".", which all other ids have there
 *
 * All of them begin with the application's name: rights are given by that prefix. */
void kafka_transactional_id(const char *app, const char *instance, struct buf *ret);
/* Of whoever writes to the topic of the rules in force, one at a time: `APP.rules`. */
void kafka_rules_transactional_id(const char *app, struct buf *ret);

#endif
