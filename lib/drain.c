#include "lib/drain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/say.h"
#include "base/xalloc.h"
#include "engine/state/store_bytes.h"
#include "lib/rule_store.h"
#include "nfa/rule_link.h"

struct old_rule {
    char *name;
    bool gone; /* does not drain any more */
};

/* An older set of which rules drain. */
struct old_set {
    struct hash128 fingerprint;
    struct buf texts;
    struct fyke_rules *rules; /* compiled for this opening; NULL: not yet */
    struct old_rule *old;
    size_t n, cap;
    size_t draining; /* of these, not gone */
};

/* Which of them a unit of the linked set is. */
struct old_place {
    size_t set, rule;
};

/* Texts of a set in force; borrowed. */
struct set_texts {
    struct hash128 fingerprint;
    struct slice texts;
};

struct drain {
    const struct fyke_run_config *config;
    struct engine_old_rules hooks;
    const struct ruleset *base; /* as given to the engine */
    struct set_texts now, before;
    struct old_set *sets; /* oldest first */
    size_t n_sets, cap_sets;
    struct old_place *places; /* per old version of `linked` */
    struct ruleset *linked; /* what the engine runs; NULL: `base` */
    struct buf out;         /* what is stored */
    struct drain_figures figures;
};

static void say(const struct drain *d, const char *fmt, ...)
{
    char line[512];
    va_list args;
    const struct fyke_options *o = &d->config->options;
    if (!o->log) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    o->log(o->log_ctx, line);
}

/* ---- sets ----------------------------------------------------------------------------------- */

static void add_old(struct old_set *s, struct slice name)
{
    VEC_PUSH(s->old, s->n, s->cap) = (struct old_rule){xstrndup(name.ptr, name.len), false};
    s->draining++;
}

static void forget(struct old_set *s, size_t i)
{
    s->draining -= !s->old[i].gone;
    s->old[i].gone = true;
}

static void release_set(struct old_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->old[i].name);
    }
    free(s->old);
    fyke_rules_free(s->rules);
    buf_release(&s->texts);
}

static void drop_set(struct drain *d, size_t i)
{
    release_set(&d->sets[i]);
    d->n_sets--;
    memmove(d->sets + i, d->sets + i + 1, (d->n_sets - i) * sizeof(*d->sets));
}

static void drop_all(struct drain *d)
{
    ruleset_free(d->linked);
    d->linked = NULL;
    free(d->places);
    d->places = NULL;
    while (d->n_sets > 0) {
        drop_set(d, d->n_sets - 1);
    }
}

static struct old_set *add_set(struct drain *d, struct hash128 fingerprint, struct slice texts)
{
    struct old_set *s = &VEC_PUSH(d->sets, d->n_sets, d->cap_sets);
    *s = (struct old_set){.fingerprint = fingerprint};
    buf_put_slice(&s->texts, texts);
    return s;
}

/* ---- the stored form ------------------------------------------------------------------------ */

static void put_set(const struct old_set *s, struct buf *out)
{
    buf_put_hash128(out, s->fingerprint);
    buf_put_blob(out, buf_slice(&s->texts));
    buf_put_varint(out, s->draining);
    for (size_t i = 0; i < s->n; i++) {
        if (!s->old[i].gone) {
            buf_put_blob(out, slice_of(s->old[i].name));
        }
    }
}

static size_t living_sets(const struct drain *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_sets; i++) {
        n += d->sets[i].draining > 0;
    }
    return n;
}

/* Sets of which nothing drains any more serve the engine until it is opened again. */
static struct slice texts_of(void *ctx, struct hash128 fingerprint)
{
    struct drain *d = ctx;
    bool now = hash128_eq(d->now.fingerprint, fingerprint);
    struct slice texts = now ? d->now.texts : d->before.texts;
    size_t n = living_sets(d);
    if (n == 0 || texts.len == 0) {
        return texts;
    }
    buf_clear(&d->out);
    buf_put_slice(&d->out, texts);
    buf_put_varint(&d->out, n);
    for (size_t i = 0; i < d->n_sets; i++) {
        if (d->sets[i].draining > 0) {
            put_set(&d->sets[i], &d->out);
        }
    }
    return buf_slice(&d->out);
}

static void read_set(struct drain *d, struct reader *r)
{
    struct hash128 fingerprint = read_hash128(r);
    struct slice texts = read_blob(r);
    uint32_t n = read_count(r);
    if (r->failed) {
        return;
    }
    struct old_set *s = add_set(d, fingerprint, texts);
    for (uint32_t i = 0; i < n && !r->failed; i++) {
        struct slice name = read_blob(r);
        if (!r->failed) {
            add_old(s, name);
        }
    }
}

