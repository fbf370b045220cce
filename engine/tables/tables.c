#include "engine/tables/tables.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/tables/table_live.h"

#define LOAD_WAIT ((struct duration){100 * NS_PER_MS})
/* A round in which nothing comes for that long has failed. */
#define SILENCE ((struct duration){60 * NS_PER_S})
/* Polls of one tick: bounds what a refresh takes away from the events. */
#define TICK_POLLS 4

/* The topic of a feed, and the tables that it feeds. */
struct table_topic {
    struct table_feed *feed;
    uint32_t *tables;
    uint32_t n_tables;
    struct duration refresh; /* the shortest of its tables; 0: never */
    struct ptime due;
    bool reading; /* inside a round */
    struct ptime heard; /* of this round: when it began or a record came last */
    uint64_t bad; /* of this round */
};

struct tables {
    struct tables_options o;
    struct arena arena;
    struct eval_env env;
    const struct table **content; /* env.tables */
    struct table_live *live;      /* per table; in use for those that come from topics */
    struct table_topic *topics;   /* per feed */
    bool given;                   /* some content is not the rule set's */
    struct hash128 of_rules;      /* fingerprint of the rule set, its files' contents included */
    struct hash128 fingerprint;
    struct tables_counters counters;
};

static void say(const struct tables *t, const char *fmt, ...) FYKE_PRINTF(2, 3);

static void say(const struct tables *t, const char *fmt, ...)
{
    char line[700];
    va_list args;
    if (!t->o.log) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    t->o.log(t->o.log_ctx, line);
}

/* ---- what is in force --------------------------------------------------------------------- */

static void put_hash(struct buf *b, struct hash128 h)
{
    buf_put_u64be(b, h.hi);
    buf_put_u64be(b, h.lo);
}

/* The rule set's own while nothing but its files is read. */
static void find_fingerprint(struct tables *t)
{
    const struct ruleset *rs = t->o.rs;
    bool own = !t->given && !t->o.geoip;
    FYKE_CLEANUP(buf_release) struct buf parts = BUF_INIT;
    put_hash(&parts, t->of_rules);
    put_hash(&parts, t->o.geoip_identity);
    for (uint32_t i = 0; i < rs->n_tables; i++) {
        own = own && rs->tables[i].origin != TABLE_TOPIC;
        buf_put_blob(&parts, rs->tables[i].name);
        put_hash(&parts, t->content[i]->generation);
    }
    t->fingerprint = own ? t->of_rules : hash128(buf_slice(&parts));
}

static void add_topic(struct tables *t, struct table_topic *topic, struct table_feed *feed)
{
    const struct ruleset *rs = t->o.rs;
    topic->feed = feed;
    topic->tables = ARENA_ARRAY(&t->arena, uint32_t, rs->n_tables + 1u);
    for (uint32_t i = 0; i < rs->n_tables; i++) {
        const struct table_decl *d = &rs->tables[i];
        if (d->origin != TABLE_TOPIC || !slice_eq(d->place, feed->topic)) {
            continue;
        }
        topic->tables[topic->n_tables++] = i;
        if (d->refresh.ns > 0 && (topic->refresh.ns == 0 || d->refresh.ns < topic->refresh.ns)) {
            topic->refresh = d->refresh;
        }
    }
}

struct tables *tables_new(const struct tables_options *o)
{
    struct tables *t = xcalloc(1, sizeof(*t));
    uint32_t n = o->rs->n_tables;
    t->o = *o;
    t->of_rules = o->rs->fingerprint;
    t->content = ARENA_ARRAY(&t->arena, const struct table *, n + 1u);
    t->live = ARENA_ARRAY(&t->arena, struct table_live, n + 1u);
    t->topics = ARENA_ARRAY(&t->arena, struct table_topic, o->n_feeds + 1u);
    for (uint32_t i = 0; i < n; i++) {
        const struct table *given = o->given ? o->given[i] : NULL;
        t->content[i] = given ? given : o->rs->tables[i].table;
        t->given = t->given || given;
        table_live_init(&t->live[i], &o->rs->tables[i]);
    }
    for (uint32_t i = 0; i < o->n_feeds; i++) {
        add_topic(t, &t->topics[i], o->feeds[i]);
    }
    t->env = (struct eval_env){.tables = t->content, .n_tables = n, .geoip = o->geoip, .watch = o->watch};
    find_fingerprint(t);
    return t;
}

void tables_renew(struct tables *t, const struct ruleset *rs)
{
    for (uint32_t i = 0; i < t->o.rs->n_tables; i++) {
        if (rs->tables[i].origin != TABLE_TOPIC) {
            t->content[i] = rs->tables[i].table;
        }
    }
    t->of_rules = rs->fingerprint;
    find_fingerprint(t);
}

void tables_free(struct tables *t)
{
    if (!t) {
        return;
    }
    for (uint32_t i = 0; i < t->o.rs->n_tables; i++) {
        table_live_release(&t->live[i]);
    }
    arena_release(&t->arena);
    free(t);
}

const struct eval_env *tables_env(const struct tables *t)
{
    return &t->env;
}

struct hash128 tables_fingerprint(const struct tables *t)
{
    return t->fingerprint;
}

const struct tables_counters *tables_counters(const struct tables *t)
{
    return &t->counters;
}

struct table_standing tables_standing(const struct tables *t, uint32_t table)
{
    const struct table_decl *d = &t->o.rs->tables[table];
    struct table_standing s = {.name = d->name,
                               .entries = t->content[table]->n,
                               .generation = t->content[table]->generation,
                               .from_topic = d->origin == TABLE_TOPIC};
    for (uint32_t i = 0; s.from_topic && i < t->o.n_feeds; i++) {
        struct table_feed *f = t->topics[i].feed;
        if (slice_eq(f->topic, d->place) && f->ops->positions) {
            s.n_at = f->ops->positions(f, &s.at);
        }
    }
    return s;
}

