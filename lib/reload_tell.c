#include "base/map.h"
#include "base/say.h"
#include "lib/reload_parts.h"
#include "lib/rule_store.h"

static void hex_of(const struct fyke_rules *rules, char ret[HASH128_HEX_MAX])
{
    hash128_hex(rules_ruleset(rules)->fingerprint, ret);
}

static struct hash128 in_force(const struct reload *r)
{
    return rules_ruleset(reload_rules(r))->fingerprint;
}

/* The other files that they name are watched, too. */
static void follow(struct reload *r)
{
    if (r->watch) {
        rule_watch_follow(r->watch, reload_rules(r));
    }
}

void reload_tell_same(struct reload *r, enum reload_result result, struct slice reason)
{
    reload_audit_end(r->audit, &(struct reload_outcome){.by = r->by,
                                                        .reading = r->settled,
                                                        .result = result,
                                                        .before = in_force(r),
                                                        .after = in_force(r),
                                                        .reason = reason});
}

static void note_positions(struct reload *r, struct engine *e)
{
    const struct partition_summary *p;
    uint32_t n = engine_partition_figures(e, &p);
    reload_audit_positions(r->audit, rules_ruleset(reload_rules(r)), p, n);
}

void reload_tell_contents(struct reload *r, struct hash128 was, struct engine *e)
{
    char hex[HASH128_HEX_MAX];
    follow(r);
    note_positions(r, e);
    reload_audit_end(r->audit, &(struct reload_outcome){.by = r->by,
                                                        .reading = r->settled,
                                                        .result = RELOAD_CONTENTS,
                                                        .before = was,
                                                        .after = in_force(r),
                                                        .read_s = r->reader.took_s});
    hex_of(r->own, hex);
    reload_say(r, SAY_INFO "reload: lists and lookups have other contents, the rules are the same; rule "
               "set %s", hex);
}

/* ---- what became of each rule ----------------------------------------------------------------- */

struct telling {
    struct reload *reload;
    struct map draining, warmed; /* names */
};

static const char *open_of(const struct telling *t, struct slice name, enum rule_fate fate)
{
    switch (fate) {
    case RULE_NEW: return map_get(&t->warmed, name) ? "warmed" : "none";
    case RULE_CHANGED:
        if (map_get(&t->warmed, name)) {
            return "warmed";
        }
        return map_get(&t->draining, name) ? "drained" : "dropped";
    case RULE_REMOVED: return "dropped";
    case RULE_UNCHANGED:
    case RULE_KEPT: break;
    }
    return "stays";
}

static void note_rule(void *ctx, struct slice name, enum rule_fate fate)
{
    const struct telling *t = ctx;
    if (fate != RULE_UNCHANGED) {
        reload_audit_rule(t->reload->audit, name, fate, open_of(t, name, fate));
    }
}

static void tell_rule(void *ctx, struct slice name, enum rule_fate fate)
{
    const struct telling *t = ctx;
    const struct reload *r = t->reload;
    switch (fate) {
    case RULE_UNCHANGED: break;
    case RULE_KEPT:
        reload_say(r, SAY_INFO "reload: rule %.*s: kept: what is open stays", SLICE_ARG(name));
        break;
    case RULE_NEW:
        reload_say(r, SAY_INFO "reload: rule %.*s: new%s", SLICE_ARG(name),
                   map_get(&t->warmed, name) ? ": warmed: it has seen what it looks back to" : "");
        break;
    case RULE_CHANGED:
        if (map_get(&t->warmed, name)) {
            reload_say(r, SAY_INFO "reload: rule %.*s: changed: warmed: it has seen what it looks back to, what "
                       "the old version has open is dropped", SLICE_ARG(name));
            break;
        }
        reload_say(r, SAY_INFO "reload: rule %.*s: changed: %s", SLICE_ARG(name),
                   map_get(&t->draining, name) ? "drained: the old version finishes what it has open"
                                             : "dropped: what is open is dropped");
        break;
    case RULE_REMOVED:
        reload_say(r, SAY_INFO "reload: rule %.*s: removed: what is open is dropped",
                   SLICE_ARG(name));
        break;
    }
    note_rule(ctx, name, fate);
}

static void compare(struct reload *r, const struct fyke_rules *before, rule_fate_fn each,
                    struct rule_diff *ret)
{
    struct telling t = {.reload = r};
    drain_names(r->drain, &t.draining);
    if (r->warm) {
        warm_names(before, reload_rules(r), &t.warmed);
    } else {
        map_init(&t.warmed, MAP_BORROW_KEYS);
    }
    rules_compare(before, reload_rules(r), each, &t, ret);
    map_release(&t.draining);
    map_release(&t.warmed);
}

static void count_rules(struct reload *r, const struct rule_diff *d)
{
    struct rule_diff *sum = &r->figures.rules;
    sum->unchanged += d->unchanged;
    sum->kept += d->kept;
    sum->fresh += d->fresh;
    sum->changed += d->changed;
    sum->removed += d->removed;
    r->figures.switched++;
}

