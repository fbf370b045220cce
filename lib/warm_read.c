#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "connectors/file_source.h"
#include "lib/options.h"
#include "lib/replay_input.h"
#include "lib/warm_parts.h"

#define BATCH 4096
#define WAIT ((struct duration){20 * NS_PER_MS})
/* Behind the run by no more: the rest is read while nothing is evaluated. */
#define NEAR_RECORDS 8192
#define MEET_S 30 /* at most for the rest */

/* ---- output: none ------------------------------------------------------------------------------ */

static enum err no_write(struct sink *s, const struct out_record *r, struct error *err)
{
    (void)s;
    (void)r;
    (void)err;
    return ERR_OK;
}

static enum err no_flush(struct sink *s, struct error *err)
{
    (void)s;
    (void)err;
    return ERR_OK;
}

static void no_close(struct sink *s)
{
    (void)s;
}

static struct sink *nowhere(void)
{
    static const struct sink_ops ops = {no_write, no_flush, no_close};
    static struct sink sink = {&ops};
    return &sink;
}

/* ---- input ------------------------------------------------------------------------------------- */

static bool is_kafka(const struct warm *w)
{
    const char *input = w->config->inputs[0];
    return strcmp(input, "kafka") == 0 || strncmp(input, "kafka:", 6) == 0;
}

static enum err open_files(struct warm *w, struct error *err)
{
    struct file_source_options o = {
        .rs = w->rs, .inputs = w->config->inputs, .n_inputs = w->config->n_inputs};
    FYKE_TRY(file_source_new(&o, &w->source, err));
    return w->source->ops->start(w->source, NULL, 0, err);
}

static enum err start_at(struct warm *w, const struct kafka_range *ranges, size_t n,
                         struct error *err)
{
    struct partition_position *from = xcalloc(n + 1, sizeof(*from));
    for (size_t i = 0; i < n; i++) {
        from[i] = (struct partition_position){
            .topic = ranges[i].topic, .partition = ranges[i].partition, .offset = ranges[i].first};
    }
    enum err rc = w->source->ops->start(w->source, from, (uint32_t)n, err);
    free(from);
    return rc;
}

static enum err open_kafka(struct warm *w, struct error *err)
{
    const char *topics = strchr(w->config->inputs[0], ':');
    struct replay_config c;
    replay_config_init(&c);
    c.inputs = w->config->inputs;
    c.n_inputs = w->config->n_inputs;
    c.kafka_properties = w->config->kafka_properties;
    c.n_kafka_properties = w->config->n_kafka_properties;
    c.stop = &w->stop;
    struct replay_input in = {.config = &c, .rs = w->rs, .range = w->range, .late = w->late};
    replay_kafka_config(&c, &in.kafka);
    in.kafka.log = NULL; /* the run's own thread speaks */
    struct kafka_range *ranges = NULL;
    size_t n = 0;
    enum err rc = replay_kafka_plan(&in, &ranges, &n, err);
    if (rc == ERR_OK && in.removed > 0) {
        rc = error_set(err, ERR_USAGE, "rules cannot be warmed: retention has removed what they look back "
                       "to from %llu partitions", (unsigned long long)in.removed);
    }
    if (rc == ERR_OK) {
        rc = kafka_source_new(&in.kafka, w->rs, topics ? topics + 1 : NULL, NULL, false, &w->source, err);
    }
    rc = rc == ERR_OK ? start_at(w, ranges, n, err) : rc;
    free(ranges);
    return rc;
}

