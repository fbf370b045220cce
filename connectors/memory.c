#include "connectors/memory.h"

#include <stdlib.h>

#include "base/xalloc.h"

/* ---- source ------------------------------------------------------------------------------- */

static struct memory_source *of_source(struct source *s)
{
    return (struct memory_source *)(void *)s;
}

static enum err source_partitions(struct source *s, const struct source_partition **ret,
                                  uint32_t *ret_n, struct error *err)
{
    struct memory_source *m = of_source(s);
    (void)err;
    *ret = m->partitions;
    *ret_n = (uint32_t)m->n_partitions;
    return ERR_OK;
}

/* Records below a position are left out, as if they had never been asked for. */
static bool before_position(const struct record *r, const struct partition_position *from,
                            uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (from[i].topic == r->topic && from[i].partition == r->partition) {
            return r->offset < from[i].offset;
        }
    }
    return false;
}

static enum err source_start(struct source *s, const struct partition_position *from, uint32_t n,
                             struct error *err)
{
    struct memory_source *m = of_source(s);
    size_t kept = 0;
    (void)err;
    for (size_t i = 0; i < m->n_records; i++) {
        if (!before_position(&m->records[i], from, n)) {
            m->records[kept++] = m->records[i];
        }
    }
    m->n_records = kept;
    m->at = 0;
    return ERR_OK;
}

static bool has_more(const struct memory_source *m, const struct source_partition *p)
{
    for (size_t i = m->at; i < m->n_records; i++) {
        if (m->records[i].topic == p->topic && m->records[i].partition == p->partition) {
            return true;
        }
    }
    return false;
}

/* Behind the last record that was delivered; 0: none was. */
static int64_t end_of(const struct memory_source *m, const struct source_partition *p)
{
    for (size_t i = m->at; i-- > 0;) {
        if (m->records[i].topic == p->topic && m->records[i].partition == p->partition) {
            return m->records[i].offset + 1;
        }
    }
    return 0;
}

static void note_ends(struct memory_source *m)
{
    m->n_ends = 0;
    for (size_t i = 0; i < m->n_partitions; i++) {
        const struct source_partition *p = &m->partitions[i];
        if (!has_more(m, p)) {
            VEC_PUSH(m->ends, m->n_ends, m->cap_ends) =
                (struct partition_position){p->topic, p->partition, end_of(m, p), 0, {0}};
        }
    }
}

static enum err source_poll(struct source *s, uint32_t max, struct duration wait,
                            struct source_batch *ret, struct error *err)
{
    struct memory_source *m = of_source(s);
    (void)wait;
    (void)err;
    max = m->batch && m->batch < max ? m->batch : max;
    size_t left = m->n_records - m->at;
    uint32_t n = left < max ? (uint32_t)left : max;
    *ret = (struct source_batch){.records = n ? m->records + m->at : NULL, .n = n};
    m->at += n;
    m->polls++;
    note_ends(m);
    ret->at_end = m->ends;
    ret->n_at_end = (uint32_t)m->n_ends;
    ret->finished = m->source.bounded && m->at == m->n_records;
    return ERR_OK;
}

static enum err source_commit(struct source *s, const struct partition_position *pos, uint32_t n,
                              const char *metadata, struct error *err)
{
    struct memory_source *m = of_source(s);
    (void)metadata;
    (void)err;
    m->n_committed = 0;
    for (uint32_t i = 0; i < n; i++) {
        VEC_PUSH(m->committed, m->n_committed, m->cap_committed) = pos[i];
    }
    m->commits++;
    return ERR_OK;
}

static void source_close(struct source *s)
{
    memory_source_release(of_source(s));
}

static const struct source_ops source_ops = {
    .partitions = source_partitions,
    .start = source_start,
    .poll = source_poll,
    .commit = source_commit,
    .close = source_close,
};

void memory_source_init(struct memory_source *m, bool bounded)
{
    *m = (struct memory_source){
        .source = {.ops = &source_ops, .bounded = bounded, .remembers = true}};
}

void memory_source_release(struct memory_source *m)
{
    free(m->partitions);
    free(m->committed);
    free(m->records);
    free(m->ends);
    arena_release(&m->arena);
    *m = (struct memory_source){.source = m->source};
}

void memory_source_add_partition(struct memory_source *m, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < m->n_partitions; i++) {
        if (m->partitions[i].topic == topic && m->partitions[i].partition == partition) {
            return;
        }
    }
    VEC_PUSH(m->partitions, m->n_partitions, m->cap_partitions) =
        (struct source_partition){.topic = topic, .partition = partition, .empty = true};
}

struct record *memory_source_add(struct memory_source *m, uint32_t topic, int32_t partition,
                                 int64_t offset, const char *payload)
{
    memory_source_add_partition(m, topic, partition);
    for (size_t i = 0; i < m->n_partitions; i++) {
        struct source_partition *p = &m->partitions[i];
        if (p->topic == topic && p->partition == partition) {
            p->empty = false;
        }
    }
    struct record *r = &VEC_PUSH(m->records, m->n_records, m->cap_records);
    *r = (struct record){
        .topic = topic,
        .partition = partition,
        .offset = offset,
        .has_value = payload != NULL,
        .value = payload ? arena_copy(&m->arena, slice_of(payload)) : (struct slice){0},
    };
    return r;
}

/* ---- sink --------------------------------------------------------------------------------- */

static struct memory_sink *of_sink(struct sink *s)
{
    return (struct memory_sink *)(void *)s;
}

static enum err sink_write(struct sink *s, const struct out_record *r, struct error *err)
{
    struct memory_sink *m = of_sink(s);
    (void)err;
    VEC_PUSH(m->alerts, m->n_alerts, m->cap_alerts) = (struct memory_alert){
        .value_at = m->text.len,
        .value_len = r->value.len,
        .key_at = m->keys.len,
        .key_len = r->key.len,
        .has_key = r->has_key,
        .event_time = r->event_time,
    };
    buf_put_slice(&m->text, r->value);
    buf_put_byte(&m->text, '\n');
    buf_put_slice(&m->keys, r->key);
    return ERR_OK;
}

static enum err sink_flush(struct sink *s, struct error *err)
{
    struct memory_sink *m = of_sink(s);
    (void)err;
    m->n_flushed = m->n_alerts;
    m->flushes++;
    return ERR_OK;
}

static void sink_close(struct sink *s)
{
    memory_sink_release(of_sink(s));
}

static const struct sink_ops sink_ops = {sink_write, sink_flush, sink_close};

void memory_sink_init(struct memory_sink *m)
{
    *m = (struct memory_sink){.sink = {.ops = &sink_ops}};
}

void memory_sink_release(struct memory_sink *m)
{
    buf_release(&m->text);
    buf_release(&m->keys);
    free(m->alerts);
    *m = (struct memory_sink){.sink = m->sink};
}

struct slice memory_sink_value(const struct memory_sink *m, size_t i)
{
    return slice_from(m->text.ptr + m->alerts[i].value_at, m->alerts[i].value_len);
}

struct slice memory_sink_key(const struct memory_sink *m, size_t i)
{
    return slice_from(m->keys.ptr + m->alerts[i].key_at, m->alerts[i].key_len);
}
