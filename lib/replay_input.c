#include "lib/replay_input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "connectors/file_reader.h"
#include "connectors/file_source.h"

#define CACHE_LINES "records.jsonl"
#define CACHE_MANIFEST "manifest.json"

static bool is_kafka(const char *input)
{
    return strcmp(input, "kafka") == 0 || strncmp(input, "kafka:", 6) == 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Compressed files and pipes say nothing about how much is still to come. */
static uint64_t bytes_of(const char *input)
{
    const char *eq = strchr(input, '=');
    const char *path = eq ? eq + 1 : input;
    const char *dot = strrchr(path, '.');
    struct stat st;
    bool packed = dot && (strcmp(dot, ".gz") == 0 || strcmp(dot, ".zst") == 0);
    bool known = !packed && (stat(path, &st) == 0 || stat(input, &st) == 0) && S_ISREG(st.st_mode);
    return known ? (uint64_t)st.st_size : 0;
}

static void find_whole(struct replay_input *in)
{
    for (size_t i = 0; i < in->n_events && !in->config->kcat; i++) {
        uint64_t bytes = bytes_of(in->events[i]);
        in->whole_bytes = bytes > 0 && (i == 0 || in->whole_bytes > 0) ? in->whole_bytes + bytes : 0;
    }
}

static enum err open_files(struct replay_input *in, struct source **ret, struct error *err)
{
    if (in->n_events == 0) {
        return error_set(err, ERR_USAGE, "no input holds events: all are lists or lookups");
    }
    struct file_source_options o = {.rs = in->rs,
                                    .inputs = in->events,
                                    .n_inputs = in->n_events,
                                    .kcat = in->config->kcat,
                                    .unpackers = file_unpackers(in->config->options.threads)};
    find_whole(in);
    return file_source_new(&o, ret, err);
}

static enum err open_cached(struct replay_input *in, struct source **ret, struct error *err)
{
    const char *const lines[] = {buf_cstr(&in->cache_lines)};
    struct file_source_options o = {.rs = in->rs, .inputs = lines, .n_inputs = 1, .kcat = true};
    return file_source_new(&o, ret, err);
}

/* ---- manifests ------------------------------------------------------------------------------ */

/* A slice answers for a range that lies within the one that it was read for. */
static enum err check_covers(const struct replay_input *in, const char *path, struct error *err)
{
    char from[ETIME_TEXT_MAX] = "the beginning", before[ETIME_TEXT_MAX] = "the end";
    const struct replay_slice *w = &in->want;
    if (w->from.ns <= in->range.from.ns && w->before.ns >= in->range.before.ns) {
        return ERR_OK;
    }
    if (w->from.ns != INT64_MIN) {
        etime_format(w->from, from);
    }
    if (w->before.ns != INT64_MAX) {
        etime_format(w->before, before);
    }
    return error_set(err, ERR_USAGE, "%s names a slice that was read for %s to %s: this replay needs "
                     "more, with its warm-up and cool-down", path, from, before);
}

static enum err load_want(struct replay_input *in, const char *path, struct error *err)
{
    FYKE_TRY(replay_slice_load(&in->want, in->rs, path, &in->has_want, err));
    return in->has_want ? check_covers(in, path, err) : ERR_OK;
}

static enum err look_for_slice(struct replay_input *in, struct error *err)
{
    const struct replay_config *c = in->config;
    if (c->cache) {
        buf_printf(&in->cache_lines, "%s/" CACHE_LINES, c->cache);
        buf_printf(&in->cache_manifest, "%s/" CACHE_MANIFEST, c->cache);
        FYKE_TRY(load_want(in, buf_cstr(&in->cache_manifest), err));
        in->from_cache = in->has_want;
    }
    if (c->manifest && !in->has_want) {
        FYKE_TRY(load_want(in, c->manifest, err));
    }
    if (c->verify && !in->has_want) {
        return error_set(err, ERR_USAGE, "nothing to verify: there is no %s",
                         c->manifest ? c->manifest : buf_cstr(&in->cache_manifest));
    }
    return ERR_OK;
}

/* ---- Kafka ---------------------------------------------------------------------------------- */

bool replay_reads_kafka(const struct replay_config *c)
{
    return c->n_inputs > 0 && is_kafka(c->inputs[0]);
}

void replay_kafka_config(const struct replay_config *c, struct kafka_config *ret)
{
    *ret = (struct kafka_config){.properties = c->kafka_properties,
                                 .n_properties = c->n_kafka_properties,
                                 .app = "fyke-replay", /* never joined, nothing committed */
                                 .stop = c->stop,
                                 .log = c->options.log,
                                 .log_ctx = c->options.log_ctx};
}

static void ranges_of_want(const struct replay_input *in, struct kafka_range **ranges, size_t *n)
{
    *n = in->want.n;
    *ranges = xcalloc(in->want.n + 1, sizeof(**ranges));
    for (size_t i = 0; i < *n; i++) {
        const struct slice_part *p = &in->want.parts[i];
        (*ranges)[i] = (struct kafka_range){p->topic, p->partition, 0, p->first, p->end};
    }
}

static enum err open_kafka(struct replay_input *in, struct source **ret, struct error *err)
{
    const char *topics = strchr(in->config->inputs[0], ':');
    struct kafka_range *ranges = NULL;
    size_t n = 0;
    enum err rc = ERR_OK;
    if (in->has_want) {
        ranges_of_want(in, &ranges, &n);
    } else {
        rc = replay_kafka_plan(in, &ranges, &n, err);
    }
    for (size_t i = 0; i < n; i++) {
        in->whole_records += (uint64_t)(ranges[i].end - ranges[i].first);
    }
    if (rc == ERR_OK) {
        rc = kafka_slice_new(&in->kafka, in->rs, topics ? topics + 1 : NULL, ranges, n, ret, err);
    }
    free(ranges);
    return rc;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static enum err open_cache(struct replay_input *in, struct error *err)
{
    const char *dir = in->config->cache;
    if (!dir || in->from_cache) {
        return ERR_OK;
    }
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return error_set(err, ERR_IO, "cannot make %s: %s", dir, strerror(errno));
    }
    in->cache = fopen(buf_cstr(&in->cache_lines), "we");
    return in->cache ? ERR_OK
                     : error_set(err, ERR_IO, "cannot write %s: %s", buf_cstr(&in->cache_lines),
                                 strerror(errno));
}

static enum err check_inputs(struct replay_input *in, struct error *err)
{
    const struct replay_config *c = in->config;
    size_t kafka = 0;
    for (size_t i = 0; i < c->n_inputs; i++) {
        kafka += is_kafka(c->inputs[i]);
    }
    if (c->n_inputs == 0) {
        return error_set(err, ERR_USAGE, "no input: name files, `-` or kafka");
    }
    if (kafka > 0 && c->n_inputs > 1) {
        return error_set(err, ERR_USAGE,
                         "Kafka is read alone; several topics are written kafka:T1,T2");
    }
    if (kafka == 0 && c->cache) {
        return error_set(err, ERR_USAGE, "--cache keeps what comes from Kafka; these are files");
    }
    in->from_kafka = kafka > 0;
    return ERR_OK;
}

enum err replay_input_init(struct replay_input *in, const struct replay_config *c,
                           const struct ruleset *rs, struct engine_range range,
                           struct duration late, struct error *err)
{
    *in = (struct replay_input){.config = c, .rs = rs, .range = range, .late = late};
    FYKE_TRY(check_inputs(in, err));
    replay_kafka_config(c, &in->kafka);
    return look_for_slice(in, err);
}

static bool holds_events(const struct replay_input *in, const struct table_inputs *const *tables,
                         size_t n, const char *input)
{
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t k = 0; k < tables[i]->n_events; k++) {
            found |= tables[i]->events[k] == input;
        }
        if (!found) { /* a list or lookup of this rule set */
            const char *eq = strchr(input, '=');
            struct slice topic = slice_from(input, eq ? (size_t)(eq - input) : 0);
            return file_input_topic(in->rs, topic) != UINT32_MAX;
        }
    }
    return true;
}

