/* A topic as the content of a lookup, against librdkafka's mock cluster. */
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
#include <time.h>

#include "base/xalloc.h"
#include "connectors/kafka_client.h"
#include "connectors/kafka_table.h"

#define POLL ((struct duration){100 * NS_PER_MS})

struct world {
    rd_kafka_t *mock_client;
    rd_kafka_mock_cluster_t *mock;
    struct kafka_config config;
    char bootstrap[256];
    const char *properties[1];
    struct table_feed *feed;
    struct error err;
    char got[512]; /* "key=value " of a round */
    bool said_away, said_back;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    char why[256];
    w->mock_client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    w->mock = rd_kafka_mock_cluster_new(w->mock_client, 1);
    rd_kafka_mock_topic_create(w->mock, "home", 2, 1);
    snprintf(w->bootstrap, sizeof(w->bootstrap), "bootstrap.servers=%s",
             rd_kafka_mock_cluster_bootstraps(w->mock));
    w->properties[0] = w->bootstrap;
    w->config = (struct kafka_config){.properties = w->properties,
                                      .n_properties = 1,
                                      .app = "fyke-test",
                                      .connect_timeout_ms = 5000};
    assert_int_equal(kafka_table_new(&w->config, SLICE_LIT("home"), &w->feed, &w->err), ERR_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    w->feed->ops->close(w->feed);
    rd_kafka_mock_cluster_destroy(w->mock);
    rd_kafka_destroy(w->mock_client);
    free(w);
    return 0;
}

static void produce(struct world *w, int32_t partition, const char *key, const char *value)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_conf_set(conf, "bootstrap.servers", strchr(w->bootstrap, '=') + 1, why, sizeof(why));
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("home"),
                                       RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)value,
                                                        value ? strlen(value) : 0),
                                       RD_KAFKA_V_KEY((void *)(uintptr_t)key, strlen(key)),
                                       RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(rk, 10000), 0);
    rd_kafka_destroy(rk);
}

static void read_round(struct world *w)
{
    struct table_feed_batch batch = {0};
    w->got[0] = '\0';
    assert_int_equal(w->feed->ops->begin(w->feed, &w->err), ERR_OK);
    for (int i = 0; i < 100 && !batch.done; i++) {
        assert_int_equal(w->feed->ops->poll(w->feed, POLL, &batch, &w->err), ERR_OK);
        for (uint32_t k = 0; k < batch.n; k++) {
            const struct record *r = &batch.records[k];
            size_t n = strlen(w->got);
            snprintf(w->got + n, sizeof(w->got) - n, "%.*s=%.*s ", SLICE_ARG(r->key),
                     r->has_value ? (int)r->value.len : 4, r->has_value ? r->value.ptr : "null");
        }
    }
    assert_true(batch.done);
}

static void rounds_go_on_where_the_last_one_ended(void **state)
{
    struct world *w = *state;
    const struct partition_position *at;
    read_round(w);
    assert_string_equal(w->got, "");
    produce(w, 0, "ann", "1");
    produce(w, 0, "bob", "2");
    produce(w, 0, "bob", NULL);
    read_round(w);
    assert_string_equal(w->got, "ann=1 bob=2 bob=null ");
    read_round(w);
    assert_string_equal(w->got, "");
    produce(w, 1, "eve", "3");
    read_round(w);
    assert_string_equal(w->got, "eve=3 ");
    assert_int_equal(w->feed->ops->positions(w->feed, &at), 2);
    assert_int_equal(at[0].offset, 3);
    assert_int_equal(at[1].offset, 1);
}

/* Events are read meanwhile: an outage may not hold them up for long. */
static void an_outage_is_told_soon(void **state)
{
    struct world *w = *state;
    produce(w, 0, "ann", "1");
    read_round(w);
    rd_kafka_mock_broker_set_down(w->mock, 1);
    time_t from = time(NULL);
    assert_int_equal(w->feed->ops->begin(w->feed, &w->err), ERR_KAFKA);
    assert_true(time(NULL) - from <= 4);
    rd_kafka_mock_broker_set_up(w->mock, 1);
    produce(w, 0, "bob", "2");
    enum err rc = ERR_KAFKA;
    for (int i = 0; i < 20 && rc != ERR_OK; i++) { /* the client comes back by itself */
        rc = w->feed->ops->begin(w->feed, &w->err);
    }
    assert_int_equal(rc, ERR_OK);
    read_round(w);
    assert_string_equal(w->got, "bob=2 ");
}

static void note_line(void *ctx, const char *line)
{
    struct world *w = ctx;
    w->said_away |= strstr(line, "no broker answers any more") != NULL;
    w->said_back |= strstr(line, "the broker answers again") != NULL;
}

/* Polls that wait, until `away` is so. */
static struct table_feed_batch poll_until(struct world *w, bool away)
{
    struct table_feed_batch batch = {0};
    for (int i = 0; i < 300; i++) {
        assert_int_equal(w->feed->ops->poll(w->feed, POLL, &batch, &w->err), ERR_OK);
        if (batch.done || batch.away == away) {
            break;
        }
    }
    return batch;
}

/* Nothing is evaluated before a lookup is whole: its reader waits as long as the broker is away. */
static void an_outage_while_it_is_read_is_waited_for(void **state)
{
    struct world *w = *state;
    struct table_feed_batch batch;
    w->feed->ops->close(w->feed);
    w->config.log = note_line;
    w->config.log_ctx = w;
    produce(w, 0, "ann", "1");
    assert_int_equal(kafka_table_new(&w->config, SLICE_LIT("home"), &w->feed, &w->err), ERR_OK);
    assert_int_equal(w->feed->ops->begin(w->feed, &w->err), ERR_OK);
    rd_kafka_mock_broker_set_down(w->mock, 1);
    batch = poll_until(w, true);
    assert_true(batch.away && !batch.done && w->said_away && !w->said_back);
    rd_kafka_mock_broker_set_up(w->mock, 1);
    for (int i = 0; i < 300 && !batch.done; i++) {
        assert_int_equal(w->feed->ops->poll(w->feed, POLL, &batch, &w->err), ERR_OK);
    }
    assert_true(batch.done && !batch.away && w->said_back);
}

/* rd_kafka_poll() ends the process when it finds a message. */
static void callbacks_may_be_asked_for_while_messages_come(void **state)
{
    struct world *w = *state;
    struct kafka_client k;
    rd_kafka_conf_t *conf;
    assert_int_equal(kafka_reader_conf(&k, &w->config, "test", &conf, &w->err), ERR_OK);
    assert_int_equal(kafka_open(&k, RD_KAFKA_CONSUMER, conf, &w->err), ERR_OK);
    produce(w, 0, "ann", "1");
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(l, "home", 0)->offset = 0;
    kafka_serve(&k, 1);
    kafka_consume(&k);
    assert_int_equal(rd_kafka_assign(k.rk, l), 0);
    rd_kafka_topic_partition_list_destroy(l);
    for (int i = 0; i < 20; i++) {
        kafka_serve(&k, 50);
    }
    rd_kafka_message_t *m = rd_kafka_consumer_poll(k.rk, 5000);
    assert_non_null(m);
    assert_int_equal(m->err, 0);
    rd_kafka_message_destroy(m);
    rd_kafka_assign(k.rk, NULL);
    rd_kafka_consumer_close(k.rk);
    rd_kafka_destroy(k.rk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounds_go_on_where_the_last_one_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(an_outage_is_told_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(an_outage_while_it_is_read_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(callbacks_may_be_asked_for_while_messages_come, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
