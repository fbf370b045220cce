/* What the client's error callback says, as one line that tells who needs what. The texts are those
 * of real brokers; tests/integration/security.sh has the brokers themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "connectors/kafka_login.h"

static struct kafka_login login(const char *const *properties)
{
    struct kafka_login l;
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (; properties[0]; properties += 2) {
        assert_int_equal(rd_kafka_conf_set(conf, properties[0], properties[1], why, sizeof(why)),
                         RD_KAFKA_CONF_OK);
    }
    kafka_login_read(&l, conf);
    rd_kafka_conf_destroy(conf);
    return l;
}

static struct kafka_login scram(void)
{
    return login((const char *[]){"security.protocol", "sasl_ssl", "sasl.mechanism",
                                  "SCRAM-SHA-512", "sasl.username", "alice", "sasl.password", "x",
                                  "group.id", "fraud", NULL});
}

static const char denied[] =
    "sasl_ssl://10.0.0.1:9093/bootstrap: SASL authentication error: Authentication failed: Invalid "
    "username or password (after 370ms in state AUTH_REQ, 1 identical error(s) suppressed)";

static void a_login(void **state)
{
    (void)state;
    struct kafka_login l = scram();
    l.old_scram = false;
    assert_true(kafka_login_error(&l, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied));
    assert_string_equal(l.why, "10.0.0.1:9093 refuses the login of user alice with SCRAM-SHA-512: "
                               "Authentication failed: Invalid username or password");
    assert_true(kafka_login_error(&l, RD_KAFKA_RESP_ERR__AUTHENTICATION,
                                  "GroupCoordinator: 10.0.0.1:9093: SASL authentication error: no "
                                  "(after 1ms in state AUTH_REQ)"));
    assert_string_equal(l.why,
                        "10.0.0.1:9093 refuses the login of user alice with SCRAM-SHA-512: no");
    assert_true(kafka_login_error(&l, RD_KAFKA_RESP_ERR__AUTHENTICATION, "no"));
    assert_non_null(strstr(l.why, "SCRAM-SHA-512: no"));
}

/* The client library has no call that tells a broker's version; its log does. */
static void scram_on_kafka_4(void **state)
{
    (void)state;
    struct kafka_login l = scram();
    l.old_scram = l.asks_version = true;
    assert_true(kafka_login_log(&l, "b1:   ApiKey Fetch (1) Versions 0..17"));
    kafka_login_error(&l, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied);
    assert_null(strstr(l.why, "Kafka 4"));
    kafka_login_log(&l, "b1:   ApiKey Fetch (1) Versions 4..18");
    kafka_login_log(&l, "b1:   ApiKey Produce (0) Versions 0..13");
    kafka_login_error(&l, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied);
    assert_non_null(strstr(l.why, "; librdkafka "));
    assert_non_null(strstr(l.why, "cannot log in with SCRAM to Kafka 4.0 or newer, even with"));
    l.asks_version = l.broker_is_4 = false; /* somebody else uses the log */
    assert_false(kafka_login_log(&l, "anything"));
    kafka_login_error(&l, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied);
    assert_non_null(strstr(l.why, "; if it runs Kafka 4: librdkafka "));
}

static void the_log_of_others_stays_theirs(void **state)
{
    (void)state;
    struct kafka_login l = login((const char *[]){"security.protocol", "sasl_ssl", "sasl.mechanism",
                                                  "SCRAM-SHA-256", "debug", "broker", NULL});
    assert_false(l.asks_version);
    l = login((const char *[]){"security.protocol", "sasl_ssl", "sasl.mechanism", "PLAIN", NULL});
    assert_false(l.asks_version || l.old_scram);
    /* Without SASL its properties say nothing. */
    l = login((const char *[]){"sasl.mechanism", "SCRAM-SHA-256", "sasl.username", "bob", NULL});
    assert_false(l.asks_version || l.old_scram || l.user[0] || l.mechanism[0]);
}