void tables_swap(struct tables *t, const struct table *const *content)
{
    for (uint32_t i = 0; i < t->o.rs->n_tables; i++) {
        if (content[i] && t->o.rs->tables[i].origin != TABLE_TOPIC) {
            t->content[i] = content[i];
            t->given = true;
        }
    }
    find_fingerprint(t);
}

/* ---- rounds ------------------------------------------------------------------------------- */

static enum err take(struct tables *t, struct table_topic *topic,
                     const struct table_feed_batch *batch, struct error *err)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        uint64_t bad = 0;
        for (uint32_t k = 0; k < topic->n_tables; k++) {
            struct table_live *live = &t->live[topic->tables[k]];
            FYKE_TRY(table_live_put(live, &batch->records[i], topic->feed->objects, &bad, err));
        }
        topic->bad += bad > 0;
    }
    t->counters.records += batch->n;
    return ERR_OK;
}

/* The round is over: snapshots of what changed. */
static bool conclude(struct tables *t, struct table_topic *topic)
{
    bool changed = false;
    for (uint32_t k = 0; k < topic->n_tables; k++) {
        uint32_t i = topic->tables[k];
        if (t->live[i].changed) {
            table_live_snapshot(&t->live[i]);
            t->content[i] = t->live[i].table;
            changed = true;
        }
    }
    if (topic->bad > 0) {
        say(t, "topic \"%.*s\": %llu record%s cannot be used: no key, or a key or value of another "
               "type", SLICE_ARG(topic->feed->topic), (unsigned long long)topic->bad,
            topic->bad == 1 ? "" : "s");
    }
    t->counters.bad_records += topic->bad;
    topic->bad = 0;
    topic->reading = false;
    if (changed) {
        find_fingerprint(t);
    }
    return changed;
}

static void set_due(struct table_topic *topic, struct ptime now)
{
    topic->due.ns = now.ns + topic->refresh.ns;
}

static enum err no_end(struct error *err)
{
    return error_set(err, ERR_IO, "its end was not reached, nothing has come for a minute");
}

/* Half a lookup is none: nothing may be evaluated with it. */
static enum err told_to_end(struct error *err)
{
    error_set(err, ERR_IO, "told to end before its end was reached");
    err->stopped = true;
    return err->code;
}

static enum err load_topic(struct tables *t, struct table_topic *topic, const volatile sig_atomic_t *stop,
                           struct error *err)
{
    struct table_feed *f = topic->feed;
    struct table_feed_batch batch = {0};
    int64_t silent_ns = 0;
    FYKE_TRY(f->ops->begin(f, err));
    while (!batch.done) {
        if (stop && *stop != 0) {
            return told_to_end(err);
        }
        FYKE_TRY(f->ops->poll(f, LOAD_WAIT, &batch, err));
        FYKE_TRY(take(t, topic, &batch, err));
        silent_ns = batch.n > 0 || batch.away || f->bounded ? 0 : silent_ns + LOAD_WAIT.ns;
        if (silent_ns > SILENCE.ns) {
            return no_end(err);
        }
    }
    conclude(t, topic);
    return ERR_OK;
}

enum err tables_load(struct tables *t, struct ptime now, const volatile sig_atomic_t *stop,
                     struct error *err)
{
    for (uint32_t i = 0; i < t->o.n_feeds; i++) {
        if (load_topic(t, &t->topics[i], stop, err) != ERR_OK) {
            return error_context(err, "topic \"%.*s\"", SLICE_ARG(t->topics[i].feed->topic));
        }
        set_due(&t->topics[i], now);
    }
    return ERR_OK;
}

static bool is_due(const struct table_topic *topic, struct ptime now)
{
    return topic->reading ||
           (topic->refresh.ns > 0 && !topic->feed->bounded && now.ns >= topic->due.ns);
}

static enum err go_on(struct tables *t, struct table_topic *topic, struct ptime now, bool *done,
                      struct error *err)
{
    struct table_feed *f = topic->feed;
    struct table_feed_batch batch = {0};
    if (!topic->reading) {
        FYKE_TRY(f->ops->begin(f, err));
        topic->reading = true;
        topic->heard = now;
    }
    for (unsigned i = 0; i < TICK_POLLS && !batch.done; i++) {
        FYKE_TRY(f->ops->poll(f, (struct duration){0}, &batch, err));
        FYKE_TRY(take(t, topic, &batch, err));
        topic->heard = batch.n > 0 ? now : topic->heard;
    }
    *done = batch.done;
    return *done || now.ns - topic->heard.ns <= SILENCE.ns ? ERR_OK : no_end(err);
}

bool tables_tick(struct tables *t, struct ptime now)
{
    bool changed = false;
    for (uint32_t i = 0; i < t->o.n_feeds; i++) {
        struct table_topic *topic = &t->topics[i];
        struct error err = ERROR_INIT;
        bool done = false;
        if (!is_due(topic, now)) {
            continue;
        }
        if (go_on(t, topic, now, &done, &err) != ERR_OK) {
            t->counters.failed++;
            topic->reading = false;
            set_due(topic, now);
            say(t, "topic \"%.*s\" cannot be read again, its content stays as it was: %s",
                SLICE_ARG(topic->feed->topic), err.text);
        } else if (done) {
            bool fresh = conclude(t, topic);
            t->counters.refreshes += fresh;
            changed = changed || fresh;
            set_due(topic, now);
        }
    }
    return changed;
}