static void read_sets(struct drain *d, struct slice bytes)
{
    struct reader r = reader_of(bytes);
    uint32_t n = bytes.len > 0 ? read_count(&r) : 0;
    for (uint32_t i = 0; i < n && !r.failed; i++) {
        read_set(d, &r);
    }
    if (r.failed) {
        say(d, SAY_ERROR "reload: the old versions of rules that are stored do not decode: what they "
            "have open is dropped");
        drop_all(d);
    }
}

/* ---- which rules drain ---------------------------------------------------------------------- */

static void index_rules(const struct ruleset *rs, struct map *by_name)
{
    map_init(by_name, MAP_BORROW_KEYS);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        map_set(by_name, rs->rules[i].name, &rs->rules[i]);
    }
}

/* A rule that is gone or disabled says nothing any more; one whose plan is back goes on. */
static bool has_changed(const struct rule *was, const struct rule *is)
{
    return was && is && !rule_is_disabled(was) && !rule_is_disabled(is) && was->plan != is->plan;
}

static void add_changed(struct old_set *s, const struct map *in_force)
{
    const struct ruleset *rs = rules_ruleset(s->rules);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (has_changed(&rs->rules[i], map_get(in_force, rs->rules[i].name))) {
            add_old(s, rs->rules[i].name);
        }
    }
}

static void keep_changed(struct old_set *s, const struct map *in_force)
{
    struct map old;
    index_rules(rules_ruleset(s->rules), &old);
    for (size_t i = 0; i < s->n; i++) {
        struct slice name = slice_of(s->old[i].name);
        if (!has_changed(map_get(&old, name), map_get(in_force, name))) {
            forget(s, i);
        }
    }
    map_release(&old);
}

static bool compile_set(struct drain *d, struct old_set *s)
{
    struct error err = ERROR_INIT;
    if (rule_store_decode(buf_slice(&s->texts), s->fingerprint, NULL, 0, &s->rules, &err) ==
        ERR_OK) {
        return true;
    }
    say(d, SAY_ERROR "reload: %s: what its changed rules have open is dropped", err.text);
    return false;
}

static void settle_sets(struct drain *d, const struct map *in_force, bool newest)
{
    size_t last = d->n_sets;
    for (size_t i = last; i-- > 0;) {
        struct old_set *s = &d->sets[i];
        if (!compile_set(d, s)) {
            d->figures.dropped += s->draining;
            drop_set(d, i);
        } else if (newest && i + 1 == last) {
            add_changed(s, in_force);
        } else {
            keep_changed(s, in_force);
        }
    }
    for (size_t i = d->n_sets; i-- > 0;) {
        if (d->sets[i].draining == 0) {
            drop_set(d, i);
        }
    }
}

/* ---- bounds --------------------------------------------------------------------------------- */

static size_t bytes_of_sets(const struct drain *d)
{
    size_t n = d->now.texts.len;
    for (size_t i = 0; i < d->n_sets; i++) {
        n += d->sets[i].texts.len;
    }
    return n;
}

static void drop_oldest(struct drain *d)
{
    while (d->n_sets > DRAIN_MAX_SETS ||
           (d->n_sets > 0 && bytes_of_sets(d) > RULE_STORE_MAX_BYTES)) {
        char hex[HASH128_HEX_MAX];
        hash128_hex(d->sets[0].fingerprint, hex);
        say(d, SAY_WARNING "reload: rules of more than %d older sets, or of more than %zu MiB, would "
            "drain: what %zu rules of the oldest, %s, have open is dropped", DRAIN_MAX_SETS,
            RULE_STORE_MAX_BYTES >> 20, d->sets[0].draining, hex);
        d->figures.dropped += d->sets[0].draining;
        drop_set(d, 0);
    }
}

/* ---- linking -------------------------------------------------------------------------------- */

/* The rules to be linked, and which they are. */
struct listing {
    struct arena arena;
    struct map seen; /* state belongs to (name, plan): one rule has it */
    struct link_rule *rules;
    struct old_place *places;
    uint32_t n;
};

static void list_rule(struct drain *d, struct listing *l, const struct map *in_force,
                      const struct rule *was, struct old_place at)
{
    struct old_set *s = &d->sets[at.set];
    struct buf id = BUF_INIT;
    const struct rule *is = map_get(in_force, was->name);
    buf_put_slice(&id, was->name);
    buf_put_u64be(&id, was->plan);
    if (map_add(&l->seen, arena_copy(&l->arena, buf_slice(&id)), s)) {
        l->places[l->n] = at;
        l->rules[l->n++] = (struct link_rule){
            .from = s->rules->compilation->ruleset, .rule = was->index, .in_force = is->index};
    } else {
        forget(s, at.rule);
    }
    buf_release(&id);
}

