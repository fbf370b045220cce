#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "lib/replay_alerts.h"

#define NS_PER_DAY (86400 * NS_PER_S)

static int64_t day_of(struct etime t)
{
    return t.ns / NS_PER_DAY - (t.ns % NS_PER_DAY < 0);
}

/* Mostly the last day or one near to it: partitions take turns. */
void replay_days_add(struct replay_days *d, struct etime t, uint64_t n)
{
    int64_t day = day_of(t);
    size_t at = d->n;
    while (at > 0 && d->items[at - 1].day > day) {
        at--;
    }
    if (at > 0 && d->items[at - 1].day == day) {
        d->items[at - 1].n += n;
        return;
    }
    VEC_PUSH(d->items, d->n, d->cap) = (struct replay_day){0};
    memmove(&d->items[at + 1], &d->items[at], (d->n - at - 1) * sizeof(*d->items));
    d->items[at] = (struct replay_day){day, n};
}

static double days_of(const struct replay_result *r)
{
    struct etime from = r->from.ns == INT64_MIN ? r->data_first : r->from;
    struct etime to = r->to.ns == INT64_MAX ? r->data_last : r->to;
    return (double)etime_diff(to, from).ns / (double)NS_PER_DAY;
}

bool replay_has_rate(const struct replay_result *r)
{
    return days_of(r) > 0;
}

double replay_per_day(const struct replay_result *r, uint64_t n)
{
    double days = days_of(r);
    return n > 0 && days > 0 ? (double)n / days : 0;
}

double replay_benefit(const struct replay_result *r, const struct replay_label_figures *f,
                      uint64_t alerts)
{
    double each = r->label_options.has_alert_cost ? decimal_to_double(r->label_options.alert_cost)
                                                  : 0;
    return decimal_to_double(f->found_amount) - (double)alerts * each;
}

void replay_result_release(struct replay_result *r)
{
    for (uint32_t i = 0; i < r->n_rules; i++) {
        struct replay_rule *rule = &r->rules[i];
        free(rule->days.items);
        free(rule->took.ns);
        free(rule->waited.ns);
        map_release(&rule->by_key);
    }
    for (size_t i = 0; i < r->n_edges; i++) {
        free(r->edges[i].key);
    }
    replay_alerts_free(r->alerts);
    free(r->to_detect.ns);
    free(r->event_days.items);
    free(r->edges);
    arena_release(&r->arena);
    free(r->rules);
    *r = (struct replay_result){0};
}
