/* fyke as one of several engines that take turns (bench/compare): the work is repeated whenever it is told to,
 * so that all see the same noise. The protocol is that of peers/…/Driver.java:
 *
 *   turns RULES TOPIC=FILE EVENTS (parsed|json)
 *
 * Standard input: "run SECONDS" a line. Answer: "done EVENTS MATCHES", fewer events than were asked for when the
 * time was over. parsed: events that are decoded; json: bytes in memory. To alerts as JSON, which nobody hears. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/workload.h"

struct turns {
    const struct ruleset *rs;
    struct input in;
    struct decoded_input decoded;
    bool parsed;
};

static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* From one time that the engine works to the next; returns up to where. */
static size_t push(const struct turns *t, struct engine *e, size_t from, size_t n, struct error *err)
{
    size_t end = n - from < PROCESS_EVERY ? n : from + PROCESS_EVERY;
    uint32_t many = (uint32_t)(end - from);
    check(t->parsed ? engine_push_held(e, &t->decoded.events[from], many, t->decoded.block, err)
                    : engine_push_batch(e, &t->in.records[from], many, err), err);
    return end;
}

static void turn(const struct turns *t, double seconds)
{
    struct engine *e = engine_open(t->rs, &deaf_sink);
    struct error err = ERROR_INIT;
    double end = wall_seconds() + seconds;
    size_t n = t->parsed ? t->decoded.n : t->in.n, i = 0;
    while (i < n && wall_seconds() < end) {
        i = push(t, e, i, n, &err);
        check(engine_process(e, &err), &err);
    }
    check(engine_finish(e, &err), &err);
    struct engine_summary s;
    engine_summary(e, &s);
    engine_free(e);
    printf("done %zu %llu\n", i < n ? i : t->in.n, (unsigned long long)s.alerts_total);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        die("usage", "turns RULES TOPIC=FILE EVENTS (parsed|json)");
    }
    struct compilation *c = compile(argv[1]);
    struct turns t = {.rs = c->ruleset, .parsed = strcmp(argv[4], "parsed") == 0};
    input_add_file(&t.in, t.rs, argv[2], (size_t)strtoull(argv[3], NULL, 10));
    if (t.parsed) {
        input_decode(&t.in, t.rs, &t.decoded);
    }
    printf("ready %zu\n", t.in.n);
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        turn(&t, strtod(line + 4, NULL));
    }
    decoded_release(&t.decoded);
    input_release(&t.in);
    compilation_free(c);
    return 0;
}
