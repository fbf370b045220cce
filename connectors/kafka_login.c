#include "connectors/kafka_login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From this version on the client's SCRAM is what Kafka 4 demands. */
#define SCRAM_MENDED 0x020601ff

/* ---- configuration ------------------------------------------------------------------------ */

static void get(rd_kafka_conf_t *conf, const char *key, char *buf, size_t size)
{
    if (rd_kafka_conf_get(conf, key, buf, &size) != RD_KAFKA_CONF_OK) {
        buf[0] = '\0'; /* unknown to this build, or longer than `size` */
    }
}

static bool is_set(rd_kafka_conf_t *conf, const char *key)
{
    size_t size = 0;
    return rd_kafka_conf_get(conf, key, NULL, &size) == RD_KAFKA_CONF_OK && size > 1;
}

/* The broker's version is nowhere but in the log: which requests it takes, one line each. Older than
 * SCRAM_MENDED is a closed list of releases, so the form of these lines does not change any more. */
static void ask_version(struct kafka_login *l, rd_kafka_conf_t *conf)
{
    char why[8], debug[256];
    get(conf, "debug", debug, sizeof(debug));
    if (l->old_scram && !debug[0]) {
        l->asks_version =
            rd_kafka_conf_set(conf, "debug", "feature", why, sizeof(why)) == RD_KAFKA_CONF_OK;
    }
}

void kafka_login_read(struct kafka_login *l, rd_kafka_conf_t *conf)
{
    char protocol[32];
    *l = (struct kafka_login){0};
    get(conf, "security.protocol", protocol, sizeof(protocol));
    if (strncmp(protocol, "sasl", 4) == 0) {
        get(conf, "sasl.username", l->user, sizeof(l->user));
        get(conf, "sasl.mechanism", l->mechanism, sizeof(l->mechanism));
    }
    get(conf, "group.id", l->group, sizeof(l->group));
    get(conf, "transactional.id", l->transactional_id, sizeof(l->transactional_id));
    l->has_certificate = is_set(conf, "ssl.certificate.location") ||
                         is_set(conf, "ssl.certificate.pem") ||
                         is_set(conf, "ssl.keystore.location");
    l->has_ca = is_set(conf, "ssl.ca.location") || is_set(conf, "ssl.ca.pem");
    l->old_scram = strncmp(l->mechanism, "SCRAM-", 6) == 0 && rd_kafka_version() < SCRAM_MENDED;
    ask_version(l, conf);
}

static const char *behind(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);
    return at ? at + strlen(mark) : NULL;
}

bool kafka_login_log(struct kafka_login *l, const char *text)
{
    const char *at = l->old_scram ? behind(text, "ApiKey Fetch (1) Versions ") : NULL;
    if (at) {
        l->broker_is_4 = strtol(at, NULL, 10) >= 4; /* what 4.0 has dropped */
    }
    at = behind(text, "Failed to add partition \"");
    if (at && strstr(at, "authorization failed")) {
        snprintf(l->denied_topic, sizeof(l->denied_topic), "%.*s", (int)strcspn(at, "\""), at);
    }
    return l->asks_version;
}

/* ---- refusals ----------------------------------------------------------------------------- */

/* "ssl://HOST:PORT/bootstrap: what happened (after 3ms in state …)" in its parts. */
struct reason {
    const char *broker, *text;
    int broker_size, text_size;
};

/* A coordinator's connection has its role in front: "GroupCoordinator: HOST:PORT: …". */
static const char *skip_role(const char *reason)
{
    const char *colon = strstr(reason, "Coordinator: ");
    return colon ? colon + strlen("Coordinator: ") : reason;
}

static struct reason split(const char *reason)
{
    reason = skip_role(reason);
    struct reason r = {reason, reason, 0, 0};
    const char *colon = strstr(reason, ": ");
    if (colon) {
        const char *scheme = strstr(reason, "://");
        r.broker = scheme && scheme < colon ? scheme + 3 : reason;
        r.broker_size = (int)strcspn(r.broker, "/ ");
        if (r.broker + r.broker_size > colon) {
            r.broker_size = (int)(colon - r.broker);
        }
        r.text = colon + 2;
    }
    const char *after = strstr(r.text, " (after ");
    r.text_size = (int)(after ? (size_t)(after - r.text) : strlen(r.text));
    return r;
}

