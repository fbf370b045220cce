/* Files of labels. A line is one of
 *   TOPIC,PARTITION,OFFSET                            a heading of these words is stepped over
 *   {"topic":…,"partition":…,"offset":…}
 *   {"events":[{"topic":…,"partition":…,"offset":…},…]}   together one episode
 * and an object with "attack":false names what only looks like one: it labels nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/replay_labels.h"

struct label_file {
    struct replay_labels *labels;
    const char *path;
    unsigned line;
    struct json_view view;
};

static enum err bad_line(const struct label_file *f, const char *why, struct error *err)
{
    return error_set(err, ERR_USAGE, "%s:%u: %s", f->path, f->line, why);
}

static enum err add(struct label_file *f, struct slice topic, int32_t partition, int64_t offset,
                    uint32_t episode, struct error *err)
{
    struct coord at = {replay_labels_topic(f->labels, topic), partition, offset};
    if (at.topic == UINT32_MAX) {
        f->labels->foreign++;
        return ERR_OK;
    }
    return replay_labels_add(f->labels, at, episode)
               ? ERR_OK
               : error_set(err, ERR_LIMIT, "%s: more than %u labels", f->path, REPLAY_MAX_LABELS);
}

/* ---- TOPIC,PARTITION,OFFSET ------------------------------------------------------------------ */

static bool whole(const char *text, char until, int64_t *ret, const char **behind)
{
    char *end;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    *behind = end + (*end == ',');
    return errno == 0 && end != text && *text >= '0' && *text <= '9' && *end == until;
}

static enum err take_columns(struct label_file *f, const char *text, struct error *err)
{
    const char *comma = strchr(text, ',');
    const char *rest;
    int64_t partition, offset;
    if (f->line == 1 && strcmp(text, "topic,partition,offset") == 0) {
        return ERR_OK;
    }
    if (!comma || !whole(comma + 1, ',', &partition, &rest) ||
        !whole(rest, '\0', &offset, &rest) || partition > INT32_MAX) {
        return bad_line(f, "not TOPIC,PARTITION,OFFSET and no JSON object", err);
    }
    return add(f, slice_from(text, (size_t)(comma - text)), (int32_t)partition, offset,
               REPLAY_NO_EPISODE, err);
}

/* ---- objects -------------------------------------------------------------------------------- */

static bool member_number(struct json_span object, const char *name, int64_t *ret)
{
    struct json_span s = json_view_get(object, name);
    *ret = s.kind == JSON_INT ? strtoll(s.ptr, NULL, 10) : -1;
    return *ret >= 0;
}

static enum err take_place(struct label_file *f, struct json_span object, uint32_t episode,
                           struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf topic = BUF_INIT;
    struct json_span name = json_view_get(object, "topic");
    int64_t partition, offset;
    if (name.kind != JSON_STRING || !member_number(object, "partition", &partition) ||
        !member_number(object, "offset", &offset) || partition > INT32_MAX) {
        return bad_line(f, "no topic, partition and offset", err);
    }
    json_view_text(name, &topic);
    return add(f, buf_slice(&topic), (int32_t)partition, offset, episode, err);
}

static enum err take_object(struct label_file *f, const char *text, struct error *err)
{
    if (!json_view_set(&f->view, slice_of(text))) {
        return bad_line(f, "no valid JSON", err);
    }
    struct json_span events = json_view_get(f->view.root, "events");
    if (json_view_get(f->view.root, "attack").kind == JSON_FALSE) {
        return ERR_OK;
    }
    if (events.kind != JSON_ARRAY) {
        return take_place(f, f->view.root, REPLAY_NO_EPISODE, err);
    }
    uint32_t episode = f->labels->n_episodes++;
    struct json_walk w = json_walk_into(events);
    struct json_span entry;
    while (json_walk_item(&w, &entry)) {
        FYKE_TRY(take_place(f, entry, episode, err));
    }
    return ERR_OK;
}

/* ---- the file ------------------------------------------------------------------------------- */

static enum err read_lines(struct label_file *f, FILE *from, struct error *err)
{
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    enum err rc = ERR_OK;
    while (rc == ERR_OK && (len = getline(&text, &cap, from)) >= 0) {
        while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
            text[--len] = '\0';
        }
        f->line++;
        if (len > 0) {
            rc = text[0] == '{' ? take_object(f, text, err) : take_columns(f, text, err);
        }
    }
    free(text);
    if (rc == ERR_OK && ferror(from)) {
        rc = error_set(err, ERR_IO, "cannot read %s: %s", f->path, strerror(errno));
    }
    return rc;
}

enum err replay_labels_read(struct replay_labels *l, const char *path, struct error *err)
{
    struct label_file f = {.labels = l, .path = path};
    FILE *from = fopen(path, "re");
    if (!from) {
        return error_set(err, ERR_USAGE, "cannot read %s: %s", path, strerror(errno));
    }
    json_view_init(&f.view);
    enum err rc = read_lines(&f, from, err);
    json_view_release(&f.view);
    fclose(from);
    if (rc == ERR_OK && l->n == 0 && !l->options->test) {
        rc = error_set(err, ERR_USAGE, "%s labels nothing in the topics of the rules", path);
    }
    return rc;
}
