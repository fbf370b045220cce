/* The traffic of examples/fraud: a pure function of its parameters. */
#ifndef FYKE_CLI_GEN_FRAUD_H
#define FYKE_CLI_GEN_FRAUD_H

#include <stdint.h>

#include "cli/gen_log.h"

#define GEN_FRAUD_MAX_EVENTS UINT64_C(100000000)
#define GEN_FRAUD_MAX_DAYS 366
#define GEN_FRAUD_MAX_DISORDER_S 30 /* what the rules declare as `out of order by` */

struct gen_fraud {
    uint64_t seed;
    uint64_t events; /* at least so many */
    int days;
    int64_t start_ms; /* since 1970 UTC */
    int64_t disorder_ms;
    uint32_t partitions; /* per topic */
};

/* Friday 2026-03-06: three days hold a weekday and a weekend. */
#define GEN_FRAUD_DEFAULTS                                                                         \
    {                                                                                              \
        .seed = 1, .events = 120000, .days = 3, .start_ms = INT64_C(1772755200000),                \
        .partitions = 1                                                                            \
    }

/* Fills an empty log and arranges it. */
void gen_fraud(const struct gen_fraud *p, struct gen_log *log);

#endif
