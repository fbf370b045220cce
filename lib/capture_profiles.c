/* What profiles say in a captured test. A test gives measures, they do not follow its events (language.md
 * 2.23): the profiles are read over the whole input, and what they said at one moment is given, if with
 * that the alert is the same. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/capture_parts.h"
#include "lib/expectation.h"
#include "lib/replay_span.h"
#include "nfa/profile.h"

/* Keys for which a test gives profiles. */
#define MAX_GIVEN 200

struct change {
    struct etime at;
    struct value value;
};

struct measured {
    struct change *changes; /* ascending */
    size_t n, cap;
};

/* A profile of a key. */
struct series {
    struct slice id;
    const struct profile *profile;
    struct value *key;
    struct measured *measures;
    bool asked_for; /* while it was given */
    struct series *next; /* the latest one first */
};

struct reading {
    struct capture *c;
    struct etime from;
};

bool capture_reads_profiles(const struct capture *c)
{
    for (uint32_t i = 0; i < c->rs->n_rules; i++) {
        if (c->rs->rules[i].n_profiles > 0) {
            return true;
        }
    }
    return false;
}

void capture_profiles_release(struct capture *c)
{
    for (struct series *s = c->series; s; s = s->next) {
        for (uint32_t i = 0; i < s->profile->n_measures; i++) {
            free(s->measures[i].changes);
        }
    }
    free(c->moments);
    map_release(&c->series_by_id);
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct series *find_series(struct capture *c, const struct profile *p,
                                  const struct value *key, struct buf *id)
{
    buf_printf(id, "%u:", p->index);
    for (uint32_t i = 0; i < p->n_key; i++) {
        value_encode(key[i], id);
    }
    return map_get(&c->series_by_id, buf_slice(id));
}

/* struct measure_watch, while profiles are given. */
static void on_given(void *ctx, const struct measure *m, const struct value *key, struct etime at,
                     struct value value)
{
    FYKE_CLEANUP(buf_release) struct buf id = BUF_INIT;
    struct capture *c = ctx;
    struct series *s = find_series(c, &c->rs->profiles[m->profile], key, &id);
    (void)at;
    (void)value;
    if (s) {
        s->asked_for = true;
    }
}

void capture_profiles_init(struct capture *c)
{
    map_init(&c->series_by_id, MAP_BORROW_KEYS);
    c->given_watch = (struct measure_watch){on_given, c};
}

static struct series *series_of(struct capture *c, const struct profile *p, const struct value *key)
{
    FYKE_CLEANUP(buf_release) struct buf id = BUF_INIT;
    struct arena *arena = &c->result->arena;
    struct series *s = find_series(c, p, key, &id);
    if (s) {
        return s;
    }
    s = ARENA_NEW(arena, struct series);
    *s = (struct series){.id = arena_copy(arena, buf_slice(&id)), .profile = p};
    s->key = ARENA_ARRAY(arena, struct value, p->n_key + 1u);
    s->measures = ARENA_ARRAY(arena, struct measured, p->n_measures + 1u);
    for (uint32_t i = 0; i < p->n_key; i++) {
        s->key[i] = value_copy(key[i], arena);
    }
    s->next = c->series;
    c->series = s;
    map_add(&c->series_by_id, s->id, s);
    return s;
}

/* struct measure_watch: readings of one key come in the order of time. */
static void on_read(void *ctx, const struct measure *m, const struct value *key, struct etime at,
                    struct value value)
{
    struct reading *r = ctx;
    struct capture *c = r->c;
    const struct profile *p = &c->rs->profiles[m->profile];
    uint32_t i = m->index - p->first_measure;
    if (m->index < p->first_measure || i >= p->n_measures || etime_lt(at, r->from) ||
        etime_lt(c->until, at)) {
        return; /* a leaf, or out of the question */
    }
    struct measured *to = &series_of(c, p, key)->measures[i];
    if (to->n == 0 || value_compare(to->changes[to->n - 1].value, value) != 0) {
        VEC_PUSH(to->changes, to->n, to->cap) =
            (struct change){at, value_copy(value, &c->result->arena)};
        VEC_PUSH(c->moments, c->n_moments, c->cap_moments) = at;
    }
}

static int latest_first(const void *a, const void *b)
{
    return etime_cmp(*(const struct etime *)b, *(const struct etime *)a);
}

/* At which moments something was another value than before. */
static void order_moments(struct capture *c)
{
    size_t n = 0;
    if (c->n_moments > 1) {
        qsort(c->moments, c->n_moments, sizeof(*c->moments), latest_first);
    }
    for (size_t i = 0; i < c->n_moments; i++) {
        if (n == 0 || c->moments[n - 1].ns != c->moments[i].ns) {
            c->moments[n++] = c->moments[i];
        }
    }
    c->n_moments = n;
}

enum err capture_read_profiles(struct capture *c, struct etime from, struct error *err)
{
    struct reading r = {.c = c, .from = from};
    const struct measure_watch watch = {on_read, &r};
    const struct profiles_given looked = {.watch = &watch};
    const struct why_evaluation how = {.given = &looked};
    struct memory_sink sink;
    uint32_t rule;
    FYKE_TRY(why_find_rule(rules_ruleset(c->rules), c->config->asked.rule, &rule, err));
    memory_sink_init(&sink);
    enum err rc = why_evaluate(&c->events, rules_ruleset(c->rules), rule, &how, &sink, err);
    memory_sink_release(&sink);
    order_moments(c);
    return rc;
}

/* ---- giving ---------------------------------------------------------------------------------- */

/* As it was read last; before the first reading, as it was then. */
static struct value as_of(const struct measured *m, struct etime t)
{
    size_t i = m->n;
    while (i > 1 && etime_lt(t, m->changes[i - 1].at)) {
        i--;
    }
    return m->n > 0 ? m->changes[i - 1].value : VALUE_MISSING;
}

/* In the order of the profile's key; they have the names of the rule's. */
static struct value *key_for(const struct capture *c, const struct profile *p, struct arena *arena)
{
    const struct rule *rule = c->events.rule;
    struct value *key = ARENA_ARRAY(arena, struct value, p->n_key + 1u);
    for (uint32_t k = 0; k < p->n_key; k++) {
        for (uint32_t i = 0; i < rule->n_key; i++) {
            if (slice_eq(rule->key_names[i], p->key_names[k])) {
                key[k] = c->events.key[i];
            }
        }
    }
    return key;
}

/* A test gives every profile that its rule reads, for some key (E0435). */
static void give_unread(struct capture *c, struct profile_given *items, size_t *n)
{
    struct arena *arena = &c->result->arena;
    const struct rule *rule = c->events.rule;
    for (uint32_t i = 0; i < rule->n_profiles; i++) {
        const struct profile *p = &c->rs->profiles[rule->profiles[i]];
        bool given = false;
        for (size_t g = 0; g < *n; g++) {
            given = given || items[g].profile == p->index;
        }
        if (!given) {
            items[(*n)++] = (struct profile_given){
                p->index, key_for(c, p, arena), ARENA_ARRAY(arena, struct value, p->n_measures + 1u)};
        }
    }
}

/* Of all that were read then, or of those that were asked for. */
static void give(struct capture *c, struct etime t, bool all)
{
    struct arena *arena = &c->result->arena;
    size_t n = c->events.rule->n_profiles + c->series_by_id.n;
    struct profile_given *items = ARENA_ARRAY(arena, struct profile_given, n + 1);
    n = 0;
    for (struct series *s = c->series; s; s = s->next) {
        struct value *values = ARENA_ARRAY(arena, struct value, s->profile->n_measures + 1u);
        for (uint32_t i = 0; i < s->profile->n_measures; i++) {
            values[i] = as_of(&s->measures[i], t);
        }
        if (all || s->asked_for) {
            items[n++] = (struct profile_given){s->profile->index, s->key, values};
        }
        s->asked_for = false;
    }
    give_unread(c, items, &n);
    c->given = (struct profiles_given){items, (uint32_t)n, &c->given_watch};
    c->given_as_of = t;
}

void capture_give(struct capture *c, struct etime t)
{
    give(c, t, true);
}

void capture_give_less(struct capture *c)
{
    give(c, c->given_as_of, false);
}

/* ---- hidden values --------------------------------------------------------------------------- */

static const struct measure *measure_of(const struct capture *c, const struct profile_given *g,
                                        uint32_t i)
{
    return &c->rs->measures[c->rs->profiles[g->profile].first_measure + i];
}

static enum err add_measures(struct capture *c, const struct profile_given *g, struct error *err)
{
    for (uint32_t i = 0; i < c->rs->profiles[g->profile].n_measures; i++) {
        struct slice kind;
        if (value_is_missing(g->measures[i])) {
            continue;
        }
        if (!capture_measure_kind(c, measure_of(c, g, i), &kind)) {
            return error_set(err, ERR_RULES, "the test would have to give %.*s, which is made of hidden "
                             "values", SLICE_ARG(measure_of(c, g, i)->full_name));
        }
        if (kind.len > 0) {
            pseudonyms_add(&c->pseudonyms, kind, g->measures[i]);
        }
    }
    return ERR_OK;
}

enum err capture_hide_given(struct capture *c, struct error *err)
{
    if (c->given.n > MAX_GIVEN) {
        return error_set(err, ERR_RULES, "the test would have to give profiles for %u keys, more than %d",
                         c->given.n, MAX_GIVEN);
    }
    for (uint32_t i = 0; i < c->given.n; i++) {
        const struct profile_given *g = &c->given.items[i];
        const struct profile *p = &c->rs->profiles[g->profile];
        FYKE_TRY(add_measures(c, g, err));
        for (uint32_t k = 0; k < p->n_key; k++) {
            struct slice kind;
            if (!capture_profile_key_kind(c, p, k, &kind)) {
                return error_set(err, ERR_RULES, "the key of profile %.*s is made of hidden values",
                                 SLICE_ARG(p->name));
            }
            if (kind.len > 0) {
                pseudonyms_add(&c->pseudonyms, kind, g->key[k]);
            }
        }
    }
    return ERR_OK;
}

/* ---- text ------------------------------------------------------------------------------------ */

static struct value shown(const struct capture *c, struct slice kind, struct value v,
                          struct arena *arena)
{
    return kind.len > 0 ? pseudonym_of(&c->pseudonyms, kind, v, arena) : v;
}

static enum err put_measures(const struct capture *c, const struct profile_given *g,
                             struct arena *arena, struct buf *out, struct error *err)
{
    bool any = false;
    for (uint32_t i = 0; i < c->rs->profiles[g->profile].n_measures; i++) {
        const struct measure *m = measure_of(c, g, i);
        const struct expr *e = measure_result(m);
        struct slice kind = {0};
        if (value_is_missing(g->measures[i])) {
            continue;
        }
        (void)capture_measure_kind(c, m, &kind);
        buf_puts(out, any ? "  " : " { ");
        expectation_put_name(m->name, out);
        buf_puts(out, " = ");
        if (!expectation_put_value((enum value_kind)e->kind, (enum value_kind)e->item_kind,
                                   shown(c, kind, g->measures[i], arena), out)) {
            return error_set(err, ERR_RULES, "the test would have to give %.*s, and there is no way to "
                             "write its value", SLICE_ARG(m->full_name));
        }
        any = true;
    }
    buf_puts(out, any ? " }" : "");
    return ERR_OK;
}

static enum err put_given(const struct capture *c, const struct profile_given *g,
                          struct arena *arena, struct buf *out, struct error *err)
{
    const struct profile *p = &c->rs->profiles[g->profile];
    buf_puts(out, "\n  given profile ");
    expectation_put_name(p->name, out);
    buf_puts(out, " for ");
    for (uint32_t k = 0; k < p->n_key; k++) {
        struct slice kind = {0};
        (void)capture_profile_key_kind(c, p, k, &kind);
        buf_puts(out, k > 0 ? ", " : "");
        if (!expectation_put_value(p->key_kinds[k], VAL_MISSING, shown(c, kind, g->key[k], arena),
                                   out)) {
            return error_set(err, ERR_RULES, "the test would have to give profile %.*s, and there is no "
                             "way to write its key", SLICE_ARG(p->name));
        }
    }
    return put_measures(c, g, arena, out, err);
}

enum err capture_put_given(const struct capture *c, struct buf *out, struct error *err)
{
    struct arena scratch = ARENA_INIT;
    enum err rc = ERR_OK;
    for (uint32_t i = 0; rc == ERR_OK && i < c->given.n; i++) {
        rc = put_given(c, &c->given.items[i], &scratch, out, err);
    }
    arena_release(&scratch);
    return rc;
}