static void list_set(struct drain *d, struct listing *l, const struct map *in_force, size_t set)
{
    struct old_set *s = &d->sets[set];
    struct map old;
    index_rules(rules_ruleset(s->rules), &old);
    for (size_t i = 0; i < s->n; i++) {
        if (!s->old[i].gone) {
            const struct rule *was = map_get(&old, slice_of(s->old[i].name));
            list_rule(d, l, in_force, was, (struct old_place){set, i});
        }
    }
    map_release(&old);
}

static void refuse(struct drain *d, const struct link_rule *rule, struct old_place at)
{
    struct old_set *s = &d->sets[at.set];
    say(d, SAY_WARNING "reload: rule %s: the old version cannot finish what it has open: %s; it is "
        "dropped", s->old[at.rule].name, rule->refused);
    d->figures.dropped++;
    forget(s, at.rule);
}

static void link_listed(struct drain *d, struct listing *l)
{
    d->linked = ruleset_link(d->base, l->rules, l->n);
    d->places = xcalloc(d->linked->n_draining + 1u, sizeof(*d->places));
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->rules[i].refused) {
            refuse(d, &l->rules[i], l->places[i]);
        } else {
            d->places[l->rules[i].unit - d->base->n_rules] = l->places[i];
        }
    }
}

static void link_sets(struct drain *d, const struct map *in_force)
{
    struct listing l = {0};
    size_t most = 0;
    for (size_t i = 0; i < d->n_sets; i++) {
        most += d->sets[i].draining;
    }
    if (most == 0) {
        return;
    }
    arena_init(&l.arena);
    map_init(&l.seen, MAP_BORROW_KEYS);
    l.rules = ARENA_ARRAY(&l.arena, struct link_rule, most);
    l.places = ARENA_ARRAY(&l.arena, struct old_place, most);
    for (size_t i = 0; i < d->n_sets; i++) {
        list_set(d, &l, in_force, i);
    }
    link_listed(d, &l);
    map_release(&l.seen);
    arena_release(&l.arena);
}

static const struct ruleset *open_rules(void *ctx, struct slice texts, struct hash128 fingerprint)
{
    struct drain *d = ctx;
    struct slice set, rest;
    struct map in_force;
    bool switches = !hash128_eq(fingerprint, d->base->fingerprint);
    drop_all(d);
    if (d->config->drop_changed || texts.len == 0 || d->now.texts.len == 0 ||
        !rule_store_split(texts, &set, &rest)) {
        return d->base;
    }
    read_sets(d, rest);
    if (switches) {
        add_set(d, fingerprint, set);
    }
    index_rules(d->base, &in_force);
    settle_sets(d, &in_force, switches);
    drop_oldest(d);
    link_sets(d, &in_force);
    map_release(&in_force);
    return d->linked ? d->linked : d->base;
}

static void note_drained(void *ctx, const struct rule *rule)
{
    struct drain *d = ctx;
    struct old_place at = d->places[rule->original - d->linked->n_rules];
    d->figures.drained++;
    forget(&d->sets[at.set], at.rule);
}

/* ---- life ----------------------------------------------------------------------------------- */

struct drain *drain_new(const struct fyke_run_config *c)
{
    struct drain *d = xcalloc(1, sizeof(*d));
    d->config = c;
    d->hooks = (struct engine_old_rules){open_rules, note_drained, texts_of, d};
    return d;
}

void drain_free(struct drain *d)
{
    if (!d) {
        return;
    }
    drop_all(d);
    free(d->sets);
    buf_release(&d->out);
    free(d);
}

void drain_opening(struct drain *d, const struct ruleset *rs, struct slice texts)
{
    drop_all(d);
    d->base = rs;
    d->now = d->before = (struct set_texts){rs->fingerprint, texts};
}

void drain_renew(struct drain *d, struct hash128 fingerprint, struct slice texts)
{
    d->before = d->now;
    d->now = (struct set_texts){fingerprint, texts};
}

const struct engine_old_rules *drain_hooks(struct drain *d)
{
    return &d->hooks;
}

bool drain_has(const struct drain *d, struct slice rule)
{
    for (size_t i = 0; i < d->n_sets; i++) {
        for (size_t k = 0; k < d->sets[i].n; k++) {
            if (!d->sets[i].old[k].gone && slice_eq_str(rule, d->sets[i].old[k].name)) {
                return true;
            }
        }
    }
    return false;
}

void drain_figures(const struct drain *d, struct drain_figures *ret)
{
    *ret = d->figures;
    for (size_t i = 0; i < d->n_sets; i++) {
        ret->draining += (uint32_t)d->sets[i].draining;
    }
}
