/* Rules and measures that are gone or have changed: their part of the stored records goes too, and what
 * old versions would keep for ever. With a journal that is a commit like any other: the journal has it
 * before the database does. */
#include "engine/journal/rule_text.h"
#include "engine/state/checkpoint.h"
#include "engine/state/warmed.h"
#include "nfa/state.h"

#include <string.h>

#include "base/xalloc.h"

static const struct rule *rule_named(const struct engine *e, struct slice name)
{
    for (uint32_t i = 0; i < e->rs->n_rules; i++) {
        if (slice_eq(e->rs->rules[i].name, name)) {
            return &e->rs->rules[i];
        }
    }
    return NULL;
}

static bool slot_lives(const struct engine *e, uint32_t slot)
{
    const struct state_slots *s = &e->state->slots;
    return slot < s->n && s->rule_of[slot] != STATE_NO_RULE;
}

/* An old version drains from now on, of which a quiet time that is over may be all that a key keeps. */
static bool has_remains(const struct engine *e)
{
    bool quiet = false;
    for (uint32_t i = 0; i < e->rs->n_units; i++) {
        const struct rule *rule = &e->rs->rules[i];
        quiet |= rule->drains && (rule->quiet.present || rule->keeps_quiet);
    }
    return quiet && state_switches(e);
}

/* Nobody would ever come back to it. */
static bool remains(const struct engine *e, const struct record_slot *slot)
{
    uint32_t unit = e->state->slots.rule_of[slot->slot];
    return unit < e->rs->n_units && e->rs->rules[unit].drains &&
           instance_head_is_over(slot->instance);
}

bool state_slot_stays(const struct engine *e, const struct record_slot *slot)
{
    return slot_lives(e, slot->slot) && !remains(e, slot);
}

static const char *fate_of(const struct rule *rule)
{
    if (rule == NULL) {
        return "been removed";
    }
    return rule_is_disabled(rule) ? "been disabled" : "changed";
}

/* Another unit of the rule goes on as it was: a copy that nothing reads any more says nothing. */
static bool lives_elsewhere(const struct engine *e, const struct header_slot *gone)
{
    const struct header *h = &e->state->before;
    for (uint32_t i = 0; i < h->n_slots; i++) {
        if (slot_lives(e, h->slots[i].slot) && h->slots[i].plan == gone->plan &&
            slice_eq(h->slots[i].rule, gone->rule)) {
            return true;
        }
    }
    return false;
}

static bool is_of(const struct header_slot *slot, const struct rule *rule)
{
    return slot->plan == rule->plan && slice_eq(slot->rule, rule->name);
}

/* A rule stands where its readers do when it only derives (nfa/rule_sources.c). Other topics of theirs are another
 * place: what it has open stays with those who read it there. */
static bool begins_elsewhere(const struct engine *e, const struct rule *rule)
{
    const struct header *h = &e->state->before;
    bool was = false, goes_on = false;
    for (uint32_t i = 0; i < h->n_slots; i++) {
        if (is_of(&h->slots[i], rule)) {
            was = true;
            goes_on |= h->slots[i].slot == e->state->slots.of_rule[rule->index];
        }
    }
    return was && !goes_on;
}

static void tell_begun_anew(struct engine *e)
{
    for (uint32_t i = 0; i < e->rs->n_rules; i++) {
        const struct rule *rule = &e->rs->rules[i];
        struct header_slot as_it_is = {.rule = rule->name, .plan = rule->plan};
        if (!rule_is_disabled(rule) && begins_elsewhere(e, rule) && lives_elsewhere(e, &as_it_is)) {
            engine_say(e, "rule %.*s begins anew for those that read it: they wait for other topics than "
                       "before, and what it has open stays with old versions", SLICE_ARG(rule->name));
        }
    }
}

