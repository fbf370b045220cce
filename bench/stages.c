/* Where the time of an event goes, in one process and one thread over the same records:
 *
 *   decode      scan the JSON, check every declared field, keep what rules name
 *   evaluate    order, keys, automata and alerts over events that are already decoded
 *   engine      both, from bytes in memory to alerts handed to a sink that drops them
 *
 *   stages [-n ROUNDS] RULES TOPIC=FILE…
 * Prints the median of the rounds with the least and the most, in ns per event and events per
 * second of CPU time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "connectors/memory.h"
#include "dsl/compile.h"
#include "engine/engine.h"

#define MAX_ROUNDS 99
#define PROCESS_EVERY 4096

struct input {
    struct record *records;
    size_t n, cap;
    char *texts[64];
    size_t n_texts;
};

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "stages: %s: %s\n", what, why);
    exit(2);
}

/* ---- input: whole files, merged by nothing: one after the other per poll --------------------- */

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        die(path, strerror(errno));
    }
    size_t cap = 0, n = 0;
    char *text = NULL;
    for (;;) {
        text = xgrow(text, &cap, n + (1 << 20), 1);
        size_t got = fread(text + n, 1, 1 << 20, f);
        if (got == 0) {
            break;
        }
        n += got;
    }
    fclose(f);
    *len = n;
    return text;
}

static uint32_t topic_index(const struct ruleset *rs, const char *name, size_t len)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        if (slice_eq(rs->topics[i].name, slice_from(name, len))) {
            return i;
        }
    }
    die(name, "no rule declares this topic");
    return 0;
}

static void add_file(struct input *in, const struct ruleset *rs, const char *arg)
{
    const char *eq = strchr(arg, '=');
    if (!eq || in->n_texts == 64) {
        die(arg, "TOPIC=FILE is expected");
    }
    uint32_t topic = topic_index(rs, arg, (size_t)(eq - arg));
    size_t len;
    char *text = read_file(eq + 1, &len);
    in->texts[in->n_texts++] = text;
    int64_t offset = 0;
    for (char *p = text, *end = text + len; p < end;) {
        char *nl = memchr(p, '\n', (size_t)(end - p));
        char *stop = nl ? nl : end;
        VEC_PUSH(in->records, in->n, in->cap) =
            (struct record){.topic = topic, .offset = offset++, .has_value = true,
                            .value = slice_from(p, (size_t)(stop - p))};
        p = stop + 1;
    }
}

/* The order in which a run would read several files: by event time. A record without one stays
 * behind the record before it, so that the offsets of a file still rise. */
struct timed {
    struct record record;
    int64_t ns;
    size_t at;
};

static int by_time(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->ns != y->ns) {
        return x->ns < y->ns ? -1 : 1;
    }
    return x->at < y->at ? -1 : 1;
}

static void sort_by_time(struct input *in, const struct ruleset *rs)
{
    struct engine_options o;
    engine_options_init(&o);
    struct decoder *d = decoder_new(rs, o.decode);
    struct arena arena = ARENA_INIT;
    struct timed *all = xcalloc(in->n, sizeof(*all));
    for (size_t i = 0; i < in->n; i++) {
        struct decoded got;
        decoder_decode(d, &in->records[i], &arena, &got);
        bool same_file = i > 0 && in->records[i].topic == in->records[i - 1].topic;
        int64_t ns = same_file ? all[i - 1].ns : INT64_MIN;
        if (got.result == DECODE_EVENTS) {
            ns = got.events[0]->time.ns > ns ? got.events[0]->time.ns : ns;
        }
        all[i] = (struct timed){in->records[i], ns, i};
        arena_reset(&arena);
    }
    qsort(all, in->n, sizeof(*all), by_time);
    for (size_t i = 0; i < in->n; i++) {
        in->records[i] = all[i].record;
    }
    free(all);
    arena_release(&arena);
    decoder_free(d);
}

/* ---- stages ------------------------------------------------------------------------------- */

static enum err drop_alert(struct sink *s, const struct out_record *r, struct error *err)
{
    (void)s;
    (void)r;
    (void)err;
    return ERR_OK;
}
static enum err drop_flush(struct sink *s, struct error *err)
{
    (void)s;
    (void)err;
    return ERR_OK;
}
static void drop_close(struct sink *s)
{
    (void)s;
}
static const struct sink_ops drop_ops = {drop_alert, drop_flush, drop_close};

static double decode_round(const struct ruleset *rs, const struct input *in)
{
    struct engine_options o;
    engine_options_init(&o);
    struct decoder *d = decoder_new(rs, o.decode);
    struct arena arena = ARENA_INIT;
    double begin = cpu_seconds();
    for (size_t i = 0; i < in->n; i++) {
        struct decoded got;
        decoder_decode(d, &in->records[i], &arena, &got);
        if (i % PROCESS_EVERY == 0) {
            arena_reset(&arena);
        }
    }
    double seconds = cpu_seconds() - begin;
    arena_release(&arena);
    decoder_free(d);
    return seconds;
}