static void certificates(void **state)
{
    (void)state;
    struct kafka_login l = login((const char *[]){"security.protocol", "ssl", NULL});
    const char *untrusted = "ssl://h:1/bootstrap: SSL handshake failed: error:0A000086:SSL "
                            "routines::certificate verify failed: broker certificate could not be "
                            "verified (after 8ms in state SSL_HANDSHAKE)";
    assert_true(kafka_login_error(&l, RD_KAFKA_RESP_ERR__SSL, untrusted));
    assert_non_null(strstr(l.why, "the certificate of h:1 is not trusted"));
    assert_non_null(strstr(l.why, "-X ssl.ca.location=FILE"));
    l.has_ca = true;
    assert_true(kafka_login_error(&l, RD_KAFKA_RESP_ERR__SSL, untrusted));
    assert_non_null(strstr(l.why, "the CA in ssl.ca.location, has expired"));
    const char *alert = "ssl://h:1/bootstrap: Receive failed: error:0A000412:SSL routines::sslv3 "
                        "alert bad certificate: SSL alert number 42 (after 0ms in state UP)";
    assert_true(kafka_login_error(&l, RD_KAFKA_RESP_ERR__TRANSPORT, alert));
    assert_non_null(strstr(l.why, "h:1 demands a client certificate"));
    l.has_certificate = true;
    assert_true(kafka_login_error(&l, RD_KAFKA_RESP_ERR__TRANSPORT, alert));
    assert_non_null(strstr(l.why, "h:1 refuses the client certificate"));
    assert_false(kafka_login_error(&l, RD_KAFKA_RESP_ERR__TRANSPORT,
                                   "ssl://h:1/1: SSL alert number 40 (after 0ms in state UP)"));
}

/* A broker that restarts does this; the client tries on. */
static void broken_connections_are_no_refusals(void **state)
{
    (void)state;
    struct kafka_login l = scram();
    kafka_login_error(&l, RD_KAFKA_RESP_ERR__AUTHENTICATION, denied);
    assert_true(l.refused);
    assert_false(kafka_login_error(&l, RD_KAFKA_RESP_ERR__TRANSPORT,
                                   "h:1/bootstrap: Disconnected while requesting ApiVersion: might "
                                   "be caused by incorrect security.protocol configuration"));
    assert_false(kafka_login_error(&l, RD_KAFKA_RESP_ERR__SSL,
                                   "ssl://h:1/1: SSL handshake failed: error:0A000126:SSL "
                                   "routines::unexpected eof while reading (after 4ms in state X)"));
    assert_false(l.refused);
}

static void a_topic_that_only_the_log_names(void **state)
{
    (void)state;
    struct kafka_login l = scram();
    kafka_login_log(&l, "TxnCoordinator/1: Failed to add partition \"alerts\" [0] to transaction: "
                        "Broker: Not coordinator");
    assert_string_equal(l.denied_topic, "");
    kafka_login_log(&l, "TxnCoordinator/1: Failed to add partition \"alerts\" [0] to transaction: "
                        "Broker: Topic authorization failed");
    assert_string_equal(l.denied_topic, "alerts");
}

static void right(const struct kafka_login *l, rd_kafka_resp_err_t code, const char *want)
{
    char buf[512];
    assert_true(kafka_login_right(l, code, buf, sizeof(buf)));
    assert_string_equal(buf, want);
}

static void rights(void **state)
{
    (void)state;
    char buf[512];
    struct kafka_login l = scram();
    right(&l, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
          "not allowed: user alice needs the right Read on this topic");
    right(&l, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
          "not allowed: user alice needs the right Read on the group fraud");
    l.writes = true;
    right(&l, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
          "not allowed: user alice needs the right Write on this topic");
    l = login((const char *[]){"transactional.id", "fraud-0", NULL});
    right(&l, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
          "not allowed: user ANONYMOUS needs the right Write on the transactional id fraud-0");
    l.has_certificate = true;
    right(&l, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
          "not allowed: user of the client certificate needs the right Read on this topic");
    assert_false(kafka_login_right(&l, RD_KAFKA_RESP_ERR__TIMED_OUT, buf, sizeof(buf)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login),
        cmocka_unit_test(scram_on_kafka_4),
        cmocka_unit_test(the_log_of_others_stays_theirs),
        cmocka_unit_test(certificates),
        cmocka_unit_test(broken_connections_are_no_refusals),
        cmocka_unit_test(a_topic_that_only_the_log_names),
        cmocka_unit_test(rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
