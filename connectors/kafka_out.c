/* Alerts on their way out: value as one JSON object, the rule key as message key, event time as
 * record timestamp, headers fyke-rule and fyke-match-id (docs/formats.md). */
#include "connectors/kafka_out.h"

#include <stdio.h>

/* As they came, and those that say why. */
static rd_kafka_headers_t *refused_headers(const struct out_record *r)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(r->n_headers + 1);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        const struct record_header *h = &r->headers[i];
        rd_kafka_header_add(headers, h->name.ptr, (ssize_t)h->name.len, h->value.ptr,
                            (ssize_t)h->value.len);
    }
    return headers;
}

static rd_kafka_headers_t *headers_of(const struct out_record *r)
{
    if (r->is_refused) {
        return refused_headers(r);
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, "fyke-rule", -1, r->rule.ptr, (ssize_t)r->rule.len);
    if (r->match_id.len) {
        rd_kafka_header_add(headers, "fyke-match-id", -1, r->match_id.ptr,
                            (ssize_t)r->match_id.len);
    }
    return headers;
}

struct kafka_message kafka_message_of(const struct out_record *r)
{
    return (struct kafka_message){
        .partition = KAFKA_ANY_PARTITION,
        .has_key = r->has_key,
        .has_value = !r->is_refused || r->has_value,
        .key = r->key,
        .value = r->value,
        /* To librdkafka a time of 0 means "now", to Kafka a negative one means none. */
        .ms = r->is_refused && !r->has_time        ? 0
              : r->event_time.ns >= NS_PER_MS ? r->event_time.ns / NS_PER_MS
                                              : 1,
        .headers = headers_of(r),
    };
}

bool kafka_leave_value_out(const struct out_record *r, struct kafka_message *m)
{
    char bytes[24];
    if (!r->is_refused || !m->has_value) {
        return false;
    }
    int n = snprintf(bytes, sizeof(bytes), "%zu", m->value.len);
    rd_kafka_header_add(m->headers, "__fyke.errors.value.left.out", -1, bytes, n);
    m->has_value = false;
    m->value = (struct slice){0};
    return true;
}

enum err kafka_too_large(const struct out_record *r, const char *topic, struct error *err)
{
    if (r->is_refused) {
        return error_set(err, ERR_KAFKA,
                         "kafka: key and headers of a refused record take more than "
                         "message.max.bytes: raise it here with -X and at topic %s", topic);
    }
    return error_set(err, ERR_KAFKA,
                     "kafka: an alert of rule %.*s takes %zu bytes, more than message.max.bytes: "
                     "show less evidence (--max-evidence, --evidence-fields) or raise it here with "
                     "-X and at topic %s",
                     SLICE_ARG(r->rule), r->value.len, topic);
}

bool kafka_may_be_deleted(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__DESTROY;
}

enum err kafka_deleted(const char *topic, struct error *err)
{
    return error_set(err, ERR_KAFKA, "kafka: what is written to %s is not delivered (the topic was deleted)",
                     topic);
}

/* A NULL pointer is null to librdkafka. */
static void *bytes_of(bool has, struct slice s)
{
    const char *ptr = !has ? NULL : s.len == 0 ? "" : s.ptr;
    return (void *)(uintptr_t)ptr;
}

rd_kafka_resp_err_t kafka_send(rd_kafka_t *rk, struct kafka_message *m)
{
    rd_kafka_vu_t vus[] = {
        {RD_KAFKA_VTYPE_RKT, {.rkt = m->topic}},
        {RD_KAFKA_VTYPE_PARTITION, {.i32 = m->partition}},
        {RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}},
        {RD_KAFKA_VTYPE_KEY, {.mem = {bytes_of(m->has_key, m->key), m->has_key ? m->key.len : 0}}},
        {RD_KAFKA_VTYPE_VALUE,
         {.mem = {bytes_of(m->has_value, m->value), m->has_value ? m->value.len : 0}}},
        {RD_KAFKA_VTYPE_TIMESTAMP, {.i64 = m->ms}},
        {RD_KAFKA_VTYPE_OPAQUE, {.ptr = m->opaque}},
        {RD_KAFKA_VTYPE_HEADERS, {.headers = m->headers}},
    };
    size_t n = FYKE_ARRAY_LEN(vus) - (m->headers == NULL);
    rd_kafka_error_t *e = rd_kafka_produceva(rk, vus, n);
    rd_kafka_resp_err_t rc = e ? rd_kafka_error_code(e) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_destroy(e);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        m->headers = NULL; /* taken with the message */
    }
    return rc;
}
