/* Labels behind derived events: an alert over what another rule derived is true iff the evidence of that
 * rule's match holds a labelled event, or what stands behind its evidence does. Matches are known by
 * their match_id, which derived events carry; lines of one time may come in any order, so alerts are
 * judged at the end. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/replay_alerts.h"
#include "lib/replay_labels.h"

/* A match of a rule that derives: what its evidence holds. Only those that can lead to a label are kept. */
struct label_match {
    size_t *labels; /* indexes */
    size_t n_labels, cap_labels;
    struct slice *behind; /* matches whose events stand in its evidence */
    size_t n_behind, cap_behind;
    uint64_t asked_by; /* number of the alert that was last judged by it */
};

struct label_alert {
    uint32_t rule;
    size_t alert; /* of result->alerts; SIZE_MAX: none are kept */
    struct etime detected;
    bool is_true;
    struct label_match evidence;
};

struct label_chain {
    struct map by_match;
    struct arena arena;
    struct label_alert *alerts;
    size_t n, cap;
};

static struct label_chain *chain_of(struct replay_labels *l)
{
    if (!l->chain) {
        l->chain = xcalloc(1, sizeof(*l->chain));
        map_init(&l->chain->by_match, MAP_COPY_KEYS);
    }
    return l->chain;
}

void label_chain_free(struct label_chain *c)
{
    for (size_t i = 0; c && i < c->n; i++) {
        free(c->alerts[i].evidence.labels);
        free(c->alerts[i].evidence.behind);
    }
    if (c) {
        for (MAP_EACH(e, &c->by_match)) {
            struct label_match *m = e->value;
            free(m->labels);
            free(m->behind);
        }
        map_release(&c->by_match);
        arena_release(&c->arena);
        free(c->alerts);
    }
    free(c);
}

/* ---- while matches come --------------------------------------------------------------------- */

static void read_evidence(struct replay_labels *l, struct json_span evidence,
                          struct label_match *ret)
{
    struct json_span entry;
    struct json_walk w = json_walk_into(evidence);
    *ret = (struct label_match){.asked_by = UINT64_MAX};
    while (json_walk_item(&w, &entry)) {
        struct replay_label *label = replay_labels_of(l, entry);
        struct json_span id = json_view_get(entry, "match_id");
        if (label) {
            VEC_PUSH(ret->labels, ret->n_labels, ret->cap_labels) = (size_t)(label - l->items);
        } else if (id.kind == JSON_STRING) {
            buf_clear(&l->text);
            json_view_text(id, &l->text);
            VEC_PUSH(ret->behind, ret->n_behind, ret->cap_behind) =
                arena_copy(&chain_of(l)->arena, buf_slice(&l->text));
        }
    }
}

static void drop(struct label_match *m)
{
    free(m->labels);
    free(m->behind);
}

void replay_labels_match(struct replay_labels *l, struct slice match_id, struct json_span evidence)
{
    struct label_match m;
    if (!l->options || evidence.kind != JSON_ARRAY) {
        return;
    }
    read_evidence(l, evidence, &m);
    struct label_match *kept = NULL;
    if (m.n_labels + m.n_behind > 0) {
        kept = ARENA_NEW(&chain_of(l)->arena, struct label_match);
        *kept = m;
    }
    if (!kept || !map_add(&l->chain->by_match, match_id, kept)) {
        drop(&m);
    }
}

void replay_labels_defer(struct replay_labels *l, uint32_t rule, struct etime detected,
                         struct json_span evidence, size_t alert, bool is_true)
{
    struct label_alert a = {rule, alert, detected, is_true, {0}};
    if (!l->options || evidence.kind != JSON_ARRAY) {
        return;
    }
    read_evidence(l, evidence, &a.evidence);
    if (a.evidence.n_behind == 0) {
        drop(&a.evidence);
        return;
    }
    VEC_PUSH(l->chain->alerts, l->chain->n, l->chain->cap) = a;
}

/* ---- at the end ----------------------------------------------------------------------------- */

/* Levels are at most RULE_MAX_LEVELS deep, and each match is asked once per alert. */
static bool find_behind(struct replay_labels *l, const struct label_match *m, size_t number,
                        const struct label_alert *a)
{
    bool found = false;
    for (size_t i = 0; i < m->n_behind; i++) {
        struct label_match *next = map_get(&l->chain->by_match, m->behind[i]);
        if (!next || next->asked_by == number) {
            continue;
        }
        next->asked_by = number;
        for (size_t k = 0; k < next->n_labels; k++) {
            replay_labels_found(&l->items[next->labels[k]], a->rule, a->detected);
            found = true;
        }
        found |= find_behind(l, next, number, a);
    }
    return found;
}

void replay_labels_resolve(struct replay_labels *l, struct replay_result *r)
{
    for (size_t i = 0; l->chain && i < l->chain->n; i++) {
        const struct label_alert *a = &l->chain->alerts[i];
        if (find_behind(l, &a->evidence, i, a) && !a->is_true) {
            r->rules[a->rule].labels.true_alerts++;
            if (r->alerts && a->alert != SIZE_MAX) {
                r->alerts->items[a->alert].is_true = true;
            }
        }
    }
}
