/* The smallest engine there can be, to try the journal without the real one: per key it counts, and
 * every record of the input goes out as "n-th of its key" through a sink of the journal. Counts are
 * the state; they live in memory and in the changelog alone. If anything is done twice or not at
 * all, a number of the output is wrong.
 *
 *   journal_probe APP INPUT OUTPUT [-X k=v]… [--fault F] [--commit-ms N]
 *                 [--batch N] [--once] [--reset]
 *
 * Exit 0: done or told to stop; 4: an error, which is printed. An aborted transaction begins a new
 * life, at most MAX_LIVES without a commit between them. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "connectors/kafka.h"
#include "connectors/kafka_journal.h"

#define MAX_KEYS 4096
#define MAX_PARTITIONS 64
#define MAX_LIVES 5
#define FAILED 4

struct counter {
    char key[32];
    uint64_t n;
    bool changed;
};

struct probe {
    struct kafka_config config;
    const char *properties[32];
    struct fault fault;
    struct ruleset rs;
    struct schema_topic topic;
    const char *output;
    int64_t commit_ms;
    uint32_t batch; /* records per turn */
    bool once, reset;
};

struct life {
    struct journal *journal;
    struct source *source;
    struct sink *sink;
    struct counter counters[MAX_KEYS];
    uint32_t n_counters;
    struct partition_position at[MAX_PARTITIONS];
    uint32_t n_at;
    bool has_header;
    uint64_t seq;
    uint64_t changed, commits;
    int64_t committed_ms;
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    stop = signal;
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "probe: %s\n", line);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- state -------------------------------------------------------------------------------- */

static struct counter *counter_of(struct life *l, struct slice key)
{
    for (uint32_t i = 0; i < l->n_counters; i++) {
        if (slice_eq_str(key, l->counters[i].key)) {
            return &l->counters[i];
        }
    }
    assert(l->n_counters < MAX_KEYS && key.len < sizeof(l->counters[0].key));
    struct counter *c = &l->counters[l->n_counters++];
    memcpy(c->key, key.ptr, key.len);
    return c;
}

/* "seq partition=offset …" */
static void read_header(struct life *l, const char *text)
{
    int used;
    unsigned long long seq;
    sscanf(text, "%llu%n", &seq, &used);
    l->seq = seq;
    l->n_at = 0;
    int partition;
    long long offset;
    for (const char *p = text + used; sscanf(p, " %d=%lld%n", &partition, &offset, &used) == 2;
         p += used) {
        l->at[l->n_at++] = (struct partition_position){0, partition, offset, 0, {0}};
    }
    l->has_header = true;
}

static enum err take_entry(void *ctx, const struct journal_entry *e, bool *done, struct error *err)
{
    struct life *l = ctx;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    (void)err;
    (void)done;
    buf_put_slice(&text, e->value);
    if (slice_eq(e->key, slice_from("\0H", 2))) {
        read_header(l, buf_cstr(&text));
    } else {
        counter_of(l, e->key)->n = strtoull(buf_cstr(&text), NULL, 10);
    }
    return ERR_OK;
}

static enum err commit(struct life *l, struct error *err)
{
    char text[64 + MAX_PARTITIONS * 32];
    struct journal *j = l->journal;
    for (uint32_t i = 0; i < l->n_counters; i++) {
        struct counter *c = &l->counters[i];
        if (c->changed) {
            int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)c->n);
            c->changed = false;
            FYKE_TRY(j->ops->append(j, 0, slice_of(c->key), false, slice_from(text, (size_t)n),
                                    err));
        }
    }
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)l->seq);
    for (uint32_t i = 0; i < l->n_at; i++) {
        n += snprintf(text + n, sizeof(text) - (size_t)n, " %d=%lld", l->at[i].partition,
                      (long long)l->at[i].offset);
    }
    FYKE_TRY(j->ops->append(j, 0, slice_from("\0H", 2), false, slice_from(text, (size_t)n), err));
    struct journal_task task = {
        .seq = l->seq, .positions = l->at, .n_positions = l->n_at, .behind = JOURNAL_BEGIN};
    FYKE_TRY(j->ops->commit(j, &task, 1, err));
    l->changed = 0;
    l->commits++;
    l->committed_ms = now_ms();
    return ERR_OK;
}

/* ---- a life ------------------------------------------------------------------------------- */

static enum err recover(struct probe *p, struct life *l, struct error *err)
{
    struct journal_standing s;
    FYKE_TRY(l->journal->ops->open(l->journal, p->reset, err));
    p->reset = false;
    FYKE_TRY(l->journal->ops->standing(l->journal, 0, &s, err));
    FYKE_TRY(l->journal->ops->read(l->journal, 0, JOURNAL_BEGIN, take_entry, l, err));
    fprintf(stderr, "standing: found=%d seq=%llu first=%lld end=%lld header=%d at %llu, %.*s\n",
            s.found, (unsigned long long)s.seq, (long long)s.first, (long long)s.end, l->has_header,
            (unsigned long long)l->seq, SLICE_ARG(s.identity));
    if (s.found && (!l->has_header || l->seq != s.seq)) {
        return error_set(err, ERR_STATE, "the positions are of commit %llu, the changelog is not",
                         (unsigned long long)s.seq);
    }
    return ERR_OK;
}

