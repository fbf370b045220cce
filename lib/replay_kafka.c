/* Where reading of a topic begins so that nothing of the range is missed.
 *
 * The broker knows when records were written, rules ask for when things happened. Where a declaration
 * takes its event time from the record's own timestamp both are one. Elsewhere an event of the range may
 * stand in front of the offset that the broker names: the records before it are read, in stretches
 * that double, until a whole stretch holds no event of the range. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/decode/decode.h"
#include "lib/replay_input.h"

#define FIRST_STRETCH 1000

/* A partition on its way back. */
struct way_back {
    int64_t stretch;  /* offsets */
    bool settled;     /* the stretch in front of `first` holds nothing */
    bool met;         /* an event of the range, in this one */
};

struct planner {
    struct replay_input *in;
    const char *topics;
    struct kafka_range *ranges;
    struct way_back *back;
    size_t n;
    struct decoder *decoder;
    struct arena arena;
};

/* All of the topic's event times are the records' own. */
static bool is_broker_time(const struct ruleset *rs, uint32_t topic)
{
    const struct schema_topic *t = &rs->topics[topic];
    for (uint32_t i = 0; i < t->n_decls; i++) {
        const struct schema_decl *d = &rs->decls[t->decls[i]];
        if (d->time_field < 0 || d->fields[d->time_field].origin != ORIGIN_TIMESTAMP) {
            return false;
        }
    }
    return true;
}

static size_t range_of(const struct planner *p, const struct record *r)
{
    size_t i = 0;
    while (p->ranges[i].topic != r->topic || p->ranges[i].partition != r->partition) {
        i++; /* the source reads nothing else */
    }
    return i;
}

static void look_at(struct planner *p, const struct record *r)
{
    struct decoded d;
    arena_reset(&p->arena);
    decoder_decode(p->decoder, r, &p->arena, &d);
    for (uint32_t i = 0; d.result == DECODE_EVENTS && i < d.n_events; i++) {
        if (!etime_lt(d.events[i]->time, p->in->range.from)) {
            p->back[range_of(p, r)].met = true;
        }
    }
}

static enum err read_stretches(struct planner *p, const struct kafka_range *stretches,
                               struct error *err)
{
    struct source *source;
    struct source_batch batch = {0};
    const struct replay_config *c = p->in->config;
    FYKE_TRY(kafka_slice_new(&p->in->kafka, p->in->rs, p->topics, stretches, p->n, &source, err));
    enum err rc = source->ops->start(source, NULL, 0, err);
    while (rc == ERR_OK && !batch.finished && !(c->stop && *c->stop)) {
        rc = source->ops->poll(source, 4096, (struct duration){100 * NS_PER_MS}, &batch, err);
        for (uint32_t i = 0; rc == ERR_OK && i < batch.n; i++) {
            look_at(p, &batch.records[i]);
        }
    }
    source->ops->close(source);
    return rc;
}

/* One round for all partitions that are not settled; false: all are. */
static bool next_stretches(struct planner *p, struct kafka_range *stretches)
{
    bool any = false;
    for (size_t i = 0; i < p->n; i++) {
        struct kafka_range *r = &p->ranges[i], *s = &stretches[i];
        struct way_back *b = &p->back[i];
        *s = *r;
        s->end = s->first; /* nothing */
        b->settled |= r->first <= r->low || is_broker_time(p->in->rs, r->topic);
        if (b->settled) {
            continue;
        }
        b->stretch = b->stretch ? 2 * b->stretch : FIRST_STRETCH;
        s->first = r->first - r->low > b->stretch ? r->first - b->stretch : r->low;
        s->end = r->first;
        b->met = false;
        any = true;
    }
    return any;
}

static enum err step_back(struct planner *p, struct error *err)
{
    struct kafka_range *stretches = xcalloc(p->n + 1, sizeof(*stretches));
    enum err rc = ERR_OK;
    while (rc == ERR_OK && next_stretches(p, stretches)) {
        rc = read_stretches(p, stretches, err);
        for (size_t i = 0; rc == ERR_OK && i < p->n; i++) {
            if (p->back[i].settled) {
                continue;
            }
            p->back[i].settled = !p->back[i].met;
            p->ranges[i].first = p->back[i].met ? stretches[i].first : p->ranges[i].first;
        }
    }
    free(stretches);
    return rc;
}

enum err replay_kafka_plan(struct replay_input *in, struct kafka_range **ranges, size_t *n,
                           struct error *err)
{
    const char *topics = strchr(in->config->inputs[0], ':');
    struct decode_limits limits = {.max_value_bytes = (size_t)8 << 20, .max_depth = 128};
    struct planner p = {.in = in, .topics = topics ? topics + 1 : NULL};
    struct etime from = etime_sub(in->range.from, in->late);
    FYKE_TRY(kafka_slice_plan(&in->kafka, in->rs, p.topics, from, ranges, n, err));
    if (in->savepoint) {
        return replay_savepoint_ranges(in->savepoint, in->rs, *ranges, *n, err);
    }
    if (from.ns == INT64_MIN) {
        for (size_t i = 0; i < *n; i++) {
            in->removed += (*ranges)[i].low > 0;
        }
        return ERR_OK;
    }
    int64_t *asked = xcalloc(*n + 1, sizeof(*asked));
    for (size_t i = 0; i < *n; i++) {
        asked[i] = (*ranges)[i].first;
    }
    p.ranges = *ranges;
    p.n = *n;
    p.back = xcalloc(*n + 1, sizeof(*p.back));
    p.decoder = decoder_new(in->rs, limits);
    enum err rc = step_back(&p, err);
    for (size_t i = 0; i < *n; i++) {
        in->earlier += (uint64_t)(asked[i] - (*ranges)[i].first);
        in->removed += (*ranges)[i].low > 0 && (*ranges)[i].first == (*ranges)[i].low;
    }
    decoder_free(p.decoder);
    arena_release(&p.arena);
    free(p.back);
    free(asked);
    return rc;
}