enum err replay_input_open(struct replay_input *in, const struct table_inputs *const *tables,
                           size_t n, struct error *err)
{
    const struct replay_config *c = in->config;
    struct source *inner;
    in->events = xcalloc(c->n_inputs + 1, sizeof(*in->events));
    for (size_t i = 0; i < c->n_inputs; i++) {
        if (holds_events(in, tables, n, c->inputs[i])) {
            in->events[in->n_events++] = c->inputs[i];
        }
    }
    FYKE_TRY(in->from_cache   ? open_cached(in, &inner, err)
             : in->from_kafka ? open_kafka(in, &inner, err)
                              : open_files(in, &inner, err));
    replay_source_init(&in->source, inner, c->batch);
    in->open = true;
    FYKE_TRY(open_cache(in, err));
    bool noted = c->manifest || c->cache;
    in->source.rs = in->rs;
    in->source.got = noted ? &in->got : NULL;
    in->source.want = in->has_want ? &in->want : NULL;
    in->source.lines = in->cache;
    in->source.savepoint = in->from_kafka ? NULL : in->savepoint;
    in->got.from = in->range.from;
    in->got.before = in->range.before;
    return ERR_OK;
}

enum err replay_input_open_alone(struct replay_input *in, const struct replay_config *c,
                                 const struct ruleset *rs, struct engine_range range,
                                 struct duration late, struct table_inputs *tables,
                                 struct error *err)
{
    const struct table_inputs *const only = tables;
    *tables = (struct table_inputs){0};
    FYKE_TRY(replay_input_init(in, c, rs, range, late, err));
    FYKE_TRY(table_inputs_open(tables, rs, c->inputs, c->n_inputs, c->kcat,
                               in->from_kafka ? &in->kafka : NULL, err));
    return replay_input_open(in, &only, 1, err);
}

static enum err finish_cache(struct replay_input *in, struct error *err)
{
    FILE *lines = in->cache;
    in->cache = in->source.lines = NULL;
    if (lines && fclose(lines) != 0) {
        return error_set(err, ERR_IO, "cannot write %s: %s", buf_cstr(&in->cache_lines),
                         strerror(errno));
    }
    return lines ? replay_slice_save(&in->got, in->rs, buf_cstr(&in->cache_manifest), err) : ERR_OK;
}

enum err replay_input_finish(struct replay_input *in, struct error *err)
{
    const struct replay_config *c = in->config;
    FYKE_TRY(replay_source_check_begin(&in->source, err));
    if (!in->source.got) {
        return ERR_OK;
    }
    replay_slice_finish(&in->got);
    if (in->has_want) {
        const char *path = in->from_cache ? buf_cstr(&in->cache_manifest) : c->manifest;
        FYKE_TRY(replay_slice_compare(&in->want, &in->got, in->rs, path, err));
    }
    FYKE_TRY(finish_cache(in, err));
    bool writes = c->manifest && (!in->has_want || in->from_cache);
    return writes ? replay_slice_save(&in->got, in->rs, c->manifest, err) : ERR_OK;
}

void replay_input_close(struct replay_input *in)
{
    if (in->open) {
        in->source.base.ops->close(&in->source.base);
    }
    if (in->cache) {
        fclose(in->cache);
    }
    free(in->events);
    replay_slice_release(&in->want);
    replay_slice_release(&in->got);
    buf_release(&in->cache_lines);
    buf_release(&in->cache_manifest);
}
