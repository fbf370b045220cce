#include "lib/drain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "engine/state/store_bytes.h"
#include "lib/drain_parts.h"
#include "lib/rule_store.h"

void drain_say(const struct drain *d, const char *fmt, ...)
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

void drain_forget(struct old_set *s, size_t i)
{
    s->draining -= !s->old[i].gone;
    s->old[i].gone = true;
}

static void free_rules(void *rules)
{
    fyke_rules_free(rules);
}

static void free_linked(void *rs)
{
    ruleset_free(rs);
}

static void release_set(struct drain *d, struct old_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->old[i].name);
    }
    free(s->old);
    later_free(d->later, free_rules, s->rules);
    buf_release(&s->texts);
}

static void drop_set(struct drain *d, size_t i)
{
    release_set(d, &d->sets[i]);
    d->n_sets--;
    memmove(d->sets + i, d->sets + i + 1, (d->n_sets - i) * sizeof(*d->sets));
}

static void drop_all(struct drain *d)
{
    later_free(d->later, free_linked, d->linked);
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
        drain_say(d, SAY_ERROR "reload: the old versions of rules that are stored do not decode: what they "
            "have open is dropped");
        drop_all(d);
    }
}

/* ---- which rules drain ---------------------------------------------------------------------- */

void drain_index(const struct ruleset *rs, struct map *by_name)
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
    drain_index(rules_ruleset(s->rules), &old);
    for (size_t i = 0; i < s->n; i++) {
        struct slice name = slice_of(s->old[i].name);
        if (!has_changed(map_get(&old, name), map_get(in_force, name))) {
            drain_forget(s, i);
        }
    }
    map_release(&old);
}

static bool compile_set(struct drain *d, struct old_set *s)
{
    struct error err = ERROR_INIT;
    s->rules = drain_kit_take(d->kit, s->fingerprint, buf_slice(&s->texts));
    if (s->rules) {
        return true;
    }
    if (rule_store_decode(buf_slice(&s->texts), s->fingerprint, NULL, 0, &s->rules, &err) ==
        ERR_OK) {
        return true;
    }
    drain_say(d, SAY_ERROR "reload: %s: what its changed rules have open is dropped", err.text);
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
        drain_say(d, SAY_WARNING "reload: rules of more than %d older sets, or of more than %zu MiB, would "
            "drain: what %zu rules of the oldest, %s, have open is dropped", DRAIN_MAX_SETS,
            RULE_STORE_MAX_BYTES >> 20, d->sets[0].draining, hex);
        d->figures.dropped += d->sets[0].draining;
        drop_set(d, 0);
    }
}

/* ---- opening -------------------------------------------------------------------------------- */

static void note_found(struct drain *d, struct slice texts, struct hash128 fingerprint)
{
    struct slice set, rest;
    if (d->opened) {
        return;
    }
    d->found = true;
    d->found_under = fingerprint;
    if (texts.len > 0 && rule_store_split(texts, &set, &rest) &&
        !hash128_eq(fingerprint, d->base->fingerprint)) {
        buf_put_slice(&d->found_texts, set);
    }
}

static const struct ruleset *open_rules(void *ctx, struct slice texts, struct hash128 fingerprint)
{
    struct drain *d = ctx;
    struct slice set, rest;
    struct map in_force;
    bool switches = !hash128_eq(fingerprint, d->base->fingerprint);
    note_found(d, texts, fingerprint);
    d->opened = true;
    drop_all(d);
    if (d->config->drop_changed || d->off || texts.len == 0 || d->now.texts.len == 0 ||
        !rule_store_split(texts, &set, &rest)) {
        return d->base;
    }
    read_sets(d, rest);
    if (switches) {
        add_set(d, fingerprint, set);
    }
    drain_index(d->base, &in_force);
    settle_sets(d, &in_force, switches);
    drop_oldest(d);
    drain_link(d, &in_force);
    map_release(&in_force);
    return d->linked ? d->linked : d->base;
}

static void note_drained(void *ctx, const struct rule *rule)
{
    struct drain *d = ctx;
    struct old_place at = d->places[rule->original - d->linked->n_rules];
    d->figures.drained++;
    drain_forget(&d->sets[at.set], at.rule);
}

/* ---- life ----------------------------------------------------------------------------------- */

struct drain *drain_new(const struct fyke_run_config *c, struct later *later)
{
    struct drain *d = xcalloc(1, sizeof(*d));
    d->config = c;
    d->later = later;
    d->hooks = (struct engine_old_rules){open_rules, note_drained, texts_of, d};
    return d;
}

void drain_free(struct drain *d)
{
    if (!d) {
        return;
    }
    drop_all(d);
    drain_kit_free(d->kit);
    buf_release(&d->found_texts);
    free(d->sets);
    buf_release(&d->out);
    free(d);
}

void drain_opening(struct drain *d, const struct ruleset *rs, struct slice texts, bool off)
{
    drop_all(d);
    d->off = off;
    d->base = rs;
    d->now = d->before = (struct set_texts){rs->fingerprint, texts};
}

struct drain_kit *drain_make_kit(const struct drain *d)
{
    struct drain_kit *k = drain_kit_new();
    if (d->config->drop_changed || d->now.texts.len == 0) {
        return k;
    }
    drain_kit_add(k, d->now.fingerprint, d->now.texts);
    for (size_t i = 0; i < d->n_sets; i++) {
        if (d->sets[i].draining > 0) {
            drain_kit_add(k, d->sets[i].fingerprint, buf_slice(&d->sets[i].texts));
        }
    }
    return k;
}

void drain_take_kit(struct drain *d, struct drain_kit *k)
{
    drain_kit_free(d->kit);
    d->kit = k;
}

bool drain_found(const struct drain *d, struct hash128 *fingerprint, struct slice *texts)
{
    *fingerprint = d->found_under;
    *texts = buf_slice(&d->found_texts);
    return d->found;
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

void drain_names(const struct drain *d, struct map *ret)
{
    map_init(ret, MAP_BORROW_KEYS);
    for (size_t i = 0; i < d->n_sets; i++) {
        struct old_set *s = &d->sets[i];
        for (size_t k = 0; k < s->n; k++) {
            if (!s->old[k].gone) {
                map_add(ret, slice_of(s->old[k].name), s);
            }
        }
    }
}

void drain_figures(const struct drain *d, struct drain_figures *ret)
{
    *ret = d->figures;
    for (size_t i = 0; i < d->n_sets; i++) {
        ret->draining += (uint32_t)d->sets[i].draining;
    }
}
