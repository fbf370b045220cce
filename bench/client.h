/* What the programs that talk to a broker share: they end at the first thing that goes wrong. */
#ifndef FYKE_BENCH_CLIENT_H
#define FYKE_BENCH_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "base/attr.h"

void die(const char *what, const char *why) FYKE_NORETURN;
/* `settings`: names and values in turn, then NULL. */
rd_kafka_t *client(rd_kafka_type_t type, const char *const *settings);

#endif
