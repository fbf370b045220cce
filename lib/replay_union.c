#include "lib/replay_union.h"

#include <string.h>

static uint32_t find_topic(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        if (slice_eq(rs->topics[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void add_topics(struct replay_union *u, const struct ruleset *rs, uint32_t set)
{
    for (uint32_t i = 0; i < rs->n_topics; i++) {
        if (find_topic(&u->rs, rs->topics[i].name) == UINT32_MAX) {
            struct schema_topic *t = &u->rs.topics[u->rs.n_topics];
            *t = rs->topics[i];
            t->index = u->rs.n_topics;
            t->n_decls = 0;
            u->first[u->rs.n_topics++] = set;
        }
    }
}

/* Declarations stand behind one another, set by set; their topics are those of the union. */
static void add_decls(struct replay_union *u, const struct ruleset *rs)
{
    for (uint32_t i = 0; i < rs->n_decls; i++) {
        struct schema_decl *d = &u->rs.decls[u->rs.n_decls];
        *d = rs->decls[i];
        d->index = u->rs.n_decls++;
        d->topics = ARENA_ARRAY(&u->arena, uint32_t, d->n_topics + 1u);
        for (uint32_t k = 0; k < d->n_topics; k++) {
            uint32_t topic = find_topic(&u->rs, rs->topics[rs->decls[i].topics[k]].name);
            struct schema_topic *t = &u->rs.topics[topic];
            d->topics[k] = topic;
            t->decls[t->n_decls++] = d->index;
        }
    }
}

void replay_union_init(struct replay_union *u, const struct ruleset *const *sets, uint32_t n)
{
    uint32_t topics = 0, decls = 0;
    *u = (struct replay_union){0};
    for (uint32_t i = 0; i < n; i++) {
        topics += sets[i]->n_topics;
        decls += sets[i]->n_decls;
    }
    u->rs.topics = ARENA_ARRAY(&u->arena, struct schema_topic, topics + 1u);
    u->rs.decls = ARENA_ARRAY(&u->arena, struct schema_decl, decls + 1u);
    u->first = ARENA_ARRAY(&u->arena, uint32_t, topics + 1u);
    u->own = ARENA_ARRAY(&u->arena, uint32_t *, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        add_topics(u, sets[i], i);
    }
    for (uint32_t t = 0; t < u->rs.n_topics; t++) {
        u->rs.topics[t].decls = ARENA_ARRAY(&u->arena, uint32_t, decls + 1u);
    }
    for (uint32_t i = 0; i < n; i++) {
        add_decls(u, sets[i]);
        u->own[i] = ARENA_ARRAY(&u->arena, uint32_t, u->rs.n_topics + 1u);
        for (uint32_t t = 0; t < u->rs.n_topics; t++) {
            u->own[i][t] = find_topic(sets[i], u->rs.topics[t].name);
        }
    }
}

void replay_union_release(struct replay_union *u)
{
    arena_release(&u->arena);
}
