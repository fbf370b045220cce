#include "tests/support/kafka/ktool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: ktool [options] COMMAND ...\n"
    "  ready                          waits until the broker (with -n: COUNT of them) answers\n"
    "  ports N                        prints N free loopback ports\n"
    "  create TOPIC PARTITIONS [key=value ...] [on=NODE]\n"
    "  delete TOPIC\n"
    "  grow TOPIC PARTITIONS          as many as that\n"
    "  leader TOPIC PARTITION         prints the node that leads, -1 if none does\n"
    "  trim TOPIC PARTITION OFFSET    removes the records before OFFSET\n"
    "  produce TOPIC < lines          one message per line, acks=all\n"
    "  consume TOPIC                  to the end of all partitions, one after the other\n"
    "  commit GROUP TOPIC PARTITION OFFSET [METADATA]\n"
    "  forget GROUP                   removes its offsets\n"
    "  offsets GROUP TOPIC            partition, committed, low, high, metadata; tab-separated\n"
    "options:\n"
    "  -b ADDRESS     bootstrap address (default: $FYKE_TEST_BOOTSTRAP)\n"
    "  -X KEY=VALUE   property for librdkafka\n"
    "  -p N           this partition only\n"
    "  -k FIELD       produce: the message key is this top-level JSON field of the line\n"
    "  -K CHAR        produce: the key stands before the first CHAR\n"
    "  -t FIELD       produce: the record's time is this field, ms since 1970\n"
    "  -Z             produce: an empty value is sent as null\n"
    "  --hex          keys and values are hexadecimal (any byte)\n"
    "  --txn ID       produce: all lines in one transaction\n"
    "  --abort        produce: abort that transaction\n"
    "  --committed    consume: isolation level read_committed\n"
    "  --payload      consume: values alone instead of envelopes\n"
    "  -n COUNT       consume: go on past the end until COUNT messages have come\n"
    "  --timeout-ms T give up after T (default 30000)\n";

static const struct command {
    const char *name;
    int operands; /* at least */
    int (*run)(const struct ktool_options *options, char **operands);
} commands[] = {
    {"ready", 0, ktool_ready},     {"ports", 1, ktool_ports},     {"create", 2, ktool_create},
    {"delete", 1, ktool_delete},   {"trim", 3, ktool_trim},       {"produce", 1, ktool_produce},
    {"consume", 1, ktool_consume}, {"offsets", 2, ktool_offsets},
    {"commit", 4, ktool_commit},   {"forget", 1, ktool_forget},
    {"leader", 2, ktool_leader},   {"grow", 2, ktool_grow},
};

int64_t ktool_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int ktool_fail(const char *what, const char *why)
{
    fprintf(stderr, "ktool: %s: %s\n", what, why);
    return KTOOL_FAILED;
}

static _Noreturn void die_usage(const char *why)
{
    fprintf(stderr, "ktool: %s\n%s", why, usage);
    exit(KTOOL_USAGE);
}

int64_t ktool_number(const char *text, const char *what)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "ktool: %s: not a whole number: %s\n", what, text);
        exit(KTOOL_USAGE);
    }
    return number;
}

void ktool_set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        exit(ktool_fail(key, why));
    }
}

static void set_pair(rd_kafka_conf_t *conf, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL) {
        die_usage("-X needs key=value");
    }
    char *key = strndup(pair, (size_t)(equals - pair));
    ktool_set(conf, key, equals + 1);
    free(key);
}

rd_kafka_conf_t *ktool_conf(const struct ktool_options *options)
{
    if (options->bootstrap == NULL) {
        die_usage("no broker: -b or FYKE_TEST_BOOTSTRAP");
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ktool_set(conf, "bootstrap.servers", options->bootstrap);
    ktool_set(conf, "reconnect.backoff.max.ms", "500");
    ktool_set(conf, "socket.timeout.ms", "10000"); /* a broker that is stopped closes nothing */
    ktool_set(conf, "socket.connection.setup.timeout.ms", "10000");
    for (int i = 0; i < options->property_count; i++) {
        set_pair(conf, options->properties[i]);
    }
    return conf;
}

rd_kafka_t *ktool_client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
    if (client == NULL) {
        exit(ktool_fail("client", why));
    }
    return client;
}

/* The argument of an option, or exit. */
static const char *argument(char ***next)
{
    const char *option = **next;
    *next += 1;
    if (**next == NULL) {
        fprintf(stderr, "ktool: %s needs an argument\n", option);
        exit(KTOOL_USAGE);
    }
    return **next;
}

static bool read_flag(struct ktool_options *options, const char *name)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"-Z", &options->empty_is_null},       {"--hex", &options->hex},
        {"--committed", &options->committed},  {"--abort", &options->abort},
        {"--payload", &options->payload_only},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static void add_property(struct ktool_options *options, const char *pair)
{
    if (options->property_count == (int)(sizeof options->properties / sizeof(char *))) {
        die_usage("too many -X");
    }
    options->properties[options->property_count++] = pair;
}

static bool read_valued(struct ktool_options *options, char ***next)
{
    const char *name = **next;
    if (strcmp(name, "-b") == 0) {
        options->bootstrap = argument(next);
    } else if (strcmp(name, "-X") == 0) {
        add_property(options, argument(next));
    } else if (strcmp(name, "-p") == 0) {
        options->partition = (int)ktool_number(argument(next), "-p");
    } else if (strcmp(name, "-k") == 0) {
        options->key_field = argument(next);
    } else if (strcmp(name, "-K") == 0) {
        options->key_delimiter = (unsigned char)argument(next)[0];
    } else if (strcmp(name, "-t") == 0) {
        options->time_field = argument(next);
    } else if (strcmp(name, "-n") == 0) {
        options->at_least = ktool_number(argument(next), "-n");
    } else if (strcmp(name, "--txn") == 0) {
        options->transaction = argument(next);
    } else if (strcmp(name, "--timeout-ms") == 0) {
        options->timeout_ms = (int)ktool_number(argument(next), "--timeout-ms");
    } else {
        return false;
    }
    return true;
}

/* Options may stand anywhere; what is left is moved to the front, NULL-terminated. */
static int read_options(struct ktool_options *options, char **arguments)
{
    int operands = 0;
    for (char **next = arguments; *next != NULL; next++) {
        bool option = (*next)[0] == '-' && (*next)[1] != '\0';
        if (!option) {
            arguments[operands++] = *next;
        } else if (!read_flag(options, *next) && !read_valued(options, &next)) {
            die_usage(*next);
        }
    }
    arguments[operands] = NULL;
    return operands;
}

int main(int argc, char **argv)
{
    (void)argc;
    struct ktool_options options = {
        .bootstrap = getenv("FYKE_TEST_BOOTSTRAP"),
        .partition = -1,
        .key_delimiter = -1,
        .timeout_ms = 30000,
    };
    int operands = read_options(&options, argv + 1);
    if (operands == 0) {
        die_usage("no command");
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            if (operands - 1 < commands[i].operands) {
                die_usage("too few operands");
            }
            return commands[i].run(&options, argv + 2);
        }
    }
    die_usage("no such command");
}
