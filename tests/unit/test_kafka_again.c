/* When does the source look whether it still reads the same topic, and what becomes of what it reads then?
 * Against librdkafka's mock cluster, whose topics stay as they are: another topic is one whose record is
 * remembered otherwise. Topics that are made anew on a real broker: tests/integration/eos_topics.py. */
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
#include <unistd.h>

#include "base/xalloc.h"
#include "connectors/kafka.h"
#include "connectors/kafka_parts.h"
#include "tests/support/hand_rules.h"

#define API_FETCH 1
#define POLL ((struct duration){100 * NS_PER_MS})
#define TURNS 300

struct world {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *mock;
    struct hand_rules rules;
    struct kafka_config config;
    char bootstrap[256];
    const char *properties[1];
    struct source *source;
    struct error err;
    char log[4096];
    uint32_t read; /* records handed on */
    bool at_end;   /* told behind the last of them */
    struct record_mark last;
    bool another; /* remembers the last one otherwise */
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
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why));
    w->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    w->mock = rd_kafka_handle_mock_cluster(w->client);
    rd_kafka_mock_topic_create(w->mock, "logouts", 1, 1);
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
    w->source->ops->close(w->source);
    rd_kafka_destroy(w->client);
    hand_end(&w->rules);
    free(w);
    return 0;
}

static void produce(struct world *w, const char *value)
{
    assert_int_equal(rd_kafka_producev(w->client, RD_KAFKA_V_TOPIC("logouts"), RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
                                       RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(w->client, 60000), 0);
}

static void last_read(void *ctx, uint32_t topic, int32_t partition, struct record_mark *ret)
{
    const struct world *w = ctx;
    (void)topic, (void)partition;
    *ret = w->last;
    ret->sum += w->another;
}

static enum err poll_once(struct world *w)
{
    struct source_batch b = {0};
    enum err rc = w->source->ops->poll(w->source, 10, POLL, &b, &w->err);
    for (uint32_t i = 0; rc == ERR_OK && i < b.n; i++) {
        assert_int_equal(b.records[i].offset, w->read);
        w->last = record_mark_of(&b.records[i]);
        w->read++;
        w->at_end = false;
    }
    w->at_end |= rc == ERR_OK && b.n_at_end > 0;
    return rc;
}

static void reads(struct world *w, uint32_t n)
{
    for (int i = 0; i < TURNS && w->read < n; i++) {
        if (poll_once(w) != ERR_OK) {
            fail_msg("%s", w->err.text);
        }
    }
    assert_int_equal(w->read, n);
}

static void is_refused(struct world *w)
{
    enum err rc = ERR_OK;
    uint32_t before = w->read;
    for (int i = 0; i < TURNS && rc == ERR_OK; i++) {
        rc = poll_once(w);
    }
    assert_int_equal(rc, ERR_KAFKA);
    assert_non_null(strstr(w->err.text, "made anew"));
    assert_int_equal(w->read, before);
}

static void begin(struct world *w)
{
    produce(w, "{\"n\":0}");
    produce(w, "{\"n\":1}");
    assert_int_equal(kafka_source_new(&w->config, &w->rules.rs, "logouts", NULL, false, &w->source,
                                      &w->err), ERR_OK);
    w->source->last_read = last_read;
    w->source->last_read_ctx = w;
    assert_int_equal(w->source->ops->start(w->source, NULL, 0, &w->err), ERR_OK);
    reads(w, 2);
}

/* The topic was not there when the client asked for more. This cluster's errors name the end of the partition
 * all the same, as no broker's do, and the client takes an answer with an end that it has not told yet for
 * the telling of the end alone: that must have been told before. */
static void meets_an_error(struct world *w)
{
    for (int i = 0; i < TURNS && !w->at_end; i++) {
        assert_int_equal(poll_once(w), ERR_OK);
    }
    assert_true(w->at_end);
    rd_kafka_mock_push_request_errors(w->mock, API_FETCH, 1, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

static void after_an_error_nothing_is_lost_or_doubled(void **state)
{
    struct world *w = *state;
    begin(w);
    for (uint32_t n = 3; n < 6; n++) {
        meets_an_error(w);
        produce(w, "{}");
        reads(w, n);
    }
    assert_null(strstr(w->log, "not there any more"));
}

static void after_an_error_another_topic_is_refused(void **state)
{
    struct world *w = *state;
    begin(w);
    meets_an_error(w);
    w->another = true;
    produce(w, "{}");
    is_refused(w);
}

/* An answer to us settles what the client would have asked for after an error that it has just met. */
static void after_an_answer_to_us_another_topic_is_refused(void **state)
{
    struct world *w = *state;
    begin(w);
    struct kafka_source *s = (struct kafka_source *)w->source;
    w->another = true;
    s->client.suspect = true; /* a connection broke: the source asks whether there is a broker */
    produce(w, "{}");
    is_refused(w);
}

/* The end that the client hears of lies in front of what was read; no error, no question. The cluster sends
 * who asks to another replica, which is itself, and says that replica's end; no records until that ends. */
static void after_an_end_that_fell_another_topic_is_refused(void **state)
{
    struct world *w = *state;
    begin(w);
    while (!((struct kafka_source *)w->source)->parts[0].end_reached) {
        assert_int_equal(poll_once(w), ERR_OK);
    }
    w->another = true;
    rd_kafka_mock_partition_set_follower_wmarks(w->mock, "logouts", 0, 0, 1);
    rd_kafka_mock_partition_set_follower(w->mock, "logouts", 0, 1);
    produce(w, "{}");
    for (int i = 0; i < 12; i++) {
        assert_int_equal(poll_once(w), ERR_OK);
    }
    rd_kafka_mock_partition_set_follower_wmarks(w->mock, "logouts", 0, -1, -1);
    rd_kafka_mock_partition_set_follower(w->mock, "logouts", 0, -1);
    is_refused(w);
}

static void hold_back(struct world *w)
{
    struct partition_position at = {1, 0, 0, 0, {0}};
    assert_int_equal(w->source->ops->pause(w->source, &at, true, &w->err), ERR_OK);
    produce(w, "{}");
    for (int i = 0; i < 12; i++) {
        assert_int_equal(poll_once(w), ERR_OK);
    }
    assert_int_equal(w->read, 2);
    assert_int_equal(w->source->ops->pause(w->source, &at, false, &w->err), ERR_OK);
}

static void after_a_pause_nothing_is_lost_or_doubled(void **state)
{
    struct world *w = *state;
    begin(w);
    hold_back(w);
    produce(w, "{}");
    reads(w, 4);
    assert_null(strstr(w->log, "not there any more"));
}

static void after_a_pause_another_topic_is_refused(void **state)
{
    struct world *w = *state;
    begin(w);
    w->another = true;
    hold_back(w);
    is_refused(w);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(after_an_error_nothing_is_lost_or_doubled),
        TEST(after_an_error_another_topic_is_refused),
        TEST(after_an_answer_to_us_another_topic_is_refused),
        TEST(after_an_end_that_fell_another_topic_is_refused),
        TEST(after_a_pause_nothing_is_lost_or_doubled),
        TEST(after_a_pause_another_topic_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
