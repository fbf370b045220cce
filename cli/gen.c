#include "cli/gen.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/gen_fraud.h"
#include "cli/gen_write.h"

enum { EXIT_USAGE = 2, EXIT_IO = 4 };

struct options {
    struct gen_fraud fraud;
    const char *out;    /* directory, "-" for stdout; NULL: not given */
    const char *labels; /* NULL: DIR/labels.jsonl, none with stdout */
    bool kcat;
    bool quiet;
};

const char gen_usage[] =
    "usage: fyke gen fraud --out DIR|- [options]\n"
    "\n"
    "Writes repeatable traffic with planted attacks and decoys for examples/fraud/rules:\n"
    "one file per topic and DIR/labels.jsonl, which says what was planted where.\n"
    "\n"
    "  -o, --out DIR|-       where to write; - writes envelopes to stdout\n"
    "      --seed N          same seed, same bytes (default 1)\n"
    "      --events N        at least so many events (default 120000)\n"
    "      --days N          of event time (default 3)\n"
    "      --start TIME      first day, RFC 3339 (default 2026-03-06T00:00:00Z)\n"
    "      --disorder N      events arrive up to N seconds late, 0 to 30 (default 0)\n"
    "      --format F        payload: one file per topic (default)\n"
    "                        kcat: one file of envelopes, DIR/events.kcat.jsonl\n"
    "      --partitions N    per topic, dealt by key; kcat only (default 1)\n"
    "      --labels FILE     where the labels go instead\n"
    "  -q, --quiet           no summary on stderr\n"
    "  -h, --help            this text\n";

static int usage_error(const char *what, const char *value)
{
    fprintf(stderr, "fyke gen: %s%s%s\nTry 'fyke gen --help'.\n", what, value ? ": " : "",
            value ? value : "");
    return EXIT_USAGE;
}

/* Digits only: no sign, no blanks, no other base. */
static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    if (*text < '0' || *text > '9') {
        return false;
    }
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || v < min || v > max) {
        return false;
    }
    *ret = v;
    return true;
}

static bool parse_start(const char *text, int64_t *ret_ms)
{
    struct etime t;
    if (!etime_parse(slice_of(text), true, &t) || t.ns < 0 ||
        t.ns > INT64_C(4000000000) * NS_PER_S) {
        return false;
    }
    *ret_ms = t.ns / NS_PER_MS;
    return true;
}

enum option_id {
    OPT_SEED = 256,
    OPT_EVENTS,
    OPT_DAYS,
    OPT_START,
    OPT_DISORDER,
    OPT_FORMAT,
    OPT_PARTITIONS,
    OPT_LABELS
};

/* False: the value does not fit the option. */
static bool set_option(struct options *o, int id, const char *arg)
{
    uint64_t n = 0;
    switch (id) {
    case 'o': o->out = arg; return *arg != '\0';
    case 'q': o->quiet = true; return true;
    case OPT_SEED: return parse_number(arg, 0, UINT64_MAX, &o->fraud.seed);
    case OPT_EVENTS: return parse_number(arg, 1, GEN_FRAUD_MAX_EVENTS, &o->fraud.events);
    case OPT_START: return parse_start(arg, &o->fraud.start_ms);
    case OPT_LABELS: o->labels = arg; return *arg != '\0';
    case OPT_DAYS:
        if (!parse_number(arg, 1, GEN_FRAUD_MAX_DAYS, &n)) {
            return false;
        }
        o->fraud.days = (int)n;
        return true;
    case OPT_DISORDER:
        if (!parse_number(arg, 0, GEN_FRAUD_MAX_DISORDER_S, &n)) {
            return false;
        }
        o->fraud.disorder_ms = (int64_t)n * 1000;
        return true;
    case OPT_PARTITIONS:
        if (!parse_number(arg, 1, 1024, &n)) {
            return false;
        }
        o->fraud.partitions = (uint32_t)n;
        return true;
    case OPT_FORMAT:
        o->kcat = strcmp(arg, "kcat") == 0;
        return o->kcat || strcmp(arg, "payload") == 0;
    default: return false;
    }
}

