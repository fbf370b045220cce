/* What errors of the transaction protocol mean, against librdkafka's mock cluster, which says on
 * demand what a real broker says seldom. It fences nobody and hides nothing that was aborted: that
 * transactions are ones is shown in tests/integration. */
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
#include "connectors/kafka_journal_parts.h"

/* Request types of the protocol. */
#define API_PRODUCE 0
#define API_INIT_PRODUCER_ID 22
#define API_ADD_OFFSETS 25
#define API_END_TXN 26
#define API_TXN_OFFSET_COMMIT 28

struct world {
    rd_kafka_t *mock_client;
    rd_kafka_mock_cluster_t *mock;
    struct kafka_config config;
    char bootstrap[256];
    const char *properties[4];
    struct kafka_txn txn;
    struct kafka_target to;
    struct error err;
};

static int setup_of(void **state, int brokers)
{
    struct world *w = xcalloc(1, sizeof(*w));
    char why[256];
    w->mock_client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    w->mock = rd_kafka_mock_cluster_new(w->mock_client, brokers);
    rd_kafka_mock_topic_create(w->mock, "alerts", 1, 1);
    snprintf(w->bootstrap, sizeof(w->bootstrap), "bootstrap.servers=%s",
             rd_kafka_mock_cluster_bootstraps(w->mock));
    w->properties[0] = w->bootstrap;
    w->config = (struct kafka_config){
        .properties = w->properties, .n_properties = 1, .app = "a", .connect_timeout_ms = 5000};
    *state = w;
    return 0;
}

static int setup(void **state)
{
    return setup_of(state, 1);
}

/* The second has the group, the first all the rest. */
static int setup_two(void **state)
{
    setup_of(state, 2);
    struct world *w = *state;
    rd_kafka_mock_coordinator_set(w->mock, "transaction", "a.solo", 1);
    rd_kafka_mock_coordinator_set(w->mock, "group", "a", 2);
    rd_kafka_mock_partition_set_leader(w->mock, "alerts", 0, 1);
    return 0;
}

static void end_life(struct world *w)
{
    kafka_txn_close_transaction(&w->txn);
    kafka_target_close(&w->to);
    kafka_txn_close(&w->txn);
}

static int teardown(void **state)
{
    struct world *w = *state;
    end_life(w);
    rd_kafka_mock_cluster_destroy(w->mock);
    rd_kafka_destroy(w->mock_client);
    free(w);
    return 0;
}

static void check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s", w->err.text);
    }
}

static void fails(struct world *w, enum err rc, enum err want, const char *text)
{
    if (rc != want || !strstr(w->err.text, text)) {
        fail_msg("%d instead of %d with \"%s\": %s", rc, want, text, w->err.text);
    }
}

static void begin_with(struct world *w)
{
    check(w, kafka_txn_open(&w->txn, &w->config, "a.solo", &w->err));
    check(w, kafka_txn_init(&w->txn, &w->err));
    w->to = (struct kafka_target){.name = xstrdup("alerts"), .what = "alerts"};
    kafka_target_partitions(&w->to, 1);
    check(w, kafka_target_open(&w->txn, &w->to, &w->err));
}

static enum err put(struct world *w, struct slice value)
{
    struct kafka_message m = {.partition = 0, .has_value = true, .value = value};
    return kafka_txn_send(&w->txn, &w->to, &m, &w->err);
}

static enum err commit(struct world *w)
{
    rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(1);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new("a");
    rd_kafka_topic_partition_list_add(l, "alerts", 0)->offset = 7;
    enum err rc = kafka_txn_commit(&w->txn, l, group, &w->err);
    rd_kafka_topic_partition_list_destroy(l);
    rd_kafka_consumer_group_metadata_destroy(group);
    return rc;
}

