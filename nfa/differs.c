/* "Another value than the first of them": `country != first(fail.country)`. Of the events that wait two
 * say it all: the latest, and the latest whose value is not that one's. Whatever a later event has, it
 * differs from one of the two, or from none that waits. */
#include "nfa/detect.h"
#include "nfa/instance.h"

static uint32_t index_of(const struct instance *in, uint64_t serial)
{
    return (uint32_t)(serial - 1 - in->events.first_serial);
}

static bool is_kept(const struct instance *in, uint64_t serial)
{
    return serial > in->events.first_serial + in->lowest;
}

static bool waits(const struct instance *in, uint64_t serial)
{
    return is_kept(in, serial) && instance_is_start(in, index_of(in, serial));
}

static bool has_value(struct instance *in, const struct detect_join *j, uint64_t serial, struct value v)
{
    struct value have;
    uint64_t hash;
    return join_theirs(in, j, index_of(in, serial), &have, &hash) && value_equal(have, v);
}

void differs_add(struct instance *in, const struct detect_join *j, struct detect_join_state *s,
                 uint32_t index, struct value v)
{
    if (is_kept(in, s->latest) && !has_value(in, j, s->latest, v)) {
        s->other = s->latest;
    }
    s->latest = in->events.first_serial + index + 1;
}

/* One of them has reported: others may wait in front of it. */
static void look_again(struct instance *in, const struct detect_join *j, struct detect_join_state *s)
{
    uint64_t tests = in->rule->detect->items[j->of].first, first = in->events.first_serial;
    uint32_t start = instance_first_start(in);
    uint32_t i = s->cursor > first ? (uint32_t)(s->cursor - first) : 0;
    s->latest = s->other = 0;
    for (i = retained_prev(&in->events, i, tests, detector_work(in));
         i != UINT32_MAX && i >= start && !s->other;
         i = retained_prev(&in->events, i, tests, detector_work(in))) {
        struct value v;
        uint64_t hash;
        detector_work(in)->steps++;
        if (!instance_is_start(in, i) || !join_theirs(in, j, i, &v, &hash)) {
            continue;
        }
        if (!s->latest) {
            s->latest = first + i + 1;
        } else if (!has_value(in, j, s->latest, v)) {
            s->other = first + i + 1;
        }
    }
}

uint64_t differs_latest(struct instance *in, const struct detect_join *j,
                        struct detect_join_state *s, struct value mine)
{
    bool gone = is_kept(in, s->latest) && !waits(in, s->latest);
    if (gone || (is_kept(in, s->other) && !waits(in, s->other))) {
        look_again(in, j, s);
    }
    if (!is_kept(in, s->latest)) {
        return 0;
    }
    if (!has_value(in, j, s->latest, mine)) {
        return s->latest;
    }
    return is_kept(in, s->other) ? s->other : 0;
}