static enum err first_start(struct life *l, struct error *err)
{
    const struct source_partition *parts;
    uint32_t n;
    FYKE_TRY(l->source->ops->partitions(l->source, &parts, &n, err));
    assert(n <= MAX_PARTITIONS);
    for (uint32_t i = 0; i < n; i++) {
        l->at[i] = (struct partition_position){0, parts[i].partition, parts[i].first_offset, 0, {0}};
    }
    l->n_at = n;
    return commit(l, err);
}

static enum err take_record(struct life *l, const struct record *r, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct counter *c = counter_of(l, r->key);
    c->n++;
    c->changed = true;
    l->changed++;
    for (uint32_t i = 0; i < l->n_at; i++) {
        if (l->at[i].partition == r->partition) {
            l->at[i].offset = r->offset + 1;
        }
    }
    buf_printf(&text, "%llu %.*s", (unsigned long long)c->n, SLICE_ARG(r->value));
    struct out_record out = {.value = buf_slice(&text),
                             .key = r->key,
                             .has_key = true,
                             .event_time = r->timestamp,
                             .rule = slice_of("probe")};
    return l->sink->ops->write(l->sink, &out, err);
}

static enum err turn(struct probe *p, struct life *l, bool *finished, struct error *err)
{
    struct source_batch batch;
    struct duration wait = {20 * NS_PER_MS};
    FYKE_TRY(l->source->ops->poll(l->source, p->batch, wait, &batch, err));
    for (uint32_t i = 0; i < batch.n; i++) {
        FYKE_TRY(take_record(l, &batch.records[i], err));
    }
    *finished = batch.finished || stop;
    bool due = now_ms() - l->committed_ms >= p->commit_ms;
    if (l->journal->ops->presses(l->journal) || (l->changed && (due || *finished))) {
        l->seq++;
        return commit(l, err);
    }
    return ERR_OK;
}

static enum err live(struct probe *p, struct life *l, struct error *err)
{
    FYKE_TRY(kafka_journal_new(&p->config, &p->rs, NULL, 0, &l->journal, err));
    FYKE_TRY(recover(p, l, err));
    FYKE_TRY(kafka_source_new(&p->config, &p->rs, NULL, NULL, p->once, &l->source, err));
    FYKE_TRY(kafka_journal_sink(l->journal, p->output, &l->sink, err));
    if (!l->has_header) {
        FYKE_TRY(first_start(l, err));
    }
    FYKE_TRY(l->source->ops->start(l->source, l->at, l->n_at, err));
    fprintf(stderr, "ready\n");
    for (bool finished = false; !finished;) {
        FYKE_TRY(turn(p, l, &finished, err));
    }
    return ERR_OK;
}

static enum err live_and_die(struct probe *p, uint64_t *commits, struct error *err)
{
    struct life *l = xcalloc(1, sizeof(*l));
    enum err rc = live(p, l, err);
    if (l->source) {
        l->source->ops->close(l->source);
    }
    if (l->sink) {
        l->sink->ops->close(l->sink);
    }
    if (l->journal) {
        l->journal->ops->close(l->journal);
    }
    *commits = l->commits;
    free(l);
    return rc;
}

/* ---- program ------------------------------------------------------------------------------ */

static const char *argument(char ***at)
{
    *at += 1;
    if (**at == NULL) {
        fprintf(stderr, "an argument is missing\n");
        exit(2);
    }
    return **at;
}

static void read_options(struct probe *p, char **at)
{
    for (; *at; at++) {
        if (strcmp(*at, "-X") == 0 && p->config.n_properties < FYKE_ARRAY_LEN(p->properties)) {
            p->properties[p->config.n_properties++] = argument(&at);
        } else if (strcmp(*at, "--fault") == 0) {
            p->fault.want = argument(&at);
        } else if (strcmp(*at, "--commit-ms") == 0) {
            p->commit_ms = strtol(argument(&at), NULL, 10);
        } else if (strcmp(*at, "--batch") == 0) {
            p->batch = (uint32_t)strtoul(argument(&at), NULL, 10);
        } else if (strcmp(*at, "--once") == 0) {
            p->once = true;
        } else if (strcmp(*at, "--reset") == 0) {
            p->reset = true;
        } else {
            fprintf(stderr, "what is %s?\n", *at);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct probe p = {.commit_ms = 50, .batch = 500};
    struct error err = ERROR_INIT;
    if (argc < 4) {
        fprintf(stderr, "journal_probe APP INPUT OUTPUT [options]\n");
        return 2;
    }
    p.config = (struct kafka_config){.properties = p.properties,
                                     .app = argv[1],
                                     .stop = &stop,
                                     .log = say,
                                     .fault = &p.fault};
    p.topic.name = slice_of(argv[2]);
    p.rs.topics = &p.topic;
    p.rs.n_topics = 1;
    p.output = argv[3];
    read_options(&p, argv + 4);
    signal(SIGTERM, on_signal);
    enum err rc = ERR_ABORTED;
    uint64_t commits;
    for (int lives = 0; rc == ERR_ABORTED && lives < MAX_LIVES && !stop; lives++) {
        rc = live_and_die(&p, &commits, &err);
        lives = commits > 1 ? 0 : lives;
        if (rc != ERR_OK) {
            fprintf(stderr, "%s%s: %s\n", err_name(rc), err.fatal ? ", fatal" : "", err.text);
        }
    }
    return rc == ERR_OK ? 0 : FAILED;
}
