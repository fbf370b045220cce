#include "bench/workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"

double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void die(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(2);
}

struct compilation *compile(const char *rules)
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

void input_add_file(struct input *in, const struct ruleset *rs, const char *arg, size_t most)
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
    for (char *p = text, *end = text + len; p < end && most-- > 0;) {
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

void input_sort_by_time(struct input *in, const struct ruleset *rs)
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

void input_release(struct input *in)
{
    for (size_t i = 0; i < in->n_texts; i++) {
        free(in->texts[i]);
    }
    free(in->records);
    *in = (struct input){0};
}

void input_decode(const struct input *in, const struct ruleset *rs, struct decoded_input *out)
{
    struct engine_options o;
    engine_options_init(&o);
    struct decoder *d = decoder_new(rs, o.decode);
    *out = (struct decoded_input){0};
    event_blocks_init(&out->blocks);
    out->block = event_blocks_open(&out->blocks);
    event_block_hold(out->block);
    for (size_t i = 0; i < in->n; i++) {
        struct decoded got;
        decoder_decode(d, &in->records[i], &out->block->arena, &got);
        for (uint32_t k = 0; k < got.n_events; k++) {
            VEC_PUSH(out->events, out->n, out->cap) = got.events[k];
        }
    }
    decoder_free(d);
}

void decoded_release(struct decoded_input *d)
{
    free(d->events);
    event_blocks_release(&d->blocks);
    *d = (struct decoded_input){0};
}

/* ---- engine ------------------------------------------------------------------------------- */

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

struct sink deaf_sink = {&drop_ops};

void check(enum err rc, const struct error *err)
{
    if (rc != ERR_OK) {
        die("engine", err->text);
    }
}

struct engine *engine_open(const struct ruleset *rs, struct sink *sink)
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
