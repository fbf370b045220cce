#include "engine/delivery.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/timers.h"

void shard_init(struct shard *s, const struct keyspace_options *o,
                const struct key_table *keys, const struct alert_options *alerts,
                bool show_pending)
{
    *s = (struct shard){.index = o->shard, .keyspace = keyspace_new(o)};
    s->costs = xcalloc(o->rs->n_units + 1u, sizeof(*s->costs));
    s->looked_up = xcalloc(keys->n_indices + 1u, sizeof(*s->looked_up));
    s->found = xcalloc(keys->index_words + 1u, sizeof(*s->found));
    s->absent = xcalloc(keys->kin.n_words + 1u, sizeof(*s->absent));
    emitter_init(&s->emitter, alerts, show_pending);
}

void shard_release(struct shard *s)
{
    keyspace_free(s->keyspace);
    emitter_release(&s->emitter);
    free(s->costs);
    free(s->looked_up);
    free(s->found);
    free(s->absent);
    free(s->alone);
    free(s->told);
    free(s->items);
    free(s->refused);
    free(s->due);
    free(s->ahead);
    *s = (struct shard){0};
}

struct shard_item *shard_add(struct shard *s, const struct shard_item *item)
{
    struct shard_item *to = &VEC_PUSH(s->items, s->n_items, s->cap_items);
    *to = *item;
    return to;
}

void shard_add_event_more(struct shard *s, const struct shard_event *ev, struct key_ref key,
                          uint32_t variant, struct arena *memory)
{
    /* What a group gets of one event stands together: the routes are in order of groups. */
    for (size_t i = s->n_items; i-- > 0;) {
        struct shard_item *before = &s->items[i];
        if (before->event != ev->event || before->derived != ev->derived ||
            before->key.key_group != key.key_group) {
            break;
        }
        if (slice_eq(before->key.canonical, key.canonical)) {
            struct variant_chain *more = ARENA_ARRAY(memory, struct variant_chain, 1);
            *more = (struct variant_chain){variant, before->variants.next};
            before->variants.next = more;
            return;
        }
    }
    shard_add_event(s, ev, key, variant);
}

/* ---- events ------------------------------------------------------------------------------- */

static void take_record(struct delivery *d, struct key_record *rec)
{
    d->rec = d->known = rec;
    d->looked = true;
    d->shared.serial = rec->serial = rec->serial + 1 != 0 ? rec->serial + 1 : 1;
    d->call.key = rec->values;
    d->view.rec = rec;
}

/* Deadlines before this stand in front of the event. At the end of a bounded input it may stand behind
 * the clock: what lies between is open, for a later run may bring events that belong there. */
static inline struct etime decided_before(const struct delivery *d)
{
    struct etime at = d->cause->root.time;
    return etime_lt(d->clock, at) ? d->clock : at;
}

static bool has_deadline_before(const struct delivery *d)
{
    return d->known != NULL && etime_lt(d->known->next_time, decided_before(d));
}

static enum err fire_before(struct delivery *d, struct error *err)
{
    while (has_deadline_before(d)) {
        timers_fire_record(d->shard, d->pass, d->known, &d->call, &d->view);
        d->view.rec = NULL;
        d->call.key = d->item->key.values;
        FYKE_TRY(keyspace_find(d->shard->keyspace, &d->item->key, &d->known, err));
    }
    return ERR_OK;
}

/* The key's record with its deadlines before the event fired: as if the clock had done it between
 * two passes. An instance that is empty then starts anew, so that the stored bytes do not tell how
 * the input was cut. */
enum err deliver_look(struct delivery *d, struct error *err)
{
    FYKE_TRY(keyspace_find_fetched(d->shard->keyspace, &d->item->key, d->key, &d->known, err));
    d->looked = true;
    return has_deadline_before(d) ? fire_before(d, err) : ERR_OK;
}

enum err deliver_open(struct delivery *d, struct error *err)
{
    if (!d->looked) {
        FYKE_TRY(deliver_look(d, err));
    }
    take_record(d, d->known != NULL ? d->known : keyspace_add(d->shard->keyspace, &d->item->key));
    return ERR_OK;
}

/* An event that a rule does not begin with leaves no instance behind where there was none: only the
 * record, if it is there for others, notes where the event stood. */
