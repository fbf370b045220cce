/* The events of a case as records: what the runner of cases and that of other ways to run them share. */
#ifndef FYKE_TESTS_CONFORMANCE_CASE_RECORDS_H
#define FYKE_TESTS_CONFORMANCE_CASE_RECORDS_H

#include <jansson.h>
#include <stdbool.h>

#include "fyke/fyke.h"

/* The case's events are listed in the total order, or it says in which order they are read. */
bool case_in_order(json_t *c);

/* Which event is read as the i-th one. */
size_t case_nth_read(json_t *c, size_t i);

/* Pushes it at the next offset of its topic, counted in `offsets`; notes "topic/offset": id in `ids`
 * (or NULL). Prints what went wrong. */
bool case_push(struct fyke_engine *e, json_t *event, json_t *offsets, json_t *ids);

#endif
