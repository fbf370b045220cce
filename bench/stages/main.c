/* Where the time of an event goes, in one process and one thread over the same records.
 *
 *   stages [-n ROUNDS] [-s STAGE] [-w WAY] RULES TOPIC=FILE…
 * -s: this stage alone, for profiles and counts of instructions; what there is stands in `stages` below.
 * -w: decodes in the way "portable" or "general" (engine/decode/decode.h).
 * Prints the median of the rounds with the least and the most, in ns of CPU time per operation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/stages/stages.h"

#define MAX_ROUNDS 99

static const struct stage {
    const char *name;
    stage_fn run;
    const char *operation;
} stages[] = {
    {"scan", stage_scan, "record: copied, is it JSON, where are the fields that are named"},
    {"decode", stage_decode, "record: scanned, every declared field checked, what rules name kept"},
    {"order", stage_order, "event: into the order buffer and out"},
    {"key", stage_key, "event and key group: the key computed and hashed"},
    {"look-up", stage_look_up, "event and key group: the key's record found"},
    {"step", stage_step, "event and rule: conditions asked, what the rule keeps moved on"},
    {"timers", stage_timers, "event and key group: the key's timer set anew, those that are due taken out"},
    {"encode", stage_encode, "what a rule keeps of a key: into its stored form"},
    {"load", stage_load, "what a rule keeps of a key: out of its stored form, and freed"},
    {"freeze", stage_freeze, "key that has changed: encoded for a checkpoint"},
    {"write", stage_write, "key that has changed: written to the database, its sync included"},
    {"evaluate", stage_evaluate, "record: order, keys, rules and alerts over decoded events"},
    {"engine", stage_engine, "record: all, from bytes in memory to alerts that nobody hears"},
};
#define N_STAGES (sizeof(stages) / sizeof(*stages))

void stage_begin(struct measured *m)
{
    if (m != NULL) {
        m->seconds -= cpu_seconds();
        COUNT_TOGGLE();
    }
}

void stage_end(struct measured *m)
{
    if (m != NULL) {
        COUNT_TOGGLE();
        m->seconds += cpu_seconds();
    }
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void report(const struct stage *s, double *ns, int rounds)
{
    qsort(ns, (size_t)rounds, sizeof(*ns), by_value);
    printf("%-10s %8.0f ns  (%.0f to %.0f)  per %s\n", s->name, ns[rounds / 2], ns[0],
           ns[rounds - 1], s->operation);
}

static enum decode_way way_of(const char *name)
{
    if (strcmp(name, "portable") != 0 && strcmp(name, "general") != 0) {
        die(name, "no way to decode");
    }
    return *name == 'p' ? DECODE_PORTABLE : DECODE_GENERAL;
}

/* How many ns an operation took; a stage that had none tells nothing. */
static double run_stage(struct bench *b, const struct stage *s)
{
    struct measured m = {0};
    s->run(b, &m);
    return m.operations == 0 ? 0 : m.seconds * 1e9 / (double)m.operations;
}

static void tell_workload(const struct bench *b, int rounds)
{
    size_t bytes = 0;
    for (size_t i = 0; i < b->in.n; i++) {
        bytes += b->in.records[i].value.len;
    }
    printf("%zu records, %.0f bytes each, %u rules, %u keys, %llu alerts, %llu matches in steps, %d rounds\n",
           b->in.n, b->in.n ? (double)bytes / (double)b->in.n : 0, b->rs->n_rules, b->n_keys,
           (unsigned long long)b->alerts, (unsigned long long)b->matches, rounds);
}

static bool asked(const char *only, const struct stage *s)
{
    return only == NULL || strcmp(only, s->name) == 0;
}

int main(int argc, char **argv)
{
    static double ns[N_STAGES][MAX_ROUNDS];
    struct bench b = {.way = DECODE_BEST};
    int rounds = 5, opt;
    const char *only = NULL;
    while ((opt = getopt(argc, argv, "n:s:w:")) != -1) {
        switch (opt) {
        case 's': only = optarg; break;
        case 'w': b.way = way_of(optarg); break;
        default: rounds = opt == 'n' ? atoi(optarg) : 0; break;
        }
    }
    if (rounds < 1 || rounds > MAX_ROUNDS || argc - optind < 2) {
        die("usage", "stages [-n ROUNDS] [-s STAGE] [-w WAY] RULES TOPIC=FILE…");
    }
    struct compilation *c = compile(argv[optind]);
    b.rs = c->ruleset;
    for (int i = optind + 1; i < argc; i++) {
        input_add_file(&b.in, b.rs, argv[i], SIZE_MAX);
    }
    input_sort_by_time(&b.in, b.rs);
    bench_ready(&b);
    for (int r = 0; r < rounds; r++) { /* interleaved: a noisy moment hits all stages alike */
        for (size_t i = 0; i < N_STAGES; i++) {
            ns[i][r] = asked(only, &stages[i]) ? run_stage(&b, &stages[i]) : 0;
        }
    }
    tell_workload(&b, rounds);
    for (size_t i = 0; i < N_STAGES; i++) {
        if (asked(only, &stages[i])) {
            report(&stages[i], ns[i], rounds);
        }
    }
    bench_release(&b);
    compilation_free(c);
    return 0;
}
