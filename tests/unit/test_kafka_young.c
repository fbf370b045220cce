/* A topic that was made a moment ago is known to one broker and not yet to the next: who reads it, or writes to
 * it, waits. librdkafka's mock cluster says that it does not know the topic until the line that says what is
 * waited for. */
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
#include "connectors/kafka_changelog.h"
#include "connectors/kafka_txn.h"

#define API_FETCH 1
#define API_LIST_OFFSETS 2
#define ENTRIES 3
#define LONG_AGO_MS 1 /* after the machine's start */
#define PATIENCE_MS 60000
#define WAITING "topic a.rules was made a moment ago and is not known to every broker yet; waiting for it"

struct world {
    rd_kafka_t *mock_client;
    rd_kafka_mock_cluster_t *mock;
    struct kafka_config config;
    char bootstrap[256];
    const char *properties[1];
    struct kafka_changelog log;
    struct kafka_txn txn;
    struct kafka_target to;
    int waited; /* lines that said so */
    bool stays_unknown;
    int read;
    struct error err;
};

/* From the moment on when it is waited for every broker knows. */
static void on_line(void *ctx, const char *line)
{
    struct world *w = ctx;
    if (strstr(line, WAITING)) {
        w->waited++;
        if (!w->stays_unknown) {
            rd_kafka_mock_topic_set_error(w->mock, "a.rules", RD_KAFKA_RESP_ERR_NO_ERROR);
        }
    }
}

static void check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s", w->err.text);
    }
}

static void begin_to_write(struct world *w)
{
    check(w, kafka_txn_open(&w->txn, &w->config, "a.rules", &w->err));
    check(w, kafka_txn_init(&w->txn, &w->err));
    w->to = (struct kafka_target){.name = xstrdup("a.rules"), .what = "rules", .made = true};
    check(w, kafka_target_open(&w->txn, &w->to, &w->err));
}

static void end_to_write(struct world *w)
{
    kafka_txn_close_transaction(&w->txn);
    kafka_target_close(&w->to);
    kafka_txn_close(&w->txn);
}

static enum err put(struct world *w)
{
    struct kafka_message m = {.partition = 0, .has_value = true, .value = slice_of("x")};
    return kafka_txn_send(&w->txn, &w->to, &m, &w->err);
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    char why[256];
    w->mock_client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    w->mock = rd_kafka_mock_cluster_new(w->mock_client, 1);
    rd_kafka_mock_topic_create(w->mock, "a.rules", 1, 1);
    snprintf(w->bootstrap, sizeof(w->bootstrap), "bootstrap.servers=%s",
             rd_kafka_mock_cluster_bootstraps(w->mock));
    w->properties[0] = w->bootstrap;
    w->config = (struct kafka_config){.properties = w->properties,
                                      .n_properties = 1,
                                      .app = "a",
                                      .connect_timeout_ms = 60000,
                                      .log = on_line,
                                      .log_ctx = w};
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    end_to_write(w);
    kafka_changelog_close(&w->log);
    rd_kafka_mock_cluster_destroy(w->mock);
    rd_kafka_destroy(w->mock_client);
    free(w);
    return 0;
}

static void becomes_unknown(struct world *w)
{
    rd_kafka_mock_topic_set_error(w->mock, "a.rules", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

/* ---- reading ------------------------------------------------------------------------------ */

static enum err count(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    struct world *w = ctx;
    (void)e, (void)err;
    *done = ++w->read == ENTRIES;
    return ERR_OK;
}

/* Who is asked something, and then for who leads the topic, has not heard of it. */
static enum err read_what_is_unknown(struct world *w, int16_t api, int patience_ms)
{
    int32_t n;
    begin_to_write(w);
    for (int i = 0; i < ENTRIES; i++) {
        check(w, put(w));
    }
    check(w, kafka_txn_commit(&w->txn, NULL, NULL, &w->err));
    check(w, kafka_changelog_open_as(&w->log, &w->config, "rules", 1, patience_ms, &w->err));
    assert_int_equal(kafka_find(&w->log.client, w->log.handle, &n), RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_young_seen(&w->log.young);
    becomes_unknown(w);
    rd_kafka_mock_push_request_errors(w->mock, api, 1, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    return kafka_changelog_read(&w->log, 0, JOURNAL_BEGIN, count, w, &w->err);
}

static void a_reader_waits(void **state)
{
    struct world *w = *state;
    check(w, read_what_is_unknown(w, API_FETCH, PATIENCE_MS));
    assert_int_equal(w->read, ENTRIES);
    assert_int_equal(w->waited, 1);
}

/* Asked for the first entry: the client tells it as a position that is not there, once. */
static void a_reader_that_looks_for_the_beginning_waits(void **state)
{
    struct world *w = *state;
    check(w, read_what_is_unknown(w, API_LIST_OFFSETS, PATIENCE_MS));
    assert_int_equal(w->read, ENTRIES);
    assert_int_equal(w->waited, 1);
}

static void a_topic_that_nobody_knows_is_gone(void **state)
{
    struct world *w = *state;
    w->stays_unknown = true;
    assert_int_equal(read_what_is_unknown(w, API_FETCH, 2000), ERR_KAFKA);
    assert_non_null(strstr(w->err.text, "topic a.rules does not exist any more"));
    assert_int_equal(w->waited, 1);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Between the first question and the first message. */
static enum err write_what_is_unknown(struct world *w)
{
    int32_t n;
    becomes_unknown(w);
    assert_int_equal(kafka_ask(&w->txn.client, w->to.handle, 60000, &n),
                     RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    enum err rc = put(w);
    return rc == ERR_OK ? kafka_txn_commit(&w->txn, NULL, NULL, &w->err) : rc;
}

static void a_writer_begins_anew(void **state)
{
    struct world *w = *state;
    begin_to_write(w);
    assert_int_equal(write_what_is_unknown(w), ERR_ABORTED);
    assert_int_equal(w->waited, 1);
    assert_false(w->txn.fenced);
    end_to_write(w);
    begin_to_write(w);
    check(w, put(w));
    check(w, kafka_txn_commit(&w->txn, NULL, NULL, &w->err));
}

static void a_writer_to_an_old_topic_says_that_it_is_gone(void **state)
{
    struct world *w = *state;
    begin_to_write(w);
    w->to.young.seen_ms = LONG_AGO_MS;
    assert_int_equal(write_what_is_unknown(w), ERR_KAFKA);
    assert_non_null(strstr(w->err.text, "the topic was deleted"));
    assert_int_equal(w->waited, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reader_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_looks_for_the_beginning_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_topic_that_nobody_knows_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writer_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writer_to_an_old_topic_says_that_it_is_gone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