void deliver_pass_by(struct delivery *d, uint32_t rules)
{
    if (d->known != NULL && d->rec == NULL) {
        take_record(d, d->known);
    }
    d->changed |= d->known != NULL;
    nfa_scratch_counters(d->call.scratch)->detector_calls += rules;
}

void deliver_feed(struct delivery *d, uint32_t rule, struct instance *in, uint64_t roles,
                   uint64_t tests)
{
    struct nfa_work before = nfa_scratch_work(d->call.scratch);
    d->changed |= instance_event_asked(in, d->item->event, roles, tests, &d->call);
    shard_count_work(d->shard, rule, before, nfa_scratch_work(d->call.scratch));
}

/* A rule whose tests could be asked before anything of the key is looked at. */
static enum err deliver_asked(struct delivery *d, uint32_t unit, uint64_t roles, uint64_t tests,
                              struct error *err)
{
    const struct rule *rule = &d->rs->rules[unit];
    bool begins = rule_begins(rule, tests);
    if (tests == 0 && !rule_counts(rule, roles)) {
        d->shard->costs[unit].events++;
        return ERR_OK;
    }
    if (!d->looked) {
        FYKE_TRY(deliver_look(d, err));
    }
    struct instance *in = d->known == NULL ? NULL : keyspace_change(d->known, unit);
    if (in == NULL && !begins) {
        d->shard->costs[unit].events++;
        deliver_pass_by(d, tests != 0);
        return ERR_OK;
    }
    if (d->rec == NULL) {
        FYKE_TRY(deliver_open(d, err));
    }
    if (in == NULL) {
        in = keyspace_add_instance(d->shard->keyspace, d->rec, unit);
    }
    d->call.history_begin = shard_history(d->pass, unit);
    d->shard->costs[unit].events++;
    deliver_feed(d, unit, in, roles, tests);
    return ERR_OK;
}

/* The others. An old version sees what its open matches wait for; a key that it keeps nothing of is none
 * of its. */
static enum err deliver_blind(struct delivery *d, uint32_t unit, uint64_t roles, struct error *err)
{
    const struct rule *rule = &d->rs->rules[unit];
    if (rule->drains) {
        if (!d->looked) {
            FYKE_TRY(deliver_look(d, err));
        }
        if (d->known == NULL || keyspace_instance(d->known, unit) == NULL) {
            return ERR_OK;
        }
    }
    if (d->rec == NULL) {
        FYKE_TRY(deliver_open(d, err));
    }
    struct instance *in = keyspace_change(d->rec, unit);
    if (in == NULL) {
        in = keyspace_add_instance(d->shard->keyspace, d->rec, unit);
    }
    d->call.history_begin = shard_history(d->pass, unit);
    struct nfa_work before = nfa_scratch_work(d->call.scratch);
    d->changed |= instance_event(in, d->item->event, roles, &d->call);
    d->shard->costs[unit].events++;
    shard_count_work(d->shard, unit, before, nfa_scratch_work(d->call.scratch));
    return ERR_OK;
}

static enum err deliver_to_rule(struct delivery *d, const struct key_use *use, struct error *err)
{
    const struct rule *rule = &d->rs->rules[use->rule];
    uint64_t roles = use->roles;
    if (use->filtered) {
        roles &= rule_roles_of(rule, d->item->event, d->call.scratch);
    }
    if (roles == 0) {
        return ERR_OK;
    }
    const struct kin *kin = d->pass->keys->kin.of_unit[use->rule];
    if (kin != NULL) {
        return deliver_to_kin(d, kin, roles, err);
    }
    if (!rule->drains && rule_asks_alone(rule, d->call.scratch)) {
        uint64_t tests = rule_own_tests(rule, d->item->event, roles, &d->call);
        return deliver_asked(d, use->rule, roles, tests, err);
    }
    return deliver_blind(d, use->rule, roles, err);
}

/* Profiles come last: a rule sees them as they were before the event. */
static enum err deliver_to_profile(struct delivery *d, const struct key_follow *follow,
                                   struct error *err)
{
    const struct event *e = d->item->event;
    if (d->view.given != NULL ||
        !profile_takes(&d->rs->profiles[follow->profile], follow->roles, e, d->call.scratch)) {
        return ERR_OK;
    }
    if (d->rec == NULL) {
        FYKE_TRY(deliver_open(d, err));
    }
    d->changed |= measure_view_follow(&d->view, d->shard->keyspace, follow, e, d->call.scratch);
    return ERR_OK;
}