static void check(enum err rc, const struct error *err)
{
    if (rc != ERR_OK) {
        die("engine", err->text);
    }
}

static struct engine *engine_open(const struct ruleset *rs, struct sink *sink)
{
    struct engine_options o;
    engine_options_init(&o);
    struct error err = ERROR_INIT;
    struct engine *e;
    check(engine_new(rs, &o, &e, &err), &err);
    struct source_partition *parts = xcalloc(rs->n_topics, sizeof(*parts));
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        parts[i].topic = i;
    }
    check(engine_begin(e, parts, rs->n_topics, sink, &err), &err);
    free(parts);
    return e;
}

static double engine_round(const struct ruleset *rs, const struct input *in, uint64_t *alerts)
{
    struct sink sink = {&drop_ops};
    struct engine *e = engine_open(rs, &sink);
    struct error err = ERROR_INIT;
    double begin = cpu_seconds();
    for (size_t i = 0; i < in->n; i++) {
        check(engine_push(e, &in->records[i], &err), &err);
        if (i % PROCESS_EVERY == 0) {
            check(engine_process(e, &err), &err);
        }
    }
    check(engine_finish(e, &err), &err);
    double seconds = cpu_seconds() - begin;
    struct engine_summary s;
    engine_summary(e, &s);
    *alerts = s.alerts_total;
    engine_free(e);
    return seconds;
}

/* Events decoded beforehand, kept in one arena. */
static double evaluate_round(const struct ruleset *rs, const struct input *in)
{
    struct engine_options o;
    engine_options_init(&o);
    struct decoder *d = decoder_new(rs, o.decode);
    struct arena arena = ARENA_INIT;
    struct event **events = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < in->n; i++) {
        struct decoded got;
        decoder_decode(d, &in->records[i], &arena, &got);
        for (uint32_t k = 0; k < got.n_events; k++) {
            VEC_PUSH(events, n, cap) = got.events[k];
        }
    }
    struct sink sink = {&drop_ops};
    struct engine *e = engine_open(rs, &sink);
    struct error err = ERROR_INIT;
    double begin = cpu_seconds();
    for (size_t i = 0; i < n; i++) {
        check(engine_push_event(e, events[i], &err), &err);
        if (i % PROCESS_EVERY == 0) {
            check(engine_process(e, &err), &err);
        }
    }
    check(engine_finish(e, &err), &err);
    double seconds = cpu_seconds() - begin;
    engine_free(e);
    free(events);
    arena_release(&arena);
    decoder_free(d);
    return seconds;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void report(const char *stage, double *seconds, int rounds, size_t n)
{
    qsort(seconds, (size_t)rounds, sizeof(*seconds), by_value);
    double median = seconds[rounds / 2], per = 1e9 / (double)n;
    printf("%-10s %8.0f ns/event  (%.0f to %.0f)  %10.0f events/s\n", stage, median * per,
           seconds[0] * per, seconds[rounds - 1] * per, (double)n / median);
}

static struct compilation *compile(const char *rules)
{
    struct compile_input input = {.paths = &rules, .n_paths = 1};
    struct error err = ERROR_INIT;
    struct compilation *c = dsl_compile(&input, &err);
    if (!c) {
        die(rules, err.text);
    }
    if (!c->ruleset) {
        die(rules, "does not compile; see fyke check");
    }
    return c;
}

int main(int argc, char **argv)
{
    int rounds = 5, opt;
    while ((opt = getopt(argc, argv, "n:")) != -1) {
        rounds = opt == 'n' ? atoi(optarg) : 0;
    }
    if (rounds < 1 || rounds > MAX_ROUNDS || argc - optind < 2) {
        die("usage", "stages [-n ROUNDS] RULES TOPIC=FILE…");
    }
    struct compilation *c = compile(argv[optind]);
    struct input in = {0};
    for (int i = optind + 1; i < argc; i++) {
        add_file(&in, c->ruleset, argv[i]);
    }
    sort_by_time(&in, c->ruleset);
    double decode[MAX_ROUNDS], evaluate[MAX_ROUNDS], whole[MAX_ROUNDS];
    uint64_t alerts = 0;
    for (int r = 0; r < rounds; r++) { /* interleaved: a noisy moment hits all stages alike */
        decode[r] = decode_round(c->ruleset, &in);
        evaluate[r] = evaluate_round(c->ruleset, &in);
        whole[r] = engine_round(c->ruleset, &in, &alerts);
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
    for (size_t i = 0; i < in.n_texts; i++) {
        free(in.texts[i]);
    }
    free(in.records);
    compilation_free(c);
    return 0;
}
