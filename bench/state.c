/* What live partial matches take: KEYS users fail once, each at a time of its own; then EVENTS good logins of users
 * by chance, which find their partial match and do not end it.
 *
 *   state [-m MEMORY_MIB] [-d STATE_DIR] [-r] [-z] RULES KEYS [EVENTS]
 * -d: with a state there, committed as a run commits. -r: what is there is opened first, and nothing fails. -z: some
 * users come much more often than others (Zipf).
 * Prints bytes per key as the engine counts them and as the system does (resident set, less what there was before
 * the first key), and CPU time per event. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "bench/workload.h"

#define COMMIT_EVERY 200000
#define FIRST_MS INT64_C(1750000000000)

struct work {
    struct engine *engine;
    uint64_t keys;
    int64_t offset;
    bool zipf;
    struct error err;
};

static uint64_t resident_bytes(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%lu %lu", &pages, &resident) != 2) {
        die("/proc/self/statm", "cannot be read");
    }
    fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Spread over the table of keys and over the numbers that users have. */
static uint64_t user_of(uint64_t i)
{
    return (i * UINT64_C(2654435761)) % UINT64_C(9999991) + 1000000;
}

static void login(struct work *w, uint64_t key, bool ok, int64_t at_ms)
{
    static const char *const countries[] = {"NL", "DE", "FR", "PL", "ES", "IT", "SE", "AT"};
    char text[160];
    int n = snprintf(text, sizeof(text), "{\"user\":\"user-%" PRIu64 "\",\"at\":%" PRId64 ",\"ok\":%s,"
                     "\"country\":\"%s\",\"device\":\"d%" PRIu64 "\"}", user_of(key), at_ms,
                     ok ? "true" : "false", countries[key % 8], key % 1000);
    struct record r = {.offset = w->offset++, .has_value = true, .value = slice_from(text, (size_t)n)};
    check(engine_push(w->engine, &r, &w->err), &w->err);
    if (w->offset % PROCESS_EVERY == 0) {
        check(engine_process(w->engine, &w->err), &w->err);
    }
}

static void commit(struct work *w, bool stored)
{
    check(engine_process(w->engine, &w->err), &w->err);
    if (stored) {
        check(engine_commit(w->engine, &w->err), &w->err);
    }
}

static void fill(struct work *w, bool stored)
{
    for (uint64_t i = 0; i < w->keys; i++) {
        login(w, i, false, FIRST_MS + (int64_t)(i / 100));
        if (i % COMMIT_EVERY == COMMIT_EVERY - 1) {
            commit(w, stored);
        }
    }
    commit(w, stored);
}

/* By Zipf the number of a user is that of its rank, spread over all: those who come often are not those who came
 * first. Ranks r come as often as 1/r, nearly: the logarithm of such a rank is spread evenly. */
static uint64_t any_key(const struct work *w, struct rng *rng)
{
    if (!w->zipf) {
        return rng_below(rng, w->keys);
    }
    double even = (double)rng_below(rng, UINT64_C(1) << 53) / (double)(UINT64_C(1) << 53);
    uint64_t rank = (uint64_t)exp(even * log((double)w->keys));
    return rank * UINT64_C(7368787) % w->keys;
}

static void ask(struct work *w, uint64_t events, bool stored)
{
    struct rng rng = rng_seed(5);
    for (uint64_t i = 0; i < events; i++) {
        login(w, any_key(w, &rng), true, FIRST_MS + (int64_t)(w->keys / 100 + i / 100));
        if (i % COMMIT_EVERY == COMMIT_EVERY - 1) {
            commit(w, stored);
        }
    }
    commit(w, stored);
}

static void tell(struct work *w, const char *what, double seconds, uint64_t events, uint64_t before)
{
    struct engine_summary s;
    engine_summary(w->engine, &s);
    double keys = (double)s.live_keys;
    printf("%s: %" PRIu64 " keys, %" PRIu64 " of them at rest, %" PRIu64 " evicted so far; bytes per key: %.1f counted, %.1f resident",
           what, s.live_keys, s.resting_keys, s.evicted, (double)s.live_bytes / keys,
           (double)(resident_bytes() - before) / keys);
    printf("; %.0f ns of CPU per event; %" PRIu64 " alerts\n", events ? seconds * 1e9 / (double)events : 0.0,
           s.alerts_total);
}

static void open_engine(struct work *w, const struct ruleset *rs, const struct engine_options *o)
{
    static const struct source_partition part = {0};
    check(engine_new(rs, o, &w->engine, &w->err), &w->err);
    check(engine_begin(w->engine, &part, 1, &deaf_sink, &w->err), &w->err);
}

int main(int argc, char **argv)
{
    struct engine_options o;
    bool reopen = false;
    struct work w = {.err = ERROR_INIT};
    engine_options_init(&o);
    for (int c; (c = getopt(argc, argv, "m:d:rz")) != -1;) {
        if (c == 'm') {
            o.memory_bytes = (size_t)strtoull(optarg, NULL, 10) << 20;
        } else if (c == 'd') {
            o.state_dir = optarg;
        } else if (c == 'z') {
            w.zipf = true;
        } else {
            reopen = c == 'r';
        }
    }
    if (argc - optind < 2 || (reopen && !o.state_dir)) {
        die("usage", "state [-m MEMORY_MIB] [-d STATE_DIR] [-r] [-z] RULES KEYS [EVENTS]");
    }
    struct compilation *c = compile(argv[optind]);
    w.keys = strtoull(argv[optind + 1], NULL, 10);
    uint64_t events = argc - optind > 2 ? strtoull(argv[optind + 2], NULL, 10) : 0;
    uint64_t before = resident_bytes();
    double begin = cpu_seconds();
    open_engine(&w, c->ruleset, &o);
    if (reopen) {
        tell(&w, "opened", 0, 0, before);
        printf("  in %.2f s of CPU\n", cpu_seconds() - begin);
        w.offset = (int64_t)w.keys;
    } else {
        fill(&w, o.state_dir != NULL);
        tell(&w, "filled", cpu_seconds() - begin, w.keys, before);
    }
    begin = cpu_seconds();
    ask(&w, events, o.state_dir != NULL);
    tell(&w, "asked", cpu_seconds() - begin, events, before);
    engine_free(w.engine);
    compilation_free(c);
    return 0;
}
