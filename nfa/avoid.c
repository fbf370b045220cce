/* A value that no event of a run has (`where country not in distinct(fail.country)`): a shorter run makes
 * it easier, so the runs of the least length decide. Per value the latest such run that ended before the
 * value came again; for all values that have not come since, the latest run of all.
 *
 * Values are found by their hash, which anybody can make collide; so the values are compared too, and
 * where two share a hash the answer is left to the finder. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/instance.h"

struct avoided {
    uint64_t hash; /* 0: free */
    uint64_t last; /* the latest event with the value */
    uint64_t best; /* where the latest run without it begins that ended before `last` */
    bool shared;   /* by two values */
};

struct avoid_state {
    struct avoided *slots;
    size_t n, n_slots; /* n_slots: a power of two */
    uint64_t run;      /* where the latest run begins */
};

struct avoid_state *avoid_new(void)
{
    struct avoid_state *s = xcalloc(1, sizeof(*s));
    s->n_slots = 8;
    s->slots = xcalloc(s->n_slots, sizeof(*s->slots));
    return s;
}

void avoid_free(struct avoid_state *s)
{
    if (s) {
        free(s->slots);
        free(s);
    }
}

uint64_t avoid_bytes(const struct avoid_state *s)
{
    return s ? sizeof(*s) + s->n_slots * sizeof(*s->slots) : 0;
}

static struct avoided *find(const struct avoid_state *s, uint64_t hash)
{
    size_t i = hash & (s->n_slots - 1);
    while (s->slots[i].hash && s->slots[i].hash != hash) {
        i = (i + 1) & (s->n_slots - 1);
    }
    return &s->slots[i];
}

/* Values that have not come since the first event that can begin a match say nothing. */
static void make_room(struct avoid_state *s, uint64_t first_live)
{
    struct avoid_state old = *s;
    size_t live = 0;
    for (size_t i = 0; i < old.n_slots; i++) {
        live += old.slots[i].hash && old.slots[i].last >= first_live;
    }
    s->n_slots = live * 4 > old.n_slots ? old.n_slots * 2 : old.n_slots;
    s->slots = xcalloc(s->n_slots, sizeof(*s->slots));
    s->n = live;
    for (size_t i = 0; i < old.n_slots; i++) {
        if (old.slots[i].hash && old.slots[i].last >= first_live) {
            *find(s, old.slots[i].hash) = old.slots[i];
        }
    }
    free(old.slots);
}

/* Has the latest event with the hash of `a` another value than v? False when it is no longer retained:
 * then no run that it could spoil can begin a match either. */
static bool is_another(struct instance *in, const struct detect_avoid *plan, const struct avoided *a,
                       struct value v)
{
    struct value have;
    uint64_t hash;
    return a->hash && a->last > in->events.first_serial &&
           avoid_value(in, plan, false, (uint32_t)(a->last - 1 - in->events.first_serial), &have,
                       &hash) &&
           !value_equal(have, v);
}

/* An event of the counted step; `begins`: where a run of the least length begins that ends with it. */
void avoid_add(struct instance *in, uint32_t item, uint64_t begins, const struct detect_event *e)
{
    const struct detect_plan *plan = in->rule->detect;
    for (uint32_t i = 0; i < plan->n_avoids; i++) {
        struct avoid_state *s = in->detector->more->avoids[i];
        struct value v;
        uint64_t hash;
        if (plan->avoids[i].of != item) {
            continue;
        }
        detector_work(in)->steps++;
        if (avoid_value(in, &plan->avoids[i], false, e->index, &v, &hash)) {
            if (s->n * 2 >= s->n_slots) {
                make_room(s, e->first_live);
            }
            struct avoided *a = find(s, hash);
            s->n += a->hash == 0;
            a->shared |= is_another(in, &plan->avoids[i], a, v);
            a->hash = hash;
            a->best = a->last < s->run ? s->run : a->best;
            a->last = e->serial;
        }
        s->run = begins ? begins : s->run;
    }
}

bool avoids_allow(struct instance *in, uint32_t item, const struct detect_event *e)
{
    const struct detect_plan *plan = in->rule->detect;
    for (uint32_t i = 0; i < plan->n_avoids; i++) {
        const struct avoid_state *s = in->detector->more->avoids[i];
        struct value v;
        uint64_t hash;
        if (plan->avoids[i].at != item) {
            continue;
        }
        detector_work(in)->steps++;
        if (!avoid_value(in, &plan->avoids[i], true, e->index, &v, &hash)) {
            return false;
        }
        const struct avoided *a = find(s, hash);
        if (a->shared || is_another(in, &plan->avoids[i], a, v)) {
            continue;
        }
        uint64_t begins = a->last < s->run ? s->run : a->best;
        if (!begins || !e->first_live || begins < e->first_live) {
            return false;
        }
    }
    return true;
}
