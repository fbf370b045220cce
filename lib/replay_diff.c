#include "lib/replay_diff.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/replay_pairs.h"
#include "nfa/rule_same.h"

const char *diff_class_name(enum diff_class c)
{
    static const char *const names[] = {"same", "changed", "earlier", "later", "lost", "new"};
    return names[c];
}

/* ---- rules ---------------------------------------------------------------------------------- */

struct maker {
    struct replay_diff *diff;
    size_t cap;
};

static uint32_t rule_number(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (slice_eq(rs->rules[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* The text of a rule may be the same, and what it names another. */
static void look_behind(const struct replay_diff *d, struct diff_rule *r)
{
    const struct rule *was = &d->was->rs->rules[r->old_index], *is = &d->is->rs->rules[r->new_index];
    r->other_lists = rule_data_differ(d->is->rs, is, d->was->rs);
    if (r->fate == RULE_UNCHANGED && !rules_tell_same(d->was->rs, was, d->is->rs, is)) {
        r->fate = RULE_KEPT;
    }
}

static void add_rule(void *ctx, struct slice name, enum rule_fate fate)
{
    struct maker *m = ctx;
    struct replay_diff *d = m->diff;
    struct diff_rule *r = &VEC_PUSH(d->rules, d->n_rules, m->cap);
    *r = (struct diff_rule){.name = name,
                            .old_index = rule_number(d->was->rs, name),
                            .new_index = rule_number(d->is->rs, name),
                            .fate = fate};
    if (r->old_index != UINT32_MAX && r->new_index != UINT32_MAX) {
        look_behind(d, r);
    }
}

/* Where it stands, of the set that has it. */
static void find_place(const struct compilation *c, struct diff_rule *r)
{
    for (uint32_t f = 0; f < c->n_files; f++) {
        for (const struct ast_decl *d = c->files[f]->first; d; d = d->next) {
            if (d->kind == AST_DECL_RULE && slice_eq(d->rule.name->text, r->name)) {
                const struct rule_file *src = sources_get(&c->sources, d->span.file);
                r->file = src->path;
                r->line = source_position(src, d->span.start).line;
                return;
            }
        }
    }
}

/* ---- what has become of an alert ------------------------------------------------------------ */

static enum diff_class class_of(const struct replay_alert *was, const struct replay_alert *is)
{
    if (!was || !is) {
        return was ? DIFF_LOST : DIFF_NEW;
    }
    if (was->detected.ns != is->detected.ns) {
        return is->detected.ns < was->detected.ns ? DIFF_EARLIER : DIFF_LATER;
    }
    return was->evidence == is->evidence && was->emit == is->emit ? DIFF_SAME : DIFF_CHANGED;
}

static void add_length(struct replay_lengths *l, struct etime from, struct etime to)
{
    VEC_PUSH(l->ns, l->n, l->cap) = etime_diff(to, from).ns;
}

static int64_t length_of(const struct replay_alert *a)
{
    return a->has_first ? etime_diff(a->last, a->first).ns : 0;
}

static void note(struct diff_rule *r, const struct pair_side *was_side,
                 const struct replay_alert *was, const struct pair_side *is_side,
                 const struct replay_alert *is)
{
    if (!(was && was->counts) && !(is && is->counts)) {
        return;
    }
    enum diff_class class = class_of(was, is);
    r->n[class]++;
    r->n_true[class] += is ? is->is_true : was->is_true;
    if (class == DIFF_NEW && (!r->shortest_new || length_of(is) < length_of(r->shortest_new))) {
        r->shortest_new = is;
    }
    if (class == DIFF_EARLIER) {
        add_length(&r->earlier, is->detected, was->detected);
    } else if (class == DIFF_LATER) {
        add_length(&r->later, was->detected, is->detected);
    }
    if (class == DIFF_SAME || r->n[class] > DIFF_EXAMPLES) {
        return;
    }
    struct diff_example *e = &VEC_PUSH(r->examples, r->n_examples, r->cap_examples);
    *e = (struct diff_example){.class = class, .was = was, .is = is};
    if (was && is) {
        uint32_t common = pair_common(was_side, was, is_side, is);
        e->events_gone = was->n_events - common;
        e->events_added = is->n_events - common;
        e->other_emit = was->emit != is->emit;
    }
}

/* Examples in order of time of what is left, whichever side has it. */
static void note_all(struct diff_rule *r, const struct pair_side *was, const struct pair_side *is)
{
    for (size_t i = 0; i < was->n; i++) {
        bool lost = was->with[i] == PAIR_NONE;
        note(r, was, was->items[i], is, lost ? NULL : is->items[was->with[i]]);
    }
    for (size_t k = 0; k < is->n; k++) {
        if (is->with[k] == PAIR_NONE) {
            note(r, was, NULL, is, is->items[k]);
        }
    }
}

/* ---- groups --------------------------------------------------------------------------------- */

struct entry {
    const struct replay_alert *alert;
    struct slice key;
};

static int compare_group(const struct entry *a, const struct entry *b)
{
    int c = slice_cmp(a->key, b->key);
    return c != 0 ? c : (int)a->alert->is_timeout - (int)b->alert->is_timeout;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = compare_group(x, y);
    if (c != 0) {
        return c;
    }
    if (x->alert->detected.ns != y->alert->detected.ns) {
        return x->alert->detected.ns < y->alert->detected.ns ? -1 : 1;
    }
    if (x->alert->evidence != y->alert->evidence) {
        return x->alert->evidence < y->alert->evidence ? -1 : 1;
    }
    return hash128_cmp(x->alert->match_id, y->alert->match_id);
}

/* All alerts of a replay by rule, then by group and in the order of pairing. */
struct sorted {
    struct entry *entries;
    size_t *first; /* per rule, and behind the last one */
};

static void sorted_make(struct sorted *s, const struct replay_result *r)
{
    const struct replay_alerts *a = r->alerts;
    s->entries = xcalloc(a->n + 1, sizeof(*s->entries));
    s->first = xcalloc(r->n_rules + 2u, sizeof(*s->first));
    for (size_t i = 0; i < a->n; i++) {
        s->first[a->items[i].rule + 2]++;
    }
    for (uint32_t k = 2; k <= r->n_rules; k++) {
        s->first[k] += s->first[k - 1];
    }
    for (size_t i = 0; i < a->n; i++) {
        s->entries[s->first[a->items[i].rule + 1]++] =
            (struct entry){&a->items[i], replay_alert_key(a, &a->items[i])};
    }
    for (uint32_t k = 0; k < r->n_rules; k++) {
        size_t n = s->first[k + 1] - s->first[k];
        if (n > 1) {
            qsort(&s->entries[s->first[k]], n, sizeof(*s->entries), compare_entries);
        }
    }
}

static void sorted_release(struct sorted *s)
{
    free(s->entries);
    free(s->first);
}

static size_t entries_of(const struct sorted *s, uint32_t rule, const struct entry **ret)
{
    if (rule == UINT32_MAX) {
        *ret = NULL;
        return 0;
    }
    *ret = &s->entries[s->first[rule]];
    return s->first[rule + 1] - s->first[rule];
}

/* The entries of one group from *at on, as a side. */
static void take_group(struct pair_side *s, const struct entry *entries, size_t n, size_t *at,
                       const struct entry *group)
{
    s->n = 0;
    while (*at < n && compare_group(&entries[*at], group) == 0) {
        s->items[s->n++] = entries[(*at)++].alert;
    }
}

static void open_side(struct pair_side *s, const struct replay_alerts *a, size_t n)
{
    *s = (struct pair_side){.alerts = a,
                            .items = xcalloc(n + 1, sizeof(*s->items)),
                            .with = xcalloc(n + 1, sizeof(*s->with))};
}

static void close_side(struct pair_side *s)
{
    free(s->items);
    free(s->with);
}

static void compare_rule(const struct replay_diff *d, const struct sorted *sides,
                         struct diff_rule *r)
{
    const struct entry *old, *new;
    struct pair_side was, is;
    size_t n_old = entries_of(&sides[0], r->old_index, &old);
    size_t n_new = entries_of(&sides[1], r->new_index, &new);
    open_side(&was, d->was->alerts, n_old);
    open_side(&is, d->is->alerts, n_new);
    for (size_t i = 0, k = 0; i < n_old || k < n_new;) {
        bool first = k == n_new || (i < n_old && compare_group(&old[i], &new[k]) <= 0);
        struct entry group = first ? old[i] : new[k];
        take_group(&was, old, n_old, &i, &group);
        take_group(&is, new, n_new, &k, &group);
        pair_alerts(&was, &is);
        note_all(r, &was, &is);
    }
    close_side(&was);
    close_side(&is);
}

static uint64_t alerts_of(const struct replay_result *r, uint32_t rule)
{
    return rule == UINT32_MAX ? 0 : r->rules[rule].matches + r->rules[rule].timeouts;
}

void replay_diff_make(const struct fyke_rules *old_rules, const struct fyke_rules *new_rules,
                      const struct replay_result *was, const struct replay_result *is,
                      struct replay_diff *ret)
{
    struct rule_diff fates;
    struct maker m = {.diff = ret};
    struct sorted sides[2];
    *ret = (struct replay_diff){.was = was, .is = is};
    rules_compare(old_rules, new_rules, add_rule, &m, &fates);
    sorted_make(&sides[0], was);
    sorted_make(&sides[1], is);
    for (size_t i = 0; i < ret->n_rules; i++) {
        struct diff_rule *r = &ret->rules[i];
        find_place((r->new_index != UINT32_MAX ? new_rules : old_rules)->compilation, r);
        r->was = alerts_of(was, r->old_index);
        r->is = alerts_of(is, r->new_index);
        compare_rule(ret, sides, r);
        replay_lengths_sort(&r->earlier);
        replay_lengths_sort(&r->later);
        for (int c = 0; c < DIFF_CLASSES; c++) {
            ret->n[c] += r->n[c];
        }
    }
    sorted_release(&sides[0]);
    sorted_release(&sides[1]);
}

void replay_diff_release(struct replay_diff *d)
{
    for (size_t i = 0; i < d->n_rules; i++) {
        free(d->rules[i].earlier.ns);
        free(d->rules[i].later.ns);
        free(d->rules[i].examples);
    }
    free(d->rules);
    *d = (struct replay_diff){0};
}

uint64_t replay_diff_findings(const struct replay_diff *d)
{
    uint64_t n = 0;
    for (int c = 0; c < DIFF_CLASSES; c++) {
        n += c == DIFF_SAME ? 0 : d->n[c];
    }
    return n;
}

const struct diff_rule *replay_diff_rule(const struct replay_diff *d, struct slice name)
{
    for (size_t i = 0; i < d->n_rules; i++) {
        if (slice_eq(d->rules[i].name, name)) {
            return &d->rules[i];
        }
    }
    return NULL;
}
