/* Heartbeats of payment terminals, with the episodes of heartbeat_lost as gaps in them.
 *
 * The time of each terminal is cut into slots of four hours; a slot holds at most one episode, so
 * that the quiet hour after one alert never reaches the next. */
#include <stdio.h>

#include "cli/gen_emit.h"
#include "cli/gen_scene.h"

#define BEAT (2 * GEN_MINUTE)
#define BEAT_JITTER (6 * GEN_SECOND)
#define LOST_AFTER (5 * GEN_MINUTE)
#define SLOT (4 * GEN_HOUR)
#define SLOTS_PER_DAY 6

struct gap_kind {
    const char *note;
    bool attack;
    int64_t min_ms;
    int64_t max_ms;
    unsigned times; /* gaps with two minutes between them */
};

static const struct gap_kind gap_kinds[] = {
    {"an outage", true, 7 * GEN_MINUTE, 45 * GEN_MINUTE, 1},
    {"silent for just more than 5 minutes", true, LOST_AFTER + 1, LOST_AFTER + GEN_SECOND, 1},
    {"flapping: three outages within the quiet hour", true, 6 * GEN_MINUTE, 9 * GEN_MINUTE, 3},
    {"the next heartbeat after exactly 5 minutes", false, LOST_AFTER, LOST_AFTER, 1},
    {"the next heartbeat in the last seconds", false, LOST_AFTER - 10 * GEN_SECOND, LOST_AFTER - 1,
     1},
    {"two lost heartbeats close together", false, 4 * GEN_MINUTE, LOST_AFTER - 1, 2},
};
#define GAP_ATTACKS 3
#define GAP_DECOYS 3

struct terminal {
    char host[24];
    const char *site;
    int64_t now_ms;
    uint64_t seq;
    bool lost_one; /* the last heartbeat was dropped: the next one is not */
};

static void beat(struct gen_scene *s, struct terminal *t)
{
    gen_put_heartbeat(s->log, t->now_ms, t->host, t->site, ++t->seq);
}

/* Heartbeats up to `until_ms`, now and then one that does not arrive. */
static void beat_until(struct gen_scene *s, struct terminal *t, int64_t until_ms)
{
    while (t->now_ms < until_ms) {
        bool lost = !t->lost_one && t->seq > 0 && gen_chance(&s->rng, 3);
        if (!lost) {
            beat(s, t);
        } else {
            t->seq++;
        }
        t->lost_one = lost;
        t->now_ms += BEAT + rng_range(&s->rng, -BEAT_JITTER, BEAT_JITTER);
    }
}

static void gap_episode(struct gen_scene *s, struct terminal *t, const struct gap_kind *k)
{
    gen_episode_begin(s->log, "heartbeat_lost", t->host, k->attack, k->note);
    for (unsigned i = 0; i < k->times; i++) {
        beat(s, t);
        t->now_ms += rng_range(&s->rng, k->min_ms, k->max_ms);
        beat(s, t);
        t->now_ms += BEAT;
    }
    gen_episode_end(s->log);
    t->lost_one = false;
}

/* Attacks and decoys in turn; beyond the last a slot is ordinary. */
static const struct gap_kind *gap_of(const struct gen_scene *s, size_t number)
{
    size_t attacks = gen_scene_attacks(s);
    size_t i = number / 2;
    if (i >= attacks) {
        return NULL;
    }
    return number % 2 == 0 ? &gap_kinds[i % GAP_ATTACKS] : &gap_kinds[GAP_ATTACKS + i % GAP_DECOYS];
}

static size_t terminal_count(const struct gen_scene *s)
{
    uint64_t beats = (uint64_t)s->days * (uint64_t)(GEN_DAY / BEAT);
    uint64_t n = s->events / 5 / beats;
    return n < 2 ? 2 : (size_t)n;
}

static void terminal_run(struct gen_scene *s, struct terminal *t, size_t host, size_t hosts)
{
    size_t slots = (size_t)s->days * SLOTS_PER_DAY;
    /* The first and the last slot stay whole. */
    for (size_t slot = 1; slot + 1 < slots; slot++) {
        const struct gap_kind *k = gap_of(s, (slot - 1) * hosts + host);
        int64_t from = s->start_ms + (int64_t)slot * SLOT;
        beat_until(s, t, from + rng_range(&s->rng, GEN_MINUTE, 100 * GEN_MINUTE));
        if (k) {
            gap_episode(s, t, k);
        } else if (gen_chance(&s->rng, 4)) {
            t->now_ms += 8 * GEN_MINUTE; /* maintenance that nobody announced */
        }
    }
    beat_until(s, t, s->end_ms);
}

void gen_heartbeats(struct gen_scene *s)
{
    size_t hosts = terminal_count(s);
    for (size_t host = 0; host < hosts; host++) {
        struct terminal t = {.site = gen_cities[host % GEN_HOMES].name};
        snprintf(t.host, sizeof(t.host), "pos-%04zu", host + 1);
        t.now_ms = s->start_ms + rng_range(&s->rng, 0, BEAT);
        terminal_run(s, &t, host, hosts);
    }
}
