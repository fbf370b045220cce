/* The connectors against librdkafka's mock cluster: connections, errors, ends, what a record
 * becomes. It knows no transactions and no search by time; tests/integration has a real broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka.h"
#include "tests/support/hand_rules.h"

#define LOGINS 0
#define LOGOUTS 1
#define API_PRODUCE 0 /* request types of the protocol */
#define API_OFFSET_COMMIT 8
#define POLL ((struct duration){100 * NS_PER_MS})

struct world {
    rd_kafka_t *mock_client;
    rd_kafka_mock_cluster_t *mock;
    struct hand_rules rules;
    struct kafka_config config;
    char bootstrap[256];
    const char *properties[4];
    struct source *source;
    struct sink *sink;
    struct error err;
    int beats;
    char log[4096];
};

static void log_line(void *ctx, const char *line)
{
    struct world *w = ctx;
    strncat(w->log, line, sizeof(w->log) - strlen(w->log) - 2);
    strcat(w->log, "\n");
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    char why[256];
    w->mock_client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    w->mock = rd_kafka_mock_cluster_new(w->mock_client, 1);
    rd_kafka_mock_topic_create(w->mock, "logins", 2, 1);
    rd_kafka_mock_topic_create(w->mock, "logouts", 1, 1);
    rd_kafka_mock_topic_create(w->mock, "alerts", 1, 1);
    snprintf(w->bootstrap, sizeof(w->bootstrap), "bootstrap.servers=%s",
             rd_kafka_mock_cluster_bootstraps(w->mock));
    w->properties[0] = w->bootstrap;
    w->config = (struct kafka_config){.properties = w->properties,
                                      .n_properties = 1,
                                      .app = "fyke-test",
                                      .connect_timeout_ms = 5000,
                                      .log = log_line,
                                      .log_ctx = w};
    hand_begin(&w->rules, 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    if (w->source) {
        w->source->ops->close(w->source);
    }
    if (w->sink) {
        w->sink->ops->close(w->sink);
    }
    rd_kafka_mock_cluster_destroy(w->mock);
    rd_kafka_destroy(w->mock_client);
    hand_end(&w->rules);
    free(w);
    return 0;
}

static void check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s", w->err.text);
    }
}

static enum err open_source(struct world *w, const char *topics, const char *start, bool once)
{
    return kafka_source_new(&w->config, &w->rules.rs, topics, start, once, &w->source, &w->err);
}

static enum err open_sink(struct world *w, const char *topic)
{
    return kafka_sink_new(&w->config, topic, &w->sink, &w->err);
}

static void start(struct world *w, const struct partition_position *from, uint32_t n)
{
    check(w, w->source->ops->start(w->source, from, n, &w->err));
}

/* With another client than the one under test. */
static void produce(struct world *w, const char *topic, int32_t partition, const char *value,
                    const char *key, int64_t ms)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_conf_set(conf, "bootstrap.servers", strchr(w->bootstrap, '=') + 1, why, sizeof(why));
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, "site", -1, "ams", 3);
    rd_kafka_header_add(headers, "none", -1, NULL, 0);
    assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)value,
                                                        value ? strlen(value) : 0),
                                       RD_KAFKA_V_KEY((void *)(uintptr_t)key, key ? strlen(key) : 0),
                                       RD_KAFKA_V_TIMESTAMP(ms), RD_KAFKA_V_HEADERS(headers),
                                       RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(rk, 10000), 0);
    rd_kafka_destroy(rk);
}

/* Polls until a batch has records, ends or nothing more is to come. */
static struct source_batch poll_some(struct world *w)
{
    struct source_batch b = {0};
    for (int i = 0; i < 100 && b.n == 0 && b.n_at_end == 0 && !b.finished; i++) {
        check(w, w->source->ops->poll(w->source, 100, POLL, &b, &w->err));
    }
    return b;
}

static void fails(struct world *w, enum err rc, enum err want, const char *text)
{
    assert_int_equal(rc, want);
    if (!strstr(w->err.text, text)) {
        fail_msg("no \"%s\" in: %s", text, w->err.text);
    }
}

/* ---- configuration ------------------------------------------------------------------------ */

