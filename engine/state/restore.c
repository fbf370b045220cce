/* What was stored, and whether it fits what runs now. The order of topics is part of the total
 * order, the number of shards says where a key lies: those must be the same. Rules may come, change
 * and go: state belongs to (rule name, plan, key) and to events of unchanged declarations. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "engine/state/checkpoint.h"
#include "engine/state/slot_index.h"
#include "engine/state/state_scan.h"
#include "nfa/schema_shape.h"
#include "nfa/profile.h"

#define MAX_SHARDS 4096

/* ---- does it fit? ------------------------------------------------------------------------- */

static enum err unfit(const struct engine *e, const char *why, struct error *err)
{
    return error_set(err, ERR_STATE, "state %s does not fit: %s; use another directory or start "
                     "anew with --reset-state", e->options.state_dir, why);
}

enum err state_check_header(const struct engine *e, const struct header *h, struct error *err)
{
    char why[256];
    if (!slice_eq(h->app, slice_of(e->options.app))) {
        snprintf(why, sizeof(why), "it was written by application \"%.*s\", this is \"%s\"",
                 SLICE_ARG(h->app), e->options.app);
        return unfit(e, why, err);
    }
    if (h->mode != (e->options.in_group ? STATE_GROUP : STATE_SOLO)) {
        snprintf(why, sizeof(why), "it was written with instances = %s, this run has instances = %s",
                 h->mode == STATE_SOLO ? "1" : "group", e->options.in_group ? "group" : "1");
        return unfit(e, why, err);
    }
    if (h->n_shards < 1 || h->n_shards > MAX_SHARDS ||
        (e->options.shards != 0 && e->options.shards != h->n_shards)) {
        snprintf(why, sizeof(why), "it has %u shards, this run was asked for %u", h->n_shards,
                 e->options.shards);
        return unfit(e, why, err);
    }
    return ERR_OK;
}

static enum err check_topics(const struct engine *e, const struct header *h, struct error *err)
{
    for (uint32_t i = 0; i < h->n_topics && i < e->rs->n_topics; i++) {
        const struct schema_topic *t = &e->rs->topics[i];
        if (!slice_eq(h->topics[i].name, t->name)) {
            char why[384];
            snprintf(why, sizeof(why), "its topic %u is \"%.*s\", in these rules it is \"%.*s\"; "
                     "declare topics in the order they had, new ones last", i + 1,
                     SLICE_ARG(h->topics[i].name), SLICE_ARG(t->name));
            unfit(e, why, err);
            return err->code = ERR_RULES; /* others may fit */
        }
        if (h->topics[i].out_of_order.ns != t->out_of_order.ns) {
            char was[DURATION_TEXT_MAX], is[DURATION_TEXT_MAX];
            duration_format(h->topics[i].out_of_order, was);
            duration_format(t->out_of_order, is);
            engine_say(e, SAY_INFO "topic \"%.*s\": out of order by %s from here on, it was %s",
                       SLICE_ARG(t->name), is, was);
        }
    }
    return ERR_OK;
}

static enum err decode_header(struct engine *e, struct slice bytes, struct error *err)
{
    struct state *s = e->state;
    FYKE_CLEANUP(buf_release) struct buf what = BUF_INIT;
    buf_printf(&what, "state %s", e->options.state_dir);
    FYKE_TRY(header_open(bytes, buf_cstr(&what), "restore it from a copy or start anew with "
                         "--reset-state", &s->before, err));
    s->found = true;
    s->seq = s->before.seq;
    return state_check_header(e, &s->before, err);
}

/* ---- declarations ------------------------------------------------------------------------- */