static enum err open_engine(struct warm *w, struct error *err)
{
    struct engine_options o;
    const struct source_partition *parts;
    uint32_t n;
    options_to_engine(&w->config->options, &o);
    o.state_dir = w->dir;
    o.reset_state = true;
    o.threads = 1;
    o.memory_bytes /= 4;
    o.pending = false;
    o.shards = w->shards;
    o.range = &w->range;
    o.log = NULL;
    o.geoip = geoip_files_lookup(w->geoip);
    o.geoip_identity = geoip_files_identity(w->geoip);
    FYKE_TRY(engine_new(w->rs, &o, &w->engine, err));
    FYKE_TRY(w->source->ops->partitions(w->source, &parts, &n, err));
    FYKE_TRY(engine_begin(w->engine, parts, n, nowhere(), err));
    w->parts = xcalloc(n + 1, sizeof(*w->parts));
    w->n_parts = n;
    for (uint32_t i = 0; i < n; i++) {
        w->parts[i] = (struct warm_part){.topic = parts[i].topic,
                                         .partition = parts[i].partition,
                                         .next = parts[i].first_offset};
        arena_init(&w->parts[i].arena);
    }
    return ERR_OK;
}

static enum err open_all(struct warm *w, struct error *err)
{
    const struct fyke_options *o = &w->config->options;
    FYKE_TRY(geoip_files_open(o->geoip, o->n_geoip, &w->geoip, err));
    FYKE_TRY(is_kafka(w) ? open_kafka(w, err) : open_files(w, err));
    return open_engine(w, err);
}

static void close_all(struct warm *w)
{
    if (w->source) {
        w->source->ops->close(w->source);
    }
    engine_free(w->engine);
    geoip_files_close(w->geoip);
    for (size_t i = 0; i < w->n_parts; i++) {
        arena_release(&w->parts[i].arena);
        free(w->parts[i].waiting);
    }
    free(w->parts);
    w->source = NULL;
    w->engine = NULL;
}

/* ---- records ----------------------------------------------------------------------------------- */

static struct warm_part *part_of(struct warm *w, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < w->n_parts; i++) {
        if (w->parts[i].topic == topic && w->parts[i].partition == partition) {
            return &w->parts[i];
        }
    }
    return NULL;
}

static void keep(struct warm_part *p, const struct record *r)
{
    struct record *to = &VEC_PUSH(p->waiting, p->n, p->cap);
    struct record_header *headers = ARENA_ARRAY(&p->arena, struct record_header, r->n_headers + 1u);
    *to = *r;
    to->key = arena_copy(&p->arena, r->key);
    to->value = arena_copy(&p->arena, r->value);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        headers[i] = (struct record_header){arena_copy(&p->arena, r->headers[i].name),
                                            arena_copy(&p->arena, r->headers[i].value)};
    }
    to->headers = headers;
}

static enum err push(struct warm *w, struct warm_part *p, const struct record *r, struct error *err)
{
    p->next = r->offset + 1;
    return engine_push(w->engine, r, err);
}

/* Records that could not even be placed say nothing here. */
static enum err take(struct warm *w, const struct record *r, struct error *err)
{
    struct warm_part *p = r->topic == UINT32_MAX ? NULL : part_of(w, r->topic, r->partition);
    if (!p) {
        return ERR_OK;
    }
    if (p->n > 0 || r->offset >= p->end) {
        keep(p, r);
        return ERR_OK;
    }
    return push(w, p, r, err);
}

static enum err take_waiting(struct warm *w, struct warm_part *p, struct error *err)
{
    size_t i = 0;
    for (; i < p->n && p->waiting[i].offset < p->end; i++) {
        FYKE_TRY(push(w, p, &p->waiting[i], err));
    }
    if (i == 0) {
        return ERR_OK;
    }
    memmove(p->waiting, p->waiting + i, (p->n - i) * sizeof(*p->waiting));
    p->n -= i;
    if (p->n == 0) {
        arena_reset(&p->arena);
    }
    return ERR_OK;
}

/* Nothing more of it may be pushed now. A transaction's markers leave gaps in front of the end. */
static bool is_there(const struct warm_part *p)
{
    return p->n > 0 || p->next >= p->end;
}

