#include "lib/run_kept.h"

#include "lib/run_parts.h"

/* By the same numbers, and no other ones: positions and partitions are known by them. */
static bool same_topics(const struct ruleset *a, const struct ruleset *b)
{
    bool same = a->n_topics == b->n_topics;
    for (uint32_t i = 0; same && i < a->n_topics; i++) {
        same = slice_eq(a->topics[i].name, b->topics[i].name);
    }
    return same;
}

/* Members of a group are given their tasks anew. */
static bool can_keep(const struct run *r, const struct ruleset *next)
{
    return r->engine && !r->config->in_group && !r->lives->rebuild &&
           (!r->journal || r->journal->ops->again) && same_topics(r->rs, next);
}

void run_keep(struct run *r, const struct ruleset *next)
{
    struct run_kept *k = r->kept;
    k->state = can_keep(r, next) ? engine_keep(r->engine) : NULL;
    if (!k->state) {
        return;
    }
    k->journal = r->journal;
    k->source = r->source;
    r->journal = NULL;
    r->source = NULL;
    if (!r->config->on_alert) { /* callbacks are part of the life */
        k->sink = r->sink;
        r->sink = NULL;
    }
    refused_keep(&r->refused, k->refused);
}

struct source *run_kept_source(struct run_kept *k, const struct ruleset *rs)
{
    struct source *s = k->source;
    k->source = NULL;
    if (s && !(s->ops->again && s->ops->again(s, rs))) {
        s->ops->close(s);
        s = NULL;
    }
    return s;
}

struct journal *run_kept_journal(struct run_kept *k, const struct ruleset *rs)
{
    struct journal *j = k->journal;
    k->journal = NULL;
    if (j) {
        j->ops->again(j, rs);
    }
    return j;
}

struct sink *run_kept_sink(struct run_kept *k)
{
    struct sink *s = k->sink;
    k->sink = NULL;
    return s;
}

void run_kept_release(struct run_kept *k)
{
    if (k->source) {
        k->source->ops->close(k->source);
    }
    if (k->sink) {
        k->sink->ops->close(k->sink);
    }
    for (int i = 0; i < REFUSED_PLACES; i++) {
        if (k->refused[i]) {
            k->refused[i]->ops->close(k->refused[i]);
        }
    }
    engine_kept_free(k->state);
    if (k->journal) {
        k->journal->ops->close(k->journal);
    }
    *k = (struct run_kept){0};
}
