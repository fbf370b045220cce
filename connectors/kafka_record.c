#include "connectors/kafka_parts.h"

#include "base/xalloc.h"

/* A header without value keeps a NULL pointer. */
static uint32_t read_headers(struct kafka_source *s, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    uint32_t n = 0;
    const char *name;
    const void *value;
    size_t size;
    while (rd_kafka_header_get_all(headers, n, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR) {
        VEC_PUSH(s->headers, s->n_headers, s->cap_headers) =
            (struct record_header){slice_of(name), slice_from(value, value ? size : 0)};
        n++;
    }
    return n;
}

struct record kafka_record_of(const rd_kafka_message_t *m)
{
    return (struct record){
        .partition = m->partition,
        .offset = m->offset,
        .has_key = m->key != NULL,
        .has_value = m->payload != NULL,
        .in_format = true,
        .key = slice_from(m->key, m->key ? m->key_len : 0),
        .value = slice_from(m->payload, m->payload ? m->len : 0),
    };
}

void kafka_describe_record(const struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                           struct record *ret)
{
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(m, &type);
    *ret = kafka_record_of(m);
    ret->topic = s->parts[part].topic_index;
    ret->has_timestamp = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms >= 0;
    ret->log_append_time = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
    /* Milliseconds beyond the range of event time (year 2262) are as good as absent. */
    if (__builtin_mul_overflow(ms, NS_PER_MS, &ret->timestamp.ns)) {
        ret->has_timestamp = false;
    }
}

void kafka_fill_record(struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                       struct record *ret)
{
    kafka_describe_record(s, m, part, ret);
    /* To ask whether there are any takes the client an allocation per message. */
    ret->n_headers = s->base.skips_headers ? 0 : read_headers(s, m);
}

void kafka_link_headers(struct kafka_source *s)
{
    size_t at = 0;
    for (size_t i = 0; i < s->n_messages; i++) {
        s->records[i].headers = s->headers ? s->headers + at : NULL;
        at += s->records[i].n_headers;
    }
}