static enum err hold(struct warm *w, struct warm_part *p, struct error *err)
{
    bool paused = is_there(p);
    const struct partition_position at = {.topic = p->topic, .partition = p->partition};
    if (paused != p->paused && w->source->ops->pause) {
        FYKE_TRY(w->source->ops->pause(w->source, &at, paused, err));
    }
    p->paused = paused;
    return ERR_OK;
}

static enum err read_some(struct warm *w, struct error *err)
{
    struct source_batch b = {0};
    for (size_t i = 0; i < w->n_parts; i++) {
        FYKE_TRY(hold(w, &w->parts[i], err));
    }
    FYKE_TRY(w->source->ops->poll(w->source, BATCH, WAIT, &b, err));
    for (uint32_t i = 0; i < b.n; i++) {
        FYKE_TRY(take(w, &b.records[i], err));
    }
    /* What stands behind the last record in front of the end are markers: it has been reached. */
    for (uint32_t i = 0; i < b.n_at_end; i++) {
        struct warm_part *p = part_of(w, b.at_end[i].topic, b.at_end[i].partition);
        if (p && p->n == 0 && b.at_end[i].offset > p->next) {
            p->next = b.at_end[i].offset;
        }
    }
    return engine_warm_step(w->engine, err);
}

/* ---- following --------------------------------------------------------------------------------- */

static uint64_t take_targets(struct warm *w)
{
    uint64_t behind = 0;
    for (size_t i = 0; i < w->n_targets; i++) {
        struct warm_part *p = part_of(w, w->targets[i].topic, w->targets[i].partition);
        if (p) {
            p->end = w->targets[i].end;
            behind += p->end > p->next ? (uint64_t)(p->end - p->next) : 0;
        }
    }
    return behind;
}

static bool all_there(const struct warm *w)
{
    for (size_t i = 0; i < w->n_parts; i++) {
        if (!is_there(&w->parts[i])) {
            return false;
        }
    }
    return true;
}

/* Takes note of how far the run is; waits for it where there is nothing to read. True: the run has stopped there. */
static bool look(struct warm *w)
{
    pthread_mutex_lock(&w->mutex);
    uint64_t behind = take_targets(w);
    if (w->phase == WARM_READS && behind <= NEAR_RECORDS) {
        w->phase = WARM_NEAR;
    }
    uint64_t moved = w->moved;
    while (all_there(w) && w->header.len == 0 && !w->stop && w->moved == moved) {
        pthread_cond_wait(&w->changed, &w->mutex);
    }
    take_targets(w);
    bool met = w->header.len > 0;
    pthread_mutex_unlock(&w->mutex);
    return met;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum err follow(struct warm *w, struct error *err)
{
    double met_s = 0;
    for (;;) {
        bool met = look(w);
        if (w->stop) {
            return error_set(err, ERR_USAGE, "stopped");
        }
        for (size_t i = 0; i < w->n_parts; i++) {
            FYKE_TRY(take_waiting(w, &w->parts[i], err));
        }
        if (met && all_there(w)) {
            FYKE_TRY(engine_warm_step(w->engine, err));
            return engine_meet(w->engine, buf_slice(&w->header), err);
        }
        met_s = met && met_s <= 0 ? seconds() : met_s;
        if (met && seconds() - met_s > MEET_S) {
            return error_set(err, ERR_USAGE, "rules cannot be warmed: the last records could not be read again "
                             "within %d s", MEET_S);
        }
        if (!all_there(w)) {
            FYKE_TRY(read_some(w, err));
        }
    }
}

void *warm_run(void *ctx)
{
    struct warm *w = ctx;
    enum err rc = open_all(w, &w->error);
    rc = rc == ERR_OK ? follow(w, &w->error) : rc;
    if (rc == ERR_OK) {
        w->state = engine_keep(w->engine);
    }
    close_all(w);
    pthread_mutex_lock(&w->mutex);
    w->phase = w->state ? WARM_NEAR : WARM_FAILED;
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}