static void properties_are_checked(void **state)
{
    struct world *w = *state;
    w->config.n_properties = 0;
    fails(w, open_source(w, NULL, NULL, false), ERR_USAGE, "bootstrap.servers");
    w->config.n_properties = 2;
    w->properties[1] = "no.such.thing=1";
    fails(w, open_source(w, NULL, NULL, false), ERR_USAGE, "no.such.thing");
    w->properties[1] = "nothing";
    fails(w, open_sink(w, "alerts"), ERR_USAGE, "key=value");
    w->properties[1] = "enable.auto.commit=true";
    fails(w, open_source(w, NULL, NULL, false), ERR_USAGE, "cannot be changed");
    w->properties[1] = "enable.idempotence=false";
    fails(w, open_sink(w, "alerts"), ERR_USAGE, "cannot be changed");
    w->properties[1] = "enable.auto.commit=false";
    check(w, open_source(w, NULL, NULL, false));
}

static void topics_are_checked(void **state)
{
    struct world *w = *state;
    fails(w, open_source(w, "logins,nothing", NULL, false), ERR_USAGE, "no rule declares");
    fails(w, open_source(w, NULL, "yesterday", false), ERR_USAGE, "--start");
    rd_kafka_mock_topic_set_error(w->mock, "logouts", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    fails(w, open_source(w, NULL, NULL, false), ERR_USAGE, "logouts does not exist");
    rd_kafka_mock_topic_set_error(w->mock, "alerts", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    fails(w, open_sink(w, "alerts"), ERR_KAFKA, "the right Write on this topic");
    check(w, open_source(w, "logins", NULL, false));
    const struct source_partition *parts;
    uint32_t n;
    check(w, w->source->ops->partitions(w->source, &parts, &n, &w->err));
    assert_int_equal(n, 2);
    assert_true(parts[1].empty && parts[1].partition == 1 && parts[1].topic == LOGINS);
}

static void a_broker_that_is_not_there(void **state)
{
    struct world *w = *state;
    w->properties[0] = "bootstrap.servers=127.0.0.1:1";
    w->config.connect_timeout_ms = 1500;
    fails(w, open_source(w, NULL, NULL, false), ERR_KAFKA, "no broker answers");
    assert_true(w->err.retriable);
    assert_non_null(strstr(w->err.text, "127.0.0.1:1"));
}

/* ---- source ------------------------------------------------------------------------------- */

static void a_record_keeps_what_it_has(void **state)
{
    struct world *w = *state;
    produce(w, "logouts", 0, "{}", "bob", 1234);
    produce(w, "logouts", 0, NULL, NULL, 1235);
    produce(w, "logouts", 0, "", "", 1236);
    check(w, open_source(w, "logouts", NULL, true));
    start(w, NULL, 0);
    uint32_t seen = 0;
    while (seen < 3) {
        struct source_batch b = poll_some(w);
        for (uint32_t i = 0; i < b.n; i++, seen++) {
            const struct record *r = &b.records[i];
            assert_int_equal(r->topic, LOGOUTS);
            assert_int_equal(r->offset, seen);
            assert_int_equal(r->has_key, seen != 1);
            assert_int_equal(r->has_value, seen != 1);
            assert_true(r->in_format);
            assert_int_equal(r->key.len, seen == 0 ? 3 : 0);
            assert_true(r->has_timestamp);
            assert_int_equal(r->timestamp.ns, (1234 + (int64_t)seen) * NS_PER_MS);
            assert_int_equal(r->n_headers, 2);
            assert_true(slice_eq_str(r->headers[0].name, "site"));
            assert_true(slice_eq_str(r->headers[0].value, "ams"));
            assert_null(r->headers[1].value.ptr);
        }
        assert_int_equal(b.finished, seen == 3);
    }
}

static void ends(void **state)
{
    struct world *w = *state;
    produce(w, "logins", 1, "{}", NULL, 1);
    check(w, open_source(w, "logins", NULL, false));
    start(w, NULL, 0);
    uint32_t records = 0, at_end = 0;
    while (at_end < 2) {
        struct source_batch b = poll_some(w);
        assert_false(b.finished);
        assert_true(b.n + b.n_at_end > 0);
        for (uint32_t i = 0; i < b.n_at_end; i++) {
            assert_int_equal(b.at_end[i].offset, b.at_end[i].partition == 1);
        }
        records += b.n;
        at_end += b.n_at_end;
    }
    assert_int_equal(records, 1);
}

static void once_over_nothing_is_finished(void **state)
{
    struct world *w = *state;
    check(w, open_source(w, NULL, NULL, true));
    start(w, NULL, 0);
    assert_true(poll_some(w).finished);
}

static void a_position_goes_on(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        produce(w, "logins", 1, "{}", NULL, 1);
    }
    produce(w, "logins", 0, "{}", NULL, 1);
    /* Partition 0 is new to the state: read from its first record although --start says else. */
    struct partition_position from[] = {{LOGINS, 1, 2, 0, {0}}};
    check(w, open_source(w, "logins", "latest", true));
    start(w, from, 1);
    const struct source_partition *parts;
    uint32_t n, seen = 0;
    check(w, w->source->ops->partitions(w->source, &parts, &n, &w->err));
    assert_int_equal(parts[0].first_offset, 0);
    for (bool finished = false; !finished;) {
        struct source_batch b = poll_some(w);
        for (uint32_t i = 0; i < b.n; i++) {
            assert_int_equal(b.records[i].offset, b.records[i].partition == 1 ? 2 : 0);
        }
        seen += b.n;
        finished = b.finished;
    }
    assert_int_equal(seen, 2);
    assert_non_null(strstr(w->log, "new partition 0"));
}

static void a_position_that_is_gone(void **state)
{
    struct world *w = *state;
    struct partition_position from[] = {{LOGINS, 0, 5, 0, {0}}};
    check(w, open_source(w, "logins", NULL, true));
    fails(w, w->source->ops->start(w->source, from, 1, &w->err), ERR_KAFKA, "goes on at offset 5");
}

/* A topic that was made anew may have grown beyond where reading goes on, but not yet to what was read:
 * its records would be taken for known ones. */
static void what_was_read_is_gone(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        produce(w, "logins", 0, "{}", NULL, 1);
    }
    struct partition_position from[] = {{LOGINS, 0, 1, 4, {0}}};
    check(w, open_source(w, "logins", NULL, true));
    fails(w, w->source->ops->start(w->source, from, 1, &w->err), ERR_KAFKA,
          "has read up to offset 4, but the topic holds 0 to 3");
}

