/* Events → keys: which keys of which key groups an event belongs to.
 *
 * A key group is the rules with the same `for each` (names and kinds), the same clock group and the
 * same level (rule.level); their state for one key stands in one record. Clock group and level
 * together are a stage: what runs one after the other in a pass. It is identified by a hash of that, never by a
 * number, so that stored state survives other rules coming and going.
 *
 * An event may belong to two keys of one group through two roles (`for each account = In.to =
 * Out.from`), and the same expression is evaluated once however many rules use it: that is a
 * variant. Whether a role's filter holds is decided later, by the shard.
 *
 * Thread rule: the table is immutable; evaluation uses the caller's `struct key_eval`. */
#ifndef FYKE_ENGINE_KEYS_KEY_H
#define FYKE_ENGINE_KEYS_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "engine/keys/keyspace.h"
#include "engine/keys/kin_table.h"
#include "engine/keys/use_index.h"
#include "nfa/rule.h"
#include "nfa/value_short.h"

struct quick_need; /* nfa/quick_set.h */
struct quick_set;

/* The roles of one rule that an event of a declaration may have through a variant. */
struct key_use {
    uint32_t rule;
    bool by_event; /* whether it wants an event is known by fields of the event and constants */
    bool filtered; /* a role of the rule that the declaration may have asks the event for more */
    uint8_t shift; /* quick_needs_shift() */
    uint64_t roles;
    uint64_t begin_tests; /* who passes none of them begins no match: rule_begins() */
    const struct quick_need *needs; /* in key_variant.asks; NULL: the rule is asked by itself */
    uint32_t n_needs;
    uint64_t tests; /* of the needs */
};

/* The measures of a profile that an event of a declaration may feed through a variant. */
struct key_follow {
    uint32_t profile;
    uint64_t roles; /* of the profile */
    uint32_t first_measure, n_measures; /* key_table.measures */
};

/* A measure as a key group keeps it. Its slot in records is ruleset.n_units + its index. */
struct key_measure {
    uint32_t measure;
    uint32_t key_group;
};

/* One way to compute a key of the group from an event of one declaration. */
struct key_variant {
    uint32_t decl;
    const struct expr **exprs; /* key_group.n_values */
    bool is_field;             /* the only one is a field of the event, in this slot */
    uint32_t slot;
    struct key_use *uses;      /* ascending by rule; of kin the leader alone */
    uint32_t n_uses;
    const struct use_index *index; /* NULL: every use is asked */
    struct quick_set *asks;        /* what the uses ask of an event by itself; NULL with an index */
    struct key_follow *follows; /* ascending by profile */
    uint32_t n_follows;
};

/* Rules beyond the first 64 share bits. */
static inline uint64_t key_rule_bit(uint32_t rule)
{
    return UINT64_C(1) << (rule % 64);
}

struct key_group {
    uint32_t index;
    uint32_t clock_group;
    uint32_t stage;
    uint32_t n_values;
    const enum value_kind *kinds; /* borrowed from the first rule, as the names */
    const struct slice *names;
    struct hash128 identity; /* key names, kinds, the sorted names of the sources, the level */
    char identity_bytes[16]; /* the same, as it stands in front of the bytes that are hashed */
    uint32_t *rules;         /* ascending; copies too */
    uint32_t n_rules;
    bool keeps_quiet;        /* values may be missing: they name a group of `quiet … per` */
    uint32_t first_measure, n_measures; /* that its rules read */
    struct key_variant *variants; /* those without uses last */
    uint32_t n_variants;
};

/* Where an event of a declaration goes within a stage. */
struct key_route {
    uint32_t key_group;
    uint32_t variant; /* index in key_group.variants */
};

struct key_table {
    const struct ruleset *rs;
    struct key_group *groups;
    uint32_t n_groups;
    struct key_measure *measures; /* by key group, then by profile */
    uint32_t n_measures;
    uint32_t n_indices;      /* of variants */
    uint32_t index_words;    /* the most that a set of uses has */
    struct kin_table kin;    /* rules that share what they keep */
    uint32_t *group_of_unit; /* of rules that are not disabled */
    /* routes[stage * n_decls + decl] */
    struct key_routes {
        struct key_route *items;
        uint32_t n;
    } *routes;
    struct arena arena;
};

void key_table_init(struct key_table *t, const struct ruleset *rs);
/* The same; rules share what they keep where they can. */
void key_table_init_shared(struct key_table *t, const struct ruleset *rs);
void key_table_release(struct key_table *t);

static inline const struct key_routes *key_table_routes(const struct key_table *t,
                                                        uint32_t stage, uint32_t decl)
{
    return &t->routes[(size_t)stage * t->rs->n_decls + decl];
}

/* What the variant does with a rule. NULL: nothing. */
const struct key_use *key_variant_use(const struct key_variant *v, uint32_t rule);
/* The rule counts events that the variant's index keeps from it. */
bool key_variant_hands(const struct key_variant *v, uint32_t rule);

struct key_eval {
    struct arena scratch;          /* of expressions; its owner resets it between batches */
    struct eval_counters counters; /* what key expressions could not compute */
    const struct eval_env *env;    /* NULL: none */
    struct buf canonical;
};

void key_eval_init(struct key_eval *ev);
void key_eval_release(struct key_eval *ev);

/* The key of an event through a variant. False: a part is missing. The canonical bytes lie in ev->scratch; the values,
 * and their text, lie there or in the event. */
bool key_of(const struct key_group *g, const struct key_variant *v, const struct event *e,
            struct key_eval *ev, struct key_ref *ret);

/* The event's own value, if that is the key and a short text, as most are; else NULL. */
static inline const struct value *key_short_text(const struct key_variant *v, const struct event *e)
{
    bool is_there = v->is_field && v->decl == e->decl && v->slot < e->n_values;
    return is_there && value_is_short_text(&e->values[v->slot]) ? &e->values[v->slot] : NULL;
}
/* key_of() where there is one. */
static inline struct key_ref key_of_short_text(const struct key_group *g, const struct value *text, struct key_eval *ev)
{
    size_t head = sizeof(g->identity_bytes), n = head + value_short_text_bytes(text->len);
    char *hashed = arena_room(&ev->scratch, n);
    arena_take(&ev->scratch, n);
    memcpy(hashed, g->identity_bytes, head);
    value_encode_short_text(slice_from(text->u.str, text->len), hashed + head);
    return (struct key_ref){
        .key_group = g->index,
        .hash = hash128(slice_from(hashed, n)),
        .canonical = slice_from(hashed + head, n - head),
        .values = text,
        .n_values = 1,
    };
}

/* The hash of canonical key bytes under a group's identity. */
struct hash128 key_hash(const struct key_group *g, struct slice canonical);

/* The key of values that are given, missing ones too, and stay where they are; as for key_of(). */
struct key_ref key_of_values(const struct key_group *g, const struct value *values,
                             struct key_eval *ev);

/* Kafka key (formats.md section 2): bare text for one value, a JSON array for several. */
void key_to_text(const struct value *values, uint32_t n, struct buf *out);
/* Value by value, then fewer values first. */
int key_compare(const struct value *a, uint32_t na, const struct value *b, uint32_t nb);

#endif