static void tell_switch(struct reload *r, enum reload_by by, const struct fyke_rules *before)
{
    char was[HASH128_HEX_MAX], is[HASH128_HEX_MAX];
    struct rule_diff d;
    compare(r, before, tell_rule, &d);
    hex_of(before, was);
    hex_of(r->own, is);
    reload_say(r, SAY_INFO "reload: rule set %s in place of %s: %u unchanged, %u kept, %u new, %u "
               "changed, %u removed", is, was, d.unchanged, d.kept, d.fresh, d.changed, d.removed);
    count_rules(r, &d);
    r->under_way = true;
    r->outcome = (struct reload_outcome){.by = by,
                                         .reading = by == RELOAD_BY_GROUP ? 0 : r->settled,
                                         .result = RELOAD_SWITCHED,
                                         .before = rules_ruleset(before)->fingerprint,
                                         .compared = true,
                                         .rules = d,
                                         .read_s = r->reader.took_s};
    follow(r);
}

/* ---- the switch ------------------------------------------------------------------------------- */

bool reload_switch(struct reload *r, struct engine *e)
{
    if (!r->next || !engine_has_stopped(e)) {
        return false;
    }
    r->before = r->own;
    r->own = r->next;
    r->next = NULL;
    r->trial = true;
    return true;
}

static void free_warm(void *warm)
{
    warm_free(warm);
}

static void forget_warm(struct reload *r)
{
    later_free(r->later, free_warm, r->warm);
    r->warm = NULL;
}

struct engine_kept *reload_warmed(const struct reload *r)
{
    return r->warm ? warm_state(r->warm) : NULL;
}

void reload_meet(struct reload *r, struct engine_kept *state)
{
    struct error err = ERROR_INIT;
    FYKE_CLEANUP(buf_release) struct buf header = BUF_INIT;
    if (!r->warm) {
        return;
    }
    enum err rc = state ? engine_kept_header(state, &header, &err)
                        : error_set(&err, ERR_STATE, "the state could not be kept open");
    rc = rc == ERR_OK ? warm_meet(r->warm, buf_slice(&header), &err) : rc;
    if (rc != ERR_OK) {
        reload_fall_back(r, &err);
    }
}

bool reload_fall_back(struct reload *r, const struct error *why)
{
    if (!r->trial) {
        return false;
    }
    forget_warm(r);
    r->replaced = r->own; /* an engine may have been opened with them */
    r->own = r->before;
    r->before = NULL;
    r->trial = false;
    r->figures.failed++;
    reload_say(r, SAY_ERROR "reload: refused: %s; the rules in force stay", why->text);
    reload_tell_same(r, RELOAD_REFUSED, slice_of(why->text));
    return true;
}

void reload_settle(struct reload *r)
{
    if (!r->trial) {
        return;
    }
    tell_switch(r, r->by, r->before ? r->before : r->first);
    drain_take_kit(r->drain, NULL);
    reload_free_later(r, r->before);
    r->before = NULL;
    r->trial = false;
}

void reload_take(struct reload *r, struct fyke_rules *rules)
{
    struct fyke_rules *before = r->own;
    bool ours = hash128_eq(rules_ruleset(rules)->fingerprint, r->offered);
    r->own = rules;
    tell_switch(r, ours ? r->by : RELOAD_BY_GROUP, before ? before : r->first);
    reload_free_later(r, before);
}

void reload_count(struct reload *r, uint64_t unchanged, uint64_t failed)
{
    r->figures.unchanged += unchanged;
    r->figures.failed += failed;
    if (failed > 0) {
        reload_tell_same(r, RELOAD_REFUSED, SLICE_LIT("refused for all instances: the log says why"));
    } else if (unchanged > 0) {
        reload_tell_same(r, RELOAD_UNCHANGED, (struct slice){0});
    }
}

/* ---- it runs ---------------------------------------------------------------------------------- */

/* What a start finds in its state was in force before, whoever ran it. */
static void describe_start(struct reload *r)
{
    struct reload_outcome *o = &r->outcome;
    struct fyke_rules *before = NULL;
    struct error err = ERROR_INIT;
    struct slice texts;
    *o = (struct reload_outcome){.by = RELOAD_BY_START, .result = RELOAD_SWITCHED};
    if (!drain_found(r->drain, &o->before, &texts)) {
        o->first = true;
        return;
    }
    if (hash128_eq(o->before, in_force(r))) {
        o->result = RELOAD_UNCHANGED;
    } else if (texts.len > 0 && rule_store_decode(texts, o->before, NULL, 0, &before, &err) == ERR_OK) {
        compare(r, before, note_rule, &o->rules);
        o->compared = true;
        fyke_rules_free(before);
    }
}

void reload_runs(struct reload *r, const struct ruleset *rs, const struct partition_summary *p, uint32_t n,
                 uint64_t generation)
{
    if (!r->begun) {
        describe_start(r);
    }
    if (!r->begun && r->config->options.state_dir && !r->config->in_group) {
        warm_clean(r->config->options.state_dir); /* the directory is ours now */
    }
    if (!r->begun || r->under_way) {
        r->outcome.after = in_force(r);
        r->outcome.generation = generation;
        r->outcome.pause_s = r->stopped_s > 0 ? reload_seconds() - r->stopped_s : 0;
        reload_audit_positions(r->audit, rs, p, n);
        reload_audit_end(r->audit, &r->outcome);
    }
    forget_warm(r);
    r->begun = true;
    r->under_way = false;
    r->stopped_s = 0;
}
