#include "lib/refused.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/kafka_journal.h"

#define OWN_HEADERS 7
#define NUMBER_MAX 24

static const char *topic_of(const char *to)
{
    return to && strncmp(to, "kafka:", 6) == 0 ? to + 6 : NULL;
}

enum err refused_open(struct refused *r, const struct fyke_run_config *c, const struct ruleset *rs,
                      bool *any, struct error *err)
{
    *r = (struct refused){.rs = rs,
                          .app = c->options.app ? c->options.app : "fyke",
                          .to = {c->late, c->dead_letter}};
    *any = c->late || c->dead_letter;
    if (c->late && c->dead_letter && strcmp(c->late, c->dead_letter) == 0) {
        r->to[REFUSED_TO_LATE] = NULL; /* one place for both */
    }
    for (int i = 0; i < REFUSED_PLACES; i++) {
        if (r->to[i] && !topic_of(r->to[i])) {
            FYKE_TRY(dead_letter_open(&r->files[i], r->to[i], c->options.state_dir != NULL, rs,
                                      err));
        }
    }
    return ERR_OK;
}

void refused_keep(struct refused *r, struct sink *topics[REFUSED_PLACES])
{
    for (int i = 0; i < REFUSED_PLACES; i++) {
        topics[i] = r->topics[i];
        r->topics[i] = NULL;
    }
}

void refused_take(struct refused *r, struct sink *topics[REFUSED_PLACES])
{
    for (int i = 0; i < REFUSED_PLACES; i++) {
        r->topics[i] = topics[i];
        topics[i] = NULL;
    }
}

enum err refused_connect(struct refused *r, const struct kafka_config *kafka, struct journal *journal,
                         struct error *err)
{
    for (int i = 0; i < REFUSED_PLACES; i++) {
        const char *topic = r->topics[i] ? NULL : topic_of(r->to[i]);
        if (topic && journal) {
            FYKE_TRY(kafka_journal_sink(journal, topic, &r->topics[i], err));
        } else if (topic) {
            FYKE_TRY(kafka_sink_new(kafka, topic, &r->topics[i], err));
        }
    }
    return ERR_OK;
}

/* ---- writing ------------------------------------------------------------------------------ */

static const char *const why_names[] = {"invalid", "late", "after_idle"};

static void add(struct record_header *headers, uint32_t *n, const char *name, const char *value)
{
    headers[(*n)++] = (struct record_header){slice_of(name), slice_of(value)};
}

static enum err to_topic(const struct refused *r, struct sink *sink, enum refused_why why,
                         const char *reason, const struct record *rec, struct error *err)
{
    char partition[NUMBER_MAX], offset[NUMBER_MAX], ms[NUMBER_MAX];
    struct record_header *headers = xcalloc(rec->n_headers + OWN_HEADERS, sizeof(*headers));
    uint32_t n = rec->n_headers;
    if (n > 0) {
        memcpy(headers, rec->headers, n * sizeof(*headers));
    }
    snprintf(partition, sizeof(partition), "%" PRId32, rec->partition);
    snprintf(offset, sizeof(offset), "%" PRId64, rec->offset);
    snprintf(ms, sizeof(ms), "%" PRId64, rec->timestamp.ns / NS_PER_MS);
    add(headers, &n, "__fyke.errors.why", why_names[why]);
    add(headers, &n, "__fyke.errors.reason", reason);
    if (rec->topic < r->rs->n_topics) {
        headers[n++] = (struct record_header){SLICE_LIT("__fyke.errors.topic"),
                                              r->rs->topics[rec->topic].name};
    }
    add(headers, &n, "__fyke.errors.partition", partition);
    add(headers, &n, "__fyke.errors.offset", offset);
    if (rec->has_timestamp) {
        add(headers, &n, "__fyke.errors.timestamp", ms);
    }
    add(headers, &n, "__fyke.errors.app", r->app);
    const struct out_record out = {
        .is_refused = true,
        .has_key = rec->has_key,
        .key = rec->key,
        .has_value = rec->has_value,
        .value = rec->value,
        .has_time = rec->has_timestamp,
        .event_time = rec->timestamp,
        .headers = headers,
        .n_headers = n,
    };
    enum err rc = sink->ops->write(sink, &out, err);
    free(headers);
    return rc;
}

enum err refused_write(void *ctx, enum refused_why why, const char *reason, const struct record *rec,
                       struct error *err)
{
    struct refused *r = ctx;
    enum refused_place at =
        why == REFUSED_INVALID || !r->to[REFUSED_TO_LATE] ? REFUSED_TO_DEAD : REFUSED_TO_LATE;
    if (!r->to[at]) {
        return ERR_OK; /* counted like all of them */
    }
    r->sent[at]++;
    return r->topics[at] ? to_topic(r, r->topics[at], why, reason, rec, err)
                         : dead_letter_write(&r->files[at], why, reason, rec, err);
}

enum err refused_sync(void *ctx, struct error *err)
{
    struct refused *r = ctx;
    for (int i = 0; i < REFUSED_PLACES; i++) {
        if (r->topics[i]) {
            FYKE_TRY(r->topics[i]->ops->flush(r->topics[i], err));
        } else if (r->to[i]) {
            FYKE_TRY(dead_letter_sync(&r->files[i], err));
        }
    }
    return ERR_OK;
}

/* ---- end ---------------------------------------------------------------------------------- */

void refused_disconnect(struct refused *r)
{
    for (int i = 0; i < REFUSED_PLACES; i++) {
        if (r->topics[i]) {
            r->topics[i]->ops->close(r->topics[i]);
            r->topics[i] = NULL;
        }
    }
}

enum err refused_close(struct refused *r, struct error *err)
{
    enum err late = dead_letter_close(&r->files[REFUSED_TO_LATE], err);
    enum err dead = dead_letter_close(&r->files[REFUSED_TO_DEAD], err);
    return late != ERR_OK ? late : dead;
}