/* The slots that no rule took over leave the header; says so. Returns whether there were any. */
static bool forget_slots(struct engine *e)
{
    struct header *h = &e->state->before;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->n_slots; i++) {
        if (slot_lives(e, h->slots[i].slot) || lives_elsewhere(e, &h->slots[i])) {
            continue;
        }
        if (memchr(h->slots[i].rule.ptr, '.', h->slots[i].rule.len) != NULL) {
            engine_say(e, "measure %.*s is no longer kept as it was: what it had gathered is "
                       "dropped", SLICE_ARG(h->slots[i].rule));
            continue;
        }
        engine_say(e, "rule %.*s has %s: its open partial matches are dropped",
                   SLICE_ARG(h->slots[i].rule), fate_of(rule_named(e, h->slots[i].rule)));
    }
    tell_begun_anew(e);
    for (uint32_t i = 0; i < h->n_slots; i++) {
        if (slot_lives(e, h->slots[i].slot)) {
            h->slots[kept++] = h->slots[i];
        }
    }
    bool any = kept < h->n_slots;
    h->n_slots = kept;
    return any;
}

static bool begins_log(const struct engine *e)
{
    return e->state->journaled != NULL && e->state->journaled->begins_log;
}

/* Once: in the commit that makes the rules others. */
static bool takes_warmed(const struct engine *e)
{
    return e->options.warmed != NULL && state_switches(e);
}

/* Collects what must be written so that one shard's records know nothing but what goes on. */
struct prune {
    struct engine *e;
    struct frozen out;
    struct record_slots decoded, kept;
};

/* The deadline that is stored may have been a dropped rule's. Then it fires for nothing once; the
 * record is given its own when it is touched. */
static enum err prune_head(struct prune *p, const struct record_key *key, struct slice value,
                           struct error *err)
{
    struct record_head head;
    const char *why;
    if (!record_decode_head(key, value, &p->decoded, &head, &why)) {
        return error_set(err, ERR_CORRUPT, "the state is damaged: %s", why);
    }
    p->kept.n = 0;
    for (uint32_t i = 0; i < head.n_slots; i++) {
        if (state_slot_stays(p->e, &head.slots[i])) {
            VEC_PUSH(p->kept.items, p->kept.n, p->kept.cap) = head.slots[i];
        }
    }
    if (p->kept.n == head.n_slots) {
        return ERR_OK;
    }
    struct frozen_op op = {.key = *key, .at = p->out.bytes.len, .del = p->kept.n == 0};
    if (!op.del) {
        head.slots = p->kept.items;
        head.n_slots = (uint32_t)p->kept.n;
        record_encode_head(key, &head, &p->out.bytes);
        op.len = p->out.bytes.len - op.at;
    }
    VEC_PUSH(p->out.ops, p->out.n, p->out.cap) = op;
    return ERR_OK;
}

static enum err prune_value(void *ctx, const struct record_key *key, struct slice value,
                            struct error *err)
{
    struct prune *p = ctx;
    uint64_t number = record_key_number(key);
    if (number == 0) {
        return prune_head(p, key, value, err);
    }
    if (!slot_lives(p->e, (uint32_t)(number >> 48) - 1)) {
        VEC_PUSH(p->out.ops, p->out.n, p->out.cap) = (struct frozen_op){.key = *key, .del = true};
    }
    return ERR_OK;
}

static enum err write_frozen(struct engine *e, struct store_txn *t, uint32_t db,
                             const struct frozen *f, struct error *err)
{
    struct journaled *j = e->state->journaled;
    for (size_t i = 0; i < f->n; i++) {
        const struct frozen_op *op = &f->ops[i];
        FYKE_TRY(op->del ? store_del(t, db, &op->key, err)
                         : store_put(t, db, &op->key, slice_from(f->bytes.ptr + op->at, op->len),
                                     err));
    }
    return j != NULL ? journaled_append(j, db, f, err) : ERR_OK;
}

static enum err prune_shard(struct prune *p, struct store_txn *t, uint32_t shard,
                            struct error *err)
{
    struct store_reader *r = store_reader_new(p->e->state->store, shard);
    p->out.n = 0;
    buf_clear(&p->out.bytes);
    enum err rc = store_each(r, prune_value, p, err);
    store_reader_free(r);
    return rc == ERR_OK ? write_frozen(p->e, t, shard, &p->out, err) : rc;
}

/* The slots are others now. */
static enum err prune_rules(struct engine *e, struct store_txn *t, struct error *err)
{
    struct frozen out = {0};
    rules_apart_freeze(&e->state->before, &e->state->apart, &out);
    enum err rc = write_frozen(e, t, e->n_shards, &out, err);
    frozen_release(&out);
    return rc;
}