/* Reads everything, keeps the mark of the last record of partition 0 and the number of all. */
static uint32_t read_once(struct world *w, const struct partition_position *from, uint32_t n,
                          struct record_mark *last)
{
    uint32_t seen = 0;
    check(w, open_source(w, "logins", NULL, true));
    start(w, from, n);
    for (bool finished = false; !finished;) {
        struct source_batch b = poll_some(w);
        for (uint32_t i = 0; i < b.n; i++) {
            if (b.records[i].partition == 0) {
                *last = record_mark_of(&b.records[i]);
            }
        }
        seen += b.n;
        finished = b.finished;
    }
    w->source->ops->close(w->source);
    w->source = NULL;
    return seen;
}

/* The topic that was read: its last record comes by and is not handed out again. */
static void the_last_record_tells_that_it_is_the_topic(void **state)
{
    struct world *w = *state;
    struct record_mark last = {0}, next = {0};
    for (int i = 0; i < 3; i++) {
        produce(w, "logins", 0, "{}", "ann", 1000 + i);
    }
    assert_int_equal(read_once(w, NULL, 0, &last), 3);
    struct partition_position behind = {LOGINS, 0, 3, 3, last}, in_front = {LOGINS, 0, 1, 3, last};
    assert_int_equal(read_once(w, &behind, 1, &next), 0);
    assert_int_equal(read_once(w, &in_front, 1, &next), 2);
    produce(w, "logins", 0, "{}", "bob", 2000);
    assert_int_equal(read_once(w, &behind, 1, &next), 1);
    assert_int_equal(next.offset, 3);
    assert_null(strstr(w->log, "made anew"));
}

