#include "lib/rule_diff.h"

#include "base/map.h"
#include "nfa/rule.h"

struct known_rule {
    const struct rule *rule;
    struct slice text; /* as written */
    bool found;        /* in the other set */
};

/* The rules of a set by name. */
struct known_rules {
    struct arena arena;
    struct map by_name;
    struct known_rule *items;
    uint32_t n;
};

static void add_texts(struct known_rules *k, const struct compilation *c)
{
    for (uint32_t f = 0; f < c->n_files; f++) {
        for (const struct ast_decl *d = c->files[f]->first; d; d = d->next) {
            struct known_rule *r =
                d->kind == AST_DECL_RULE ? map_get(&k->by_name, d->rule.name->text) : NULL;
            if (r) {
                r->text = source_text(sources_get(&c->sources, d->span.file), d->span);
            }
        }
    }
}

static void know(struct known_rules *k, const struct fyke_rules *rules)
{
    const struct ruleset *rs = rules_ruleset(rules);
    arena_init(&k->arena);
    map_init(&k->by_name, MAP_BORROW_KEYS);
    k->items = ARENA_ARRAY(&k->arena, struct known_rule, rs->n_rules + 1u);
    for (k->n = 0; k->n < rs->n_rules; k->n++) {
        k->items[k->n].rule = &rs->rules[k->n];
        map_set(&k->by_name, rs->rules[k->n].name, &k->items[k->n]);
    }
    add_texts(k, rules->compilation);
}

static void forget(struct known_rules *k)
{
    map_release(&k->by_name);
    arena_release(&k->arena);
}

/* A rule that is disabled keeps nothing; enabled again it begins anew. */
static enum rule_fate fate_of(const struct known_rule *was, const struct known_rule *is)
{
    if (!was || (rule_is_disabled(was->rule) && !rule_is_disabled(is->rule))) {
        return RULE_NEW;
    }
    if (slice_eq(was->text, is->text) && was->rule->plan == is->rule->plan) {
        return RULE_UNCHANGED;
    }
    bool stops = rule_is_disabled(is->rule) && !rule_is_disabled(was->rule);
    return was->rule->plan == is->rule->plan && !stops ? RULE_KEPT : RULE_CHANGED;
}

static void note(enum rule_fate fate, struct slice name, rule_fate_fn each, void *ctx,
                 struct rule_diff *d)
{
    switch (fate) {
    case RULE_UNCHANGED: d->unchanged++; break;
    case RULE_KEPT: d->kept++; break;
    case RULE_NEW: d->fresh++; break;
    case RULE_CHANGED: d->changed++; break;
    case RULE_REMOVED: d->removed++; break;
    }
    if (each) {
        each(ctx, name, fate);
    }
}

void rules_compare(const struct fyke_rules *before, const struct fyke_rules *after,
                   rule_fate_fn each, void *ctx, struct rule_diff *ret)
{
    struct known_rules was, is;
    know(&was, before);
    know(&is, after);
    *ret = (struct rule_diff){0};
    for (uint32_t i = 0; i < is.n; i++) {
        struct known_rule *old = map_get(&was.by_name, is.items[i].rule->name);
        if (old) {
            old->found = true;
        }
        note(fate_of(old, &is.items[i]), is.items[i].rule->name, each, ctx, ret);
    }
    for (uint32_t i = 0; i < was.n; i++) {
        if (!was.items[i].found) {
            note(RULE_REMOVED, was.items[i].rule->name, each, ctx, ret);
        }
    }
    forget(&was);
    forget(&is);
}

/* The next file of rules at or behind *i; NULL: none. */
static const struct rule_file *next_text(const struct sources *set, uint32_t *i)
{
    while (*i < set->n) {
        const struct rule_file *f = sources_get(set, (*i)++);
        if (!f->is_data) {
            return f;
        }
    }
    return NULL;
}

bool rules_differ_in_data_only(const struct fyke_rules *before, const struct fyke_rules *after)
{
    const struct sources *a = &before->compilation->sources, *b = &after->compilation->sources;
    uint32_t i = 0, k = 0;
    for (;;) {
        const struct rule_file *x = next_text(a, &i), *y = next_text(b, &k);
        if (!x || !y) {
            return x == y;
        }
        if (!slice_eq(x->text, y->text)) {
            return false;
        }
    }
}
