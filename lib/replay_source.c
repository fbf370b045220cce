#include "lib/replay_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static enum err source_partitions(struct source *base, const struct source_partition **ret,
                                  uint32_t *ret_n, struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    return s->inner->ops->partitions(s->inner, ret, ret_n, err);
}

static enum err source_start(struct source *base, const struct partition_position *from,
                             uint32_t n, struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    if (!s->savepoint) {
        return s->inner->ops->start(s->inner, from, n, err);
    }
    struct partition_position *earlier = xcalloc(n + 1u, sizeof(*earlier));
    s->begins = xcalloc(n + 1u, sizeof(*s->begins));
    s->n_begins = n;
    for (uint32_t i = 0; i < n; i++) {
        struct source_begin *b = &s->begins[i];
        const struct header_partition *p =
            replay_savepoint_position(s->savepoint, s->rs, from[i].topic, from[i].partition);
        *b = (struct source_begin){.topic = from[i].topic,
                                   .partition = from[i].partition,
                                   .from = from[i].offset,
                                   .end = p ? p->next_offset : 0,
                                   .met = !p || p->next_offset == 0};
        earlier[i] = from[i];
        int64_t needed = b->end - 1;
        if (p && p->last.set) {
            b->last = p->last;
            needed = p->last.offset;
        }
        if (!b->met && needed < b->from) {
            earlier[i].offset = needed;
        }
    }
    enum err rc = s->inner->ops->start(s->inner, earlier, n, err);
    free(earlier);
    return rc;
}

static enum err another_input(const struct replay_source *s, const struct source_begin *b,
                              struct error *err)
{
    return error_set(err, ERR_USAGE, "%s stands at offset %lld of \"%.*s\", partition %d, and the input holds "
                     "another record at offset %lld than it has read there: it is another input",
                     s->savepoint->path, (long long)b->end, SLICE_ARG(s->rs->topics[b->topic].name),
                     (int)b->partition, (long long)b->last.offset);
}

/* A record from a topic has a time of its own; lines that were taken out of it have none, and are not
 * compared. */
static bool is_another(const struct source_begin *b, const struct record *r)
{
    struct record_mark found = record_mark_of(r);
    bool timed = b->last.timestamp.ns != INT64_MIN;
    return r->offset == b->last.offset && r->has_timestamp == timed &&
           !record_mark_eq(&found, &b->last);
}

/* Of a record in front of where reading goes on nothing is wanted but that it is there, and the last of
 * them what it was. */
static enum err pass_begin(struct replay_source *s, const struct record *r, bool *ret_wanted,
                           struct error *err)
{
    *ret_wanted = true;
    for (size_t i = 0; i < s->n_begins; i++) {
        struct source_begin *b = &s->begins[i];
        if (b->topic != r->topic || b->partition != r->partition) {
            continue;
        }
        b->met |= r->offset >= b->end - 1;
        *ret_wanted = r->offset >= b->from;
        if (b->last.set && r->offset >= b->last.offset) {
            if (is_another(b, r)) {
                return another_input(s, b, err);
            }
            b->last.set = false;
        }
        return ERR_OK;
    }
    return ERR_OK;
}

enum err replay_source_check_begin(const struct replay_source *s, struct error *err)
{
    for (size_t i = 0; s->ended && i < s->n_begins; i++) {
        const struct source_begin *b = &s->begins[i];
        if (!b->met) {
            return error_set(err, ERR_USAGE, "%s stands at offset %lld of \"%.*s\", partition %d: the input "
                             "ends before, so it is not what the state has read", s->savepoint->path,
                             (long long)b->end, SLICE_ARG(s->rs->topics[b->topic].name),
                             (int)b->partition);
        }
    }
    return ERR_OK;
}

/* ---- what is read --------------------------------------------------------------------------- */

static bool is_wanted(const struct replay_slice *want, const struct record *r)
{
    for (size_t i = 0; i < want->n; i++) {
        const struct slice_part *p = &want->parts[i];
        if (p->topic == r->topic && p->partition == r->partition) {
            return r->offset >= p->first && r->offset < p->end;
        }
    }
    return false;
}

static enum err keep_wanted(struct replay_source *s, struct source_batch *b, struct error *err)
{
    uint32_t n = 0;
    s->kept = xgrow(s->kept, &s->cap_kept, b->n + 1u, sizeof(*s->kept));
    for (uint32_t i = 0; i < b->n; i++) {
        bool wanted;
        FYKE_TRY(pass_begin(s, &b->records[i], &wanted, err));
        if (wanted && (!s->want || is_wanted(s->want, &b->records[i]))) {
            s->kept[n++] = b->records[i];
        }
    }
    b->records = s->kept;
    b->n = n;
    return ERR_OK;
}

static enum err write_line(struct replay_source *s, const struct record *r, struct error *err)
{
    buf_clear(&s->line);
    if (!replay_slice_line(r, s->rs, &s->line)) {
        return error_set(err, ERR_INPUT, "%.*s[%d] offset %lld cannot be kept in a file: its key or a "
                         "header is no text", SLICE_ARG(s->rs->topics[r->topic].name),
                         (int)r->partition, (long long)r->offset);
    }
    return fwrite(s->line.ptr, 1, s->line.len, s->lines) == s->line.len
               ? ERR_OK
               : error_set(err, ERR_IO, "cannot write the slice: %s", strerror(errno));
}

static enum err note(struct replay_source *s, const struct source_batch *b, struct error *err)
{
    s->records += b->n;
    for (uint32_t i = 0; i < b->n; i++) {
        const struct record *r = &b->records[i];
        s->bytes += r->value.len + 1;
        if (s->got && r->topic != UINT32_MAX) {
            replay_slice_note(s->got, r);
        }
        if (s->lines) {
            FYKE_TRY(write_line(s, r, err));
        }
    }
    return ERR_OK;
}

static enum err source_poll(struct source *base, uint32_t max, struct duration wait,
                            struct source_batch *ret, struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    uint32_t most = s->batch > 0 && s->batch < max ? s->batch : max;
    FYKE_TRY(s->inner->ops->poll(s->inner, most, wait, ret, err));
    s->ended |= ret->finished;
    if (s->want || s->n_begins > 0) {
        FYKE_TRY(keep_wanted(s, ret, err));
    }
    return note(s, ret, err);
}

static enum err source_pause(struct source *base, const struct partition_position *p, bool paused,
                             struct error *err)
{
    struct replay_source *s = (struct replay_source *)base;
    return s->inner->ops->pause ? s->inner->ops->pause(s->inner, p, paused, err) : ERR_OK;
}

static void source_close(struct source *base)
{
    struct replay_source *s = (struct replay_source *)base;
    s->inner->ops->close(s->inner);
    free(s->kept);
    free(s->begins);
    buf_release(&s->line);
    *s = (struct replay_source){0};
}

void replay_source_init(struct replay_source *s, struct source *inner, uint32_t batch)
{
    static const struct source_ops ops = {
        .partitions = source_partitions,
        .start = source_start,
        .poll = source_poll,
        .pause = source_pause,
        .close = source_close,
    };
    *s = (struct replay_source){
        .base = {.ops = &ops, .bounded = true}, .inner = inner, .batch = batch};
}