static void another_topic(struct world *w, struct record_mark last, const char *what)
{
    struct partition_position from[] = {{LOGINS, 0, last.offset + 1, last.offset + 1, last}};
    enum err rc = ERR_OK;
    check(w, open_source(w, "logins", NULL, true));
    start(w, from, 1);
    for (bool finished = false; rc == ERR_OK && !finished;) {
        struct source_batch b = {0};
        rc = w->source->ops->poll(w->source, 10, POLL, &b, &w->err);
        assert_int_equal(b.n, 0);
        finished = b.finished;
    }
    fails(w, rc, ERR_KAFKA, what);
    assert_non_null(strstr(w->err.text, "(it holds 0 to 3)"));
    w->source->ops->close(w->source);
    w->source = NULL;
}

/* Made anew, and as long as what was read: known by its records alone. */
static void a_topic_that_has_grown_again_is_refused(void **state)
{
    struct world *w = *state;
    struct record_mark last = {0};
    for (int i = 0; i < 3; i++) {
        produce(w, "logins", 0, "{}", "ann", 1000 + i);
    }
    assert_int_equal(read_once(w, NULL, 0, &last), 3);
    struct record_mark older = last, other = last, inner = last;
    older.timestamp.ns -= NS_PER_MS;
    another_topic(w, older, "offset 2 was written 1970-01-01T00:00:01.002Z, the one that was read "
                            "there 1970-01-01T00:00:01.001Z");
    other.sum++;
    another_topic(w, other, "offset 2 has another key or value");
    inner.offset = 1;
    another_topic(w, inner, "offset 1 was written");
}