/* The journal has it before the database does. */
static enum err prune_header(struct engine *e, struct store_txn *t, struct error *err)
{
    struct state *s = e->state;
    struct journaled *j = s->journaled;
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    if (takes_warmed(e)) {
        state_describe_rules(e, &s->before);
    }
    s->before.fingerprint = e->fingerprint; /* without what they had kept, the old ones are no more */
    FYKE_TRY(prune_rules(e, t, err));
    if (j != NULL) {
        struct journal_task task;
        s->before.seq = s->seq + 1;
        FYKE_TRY(journaled_send_header(e, &s->before, &task, err));
        FYKE_TRY(journaled_commit(j->journal, e->options.fault, &task, 1, err));
        journaled_take_header(e, &task);
        s->seq++;
        j->ahead = false;
        j->begins_log = false;
        FYKE_TRY(store_put_origin(t, &j->origin, err));
    }
    FYKE_TRY(rule_text_put(e, t, err));
    header_encode(&s->before, &bytes);
    return store_put_header(t, buf_slice(&bytes), err);
}

struct append {
    struct journaled *journaled;
    uint32_t db;
};

static enum err append_value(void *ctx, const struct record_key *key, struct slice value,
                             struct error *err)
{
    const struct append *a = ctx;
    struct frozen_op op = {.key = *key, .len = value.len};
    struct frozen one = {.ops = &op, .n = 1};
    one.bytes.ptr = (char *)(uintptr_t)value.ptr; /* read only */
    one.bytes.len = value.len;
    return journaled_append(a->journaled, a->db, &one, err);
}

/* An imported state: its first commit holds all of it. */
static enum err append_database(struct engine *e, uint32_t db, struct error *err)
{
    struct append a = {e->state->journaled, db};
    struct store_reader *r = store_reader_new(e->state->store, db);
    enum err rc = store_each(r, append_value, &a, err);
    store_reader_free(r);
    return rc;
}

static enum err take_warmed(struct prune *p, struct warmed *w, struct store_txn *t, uint32_t shard,
                            struct error *err)
{
    p->out.n = 0;
    buf_clear(&p->out.bytes);
    FYKE_TRY(warmed_shard(w, shard, &p->out, err));
    return write_frozen(p->e, t, shard, &p->out, err);
}

static enum err take_all_warmed(struct prune *p, struct store_txn *t, struct error *err)
{
    struct warmed *w;
    enum err rc = warmed_new(p->e, &w, err);
    for (uint32_t i = 0; i < p->e->n_shards && rc == ERR_OK; i++) {
        rc = take_warmed(p, w, t, i, err);
    }
    warmed_free(w);
    return rc;
}

static enum err prune_all(struct engine *e, struct store_txn *t, struct error *err)
{
    struct prune p = {.e = e};
    enum err rc = ERR_OK;
    for (uint32_t i = 0; i < e->n_shards && rc == ERR_OK; i++) {
        rc = begins_log(e) ? append_database(e, i, err) : ERR_OK;
        rc = rc == ERR_OK ? prune_shard(&p, t, i, err) : rc;
    }
    rc = rc == ERR_OK && takes_warmed(e) ? take_all_warmed(&p, t, err) : rc;
    frozen_release(&p.out);
    record_slots_release(&p.decoded);
    record_slots_release(&p.kept);
    if (rc == ERR_OK && begins_log(e)) {
        rc = append_database(e, e->n_shards, err);
    }
    return rc == ERR_OK ? prune_header(e, t, err) : rc;
}

bool state_writes_at_start(const struct engine *e)
{
    const struct header *h = &e->state->before;
    bool dead = begins_log(e) || has_remains(e);
    for (uint32_t i = 0; i < h->n_slots && !dead; i++) {
        dead = !slot_lives(e, h->slots[i].slot);
    }
    return dead;
}

enum err state_drop_dead_rules(struct engine *e, struct error *err)
{
    struct store_txn *t;
    if (!forget_slots(e) && !begins_log(e) && !has_remains(e) && !takes_warmed(e)) {
        return ERR_OK;
    }
    state_drop_kept_keys(e->state);
    FYKE_TRY(store_begin(e->state->store, &t, err));
    enum err rc = prune_all(e, t, err);
    if (rc != ERR_OK) {
        store_abort(t);
        return rc;
    }
    return store_commit(t, err);
}