static const char *option_name(const struct option *longs, int id)
{
    while (longs->val != id) {
        longs++;
    }
    return longs->name;
}

/* 0: go on; otherwise the exit code + 1. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"out", required_argument, NULL, 'o'},
                                          {"seed", required_argument, NULL, OPT_SEED},
                                          {"events", required_argument, NULL, OPT_EVENTS},
                                          {"days", required_argument, NULL, OPT_DAYS},
                                          {"start", required_argument, NULL, OPT_START},
                                          {"disorder", required_argument, NULL, OPT_DISORDER},
                                          {"format", required_argument, NULL, OPT_FORMAT},
                                          {"partitions", required_argument, NULL, OPT_PARTITIONS},
                                          {"labels", required_argument, NULL, OPT_LABELS},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int id;
    optind = 0; /* glibc and musl: scan anew */
    while ((id = getopt_long(argc, argv, "o:qh", longs, NULL)) != -1) {
        if (id == 'h') {
            fputs(gen_usage, stdout);
            return 1;
        }
        if (id == '?') {
            fputs("Try 'fyke gen --help'.\n", stderr);
            return EXIT_USAGE + 1;
        }
        if (!set_option(o, id, optarg)) {
            fprintf(stderr, "fyke gen: bad value for --%s: '%s'\nTry 'fyke gen --help'.\n",
                    option_name(longs, id), optarg);
            return EXIT_USAGE + 1;
        }
    }
    return 0;
}

static int check_options(int argc, char **argv, struct options *o)
{
    if (optind >= argc) {
        return usage_error("name what to generate: fraud", NULL);
    }
    if (strcmp(argv[optind], "fraud") != 0) {
        return usage_error("nothing to generate under that name", argv[optind]);
    }
    if (optind + 1 < argc) {
        if (o->out || strcmp(argv[optind + 1], "-") != 0 || optind + 2 < argc) {
            return usage_error("unexpected argument", argv[optind + 1]);
        }
        o->out = "-";
    }
    if (!o->out) {
        return usage_error("--out says where to write", NULL);
    }
    o->kcat = o->kcat || strcmp(o->out, "-") == 0;
    if (o->fraud.partitions > 1 && !o->kcat) {
        return usage_error("--partitions needs --format kcat: a file of payloads is one partition",
                           NULL);
    }
    return 0;
}

static enum err write_all(const struct options *o, const struct gen_log *log, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    bool to_stdout = strcmp(o->out, "-") == 0;
    if (to_stdout) {
        FYKE_TRY(gen_write_kcat_stream(log, stdout, "stdout", err));
    } else if (o->kcat) {
        FYKE_TRY(gen_write_kcat(log, o->out, err));
    } else {
        FYKE_TRY(gen_write_payloads(log, o->out, err));
    }
    if (o->labels) {
        return gen_write_labels(log, o->labels, err);
    }
    if (to_stdout) {
        return ERR_OK;
    }
    buf_printf(&path, "%s/labels.jsonl", o->out);
    return gen_write_labels(log, buf_cstr(&path), err);
}

int gen_main(int argc, char **argv)
{
    struct options o = {.fraud = GEN_FRAUD_DEFAULTS};
    int stop = parse_options(argc, argv, &o);
    if (stop != 0) {
        return stop - 1;
    }
    int bad = check_options(argc, argv, &o);
    if (bad != 0) {
        return bad;
    }
    struct gen_log log;
    struct error err = ERROR_INIT;
    gen_log_init(&log);
    gen_fraud(&o.fraud, &log);
    enum err rc = write_all(&o, &log, &err);
    if (rc != ERR_OK) {
        fprintf(stderr, "fyke gen: %s\n", err.text);
    } else if (!o.quiet) {
        gen_write_summary(&log, stderr);
    }
    gen_log_release(&log);
    return rc == ERR_OK ? 0 : EXIT_IO;
}
