#include "lib/infer_read.h"

#include <string.h>

#include "connectors/file_source.h"
#include "connectors/record_lines.h"

#define BATCH_RECORDS 1024
#define WAIT_MS 200

const char *infer_kafka_topic(const char *input)
{
    return strncmp(input, "kafka:", 6) == 0 ? input + 6 : NULL;
}

/* Sources ask a rule set for topics alone. */
static enum err open_source(const struct infer_input *input, const struct ruleset *rs,
                            struct source **ret, struct error *err)
{
    const struct file_source_options o = {
        .rs = rs, .inputs = &input->input, .n_inputs = 1, .kcat = input->kcat};
    return infer_kafka_topic(input->input)
               ? kafka_source_new(&input->kafka, rs, NULL, "earliest", true, ret, err)
               : file_source_new(&o, ret, err);
}

static enum err read_all(struct infer *in, const struct infer_input *input, struct source *s,
                         struct error *err)
{
    const struct source_partition *partitions;
    struct source_batch batch = {0};
    uint32_t n;
    uint64_t left = input->limit;
    FYKE_TRY(s->ops->partitions(s, &partitions, &n, err));
    FYKE_TRY(s->ops->start(s, NULL, 0, err));
    while (left > 0 && !batch.finished && !(input->kafka.stop && *input->kafka.stop)) {
        uint32_t max = left < BATCH_RECORDS ? (uint32_t)left : BATCH_RECORDS;
        FYKE_TRY(s->ops->poll(s, max, (struct duration){WAIT_MS * INT64_C(1000000)}, &batch, err));
        for (uint32_t i = 0; i < batch.n; i++) {
            infer_record(in, &batch.records[i]);
        }
        left -= batch.n;
    }
    return ERR_OK;
}

/* The topic is that of the first envelope; another one needs a word. */
static enum err take_topic(struct infer *in, struct slice topic, const char *path, struct error *err)
{
    if (in->topic.len == 0) {
        in->topic = arena_copy(&in->arena, topic);
    }
    return slice_eq(in->topic, topic)
               ? ERR_OK
               : error_set(err, ERR_USAGE, "%s: envelopes of %.*s and of %.*s: say which one with --topic", path,
                           SLICE_ARG(in->topic), SLICE_ARG(topic));
}

static enum err read_envelopes(struct infer *in, const struct infer_input *input, struct record_lines *lines,
                               struct error *err)
{
    for (uint64_t left = input->limit; left > 0; left--) {
        struct record r;
        struct slice topic;
        bool end;
        FYKE_TRY(record_lines_next(lines, &r, &topic, &end, err));
        if (end) {
            break;
        }
        if (!r.broken) {
            FYKE_TRY(take_topic(in, topic, input->input, err));
        }
        infer_record(in, &r);
    }
    return ERR_OK;
}

static enum err read_any_topic(struct infer *in, const struct infer_input *input, struct error *err)
{
    struct record_lines lines;
    FYKE_TRY(record_lines_open(&lines, input->input, RECORD_LINES_KCAT, err));
    enum err rc = read_envelopes(in, input, &lines, err);
    record_lines_close(&lines);
    return rc;
}

enum err infer_read(struct infer *in, const struct infer_input *input, struct error *err)
{
    if (input->kcat && input->topic.len == 0) {
        return read_any_topic(in, input, err);
    }
    in->topic = input->topic;
    struct schema_topic topic = {.name = input->topic, .at_most_ahead = {INT64_MAX}};
    const struct ruleset rs = {.topics = &topic, .n_topics = 1};
    struct source *s;
    FYKE_TRY(open_source(input, &rs, &s, err));
    enum err rc = read_all(in, input, s, err);
    s->ops->close(s);
    return rc;
}
