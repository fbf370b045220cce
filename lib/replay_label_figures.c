/* What labels say about a replay: true alerts, recall per event and per episode, amounts. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/replay_labels.h"

/* Counts labelled events of the range in `l`, in an order of its own. */
struct ordered {
    struct replay_label **items;
    size_t n;
};

static struct ordered in_range(struct replay_labels *l)
{
    struct ordered o = {.items = xcalloc(l->n + 1, sizeof(struct replay_label *))};
    for (size_t i = 0; i < l->n; i++) {
        if (l->items[i].seen && l->items[i].in_range) {
            o.items[o.n++] = &l->items[i];
        }
    }
    return o;
}

/* ---- episodes ------------------------------------------------------------------------------- */

static int by_key_and_time(const void *a, const void *b)
{
    const struct replay_label *x = *(struct replay_label *const *)a;
    const struct replay_label *y = *(struct replay_label *const *)b;
    int c = slice_cmp(x->key, y->key);
    c = c ? c : etime_cmp(x->time, y->time);
    return c ? c : (x > y) - (x < y);
}

static int by_episode(const void *a, const void *b)
{
    const struct replay_label *x = *(struct replay_label *const *)a;
    const struct replay_label *y = *(struct replay_label *const *)b;
    if (x->episode != y->episode) {
        return x->episode < y->episode ? -1 : 1;
    }
    return (x > y) - (x < y);
}

/* Labels of one key follow each other now: a gap begins another episode. */
static void form_episodes(struct replay_labels *l, struct ordered *o)
{
    const struct replay_label *before = NULL;
    qsort(o->items, o->n, sizeof(*o->items), by_key_and_time);
    for (size_t i = 0; i < o->n; i++) {
        struct replay_label *x = o->items[i];
        if (x->key.len == 0 || x->episode != REPLAY_NO_EPISODE) {
            continue;
        }
        bool goes_on = before && slice_eq(before->key, x->key) &&
                       etime_diff(x->time, before->time).ns <= l->options->gap.ns;
        x->episode = goes_on ? before->episode : l->n_episodes++;
        before = x;
    }
    qsort(o->items, o->n, sizeof(*o->items), by_episode);
}

struct episode {
    struct etime first, found_at;
};

static void end_episode(struct replay_result *r, const struct episode *e)
{
    struct replay_label_figures *f = &r->labels;
    f->episodes++;
    if (!etime_lt(e->found_at, ETIME_MAX)) {
        return;
    }
    f->episodes_found++;
    VEC_PUSH(r->to_detect.ns, r->to_detect.n, r->to_detect.cap) =
        etime_diff(e->found_at, e->first).ns;
}

/* `stamps`: per rule the last episode that it was counted for, + 1. */
static void count_episodes(const struct ordered *o, uint32_t *stamps, struct replay_result *r)
{
    struct episode e = {ETIME_MAX, ETIME_MAX};
    uint32_t open = REPLAY_NO_EPISODE;
    for (size_t i = 0; i < o->n; i++) {
        const struct replay_label *x = o->items[i];
        if (x->episode == REPLAY_NO_EPISODE) {
            break; /* they stand last */
        }
        if (x->episode != open && open != REPLAY_NO_EPISODE) {
            end_episode(r, &e);
            e = (struct episode){ETIME_MAX, ETIME_MAX};
        }
        open = x->episode;
        e.first = etime_lt(x->time, e.first) ? x->time : e.first;
        e.found_at = etime_lt(x->found_at, e.found_at) ? x->found_at : e.found_at;
        for (size_t k = 0; k < x->n_rules; k++) {
            uint32_t rule = x->rules[k];
            r->rules[rule].labels.episodes_found += stamps[rule] != open + 1;
            stamps[rule] = open + 1;
        }
    }
    if (open != REPLAY_NO_EPISODE) {
        end_episode(r, &e);
    }
}

/* ---- events --------------------------------------------------------------------------------- */

/* What does not fit any more stays as it is: the sum is a lower bound then. */
static void add_amount(struct decimal *sum, struct decimal d)
{
    struct decimal more;
    if (decimal_add(*sum, d, &more)) {
        *sum = more;
    }
}

static void count_label(const struct replay_label *x, struct replay_result *r)
{
    struct replay_label_figures *f = &r->labels;
    f->events++;
    f->late += x->late;
    add_amount(&f->amount, x->amount);
    if (x->n_rules == 0) {
        return;
    }
    f->found++;
    add_amount(&f->found_amount, x->amount);
    for (size_t i = 0; i < x->n_rules; i++) {
        struct replay_label_figures *of = &r->rules[x->rules[i]].labels;
        of->found++;
        add_amount(&of->found_amount, x->amount);
    }
}

void replay_labels_finish(struct replay_labels *l, struct replay_result *r)
{
    if (!l->options) {
        return;
    }
    replay_labels_resolve(l, r);
    struct ordered o = in_range(l);
    uint32_t *stamps = xcalloc(r->n_rules + 1u, sizeof(*stamps));
    r->has_labels = true;
    r->label_options = *l->options;
    r->labels.foreign = l->foreign;
    for (size_t i = 0; i < l->n; i++) {
        r->labels.unread += !l->items[i].seen;
        r->labels.outside += l->items[i].seen && !l->items[i].in_range;
    }
    for (size_t i = 0; i < o.n; i++) {
        count_label(o.items[i], r);
    }
    form_episodes(l, &o);
    count_episodes(&o, stamps, r);
    for (uint32_t i = 0; i < r->n_rules; i++) {
        struct replay_label_figures *of = &r->rules[i].labels;
        of->events = r->labels.events;
        of->episodes = r->labels.episodes;
        of->amount = r->labels.amount;
        r->labels.true_alerts += of->true_alerts;
    }
    replay_lengths_sort(&r->to_detect);
    free(stamps);
    free(o.items);
}
