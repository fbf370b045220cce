#include "connectors/table_files.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/record_lines.h"

struct table_files {
    struct table_feed feed; /* first: the engine's handle */
    const char *const *paths;
    size_t n, next;
    bool kcat;
    bool open;
    struct record_lines lines;
    struct record record; /* the batch */
};

static enum err begin(struct table_feed *feed, struct error *err)
{
    struct table_files *f = (struct table_files *)feed;
    (void)err;
    f->next = 0;
    return ERR_OK;
}

/* The next file; *done when there is none. */
static enum err open_next(struct table_files *f, bool *done, struct error *err)
{
    *done = f->next == f->n;
    if (*done || f->open) {
        return ERR_OK;
    }
    FYKE_TRY(record_lines_open(&f->lines, f->paths[f->next++],
                               f->kcat ? RECORD_LINES_KCAT : RECORD_LINES_PAYLOAD, err));
    f->open = true;
    return ERR_OK;
}

static enum err poll(struct table_feed *feed, struct duration wait, struct table_feed_batch *ret,
                     struct error *err)
{
    struct table_files *f = (struct table_files *)feed;
    struct slice topic;
    bool end = false;
    (void)wait;
    *ret = (struct table_feed_batch){.records = &f->record};
    if (!f->open) {
        FYKE_TRY(open_next(f, &ret->done, err));
    }
    if (!f->open) {
        return ERR_OK;
    }
    FYKE_TRY(record_lines_next(&f->lines, &f->record, &topic, &end, err));
    if (end) {
        record_lines_close(&f->lines);
        f->open = false;
        return ERR_OK;
    }
    /* A broken envelope may be anybody's: the source of events counts it. */
    ret->n = !f->kcat || (slice_eq(topic, feed->topic) && !f->record.broken);
    return ERR_OK;
}

static uint32_t positions(struct table_feed *feed, const struct partition_position **ret)
{
    (void)feed;
    *ret = NULL;
    return 0;
}

static void close_files(struct table_feed *feed)
{
    struct table_files *f = (struct table_files *)feed;
    if (f->open) {
        record_lines_close(&f->lines);
    }
    free(f);
}

enum err table_files_new(struct slice topic, const char *const *paths, size_t n, bool kcat,
                         struct table_feed **ret, struct error *err)
{
    static const struct table_feed_ops ops = {begin, poll, positions, close_files};
    *ret = NULL;
    if (n == 0) {
        return error_set(err, ERR_USAGE,
                         "the rules read topic \"%.*s\" as a list or lookup: name its file, "
                         "-i %.*s=FILE", SLICE_ARG(topic), SLICE_ARG(topic));
    }
    struct table_files *f = xcalloc(1, sizeof(*f));
    f->feed = (struct table_feed){.ops = &ops, .topic = topic, .objects = !kcat, .bounded = true};
    f->paths = paths;
    f->n = n;
    f->kcat = kcat;
    *ret = &f->feed;
    return ERR_OK;
}
