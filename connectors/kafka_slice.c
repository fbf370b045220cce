#include "connectors/kafka_slice.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_parts.h"

struct kafka_slice {
    struct source base;
    struct source *inner;
    bool *told; /* per partition of the inner one: its end was handed out */
    struct partition_position *ends;
    size_t n_ends, cap_ends;
};

static struct kafka_source *inner_of(const struct kafka_slice *s)
{
    return (struct kafka_source *)s->inner;
}

/* ---- planning ------------------------------------------------------------------------------- */

enum err kafka_slice_plan(const struct kafka_config *c, const struct ruleset *rs,
                          const char *topics, struct etime from, struct kafka_range **ranges,
                          size_t *n, struct error *err)
{
    char start[ETIME_TEXT_MAX];
    struct source *source;
    etime_format(from.ns == INT64_MIN ? (struct etime){0} : from, start);
    FYKE_TRY(kafka_source_new(c, rs, topics, from.ns == INT64_MIN ? NULL : start, true, &source,
                              err));
    const struct kafka_source *s = (const struct kafka_source *)source;
    *n = s->n_parts;
    *ranges = xcalloc(s->n_parts + 1, sizeof(**ranges));
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct kafka_part *p = &s->parts[i];
        (*ranges)[i] =
            (struct kafka_range){p->topic_index, p->partition, p->low, p->next, p->end};
    }
    source->ops->close(source);
    return ERR_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

static enum err slice_partitions(struct source *base, const struct source_partition **ret,
                                 uint32_t *ret_n, struct error *err)
{
    struct kafka_slice *s = (struct kafka_slice *)base;
    return s->inner->ops->partitions(s->inner, ret, ret_n, err);
}

static enum err slice_start(struct source *base, const struct partition_position *from,
                            uint32_t n, struct error *err)
{
    struct kafka_slice *s = (struct kafka_slice *)base;
    return s->inner->ops->start(s->inner, from, n, err);
}

/* What stands behind the end is not ours. */
static uint32_t drop_behind(const struct kafka_source *k, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct record *r = &k->records[i];
        if (r->offset < k->parts[kafka_part_of(k, r->topic, r->partition)].end) {
            k->records[kept++] = *r;
        }
    }
    return kept;
}

/* A partition that is done is not fetched any more. */
static enum err tell_ends(struct kafka_slice *s, struct error *err)
{
    const struct kafka_source *k = inner_of(s);
    s->n_ends = 0;
    for (size_t i = 0; i < k->n_parts; i++) {
        const struct kafka_part *p = &k->parts[i];
        if (p->done && !s->told[i]) {
            struct partition_position at = {p->topic_index, p->partition, p->end, 0, {0}};
            s->told[i] = true;
            VEC_PUSH(s->ends, s->n_ends, s->cap_ends) = at;
            FYKE_TRY(s->inner->ops->pause(s->inner, &at, true, err));
        }
    }
    return ERR_OK;
}

static enum err slice_poll(struct source *base, uint32_t max, struct duration wait,
                           struct source_batch *ret, struct error *err)
{
    struct kafka_slice *s = (struct kafka_slice *)base;
    struct source_batch b;
    FYKE_TRY(s->inner->ops->poll(s->inner, max, wait, &b, err));
    FYKE_TRY(tell_ends(s, err));
    *ret = (struct source_batch){.records = b.records,
                                 .n = drop_behind(inner_of(s), b.n),
                                 .at_end = s->ends,
                                 .n_at_end = (uint32_t)s->n_ends,
                                 .finished = b.finished};
    return ERR_OK;
}

/* The engine lets a partition go on that is done: it stays where it is. */
static enum err slice_pause(struct source *base, const struct partition_position *p, bool paused,
                            struct error *err)
{
    struct kafka_slice *s = (struct kafka_slice *)base;
    size_t part = kafka_part_of(inner_of(s), p->topic, p->partition);
    if (part != KAFKA_NO_PART && s->told[part]) {
        return ERR_OK;
    }
    return s->inner->ops->pause(s->inner, p, paused, err);
}

static void slice_close(struct source *base)
{
    struct kafka_slice *s = (struct kafka_slice *)base;
    if (s->inner) {
        s->inner->ops->close(s->inner);
    }
    free(s->told);
    free(s->ends);
    free(s);
}

/* ---- opening -------------------------------------------------------------------------------- */

static const struct kafka_range *range_of(const struct kafka_range *ranges, size_t n,
                                          const struct kafka_part *p)
{
    for (size_t i = 0; i < n; i++) {
        if (ranges[i].topic == p->topic_index && ranges[i].partition == p->partition) {
            return &ranges[i];
        }
    }
    return NULL;
}

static enum err take_range(struct kafka_part *p, const struct kafka_range *r, struct error *err)
{
    if (!r || r->first >= r->end) {
        p->end = p->next = r ? r->first : p->low; /* nothing of it */
        return ERR_OK;
    }
    if (r->first < p->low) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: the slice begins at offset %lld, the topic holds %lld to %lld: "
                         "%lld of its offsets were removed by retention",
                         p->topic, p->partition, (long long)r->first, (long long)p->low,
                         (long long)p->end,
                         (long long)((p->low < r->end ? p->low : r->end) - r->first));
    }
    if (r->end > p->end) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: the slice ends at offset %lld, the topic holds %lld to %lld: it "
                         "was made anew, or its end was lost",
                         p->topic, p->partition, (long long)r->end, (long long)p->low,
                         (long long)p->end);
    }
    p->next = r->first;
    p->end = r->end;
    return ERR_OK;
}

static enum err take_ranges(struct kafka_slice *s, const struct kafka_range *ranges, size_t n,
                            struct error *err)
{
    struct kafka_source *k = inner_of(s);
    s->told = xcalloc(k->n_parts + 1, sizeof(*s->told));
    size_t found = 0;
    for (size_t i = 0; i < k->n_parts; i++) {
        const struct kafka_range *r = range_of(ranges, n, &k->parts[i]);
        found += r != NULL;
        FYKE_TRY(take_range(&k->parts[i], r, err));
    }
    if (found < n) {
        return error_set(err, ERR_KAFKA, "%zu of the slice's %zu partitions are not there",
                         n - found, n);
    }
    return ERR_OK;
}

enum err kafka_slice_new(const struct kafka_config *c, const struct ruleset *rs,
                         const char *topics, const struct kafka_range *ranges, size_t n,
                         struct source **ret, struct error *err)
{
    static const struct source_ops ops = {.partitions = slice_partitions,
                                          .start = slice_start,
                                          .poll = slice_poll,
                                          .pause = slice_pause,
                                          .close = slice_close};
    struct kafka_slice *s = xcalloc(1, sizeof(*s));
    s->base = (struct source){.ops = &ops, .bounded = true};
    enum err rc = kafka_source_new(c, rs, topics, NULL, true, &s->inner, err);
    rc = rc == ERR_OK ? take_ranges(s, ranges, n, err) : rc;
    if (rc != ERR_OK) {
        slice_close(&s->base);
        return rc;
    }
    *ret = &s->base;
    return ERR_OK;
}