/* The number that a stored declaration has now; UINT32_MAX: it is gone. */
static uint32_t decl_now(const struct engine *e, uint32_t stored)
{
    const struct header *h = &e->state->before;
    for (uint32_t i = 0; stored < h->n_decls && i < e->rs->n_decls; i++) {
        if (slice_eq(e->rs->decls[i].name, h->decls[stored].name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static struct place place_now(const struct engine *e, struct place p)
{
    uint32_t decl = decl_now(e, p.decl);
    p.decl = decl != UINT32_MAX ? decl : p.decl;
    return p;
}

/* Stored events name their declaration by number and their fields by place. */
static bool decl_is_same(const struct engine *e, uint32_t decl)
{
    const struct header *h = &e->state->before;
    const struct schema_decl *d = &e->rs->decls[decl];
    return decl < h->n_decls && slice_eq(h->decls[decl].name, d->name) &&
           h->decls[decl].shape == schema_shape(d);
}

static bool events_are_same(const struct engine *e, const struct rule_role *roles, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!decl_is_same(e, roles[i].decl)) {
            return false;
        }
    }
    return true;
}

/* ---- slots -------------------------------------------------------------------------------- */

static const struct header_slot *slot_of_measure(const struct engine *e, struct slot_index *x,
                                                 const struct key_measure *u)
{
    const struct measure *m = &e->rs->measures[u->measure];
    const struct profile *p = &e->rs->profiles[m->profile];
    return events_are_same(e, p->roles, p->n_roles)
               ? slot_index_find(x, m->full_name, m->plan, e->keys.groups[u->key_group].identity)
               : NULL;
}

/* A rule that is disabled has no keys. */
static const struct header_slot *slot_of_rule(const struct engine *e, struct slot_index *x,
                                              const struct rule *rule)
{
    return !rule_is_disabled(rule) && events_are_same(e, rule->roles, rule->n_roles)
               ? slot_index_find(x, rule->name, rule->plan,
                                 e->keys.groups[e->keys.group_of_unit[rule->index]].identity)
               : NULL;
}

/* Rules, copies, measures. */
static uint32_t count_owners(const struct engine *e)
{
    return e->rs->n_units + e->keys.n_measures;
}

/* They keep their number; new ones get the lowest that no stored record uses. */
static enum err number_owners(struct engine *e, struct slot_index *x, struct error *err)
{
    struct state_slots *slots = &e->state->slots;
    uint32_t next = 0;
    slots->of_rule = xcalloc(count_owners(e) + 1, sizeof(*slots->of_rule));
    slots->n = 0;
    for (uint32_t i = 0; i < count_owners(e); i++) {
        uint32_t n = e->rs->n_units;
        const struct header_slot *s = i < n ? slot_of_rule(e, x, &e->rs->rules[i])
                                            : slot_of_measure(e, x, &e->keys.measures[i - n]);
        while (s == NULL && slot_index_uses(x, next)) {
            next++;
        }
        uint32_t slot = s != NULL ? s->slot : next++;
        if (slot >= RECORD_MAX_SLOTS) {
            return error_set(err, ERR_LIMIT, "more than %d rules and measures", RECORD_MAX_SLOTS);
        }
        slots->of_rule[i] = slot;
        slots->n = slot >= slots->n ? slot + 1 : slots->n;
    }
    return ERR_OK;
}

static enum err number_rules(struct engine *e, struct error *err)
{
    struct state_slots *slots = &e->state->slots;
    struct slot_index *x = slot_index_new(&e->state->before);
    enum err rc = number_owners(e, x, err);
    slot_index_free(x);
    FYKE_TRY(rc);
    slots->rule_of = xmalloc((slots->n + 1) * sizeof(*slots->rule_of));
    for (uint32_t i = 0; i < slots->n; i++) {
        slots->rule_of[i] = STATE_NO_RULE;
    }
    for (uint32_t i = 0; i < count_owners(e); i++) {
        slots->rule_of[slots->of_rule[i]] = i;
    }
    return ERR_OK;
}

/* ---- opening ------------------------------------------------------------------------------ */

enum err state_take_header(struct engine *e, struct error *err)
{
    struct state *s = e->state;
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    bool found;
    FYKE_TRY(store_header(s->store, &bytes, &found, err));
    if (!found) {
        return ERR_OK;
    }
    header_release(&s->before);
    FYKE_TRY(decode_header(e, buf_slice(&bytes), err));
    e->n_shards = s->before.n_shards;
    free(s->taken);
    s->taken = xcalloc(s->before.n_partitions + 1, sizeof(*s->taken));
    return ERR_OK;
}

struct store_options state_store_options(const struct engine *e)
{
    return (struct store_options){
        .dir = e->options.state_dir,
        .map_bytes = e->options.state_map_bytes,
        .max_shards = MAX_SHARDS,
        .reset = e->options.reset_state,
    };
}

/* A copy of a journal lags behind it: alone it would say again what went out long ago. */
static enum err refuse_copy(struct engine *e, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    struct store_origin o;
    bool found;
    FYKE_TRY(store_origin_get(e->state->store, &bytes, &o, &found, err));
    return found && o.identity.len > 0
               ? unfit(e, "it belongs to a run that works exactly once, this one does not", err)
               : ERR_OK;
}

/* What the engine before had is open and whole. */
static enum err open_kept(struct engine *e, struct error *err)
{
    struct engine_kept *k = e->options.kept;
    state_take_kept(e, k);
    e->n_shards = k->n_shards;
    FYKE_TRY(state_take_header(e, err));
    if (k->journaled) {
        recover_kept(e, k);
    }
    return ERR_OK;
}

static enum err open_alone(struct engine *e, struct error *err)
{
    struct store_options o = state_store_options(e);
    FYKE_TRY(store_open(&o, &e->state->store, err));
    FYKE_TRY(refuse_copy(e, err));
    FYKE_TRY(state_take_header(e, err));
    return store_open_shards(e->state->store, e->n_shards, err);
}

enum err state_take_rules_apart(struct engine *e, struct error *err)
{
    struct state *s = e->state;
    if (!s->found) {
        return ERR_OK;
    }
    FYKE_TRY(rules_apart_read(s->store, &s->before, err));
    s->apart = (struct rules_apart){s->before.n_apart, s->before.apart_hash};
    return ERR_OK;
}

/* An imported state is the only one of its kind, and the first run writes all of it into its log: what is
 * damaged would be there for good. */
static enum err check_imported(struct engine *e, enum err rc, struct error *err)
{
    struct state_figures figures;
    if (rc == ERR_OK) {
        rc = state_scan(e->state->store, &e->state->before, NULL, NULL, &figures, err);
    }
    if (rc != ERR_CORRUPT) {
        return rc;
    }
    struct error damage = *err;
    return error_set(err, ERR_STATE, "state %s was imported and is damaged: %s; delete the directory and "
                     "import the state again", e->options.state_dir, damage.text);
}

static bool is_imported(const struct engine *e)
{
    return e->state->journaled != NULL && e->state->journaled->begins_log;
}

static enum err open_database(struct engine *e, struct error *err)
{
    if (e->options.kept != NULL) {
        return open_kept(e, err);
    }
    return e->options.journal != NULL ? recover_open(e, err) : open_alone(e, err);
}

enum err state_open_bare(struct engine *e, struct error *err)
{
    e->state = xcalloc(1, sizeof(*e->state));
    enum err rc = open_database(e, err);
    if (rc == ERR_OK) {
        rc = state_take_rules_apart(e, err);
        if (rc == ERR_CORRUPT && e->options.journal != NULL && !is_imported(e)) {
            return recover_anew(e, err);
        }
    }
    return is_imported(e) ? check_imported(e, rc, err) : rc;
}

static enum err ask_to_switch(const struct engine *e, struct error *err)
{
    const struct engine_options *o = &e->options;
    return o->may_switch != NULL && state_switches(e)
               ? o->may_switch(o->may_switch_ctx, e->state->before.fingerprint, err)
               : ERR_OK;
}

enum err state_fit(struct engine *e, struct error *err)
{
    FYKE_TRY(ask_to_switch(e, err));
    if (e->state->found) {
        FYKE_TRY(check_topics(e, &e->state->before, err));
    }
    return number_rules(e, err);
}

bool state_switches(const struct engine *e)
{
    return e->state->found && !hash128_eq(e->state->before.fingerprint, e->fingerprint);
}

/* ---- header → engine ---------------------------------------------------------------------- */

bool header_clock_is(const struct header_clock *h, const struct clock_group *def)
{
    if (h->n_topics != def->n_topics || h->waits != def->waits) {
        return false;
    }
    for (uint32_t i = 0; i < h->n_topics; i++) {
        if (h->topics[i] != def->topics[i]) {
            return false;
        }
    }
    return true;
}

static void restore_clock(const struct engine *e, struct clock_state *c)
{
    const struct header *h = &e->state->before;
    for (uint32_t i = 0; i < h->n_clocks; i++) {
        const struct header_clock *from = &h->clocks[i];
        if (header_clock_is(from, c->def)) {
            c->watermark = from->watermark;
            c->limit = c->before = from->limit;
            c->released = place_now(e, from->released);
            c->floor = from->floor;
            c->has_history = from->has_history;
            c->history_begin = from->history_begin;
        }
    }
}

static enum err restore_shard(const struct engine *e, uint32_t i, struct error *err)
{
    struct keyspace_kept **kept = e->state->kept_keys;
    struct keyspace *ks = e->shards[i].keyspace;
    return kept != NULL && keyspace_adopt(ks, kept[i]) ? ERR_OK : keyspace_restore(ks, err);
}

enum err state_restore(struct engine *e, struct error *err)
{
    if (!e->state->found) {
        return ERR_OK;
    }
    for (uint32_t g = 0; g < e->rs->n_clock_groups; g++) {
        restore_clock(e, &e->clocks[g]);
    }
    FYKE_TRY(state_load_clocks(e, err));
    for (uint32_t i = 0; i < e->n_shards; i++) {
        FYKE_TRY(restore_shard(e, i, err));
    }
    state_drop_kept_keys(e->state);
    return ERR_OK;
}

static void restore_late(const struct engine *e, struct partition *p,
                         const struct header_partition *h)
{
    for (uint32_t i = 0; i < h->n_late; i++) {
        uint32_t decl = decl_now(e, h->late[i].decl);
        if (decl != UINT32_MAX) {
            if (h->late[i].open) {
                late_runs_put_open(&p->late_runs, decl, h->late[i].from);
            } else {
                late_runs_put(&p->late_runs, decl, (struct late_run){h->late[i].from, h->late[i].to});
            }
        }
    }
}

static void restore_returned(const struct engine *e, struct partition *p,
                             const struct header_partition *h)
{
    for (uint32_t i = 0; i < h->n_returned; i++) {
        uint32_t decl = decl_now(e, h->returned[i].decl);
        if (decl != UINT32_MAX) {
            VEC_PUSH(p->returned.items, p->returned.n, p->returned.cap) =
                (struct event_note){h->returned[i].offset, decl, h->returned[i].due};
        }
    }
}

static void take_over(const struct engine *e, struct partition *p,
                      const struct header_partition *h)
{
    p->next_offset = h->next_offset;
    p->last = h->last;
    p->restored = h->next_offset;
    p->replay_next = h->restart;
    p->replay_until = h->restart < h->next_offset ? h->next_offset : 0;
    p->has_time = h->has_time;
    p->empty_at_start = h->empty_at_start;
    p->max_time = h->max_time;
    p->first_time = h->first_time;
    p->frontier = h->frontier;
    p->floor = h->floor;
    restore_late(e, p, h);
    restore_returned(e, p, h);
}

void state_restore_partition(struct engine *e, struct partition *p)
{
    struct state *s = e->state;
    for (uint32_t i = 0; i < s->before.n_partitions; i++) {
        const struct header_partition *h = &s->before.partitions[i];
        if (h->topic == p->topic->index && h->partition == p->id && !s->taken[i]) {
            s->taken[i] = true;
            take_over(e, p, h);
            state_take_clocks(s, i, p);
        }
    }
}
