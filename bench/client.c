#include "bench/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

rd_kafka_t *client(rd_kafka_type_t type, const char *const *settings)
{
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (; *settings != NULL; settings += 2) {
        if (rd_kafka_conf_set(conf, settings[0], settings[1], why, sizeof(why)) != RD_KAFKA_CONF_OK) {
            die(settings[0], why);
        }
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (rk == NULL) {
        die("client", why);
    }
    return rk;
}