static void a_failed_commit_ends_nothing(void **state)
{
    struct world *w = *state;
    produce(w, "logins", 0, "{}", NULL, 1);
    check(w, open_source(w, "logins", NULL, false));
    start(w, NULL, 0);
    while (poll_some(w).n == 0) {
    }
    rd_kafka_mock_push_request_errors(w->mock, API_OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    struct partition_position at[] = {{LOGINS, 0, 1, 0, {0}}};
    check(w, w->source->ops->commit(w->source, at, 1, "", &w->err));
    struct source_batch b;
    for (int i = 0; i < 50 && !strstr(w->log, "could not be committed"); i++) {
        check(w, w->source->ops->poll(w->source, 10, POLL, &b, &w->err));
    }
    assert_non_null(strstr(w->log, "could not be committed"));
}

static void a_paused_partition_loses_nothing(void **state)
{
    struct world *w = *state;
    check(w, open_source(w, "logouts", NULL, false));
    start(w, NULL, 0);
    assert_int_equal(poll_some(w).n_at_end, 1);
    struct partition_position at = {LOGOUTS, 0, 0, 0, {0}};
    check(w, w->source->ops->pause(w->source, &at, true, &w->err));
    produce(w, "logouts", 0, "{}", NULL, 1);
    struct source_batch b;
    for (int i = 0; i < 5; i++) {
        check(w, w->source->ops->poll(w->source, 10, POLL, &b, &w->err));
        assert_int_equal(b.n, 0);
    }
    check(w, w->source->ops->pause(w->source, &at, false, &w->err));
    do {
        b = poll_some(w);
    } while (b.n == 0 && b.n_at_end > 0);
    assert_int_equal(b.n, 1);
}

/* An end of a topic with `idle after` is vouched for only while the leader answers. */
static void an_end_without_answer_is_taken_back(void **state)
{
    struct world *w = *state;
    w->rules.topics[LOGOUTS].idle_after.ns = 400 * NS_PER_MS;
    check(w, open_source(w, "logouts", NULL, false));
    start(w, NULL, 0);
    assert_int_equal(poll_some(w).n_at_end, 1);
    rd_kafka_mock_broker_set_down(w->mock, 1);
    struct source_batch b = {0};
    uint32_t lost = 0;
    for (int i = 0; i < 100 && (lost == 0 || !strstr(w->log, "no broker answers")); i++) {
        check(w, w->source->ops->poll(w->source, 10, POLL, &b, &w->err));
        lost += b.n_lost_end;
    }
    assert_int_equal(lost, 1);
    rd_kafka_mock_broker_set_up(w->mock, 1);
    for (int i = 0; i < 200 && b.n_at_end == 0; i++) {
        check(w, w->source->ops->poll(w->source, 10, POLL, &b, &w->err));
    }
    assert_int_equal(b.n_at_end, 1);
    assert_non_null(strstr(w->log, "input: no broker answers any more"));
    assert_non_null(strstr(w->log, "input: the broker answers again"));
}

/* ---- sink --------------------------------------------------------------------------------- */

static enum err write_alert(struct world *w)
{
    struct out_record r = {.value = SLICE_LIT("{\"rule\":\"r\"}"),
                           .has_key = true,
                           .event_time = {-5},
                           .rule = SLICE_LIT("r"),
                           .match_id = SLICE_LIT("m")};
    return w->sink->ops->write(w->sink, &r, &w->err);
}

/* Read back by the source: a rule set may name any topic. */
static void an_alert_is_delivered(void **state)
{
    struct world *w = *state;
    check(w, open_sink(w, "logouts"));
    check(w, write_alert(w));
    check(w, w->sink->ops->flush(w->sink, &w->err));
    check(w, open_source(w, "logouts", NULL, true));
    start(w, NULL, 0);
    struct source_batch b;
    do {
        b = poll_some(w);
    } while (b.n == 0 && !b.finished);
    assert_int_equal(b.n, 1);
    const struct record *r = &b.records[0];
    assert_true(r->has_key && r->key.len == 0);
    assert_true(slice_eq_str(r->value, "{\"rule\":\"r\"}"));
    assert_int_equal(r->timestamp.ns, NS_PER_MS); /* not the time of writing */
    assert_true(slice_eq_str(r->headers[0].name, "fyke-rule"));
    assert_true(slice_eq_str(r->headers[1].value, "m"));
}

static void flush_tells_what_was_not_delivered(void **state)
{
    struct world *w = *state;
    check(w, open_sink(w, "alerts"));
    rd_kafka_mock_push_request_errors(w->mock, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    check(w, write_alert(w));
    fails(w, w->sink->ops->flush(w->sink, &w->err), ERR_KAFKA, "1 alerts to alerts");
}

static void a_retriable_error_is_retried(void **state)
{
    struct world *w = *state;
    check(w, open_sink(w, "alerts"));
    rd_kafka_mock_push_request_errors(w->mock, API_PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    check(w, write_alert(w));
    check(w, w->sink->ops->flush(w->sink, &w->err));
}

/* The fifth sign of life brings the broker back. */
static void count_beat(void *ctx)
{
    struct world *w = ctx;
    if (++w->beats == 5) {
        rd_kafka_mock_broker_set_up(w->mock, 1);
    }
}

static void waiting_gives_signs_of_life(void **state)
{
    struct world *w = *state;
    w->config.beat = count_beat;
    w->config.beat_ctx = w;
    check(w, open_sink(w, "alerts"));
    w->beats = 0;
    rd_kafka_mock_broker_set_down(w->mock, 1);
    check(w, write_alert(w));
    check(w, w->sink->ops->flush(w->sink, &w->err));
    assert_true(w->beats >= 5);
}

static void an_alert_that_is_too_large(void **state)
{
    struct world *w = *state;
    w->properties[1] = "message.max.bytes=1000";
    w->config.n_properties = 2;
    check(w, open_sink(w, "alerts"));
    char *big = xmalloc(4000);
    memset(big, ' ', 4000);
    struct out_record r = {.value = slice_from(big, 4000), .rule = SLICE_LIT("r")};
    fails(w, w->sink->ops->write(w->sink, &r, &w->err), ERR_KAFKA, "4000 bytes");
    free(big);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(properties_are_checked),
        TEST(topics_are_checked),
        TEST(a_broker_that_is_not_there),
        TEST(a_record_keeps_what_it_has),
        TEST(ends),
        TEST(once_over_nothing_is_finished),
        TEST(a_position_goes_on),
        TEST(a_position_that_is_gone),
        TEST(what_was_read_is_gone),
        TEST(the_last_record_tells_that_it_is_the_topic),
        TEST(a_topic_that_has_grown_again_is_refused),
        TEST(a_failed_commit_ends_nothing),
        TEST(a_paused_partition_loses_nothing),
        TEST(an_end_without_answer_is_taken_back),
        TEST(an_alert_is_delivered),
        TEST(flush_tells_what_was_not_delivered),
        TEST(a_retriable_error_is_retried),
        TEST(waiting_gives_signs_of_life),
        TEST(an_alert_that_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
