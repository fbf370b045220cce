/* Where the time of an event goes, in one process and one thread over the same records:
 *
 *   decode      scan the JSON, check every declared field, keep what rules name
 *   evaluate    order, keys, automata and alerts over events that are already decoded
 *   engine      both, from bytes in memory to alerts handed to a sink that drops them
 *
 *   stages [-n ROUNDS] [-s STAGE] [-w WAY] RULES TOPIC=FILE…
 * -s: this stage alone, for profiles and counts of instructions.
 * -w: decodes in the way "portable" or "general" (engine/decode/decode.h).
 * Prints the median of the rounds with the least and the most, in ns per event and events per
 * second of CPU time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/workload.h"

#define MAX_ROUNDS 99

static double decode_round(const struct ruleset *rs, const struct input *in, enum decode_way way)
{
    struct engine_options o;
    engine_options_init(&o);
    o.decode.way = way;
    struct decoder *d = decoder_new(rs, o.decode);
    struct arena arena = ARENA_INIT;
    COUNT_TOGGLE();
    double begin = cpu_seconds();
    for (size_t i = 0; i < in->n; i++) {
        struct decoded got;
        decoder_decode(d, &in->records[i], &arena, &got);
        if (i % PROCESS_EVERY == 0) {
            arena_reset(&arena);
        }
    }
    double seconds = cpu_seconds() - begin;
    COUNT_TOGGLE();
    arena_release(&arena);
    decoder_free(d);
    return seconds;
}

static double engine_round(const struct ruleset *rs, const struct input *in, uint64_t *alerts)
{
    struct engine *e = engine_open(rs, &deaf_sink);
    struct error err = ERROR_INIT;
    COUNT_TOGGLE();
    double begin = cpu_seconds();
    for (size_t i = 0; i < in->n; i++) {
        check(engine_push(e, &in->records[i], &err), &err);
        if (i % PROCESS_EVERY == 0) {
            check(engine_process(e, &err), &err);
        }
    }
    check(engine_finish(e, &err), &err);
    double seconds = cpu_seconds() - begin;
    COUNT_TOGGLE();
    struct engine_summary s;
    engine_summary(e, &s);
    *alerts = s.alerts_total;
    engine_free(e);
    return seconds;
}

/* Events decoded beforehand, kept in one arena. */
static double evaluate_round(const struct ruleset *rs, const struct input *in)
{
    struct decoded_input events;
    input_decode(in, rs, &events);
    struct engine *e = engine_open(rs, &deaf_sink);
    struct error err = ERROR_INIT;
    COUNT_TOGGLE();
    double begin = cpu_seconds();
    for (size_t i = 0; i < events.n; i++) {
        check(engine_push_event(e, events.events[i], &err), &err);
        if (i % PROCESS_EVERY == 0) {
            check(engine_process(e, &err), &err);
        }
    }
    check(engine_finish(e, &err), &err);
    double seconds = cpu_seconds() - begin;
    COUNT_TOGGLE();
    engine_free(e);
    decoded_release(&events);
    return seconds;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void report(const char *stage, double *seconds, int rounds, size_t n)
{
    if (seconds[0] <= 0) {
        return; /* not asked for */
    }
    qsort(seconds, (size_t)rounds, sizeof(*seconds), by_value);
    double median = seconds[rounds / 2], per = 1e9 / (double)n;
    printf("%-10s %8.0f ns/event  (%.0f to %.0f)  %10.0f events/s\n", stage, median * per,
           seconds[0] * per, seconds[rounds - 1] * per, (double)n / median);
}

static bool asked(const char *only, const char *stage)
{
    return only == NULL || strcmp(only, stage) == 0;
}

static enum decode_way way_of(const char *name)
{
    if (strcmp(name, "portable") != 0 && strcmp(name, "general") != 0) {
        die(name, "no way to decode");
    }
    return *name == 'p' ? DECODE_PORTABLE : DECODE_GENERAL;
}

int main(int argc, char **argv)
{
    int rounds = 5, opt;
    const char *only = NULL;
    enum decode_way way = DECODE_BEST;
    while ((opt = getopt(argc, argv, "n:s:w:")) != -1) {
        switch (opt) {
        case 's': only = optarg; break;
        case 'w': way = way_of(optarg); break;
        default: rounds = opt == 'n' ? atoi(optarg) : 0; break;
        }
    }
    if (rounds < 1 || rounds > MAX_ROUNDS || argc - optind < 2) {
        die("usage", "stages [-n ROUNDS] [-s STAGE] [-w WAY] RULES TOPIC=FILE…");
    }
    struct compilation *c = compile(argv[optind]);
    struct input in = {0};
    for (int i = optind + 1; i < argc; i++) {
        input_add_file(&in, c->ruleset, argv[i], SIZE_MAX);
    }
    input_sort_by_time(&in, c->ruleset);
    double decode[MAX_ROUNDS] = {0}, evaluate[MAX_ROUNDS] = {0}, whole[MAX_ROUNDS] = {0};
    uint64_t alerts = 0;
    for (int r = 0; r < rounds; r++) { /* interleaved: a noisy moment hits all stages alike */
        if (asked(only, "decode")) {
            decode[r] = decode_round(c->ruleset, &in, way);
        }
        if (asked(only, "evaluate")) {
            evaluate[r] = evaluate_round(c->ruleset, &in);
        }
        if (asked(only, "engine")) {
            whole[r] = engine_round(c->ruleset, &in, &alerts);
        }
    }
    size_t bytes = 0;
    for (size_t i = 0; i < in.n; i++) {
        bytes += in.records[i].value.len;
    }
    printf("%zu records, %.0f bytes each, %u rules, %llu alerts, %d rounds\n", in.n,
           in.n ? (double)bytes / (double)in.n : 0, c->ruleset->n_rules,
           (unsigned long long)alerts, rounds);
    report("decode", decode, rounds, in.n);
    report("evaluate", evaluate, rounds, in.n);
    report("engine", whole, rounds, in.n);
    input_release(&in);
    compilation_free(c);
    return 0;
}