/* The roles in a rule that the variants in front of `end` give. */
static uint64_t rule_roles_before(const struct key_group *g, const struct variant_chain *c,
                                  const struct variant_chain *end, uint32_t rule)
{
    uint64_t roles = 0;
    for (; c != end; c = c->next) {
        const struct key_use *use = key_variant_use(&g->variants[c->variant], rule);
        roles |= use != NULL ? use->roles : 0;
    }
    return roles;
}

/* Rules that count events have to count this one if they keep something of the key. */
static enum err find_counting(struct delivery *d, const struct use_index *index, struct error *err)
{
    if (index->counting == NULL) {
        return ERR_OK;
    }
    if (!d->looked) {
        FYKE_TRY(deliver_look(d, err));
    }
    if (d->known != NULL) {
        deliver_pass_by(d, 0);
        for (uint32_t i = 0; i < d->known->n_slots; i++) {
            uint32_t unit = d->known->slots[i].leader;
            if (unit < d->rs->n_units && index->counting[unit] != 0) {
                use_index_add(index, d->shard->found, index->counting[unit] - 1);
            }
        }
    }
    return ERR_OK;
}

/* Those rules of a variant that the event may concern. */
static enum err deliver_to_found(struct delivery *d, const struct key_variant *v,
                                 struct error *err)
{
    struct shard *s = d->shard;
    s->looked_up[v->index->number]++;
    use_index_find(v->index, d->item->event, s->found);
    FYKE_TRY(find_counting(d, v->index, err));
    uint32_t w;
    for (uint64_t word; (word = use_index_take(v->index, s->found, &w)) != 0;) {
        for (uint64_t left = word; left != 0; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            const struct key_use *use = &v->uses[w * 64 + bit];
            s->costs[use->rule].found += v->index->handed[w] >> bit & 1;
            FYKE_TRY(deliver_to_rule(d, use, err));
        }
    }
    return ERR_OK;
}

/* The rules of which it is known beforehand whether they want the event. */
static enum err deliver_to_wanted(struct delivery *d, const struct key_variant *v,
                                  struct error *err)
{
    for (uint32_t u = 0; u < v->n_uses; u++) {
        const struct key_use *use = &v->uses[u];
        if ((d->coming->wanted >> u & 1) == 0) {
            d->shard->costs[use->rule].events++;
        } else if (use->by_event) {
            FYKE_TRY(deliver_asked(d, use->rule, use->roles, d->coming->tests[u], err));
        } else {
            FYKE_TRY(deliver_to_rule(d, use, err));
        }
    }
    return ERR_OK;
}

/* The rules of one variant; one that several variants reach gets the event once, at the first. */
static enum err deliver_to_rules(struct delivery *d, const struct key_group *g,
                                 const struct variant_chain *c, struct error *err)
{
    const struct key_variant *v = &g->variants[c->variant];
    bool alone = c == &d->item->variants && c->next == NULL;
    if (v->index != NULL && alone && !nfa_scratch_is_watched(d->call.scratch)) {
        return deliver_to_found(d, v, err);
    }
    for (uint32_t i = 0; i < v->n_uses; i++) {
        struct key_use use = v->uses[i];
        if (rule_roles_before(g, &d->item->variants, c, use.rule) != 0) {
            continue;
        }
        use.roles |= rule_roles_before(g, c->next, NULL, use.rule);
        FYKE_TRY(deliver_to_rule(d, &use, err));
    }
    return ERR_OK;
}

static uint64_t profile_roles_before(const struct key_group *g, const struct variant_chain *c,
                                     const struct variant_chain *end, uint32_t profile)
{
    uint64_t roles = 0;
    for (; c != end; c = c->next) {
        const struct key_variant *v = &g->variants[c->variant];
        for (uint32_t i = 0; i < v->n_follows; i++) {
            roles |= v->follows[i].profile == profile ? v->follows[i].roles : 0;
        }
    }
    return roles;
}

static enum err deliver_to_profiles(struct delivery *d, const struct key_group *g,
                                    const struct variant_chain *c, struct error *err)
{
    const struct key_variant *v = &g->variants[c->variant];
    for (uint32_t i = 0; i < v->n_follows; i++) {
        struct key_follow follow = v->follows[i];
        if (profile_roles_before(g, &d->item->variants, c, follow.profile) != 0) {
            continue;
        }
        follow.roles |= profile_roles_before(g, c->next, NULL, follow.profile);
        FYKE_TRY(deliver_to_profile(d, &follow, err));
    }
    return ERR_OK;
}

