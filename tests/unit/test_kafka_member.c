/* A member of the group that is told that its name is another's: by librdkafka's mock cluster, which says so
 * on demand. A real coordinator does when another process has the name, and when it has just taken over. */
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
#include "connectors/kafka_journal_parts.h"
#include "tests/support/hand_rules.h"

#define API_HEARTBEAT 12
#define POLL ((struct duration){100 * NS_PER_MS})
#define TURNS 600

struct world {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *mock;
    struct hand_rules rules;
    struct kafka_config config;
    char bootstrap[256];
    const char *properties[2];
    struct journal *journal;
    struct source *source;
    struct error err;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why));
    w->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    w->mock = rd_kafka_handle_mock_cluster(w->client);
    rd_kafka_mock_topic_create(w->mock, "logouts", 1, 1);
    rd_kafka_mock_topic_create(w->mock, "fyke-test.changelog", 1, 1);
    snprintf(w->bootstrap, sizeof(w->bootstrap), "bootstrap.servers=%s",
             rd_kafka_mock_cluster_bootstraps(w->mock));
    w->properties[0] = w->bootstrap;
    w->properties[1] = "heartbeat.interval.ms=200";
    w->config = (struct kafka_config){.properties = w->properties,
                                      .n_properties = 2,
                                      .app = "fyke-test",
                                      .instance_id = "one",
                                      .connect_timeout_ms = 60000};
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
    if (w->journal) {
        w->journal->ops->close(w->journal);
    }
    rd_kafka_destroy(w->client);
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

/* As the owner of `name`. */
static void sign(struct world *w, const char *name)
{
    char key[16] = "\0JO";
    strcpy(key + 3, name);
    assert_int_equal(rd_kafka_producev(w->client, RD_KAFKA_V_TOPIC("fyke-test.changelog"),
                                       RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_KEY(key, 3 + strlen(name)), RD_KAFKA_V_VALUE(key, 1),
                                       RD_KAFKA_V_END), 0);
    assert_int_equal(rd_kafka_flush(w->client, 60000), 0);
}

static enum err is_told_so(struct world *w)
{
    struct source_batch b = {0};
    enum err rc = ERR_OK;
    check(w, kafka_source_join(&w->config, &w->rules.rs, "logouts", NULL, false, 1, w->journal, &w->source,
                               &w->err));
    rd_kafka_mock_push_request_errors(w->mock, API_HEARTBEAT, 1, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    for (int i = 0; i < TURNS && rc == ERR_OK; i++) {
        rc = w->source->ops->poll(w->source, 10, POLL, &b, &w->err);
    }
    return rc;
}

static void open_journal(struct world *w)
{
    check(w, kafka_journal_new(&w->config, &w->rules.rs, "logouts", 1, &w->journal, &w->err));
    sign(w, "one");
    ((struct kafka_journal *)w->journal)->owner_at = 1;
}

static void who_still_has_its_name_joins_anew(void **state)
{
    struct world *w = *state;
    open_journal(w);
    sign(w, "two");
    assert_int_equal(is_told_so(w), ERR_ABORTED);
    assert_non_null(strstr(w->err.text, "no other process has taken the name one"));
}

static void who_has_lost_its_name_ends(void **state)
{
    struct world *w = *state;
    open_journal(w);
    sign(w, "one");
    assert_int_equal(is_told_so(w), ERR_KAFKA);
    assert_true(w->err.fatal);
    assert_non_null(strstr(w->err.text, "another process runs as application fyke-test and has taken over"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_still_has_its_name_joins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_lost_its_name_ends, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
