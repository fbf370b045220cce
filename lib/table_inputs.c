#include "lib/table_inputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/file_reader.h"
#include "connectors/kafka_table.h"
#include "connectors/table_files.h"

static bool is_known(const struct table_inputs *t, const struct slice *topics, struct slice name)
{
    for (uint32_t i = 0; i < t->n_feeds; i++) {
        if (slice_eq(topics[i], name)) {
            return true;
        }
    }
    return false;
}

/* "TOPIC=FILE" with this topic: the file; else NULL. */
static const char *file_of(const char *input, struct slice topic)
{
    bool named = strlen(input) > topic.len && memcmp(input, topic.ptr, topic.len) == 0 &&
                 input[topic.len] == '=';
    return named ? input + topic.len + 1 : NULL;
}

/* The files of a topic. Envelopes of every file may belong to it; standard input is the events'. */
static enum err find_paths(const char *const *inputs, size_t n, bool kcat, struct slice topic,
                           const char **paths, size_t *ret_n, struct error *err)
{
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const char *path = file_of(inputs[i], topic);
        if (path && strcmp(path, "-") == 0) {
            return error_set(err, ERR_USAGE, "%s: a list or lookup is read from a file, not from "
                             "standard input", inputs[i]);
        }
        if (path) {
            paths[(*ret_n)++] = path;
        } else if (kcat && strcmp(inputs[i], "-") != 0) {
            const char *eq = strchr(inputs[i], '=');
            paths[(*ret_n)++] = eq && !strchr(inputs[i], '/') ? eq + 1 : inputs[i];
        }
    }
    return ERR_OK;
}

static enum err open_feed(struct table_inputs *t, const struct ruleset *rs, struct slice topic,
                          const char *const *inputs, size_t n, bool kcat,
                          const struct kafka_config *kafka, struct error *err)
{
    uint32_t i = t->n_feeds;
    size_t n_paths;
    if (kafka) {
        FYKE_TRY(kafka_table_new(kafka, topic, &t->feeds[i], err));
        t->n_feeds++;
        return ERR_OK;
    }
    if (!kcat && file_input_topic(rs, topic) != UINT32_MAX) {
        return error_set(err, ERR_USAGE,
                         "topic \"%.*s\" holds events and a list or lookup: that needs "
                         "--input-format kcat", SLICE_ARG(topic));
    }
    t->paths[i] = xcalloc(n + 1, sizeof(**t->paths));
    enum err rc = find_paths(inputs, n, kcat, topic, t->paths[i], &n_paths, err);
    if (rc == ERR_OK) {
        rc = table_files_new(topic, t->paths[i], n_paths, kcat, &t->feeds[i], err);
    }
    if (rc == ERR_OK) {
        t->n_feeds++;
    } else {
        free(t->paths[i]);
    }
    return rc;
}

/* Inputs that name a topic of a table alone are no events. */
static void split(struct table_inputs *t, const struct ruleset *rs, const char *const *inputs,
                  size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool table = false;
        for (uint32_t k = 0; k < t->n_feeds; k++) {
            struct slice topic = t->feeds[k]->topic;
            table = table || (file_of(inputs[i], topic) &&
                              file_input_topic(rs, topic) == UINT32_MAX);
        }
        if (!table) {
            t->events[t->n_events++] = inputs[i];
        }
    }
}

enum err table_inputs_open(struct table_inputs *t, const struct ruleset *rs,
                           const char *const *inputs, size_t n, bool kcat,
                           const struct kafka_config *kafka, struct error *err)
{
    struct slice *topics = xcalloc(rs->n_tables + 1u, sizeof(*topics));
    enum err rc = ERR_OK;
    *t = (struct table_inputs){.events = xcalloc(n + 1, sizeof(*t->events)),
                               .feeds = xcalloc(rs->n_tables + 1u, sizeof(struct table_feed *)),
                               .paths = xcalloc(rs->n_tables + 1u, sizeof(*t->paths))};
    for (uint32_t i = 0; i < rs->n_tables && rc == ERR_OK; i++) {
        const struct table_decl *d = &rs->tables[i];
        if (d->origin == TABLE_TOPIC && !is_known(t, topics, d->place)) {
            topics[t->n_feeds] = d->place;
            rc = open_feed(t, rs, d->place, inputs, n, kcat, kafka, err);
        }
    }
    split(t, rs, inputs, n);
    free(topics);
    return rc;
}

void table_inputs_release(struct table_inputs *t)
{
    for (uint32_t i = 0; i < t->n_feeds; i++) {
        t->feeds[i]->ops->close(t->feeds[i]);
        free(t->paths[i]);
    }
    free(t->events);
    free(t->feeds);
    free(t->paths);
    *t = (struct table_inputs){0};
}