/* The key of an event that came after the clock has passed its own place. The deadlines in front of
 * its release have a say, whether or not an earlier pass has fired them. */
static enum err key_has_passed(struct delivery *d, bool *ret, struct error *err)
{
    struct keyspace *ks = d->shard->keyspace;
    struct key_record *rec;
    FYKE_TRY(keyspace_find(ks, &d->item->key, &rec, err));
    while (rec != NULL && etime_lt(rec->next_time, decided_before(d))) {
        timers_fire_record(d->shard, d->pass, rec, &d->call, &d->view);
        FYKE_TRY(keyspace_find(ks, &d->item->key, &rec, err));
    }
    /* Events that are derived from one event have its place. */
    int most = d->cause->derived == NULL ? 0 : -1;
    *ret = rec != NULL && place_cmp(d->cause->at, rec->last) <= most;
    return ERR_OK;
}

/* An alert of any key of the rule: goes out, or is held back and counted. */
static enum err ask_quiet(struct delivery *d, const struct quiet_ask *ask, struct error *err)
{
    struct keyspace *ks = d->shard->keyspace;
    uint64_t suppressed;
    FYKE_TRY(deliver_open(d, err));
    struct instance *in = keyspace_change(d->rec, ask->unit);
    if (in == NULL) {
        in = keyspace_add_instance(ks, d->rec, ask->unit);
    }
    struct place at = d->cause->at;
    *d->cause = (struct cause){.root = d->cause->root, .at = d->cause->root};
    instance_advance(in, d->item->event->time, &d->call);
    if (instance_ask_quiet(in, d->item->event->time, &suppressed, &d->call)) {
        out_alert_set_suppressed(ask->alert, suppressed);
        ask->alert->fate = ALERT_GOES;
    } else {
        /* Tests of rules look at every match that derives. */
        bool shown = ask->derives && d->shard->emitter.options->show_derived;
        ask->alert->fate = shown ? ALERT_GOES : ALERT_HELD;
        ask->alert->only_derives = shown;
    }
    keyspace_touch(ks, d->rec, at, true);
    return ERR_OK;
}

/* What a profile showed between two times is gone when it has gone on: the rules that read profiles take
 * every event of the key group, also one that stands behind the clock. */
static enum err fire_readers(struct delivery *d, struct error *err)
{
    struct key_record *rec;
    FYKE_TRY(keyspace_find(d->shard->keyspace, &d->item->key, &rec, err));
    if (rec != NULL) {
        struct place at = d->cause->at;
        d->cause->at = d->cause->root; /* as for any deadline */
        timers_fire_readers(d->shard, d->pass, rec, d->cause->root.time, &d->call, &d->view);
        d->cause->at = at;
        d->view.rec = NULL;
        d->call.key = d->item->key.values;
    }
    return ERR_OK;
}

/* An event that came back may have deadlines behind it that are in front of its release: they fire
 * here, so that the answer does not depend on what else a pass holds. */
static enum err fire_behind(struct delivery *d, struct error *err)
{
    struct keyspace *ks = d->shard->keyspace;
    struct key_record *rec;
    FYKE_TRY(keyspace_find(ks, &d->item->key, &rec, err));
    while (rec != NULL && etime_lt(rec->next_time, decided_before(d))) {
        timers_fire_behind(d->shard, d->pass, rec, &d->call, &d->view);
        FYKE_TRY(keyspace_find(ks, &d->item->key, &rec, err));
    }
    return ERR_OK;
}

/* Its own place is in front of where it is released. Of input the two differ in time alone. */
static inline bool stands_behind(const struct cause *c)
{
    return c->derived == NULL ? etime_lt(c->at.time, c->root.time) : place_cmp(c->at, c->root) < 0;
}

static enum err deliver_to_chain(struct delivery *d, const struct key_group *g, struct error *err)
{
    if (d->coming->known) {
        return deliver_to_wanted(d, d->coming->variant, err);
    }
    for (const struct variant_chain *c = &d->item->variants; c != NULL; c = c->next) {
        FYKE_TRY(deliver_to_rules(d, g, c, err));
    }
    return ERR_OK;
}