static void scram_hint(const struct kafka_login *l, char *buf, size_t size)
{
    buf[0] = '\0';
    if (l->old_scram && (l->broker_is_4 || !l->asks_version)) {
        snprintf(buf, size,
                 "; %slibrdkafka %s cannot log in with SCRAM to Kafka 4.0 or newer, even with the "
                 "right password: use librdkafka 2.6.1 or newer, SASL PLAIN over TLS, or a client "
                 "certificate",
                 l->broker_is_4 ? "" : "if it runs Kafka 4: ", rd_kafka_version_str());
    }
}

static void login_refused(struct kafka_login *l, const struct reason *r)
{
    static const char prefix[] = "SASL authentication error: ";
    char hint[256];
    int skip = strncmp(r->text, prefix, sizeof(prefix) - 1) == 0 ? (int)sizeof(prefix) - 1 : 0;
    scram_hint(l, hint, sizeof(hint));
    snprintf(l->why, sizeof(l->why), "%.*s refuses the login%s%s with %s: %.*s%s", r->broker_size,
             r->broker, l->user[0] ? " of user " : "", l->user, l->mechanism, r->text_size - skip,
             r->text + skip, hint);
}

static void broker_not_trusted(struct kafka_login *l, const struct reason *r)
{
    snprintf(l->why, sizeof(l->why),
             "the certificate of %.*s is not trusted: it does not come from %s, has expired, or is "
             "for another host name",
             r->broker_size, r->broker,
             l->has_ca ? "the CA in ssl.ca.location"
                       : "a CA of this system (name yours with -X ssl.ca.location=FILE)");
}

static void certificate_refused(struct kafka_login *l, const struct reason *r)
{
    if (!l->has_certificate) {
        snprintf(l->why, sizeof(l->why),
                 "%.*s demands a client certificate: add -X ssl.certificate.location=FILE and "
                 "-X ssl.key.location=FILE",
                 r->broker_size, r->broker);
        return;
    }
    snprintf(l->why, sizeof(l->why),
             "%.*s refuses the client certificate in ssl.certificate.location: it has expired, or "
             "comes from a CA that the broker does not trust (%.*s)",
             r->broker_size, r->broker, r->text_size, r->text);
}

/* The numbers of TLS that are about certificates. 40 says little: here that none was shown. */
static bool is_certificate_alert(const struct kafka_login *l, const char *text)
{
    static const char mark[] = "SSL alert number ";
    const char *at = strstr(text, mark);
    long number = at ? strtol(at + sizeof(mark) - 1, NULL, 10) : 0;
    return (number >= 41 && number <= 46) || number == 48 || number == 49 || number == 116 ||
           (number == 40 && !l->has_certificate);
}

/* A broker that is starting or stopping breaks connections in many ways; these are not among them. */
bool kafka_login_error(struct kafka_login *l, rd_kafka_resp_err_t code, const char *reason)
{
    struct reason r = split(reason);
    l->refused = true;
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
        login_refused(l, &r);
    } else if (strstr(r.text, "certificate verify failed")) {
        broker_not_trusted(l, &r);
    } else if (is_certificate_alert(l, r.text)) {
        certificate_refused(l, &r);
    } else {
        l->refused = false;
    }
    return l->refused;
}

/* ---- rights ------------------------------------------------------------------------------- */

const char *kafka_login_user(const struct kafka_login *l)
{
    if (l->user[0]) {
        return l->user;
    }
    return l->has_certificate ? "of the client certificate" : "ANONYMOUS";
}

/* To read or write a topic includes the right to know of it: one right is named, not two. */
bool kafka_login_right(const struct kafka_login *l, rd_kafka_resp_err_t code, char *buf,
                       size_t size)
{
    const char *right = "Read", *on = "this topic", *name = "";
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        right = l->writes ? "Write" : "Read";
    } else if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        on = "the group ";
        name = l->group;
    } else if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED) {
        right = "Write";
        on = "the transactional id ";
        name = l->transactional_id;
    } else if (code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        /* An idempotent producer must have the right to write to some topic. */
        right = l->writes ? "Write" : "Describe";
        on = l->writes ? "this topic (before Kafka 2.8 also IdempotentWrite on the cluster)"
                         : "the cluster";
    } else {
        return false;
    }
    snprintf(buf, size, "not allowed: user %s needs the right %s on %s%s", kafka_login_user(l),
             right, on, name);
    return true;
}

bool kafka_login_lacks(const struct kafka_login *l, rd_kafka_resp_err_t code, const char *right,
                       struct buf *why)
{
    if (code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED &&
        code != RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        return false;
    }
    buf_clear(why);
    buf_printf(why, "not allowed: user %s needs the right %s on this topic", kafka_login_user(l),
               right);
    return true;
}