static void commits_follow_each_other(void **state)
{
    struct world *w = *state;
    begin_with(w);
    for (int64_t i = 1; i <= 3; i++) {
        check(w, put(w, slice_of("x")));
        assert_true(w->txn.open);
        check(w, commit(w));
        assert_false(w->txn.open);
        assert_true(w->to.ends[0] >= i);
        assert_int_equal(w->txn.queued_bytes, 0);
    }
}

static void what_passes_is_tried_again(void **state)
{
    struct world *w = *state;
    begin_with(w);
    check(w, put(w, slice_of("x")));
    rd_kafka_mock_push_request_errors(w->mock, API_TXN_OFFSET_COMMIT, 2,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    rd_kafka_mock_push_request_errors(w->mock, API_END_TXN, 2,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                      RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    check(w, commit(w));
}

static void a_fence_is_seen(void **state)
{
    struct world *w = *state;
    begin_with(w);
    check(w, put(w, slice_of("x")));
    rd_kafka_mock_push_request_errors(w->mock, API_END_TXN, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    fails(w, commit(w), ERR_ABORTED, "turned this producer away");
    assert_true(w->txn.fenced);
    assert_false(kafka_txn_overdue(&w->txn)); /* so it was somebody else, not the time */
    fails(w, put(w, slice_of("y")), ERR_ABORTED, "done with");
}

static void an_old_generation_aborts(void **state)
{
    struct world *w = *state;
    begin_with(w);
    check(w, put(w, slice_of("x")));
    rd_kafka_mock_push_request_errors(w->mock, API_TXN_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    fails(w, commit(w), ERR_ABORTED, "sending the positions");
    assert_false(w->txn.fenced);
}

static void a_life_that_commits(struct world *w)
{
    begin_with(w);
    check(w, put(w, slice_of("x")));
    check(w, commit(w));
    end_life(w);
}

static void count_beat(void *ctx)
{
    (*(int *)ctx)++;
}

/* librdkafka issue 5456: the call does not come back while the group's coordinator is away, whatever
 * its time-out. What it holds is closed once it does. */
static void offsets_that_are_never_answered(void **state)
{
    struct world *w = *state;
    int beats = 0;
    w->properties[w->config.n_properties++] = "transaction.timeout.ms=3000";
    w->config.beat = count_beat;
    w->config.beat_ctx = &beats;
    a_life_that_commits(w); /* and all threads that stay have begun */
    int threads = rd_kafka_thread_cnt();

    begin_with(w);
    check(w, put(w, slice_of("x")));
    rd_kafka_mock_broker_set_down(w->mock, 2);
    beats = 0;
    fails(w, commit(w), ERR_ABORTED, "the group's coordinator does not answer");
    assert_true(beats >= 3);
    assert_false(w->txn.fenced);
    fails(w, put(w, slice_of("y")), ERR_ABORTED, "done with");
    end_life(w);

    rd_kafka_mock_broker_set_up(w->mock, 2);
    a_life_that_commits(w);
    for (int i = 0; i < 600 && rd_kafka_thread_cnt() > threads; i++) {
        rd_kafka_poll(w->mock_client, 100);
    }
    assert_int_equal(rd_kafka_thread_cnt(), threads);
}

static void rights_that_are_missing_are_said(void **state)
{
    struct world *w = *state;
    begin_with(w);
    check(w, put(w, slice_of("x")));
    rd_kafka_mock_push_request_errors(w->mock, API_ADD_OFFSETS, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    fails(w, commit(w), ERR_KAFKA, "sending the positions");
    assert_non_null(strstr(w->err.text, "the right Read on the group "));
}

static void a_right_to_write_is_said(void **state)
{
    struct world *w = *state;
    begin_with(w);
    rd_kafka_mock_push_request_errors(w->mock, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    check(w, put(w, slice_of("x")));
    fails(w, commit(w), ERR_KAFKA, "alerts to alerts were not delivered");
    assert_non_null(strstr(w->err.text, "the right Write on this topic"));
}

static void a_name_that_is_denied(void **state)
{
    struct world *w = *state;
    check(w, kafka_txn_open(&w->txn, &w->config, "a.solo", &w->err));
    rd_kafka_mock_push_request_errors(w->mock, API_INIT_PRODUCER_ID, 1,
                                      RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    fails(w, kafka_txn_init(&w->txn, &w->err), ERR_KAFKA, "transactional.id a.solo");
}

static void a_message_that_is_too_large(void **state)
{
    struct world *w = *state;
    begin_with(w);
    char *big = xcalloc(1, 2000000);
    fails(w, put(w, slice_from(big, 2000000)), ERR_LIMIT, "2000000 bytes");
    free(big);
}

static void a_long_transaction_presses(void **state)
{
    struct world *w = *state;
    w->properties[w->config.n_properties++] = "transaction.timeout.ms=1000";
    begin_with(w);
    assert_false(kafka_txn_presses(&w->txn));
    check(w, put(w, slice_of("x")));
    for (int i = 0; i < 100 && !kafka_txn_presses(&w->txn); i++) {
        rd_kafka_poll(w->txn.client.rk, 10);
    }
    assert_true(kafka_txn_presses(&w->txn));
    check(w, commit(w));
    assert_false(kafka_txn_presses(&w->txn));
}

/* What the client still holds when a transaction is aborted would be dropped: without the flush nothing is
 * ever delivered here, as nothing leaves on its own. A flush waits for 3 s, which a busy machine may miss. */
static void what_is_sent_is_delivered_before_an_abort(void **state)
{
    struct world *w = *state;
    w->properties[w->config.n_properties++] = "linger.ms=20000";
    int64_t delivered = 0;
    for (int life = 0; life < 5 && delivered == 0; life++) {
        begin_with(w);
        check(w, put(w, slice_of("x")));
        assert_int_equal(w->to.ends[0], 0);
        kafka_txn_close_transaction(&w->txn);
        delivered = w->to.ends[0];
        end_life(w);
    }
    assert_true(delivered > 0);
}

static void settings_that_it_needs(void **state)
{
    struct world *w = *state;
    w->properties[w->config.n_properties++] = "transactional.id=mine";
    fails(w, kafka_txn_open(&w->txn, &w->config, "a.solo", &w->err), ERR_USAGE,
          "transactional.id cannot be changed");
    kafka_txn_close(&w->txn);
    w->properties[1] = "changelog.replication.factor=3"; /* the changelog's, no client knows it */
    check(w, kafka_txn_open(&w->txn, &w->config, "a.solo", &w->err));
}

static void a_journal_without_a_broker(void **state)
{
    struct world *w = *state;
    struct ruleset rs = {0};
    struct journal *j;
    w->properties[0] = "bootstrap.servers=127.0.0.1:1";
    w->config.connect_timeout_ms = 1500;
    check(w, kafka_journal_new(&w->config, &rs, NULL, 0, &j, &w->err));
    assert_true(j->max_value_bytes > 900000);
    fails(w, j->ops->open(j, false, &w->err), ERR_KAFKA, "no broker answers");
    assert_true(w->err.retriable);
    j->ops->close(j);
}

static void metadata_is_short(void **state)
{
    char text[KAFKA_METADATA_MAX];
    (void)state;
    kafka_metadata_write(text, "an application with a name that is rather long", UINT64_MAX);
    assert_true(strlen(text) <= 64);
    assert_ptr_equal(strstr(text, "fyke2 seq=18446744073709551615 app="), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commits_follow_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(what_passes_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fence_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_generation_aborts, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_that_are_never_answered, setup_two, teardown),
        cmocka_unit_test_setup_teardown(rights_that_are_missing_are_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_right_to_write_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_is_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_that_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_transaction_presses, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_sent_is_delivered_before_an_abort, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_that_it_needs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_journal_without_a_broker, setup, teardown),
        cmocka_unit_test(metadata_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