static enum err deliver(struct delivery *d, const struct key_group *g, struct error *err)
{
    if (d->cause->derived != NULL && d->cause->derived->ask != NULL) {
        return ask_quiet(d, d->cause->derived->ask, err);
    }
    if (d->item->came_after) {
        bool passed;
        FYKE_TRY(key_has_passed(d, &passed, err));
        if (passed) {
            struct shard *s = d->shard;
            s->after_idle++;
            VEC_PUSH(s->refused, s->n_refused, s->cap_refused) =
                (struct refused_item){d->item->event, d->item->record};
            return ERR_OK;
        }
    }
    if (g->n_measures > 0 && etime_lt(d->clock, d->cause->root.time)) {
        FYKE_TRY(fire_readers(d, err));
    }
    FYKE_TRY(deliver_to_chain(d, g, err));
    for (const struct variant_chain *c = &d->item->variants; c != NULL; c = c->next) {
        FYKE_TRY(deliver_to_profiles(d, g, c, err));
    }
    if (d->rec == NULL) {
        return ERR_OK;
    }
    keyspace_touch(d->shard->keyspace, d->rec, d->cause->at, d->changed || d->view.moved);
    return stands_behind(d->cause) ? fire_behind(d, err) : ERR_OK;
}

/* It begins nothing, and of its key there is nothing that could go on with it. */
static inline bool leaves_nothing(struct shard *s, const struct coming *c, const struct key_fetch *key)
{
    return !c->begins && c->group->n_measures == 0 && keyspace_lacks(s->keyspace, key);
}

/* What deliver_asked() counts of such an event. */
static void pass_by(struct shard *s, const struct coming *c, struct nfa_scratch *scratch)
{
    uint64_t calls = 0;
    for (uint32_t u = 0; u < c->variant->n_uses; u++) {
        s->costs[c->variant->uses[u].rule].events++;
        calls += c->tests[u] != 0;
    }
    nfa_scratch_counters(scratch)->detector_calls += calls;
}

static void begin_delivery(struct delivery *d, const struct coming *c)
{
    const struct shard_item *item = c->item;
    const struct key_group *g = c->group;
    d->coming = c;
    d->item = item;
    shard_item_cause(item, d->cause);
    d->call.key = item->key.values;
    d->view.rec = NULL;
    d->view.moved = false;
    d->rec = d->known = NULL;
    d->looked = d->changed = false;
    d->clock = d->pass->watermark[g->clock_group];
    d->call.in_order = d->pass->in_order[g->clock_group];
    d->shared = (struct shared_event){.from = item->event};
}

static enum err run_items(struct shard *s, const struct shard_pass *pass,
                          struct nfa_scratch *scratch, struct error *err)
{
    struct delivery d = {
        .shard = s,
        .cause = &s->emitter.cause,
        .pass = pass,
        .rs = pass->keys->rs,
        .call = {.scratch = scratch, .on_match = emitter_match, .ctx = &s->emitter},
    };
    struct coming_items coming;
    coming_begin(&coming);
    measure_view_init(&d.view, pass->keys, s->given);
    d.call.measures = &d.view.reader;
    d.call.shared = &d.shared;
    d.call.clock = &d.clock;
    for (const struct coming *c; (c = coming_next(&coming, s, pass, &d.call, &d.key)) != NULL;) {
        if (leaves_nothing(s, c, d.key)) {
            pass_by(s, c, scratch);
            continue;
        }
        begin_delivery(&d, c);
        enum err rc = deliver(&d, c->group, err);
        shared_event_end(&d.shared, keyspace_pool(s->keyspace));
        FYKE_TRY(rc);
    }
    return ERR_OK;
}

void shard_run(struct shard *s, const struct shard_pass *pass, struct nfa_scratch *scratch)
{
    s->rc = run_items(s, pass, scratch, &s->error);
    s->n_items = 0;
    if (s->rc == ERR_OK && s->n_due > 0) {
        s->rc = timers_fire_listed(s, pass, scratch, &s->error);
    }
    for (uint32_t g = 0; g < pass->keys->rs->n_clock_groups && s->rc == ERR_OK; g++) {
        if (pass->level < pass->keys->rs->clock_groups[g].n_levels) {
            s->rc = timers_fire(s, pass, g, scratch, &s->error);
        }
    }
}
