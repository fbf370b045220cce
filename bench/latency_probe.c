/* How long an alert takes: writes logins at a steady rate, whose event time is the clock, and reads the alerts of
 * bench/queries/q1.rules as somebody who is to act on them does, committed ones alone.
 *
 *   latency_probe BOOTSTRAP INPUT OUTPUT EVENTS_PER_SECOND SECONDS SKIP_SECONDS
 *
 * Every hundredth event completes a match. An alert tells the time of its last event ("last" or "at"); from there to
 * its arrival is what it took. Those of the first SKIP_SECONDS do not count. Prints alerts expected and arrived, then
 * least, median, 90 and 99 per cent and most in ms. */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/client.h"

#define USERS 100000
#define ATTACKERS 40 /* each takes its four steps in turn with the others */
#define EVERY 25      /* events between two steps of attackers: four steps, so a match per 100 events */
#define WAIT_MS 10000 /* for the last alerts */
#define MAX_ALERTS 1000000

struct probe {
    const char *bootstrap, *input, *output;
    int64_t per_second, count_from_ms, end_ms;
    int64_t expected; /* matches completed by events that count */
    int32_t *took_ms;
    size_t n;
    volatile bool written; /* everything */
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- events ------------------------------------------------------------------------------- */

static void write_event(rd_kafka_t *rk, struct probe *p, int64_t i)
{
    int64_t now = now_us() / 1000, step = i / EVERY;
    bool attacks = i % EVERY == 0;
    bool last = attacks && step / ATTACKERS % 4 == 3;
    unsigned long user = attacks ? (unsigned long)(step % ATTACKERS) : ATTACKERS + (unsigned long)(i * 7919 % USERS);
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    char at[32], text[256], key[16];
    gmtime_r(&seconds, &tm);
    strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", &tm);
    int key_len = snprintf(key, sizeof(key), "u%lu", user);
    int len = snprintf(text, sizeof(text), "{\"at\":\"%s.%03dZ\",\"type\":\"login\",\"user\":\"%s\",\"result\":\"%s\","
                       "\"country\":\"%s\",\"device\":\"d%lu\"}", at, (int)(now % 1000), key,
                       attacks && !last ? "failure" : "success", last ? "FR" : "NL", user);
    p->expected += last && now >= p->count_from_ms;
    while (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(p->input), RD_KAFKA_V_KEY(key, (size_t)key_len),
                             RD_KAFKA_V_VALUE(text, (size_t)len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(rk, 10);
    }
}

static void write_all(struct probe *p)
{
    const char *const conf[] = {"bootstrap.servers", p->bootstrap, "linger.ms", "1", NULL};
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, conf);
    int64_t begin = now_us(), i = 0;
    for (int64_t now = begin; now / 1000 < p->end_ms; now = now_us()) {
        for (int64_t due = (now - begin) * p->per_second / 1000000; i < due; i++) {
            write_event(rk, p, i);
        }
        rd_kafka_poll(rk, 0);
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    rd_kafka_flush(rk, WAIT_MS);
    rd_kafka_destroy(rk);
}

/* ---- alerts ------------------------------------------------------------------------------- */

/* Of the event that completed it, in ms; 0: the alert does not say. */
static int64_t time_of(const char *text)
{
    const char *last = strstr(text, "\"last\":\""), *at = strstr(text, "\"at\":");
    struct tm tm = {0};
    int ms;
    if (last != NULL && sscanf(last + 8, "%d-%d-%dT%d:%d:%d.%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                               &tm.tm_min, &tm.tm_sec, &ms) == 7) {
        tm.tm_year -= 1900;
        tm.tm_mon--;
        return (int64_t)timegm(&tm) * 1000 + ms;
    }
    return at != NULL ? strtoll(at + 5, NULL, 10) : 0;
}

static void take(struct probe *p, const rd_kafka_message_t *m)
{
    char text[4096];
    int64_t now = now_us() / 1000;
    size_t n = m->len < sizeof(text) - 1 ? m->len : sizeof(text) - 1;
    memcpy(text, m->payload, n);
    text[n] = '\0';
    int64_t at = time_of(text);
    if (at == 0) {
        die("an alert without a time", text);
    }
    if (at >= p->count_from_ms && p->n < MAX_ALERTS) {
        p->took_ms[p->n++] = (int32_t)(now - at);
    }
}

static void *read_all(void *arg)
{
    struct probe *p = arg;
    const char *const conf[] = {"bootstrap.servers", p->bootstrap, "group.id", "latency-probe", "isolation.level",
                                "read_committed", "enable.auto.commit", "false", NULL};
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(from, p->output, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, from);
    rd_kafka_topic_partition_list_destroy(from);
    int64_t until = INT64_MAX;
    while (now_us() / 1000 < until) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 20);
        if (m != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take(p, m);
        }
        if (m != NULL) {
            rd_kafka_message_destroy(m);
        }
        if (p->written && until == INT64_MAX) {
            until = now_us() / 1000 + WAIT_MS;
        }
        if (p->written && (int64_t)p->n >= p->expected) {
            break;
        }
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        die("usage", "latency_probe BOOTSTRAP INPUT OUTPUT EVENTS_PER_SECOND SECONDS SKIP_SECONDS");
    }
    int64_t now_ms = now_us() / 1000;
    struct probe p = {.bootstrap = argv[1], .input = argv[2], .output = argv[3], .per_second = strtoll(argv[4], NULL, 10)};
    p.count_from_ms = now_ms + strtoll(argv[6], NULL, 10) * 1000;
    p.end_ms = now_ms + strtoll(argv[5], NULL, 10) * 1000;
    p.took_ms = calloc(MAX_ALERTS, sizeof(*p.took_ms));
    pthread_t reader;
    if (p.took_ms == NULL || pthread_create(&reader, NULL, read_all, &p) != 0) {
        die("reader", "cannot be started");
    }
    write_all(&p);
    p.written = true;
    pthread_join(reader, NULL);
    qsort(p.took_ms, p.n, sizeof(*p.took_ms), by_value);
    printf("%" PRId64 " %zu", p.expected, p.n);
    for (int i = 0; i < 5 && p.n > 0; i++) {
        static const double part[] = {0, 0.5, 0.9, 0.99, 1};
        printf(" %d", p.took_ms[(size_t)(part[i] * (double)(p.n - 1))]);
    }
    printf("\n");
    free(p.took_ms);
    return 0;
}
